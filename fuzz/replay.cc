// Runs one fuzzer over its corpus, one test a file, so that the ordinary tests hold every input that once broke
// something. Linked with the fuzzer's source, and with GoogleTest's instead of libFuzzer's main.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run_input(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

class Replay : public testing::Test {
 public:
  explicit Replay(std::filesystem::path file) : file_(std::move(file)) {}

  // Each input is also cut short everywhere and has each byte changed, as far as kVariantsMax goes.
  void TestBody() override {
    std::ifstream stream(file_, std::ios::binary);
    ASSERT_TRUE(stream) << file_;
    const std::string input{std::istreambuf_iterator<char>(stream), {}};
    run_input(input);
    const size_t step = input.size() / kVariantsMax + 1;
    for (size_t at = 0; at < input.size(); at += step) {
      run_input(input.substr(0, at));
      std::string changed = input;
      changed[at] = static_cast<char>(changed[at] ^ 0x80);
      run_input(changed);
      changed[at] = '\xff';
      run_input(changed);
    }
  }

 private:
  static constexpr size_t kVariantsMax = 200;
  std::filesystem::path file_;
};

class HasCorpus : public testing::Test {
 public:
  explicit HasCorpus(size_t files) : files_(files) {}
  void TestBody() override {
    run_input({});
    EXPECT_GT(files_, 0U) << "put a few valid inputs into fuzz/corpus/<fuzzer>/";
  }

 private:
  size_t files_;
};

}  // namespace

// usage: x_fuzz_replay --corpus=FOLDER [GoogleTest's flags]
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < argc; ++i) {
    constexpr std::string_view kFlag = "--corpus=";
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kFlag) || !std::filesystem::is_directory(argument.substr(kFlag.size()))) continue;
    for (const auto& entry : std::filesystem::directory_iterator(argument.substr(kFlag.size()))) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  const size_t count = files.size();
  testing::RegisterTest("Corpus", "IsThere", nullptr, nullptr, __FILE__, __LINE__,
                        [count]() -> testing::Test* { return new HasCorpus(count); });
  for (const auto& file : files) {
    testing::RegisterTest("Replay", file.filename().c_str(), nullptr, nullptr, file.c_str(), 1,
                          [file]() -> testing::Test* { return new Replay(file); });
  }
  return RUN_ALL_TESTS();
}
