#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "connector/connector_test_fixture.h"

namespace penstock::connector {
namespace {

using testing::HasSubstr;

class ConnectorsTest : public ConnectorTest {
 protected:
  Status validate(std::vector<TableDefinition::Metadata> metadata) {
    return validate_table(context(), {.name = "t",
                                      .physical = schema_of({{"a", "STRING"}}),
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
  EXPECT_FALSE(validate({metadata("timestamp", "BIGINT")}));
}

}  // namespace
}  // namespace penstock::connector
