#include "connector/filesystem/partitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "connector/connector_test_fixture.h"

namespace penstock::connector {
namespace {

using testing::HasSubstr;

Result<types::Value> value_of(const std::string& file, const std::string& type) {
  return partition_value(file, {.key = "partition:0:k", .type = types::DataType::parse(type).value()});
}

std::string text_of(const std::string& file) { return value_of(file, "STRING").value().as_string(); }

TEST(PartitionValueTest, ItIsTheTextOfTheDirectory) {
  EXPECT_EQ(text_of("t/k=a b/one.json"), "a b");
  EXPECT_EQ(text_of("t/k=a%2Fb/j=1/one.json"), "a/b");
  EXPECT_EQ(text_of("t/k=%41/one.json"), "A") << "escaped up to the last character";
  EXPECT_EQ(text_of("t/k=%4/one.json"), "%4");
  EXPECT_EQ(text_of("t/k=%/one.json"), "%");
  EXPECT_EQ(value_of("t/k=7/one.json", "INT").value().as_int64(), 7);
  EXPECT_THAT(value_of("t/k=x/one.json", "INT").error().to_string(), HasSubstr("cannot read 'x' as INT"));
  EXPECT_THAT(value_of("t/j=x/one.json", "INT").error().to_string(), HasSubstr("in no directory k=..."));
}

TEST(PartitionValueTest, TheDefaultIsNullOrAnEmptyTextWhereNullCannotBe) {
  const std::string file = "t/k=__HIVE_DEFAULT_PARTITION__/one.json";
  EXPECT_TRUE(value_of(file, "STRING").value().is_null());
  EXPECT_EQ(value_of(file, "STRING NOT NULL").value().as_string(), "");
  EXPECT_THAT(value_of(file, "INT NOT NULL").error().to_string(), HasSubstr("the directory says NULL"));
}

TEST(PartitionDirectoriesTest, ANameThatIsTooLongIsAnError) {
  SinkRequest request;
  request.schema = schema_of({{"k", "STRING"}, {"v", "BIGINT"}});
  request.metadata = {{.column = 0, .key = "partition:0:k"}};
  const PartitionDirectories directories(request);
  const auto directory = [&](const std::string& value) {
    return directories.directory(columnar::batch_from_text("+ " + value + " 1", request.schema).value(), 0);
  };
  EXPECT_EQ(directory("a/b").value(), "k=a%2Fb");
  EXPECT_EQ(directory("''").value(), "k=__HIVE_DEFAULT_PARTITION__");
  EXPECT_EQ(directory(std::string(253, 'x')).value().size(), kDirectoryNameMax);
  EXPECT_THAT(directory(std::string(254, 'x')).error().to_string(),
              HasSubstr("column k: the name of the directory of 'xxx"));
  EXPECT_THAT(directory(std::string(90, '/')).error().to_string(), HasSubstr("has 272 bytes, of at most 255"));
}

}  // namespace
}  // namespace penstock::connector
