#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "connector/connector_test_fixture.h"
#include "format/format.h"

namespace penstock::connector {
namespace {

using testing::HasSubstr;

class ConnectorsTest : public ConnectorTest {
 protected:
  Status validate(std::vector<TableDefinition::Metadata> metadata) {
    return validate_table(context(), {.name = "t",
                                      .physical = schema_of({{"a", "STRING"}}),
                                      .primary_key = {},
                                      .metadata = std::move(metadata),
                                      .options = {{"connector", "kafka"}, {"topic", "x"}, {"format", "json"}}});
  }
  static TableDefinition::Metadata metadata(const std::string& key, const std::string& type) {
    return {.column = "m", .from = {.key = key, .type = types::DataType::parse(type).value()}, .is_virtual = true};
  }
};

TEST_F(ConnectorsTest, EveryRowOfTheTableIsWhole) {
  std::set<std::string_view> names;
  for (const Connector& connector : connectors()) {
    EXPECT_TRUE(names.insert(connector.name).second);
    EXPECT_FALSE(connector.summary.empty());
    EXPECT_NE(connector.validate, nullptr);
    EXPECT_TRUE(connector.plan_source != nullptr || connector.make_sink != nullptr);
    for (const OptionDoc& doc : connector.options) {
      EXPECT_FALSE(doc.key.empty());
      EXPECT_THAT(doc.description, testing::EndsWith(".")) << doc.key;
    }
  }
}

TEST_F(ConnectorsTest, AnUnknownConnectorIsRefusedWithTheNearest) {
  EXPECT_EQ(find_connector("t", {{"connector", "kafak"}}).error().to_string(),
            "table \"t\": there is no connector 'kafak' (hint: did you mean \"kafka\"?)");
  EXPECT_THAT(find_connector("t", {{"connector", "pulsar"}}).error().to_string(), HasSubstr("the connectors are "));
  EXPECT_THAT(find_connector("t", {}).error().to_string(), HasSubstr("'connector' is required"));
}

TEST_F(ConnectorsTest, MetadataColumnsMustBeThoseOfTheConnector) {
  EXPECT_TRUE(validate({metadata("offset", "BIGINT")}));
  EXPECT_TRUE(validate({metadata("partition", "BIGINT")}));
  EXPECT_TRUE(validate({metadata("timestamp", "TIMESTAMP(3)")}));
  EXPECT_TRUE(validate({metadata("key", "STRING")}));
  EXPECT_THAT(validate({metadata("ofset", "BIGINT")}).error().to_string(), HasSubstr("did you mean \"offset\""));
  EXPECT_THAT(validate({metadata("weather", "BIGINT")}).error().to_string(),
              HasSubstr("there are topic, partition, offset"));
  EXPECT_THAT(validate({metadata("offset", "INT")}).error().to_string(), HasSubstr("cannot be read as INT"));
  EXPECT_FALSE(validate({metadata("offset", "STRING")}));
  EXPECT_FALSE(validate({metadata("offset", "TIMESTAMP(3)")}));
  EXPECT_TRUE(validate({metadata("timestamp", "BIGINT")})) << "in milliseconds";
  EXPECT_FALSE(validate({metadata("timestamp", "INT")}));
}

// The page with the tables between its marks made anew.
std::string with_tables(std::string page) {
  const auto replace = [&](const std::string& name, const std::string& table) {
    const std::string begin = fmt::format("<!-- options of {} -->\n", name);
    const size_t at = page.find(begin);
    const size_t end = at == page.npos ? at : page.find("<!-- end -->", at);
    ASSERT_NE(end, page.npos) << "docs/connectors.md lacks " << begin;
    page.replace(at + begin.size(), end - at - begin.size(), table);
  };
  std::vector<OptionDoc> formats;
  for (const format::FormatOptionDoc& doc : format::format_option_docs()) {
    formats.push_back({.key = doc.key, .default_value = doc.default_value, .description = doc.description});
  }
  replace("formats", options_markdown(formats));
  for (const Connector& connector : connectors()) {
    if (!connector.options.empty()) replace(std::string(connector.name), options_markdown(connector.options));
  }
  return page;
}

// PENSTOCK_REWRITE_GOLDENS=1 rewrites the tables of the page.
TEST_F(ConnectorsTest, TheDocumentationListsEveryOption) {
  const std::string path = PENSTOCK_SOURCE_DIR "/docs/connectors.md";
  const std::string page = io::posix_env().read_file(path).value();
  const std::string made = with_tables(page);
  if (std::getenv("PENSTOCK_REWRITE_GOLDENS") != nullptr) {
    ASSERT_TRUE(io::posix_env().write_file_atomically(path, made));
    return;
  }
  EXPECT_EQ(page, made);
  for (const Connector& connector : connectors()) {
    EXPECT_THAT(page, HasSubstr(fmt::format("## `{}`", connector.name)));
    EXPECT_THAT(page, HasSubstr(std::string(connector.summary)));
  }
}

}  // namespace
}  // namespace penstock::connector
