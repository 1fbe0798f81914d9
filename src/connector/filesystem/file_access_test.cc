#include "connector/filesystem/file_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace penstock::connector {
namespace {

using std::filesystem::create_directories;
using std::filesystem::create_symlink;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// On the real file system: links are what it is about.
class FileAccessTest : public testing::Test {
 protected:
  FileAccessTest() {
    std::string pattern = testing::TempDir() + "penstock-files-XXXXXX";
    top_ = std::filesystem::canonical(mkdtemp(pattern.data()));
    create_directories(top_ + "/files/a");
    create_directories(top_ + "/secret");
    write("secret/key.json");
  }
  ~FileAccessTest() override { std::filesystem::remove_all(top_); }

  void write(const std::string& name) { std::ofstream(top_ + "/" + name) << "x\n"; }
  FileAccess access() const {
    ConnectorContext context{.env = &io::posix_env()};
    context.files_directory = top_ + "/files";
    context.data_directory = data_;
    return FileAccess::make(context).value();
  }
  // What a table of this path has, or the error.
  std::vector<std::string> find(const std::string& path) const {
    const auto resolved = access().resolve(path);
    if (!resolved) return {"error " + resolved.error().to_string()};
    const auto found = access().find(*resolved);
    if (!found) return {"error " + found.error().to_string()};
    std::vector<std::string> names;
    for (const FoundFile& file : *found) names.push_back(file.name);
    return names;
  }

  std::string top_;
  std::string data_;
};

TEST_F(FileAccessTest, APathNamesAFileADirectoryOrWhatMatches) {
  write("files/b.json");
  write("files/a/1.json");
  write("files/a/2.csv");
  create_directories(top_ + "/files/a/deep/er");
  write("files/a/deep/er/3.json");
  EXPECT_THAT(find("b.json"), ElementsAre("b.json"));
  EXPECT_THAT(find("a"), ElementsAre("a/1.json", "a/2.csv", "a/deep/er/3.json"));
  EXPECT_THAT(find("a/"), ElementsAre("a/1.json", "a/2.csv", "a/deep/er/3.json"));
  EXPECT_THAT(find("."), testing::SizeIs(4));
  EXPECT_THAT(find("*/*.json"), ElementsAre("a/1.json"));
  EXPECT_THAT(find("a/[0-1].*"), ElementsAre("a/1.json"));
  EXPECT_THAT(find("?.json"), ElementsAre("b.json"));
  EXPECT_THAT(find("a/d*"), ElementsAre("a/deep/er/3.json")) << "a folder that matches stands for its files";
  EXPECT_THAT(find("no/*.json"), IsEmpty());
  EXPECT_THAT(find(top_ + "/files/b.json"), ElementsAre("b.json"));
  EXPECT_THAT(find("file://" + top_ + "/files/b.json"), ElementsAre("b.json"));
  EXPECT_THAT(find("no.json"), ElementsAre(HasSubstr("there is no file or directory \"no.json\"")));
}

TEST_F(FileAccessTest, WhatIsHiddenOrNoFileIsPassedOver) {
  write("files/a/.part.json.inprogress");
  write("files/a/_SUCCESS");
  write("files/a/x.json");
  ASSERT_EQ(mkfifo((top_ + "/files/a/pipe").c_str(), 0600), 0);
  EXPECT_THAT(find("a"), ElementsAre("a/x.json"));
  EXPECT_THAT(find("a/*"), testing::Contains("a/_SUCCESS")) << "a pattern that matches says that it is wanted";
  EXPECT_THAT(find("a/pipe"), ElementsAre(HasSubstr("neither a file nor a directory")));
}

TEST_F(FileAccessTest, NothingOutsideCanBeNamed) {
  for (const char* path : {"..", "../secret/key.json", "a/../../secret/key.json", "/etc/passwd", "file:///etc/passwd",
                           "/", "a/../../*/key.json"}) {
    EXPECT_THAT(find(path), ElementsAre(HasSubstr("is not in the directory that tables may read and write (hint: ")))
        << path;
  }
  EXPECT_THAT(find(top_ + "/secret/key.json"), ElementsAre(HasSubstr("--files-dir")));
  EXPECT_THAT(find(top_ + "/files-too"), ElementsAre(HasSubstr("--files-dir"))) << "a name that begins alike";
  EXPECT_THAT(find(""), ElementsAre(HasSubstr("is no path")));
  EXPECT_THAT(find(std::string("a\0b", 3)), ElementsAre(HasSubstr("is no path")));
}

TEST_F(FileAccessTest, LinksDoNotLeadOut) {
  create_symlink(top_ + "/secret", top_ + "/files/out");
  create_symlink(top_ + "/secret/key.json", top_ + "/files/a/key.json");
  create_symlink("/no/such/file", top_ + "/files/dangling");
  for (const char* path : {"out", "out/key.json", "out/*", "out/*.json", "*/key.json", "a", "a/key.json"}) {
    EXPECT_THAT(find(path), ElementsAre(HasSubstr("--files-dir"))) << path;
  }
  EXPECT_THAT(find("dangling"), ElementsAre(HasSubstr("there is no file")));
  EXPECT_THAT(access().make_directory(top_ + "/files/out/new").error().to_string(), HasSubstr("--files-dir"));
  EXPECT_FALSE(std::filesystem::exists(top_ + "/secret/new"));
}

TEST_F(FileAccessTest, LinksInsideAreFollowedButNotRoundInCircles) {
  write("files/a/x.json");
  create_symlink(top_ + "/files/a/x.json", top_ + "/files/a/y.json");
  create_symlink(top_ + "/files", top_ + "/files/a/round");
  create_symlink(top_ + "/files/a", top_ + "/files/b");
  EXPECT_THAT(find("a"), ElementsAre("a/x.json", "a/y.json"));
  EXPECT_THAT(find("b"), ElementsAre("b/x.json", "b/y.json"));
  create_symlink(top_ + "/files", top_ + "/link");
  EXPECT_THAT(find(top_ + "/link/a/x.json"), ElementsAre("a/x.json")) << "the directory may be named by a link to it";
}

TEST_F(FileAccessTest, TheProgramsOwnDataIsOutOfReach) {
  create_directories(top_ + "/files/data/log");
  write("files/data/log/journal");
  write("files/x.json");
  data_ = top_ + "/files/data";
  EXPECT_THAT(find("data/log/journal"), ElementsAre(HasSubstr("--files-dir")));
  EXPECT_THAT(find("data"), ElementsAre(HasSubstr("--files-dir")));
  EXPECT_THAT(find("."), ElementsAre("x.json"));
  EXPECT_FALSE(access().make_directory(top_ + "/files/data/new"));
  data_ = top_;  // the usual case: the directory for files lies in that for data
  EXPECT_THAT(find("x.json"), ElementsAre("x.json"));
}

TEST_F(FileAccessTest, ADirectoryForWritingIsMadeWithItsParents) {
  EXPECT_TRUE(access().make_directory(top_ + "/files/new/er"));
  EXPECT_TRUE(std::filesystem::is_directory(top_ + "/files/new/er"));
  EXPECT_TRUE(access().make_directory(top_ + "/files/new/er"));
  write("files/file");
  EXPECT_THAT(access().make_directory(top_ + "/files/file/x").error().to_string(), HasSubstr("is no directory"));
}

}  // namespace
}  // namespace penstock::connector
