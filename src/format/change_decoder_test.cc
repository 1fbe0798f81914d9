#include "format/change_decoder.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "columnar/change_batch.h"
#include "format/encoder.h"

namespace penstock::format {
namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;

class DebeziumTest : public testing::Test {
 protected:
  // "record+row" for a row that is there, "record-row" for one that is gone; then what failed.
  std::string decode(std::vector<std::string_view> records, std::vector<size_t> key = {},
                     std::vector<size_t> wanted = {0, 1}) {
    const FormatOptions options = FormatOptions::parse("debezium-json", options_).value();
    auto decoder = ChangeDecoder::make(options, schema_, {.wanted = wanted, .key = key}).value();
    std::vector<ColumnBuilder> builders;
    for (const size_t column : wanted) builders.emplace_back(schema_[column].type);
    std::vector<RowEvent> events;
    std::vector<FailedRecord> failed;
    decoder->decode(records, {}, builders, events, failed);
    std::vector<columnar::ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    for (const columnar::ColumnPtr& column : columns) EXPECT_EQ(column->size(), events.size());
    const ChangeBatch rows(events.size(), std::move(columns));
    std::string text;
    for (size_t row = 0; row < events.size(); ++row) {
      if (!text.empty()) text += "; ";
      text += fmt::format("{}{}{}", events[row].record, events[row].gone ? '-' : '+',
                          columnar::to_text(rows.slice(row, row + 1)).substr(3));
    }
    for (const FailedRecord& one : failed) {
      text +=
          fmt::format("{}{}{}: {}", text.empty() ? "" : "; ", one.record, one.ignored ? " (ignored)" : "", one.message);
    }
    return text;
  }

  types::Schema schema_ = {{"id", types::DataType::parse("BIGINT NOT NULL").value()},
                           {"name", types::DataType::parse("STRING").value()}};
  std::map<std::string, std::string> options_;
};

TEST_F(DebeziumTest, EveryKindOfEvent) {
  EXPECT_EQ(
      decode({
          R"({"before":null,"after":{"id":1,"name":"a"},"source":{"id":9},"op":"c","ts_ms":5,"transaction":null})",
          R"({"before":null,"after":{"id":2,"name":"b"},"op":"r"})",
          R"({"before":{"id":1,"name":"a"},"after":{"id":1,"name":"c"},"op":"u"})",
          R"({"before":{"id":2,"name":"b"},"after":null,"op":"d"})",
      }),
      "0+1 a; 1+2 b; 2-1 a; 2+1 c; 3-2 b");
}

TEST_F(DebeziumTest, FieldsComeInAnyOrder) {
  EXPECT_EQ(decode({
                R"({"op":"u","after":{"name":"c","id":1},"before":{"name":"a","id":1,"more":[1,{}]}})",
                R"({"after":{"id":1},"op":"u","x":{"op":"d"},"before":{"id":1,"name":"c"}})",
            }),
            "0-1 a; 0+1 c; 1-1 c; 1+1 NULL");
}

// What the kind of event does not need is not looked at.
TEST_F(DebeziumTest, ARowThatTheEventIsNotAboutDoesNotCount) {
  EXPECT_EQ(decode({
                R"({"before":{"id":"x"},"after":{"id":1,"name":"a"},"op":"c"})",
                R"({"before":{"id":1,"name":"a"},"after":{"id":2},"op":"d"})",
            }),
            "0+1 a; 1-1 a");
}

TEST_F(DebeziumTest, WithAKeyARowThatIsGoneIsKnownByIt) {
  EXPECT_EQ(
      decode({R"({"before":{"id":1},"after":{"id":2,"name":"c"},"op":"u"})",
              R"({"before":null,"after":{"id":2,"name":"d"},"op":"u"})", R"({"before":{"id":2,"name":7},"op":"d"})"},
             {0}),
      "0-1 NULL; 0+2 c; 1+2 d; 2-2 NULL");
  EXPECT_EQ(decode({R"({"before":{"id":1,"name":"x"},"op":"d"})"}, {0}, {1}), "0-NULL") << "the key is not wanted";
}

TEST_F(DebeziumTest, TheSchemaMayStandBesideTheEvent) {
  const std::string event = R"({"before":null,"after":{"id":1,"name":"a"},"op":"c"})";
  const std::string with_schema = R"({"schema":{"type":"struct","op":"d"},"payload":)" + event + "}";
  options_ = {{"debezium-json.schema-include", "true"}};
  EXPECT_EQ(decode({with_schema}), "0+1 a");
  EXPECT_EQ(decode({event}), "0: not an event of Debezium with its schema: it has no object as payload");
  EXPECT_EQ(decode({R"({"schema":{},"payload":null})"}),
            "0: not an event of Debezium with its schema: it has no object as payload");
  options_ = {};
  EXPECT_EQ(decode({with_schema}), "0: not an event of Debezium: it has no op");
}

TEST_F(DebeziumTest, WhatIsMalformedLeavesNoTrace) {
  EXPECT_EQ(decode({R"({"after":{"id":1,"name":"a"},"op":"c"})",
                    R"({"before":{"id":1,"name":"a"},"after":{"id":null},"op":"u"})",
                    R"({"before":null,"after":{"id":2},"op":"u"})", R"({"before":null,"op":"d"})",
                    R"({"before":{"id":1},"op":"t"})", R"({"op":"c","after":null})", R"({"op":"c"})",
                    R"({"op":"c","after":[1]})", R"({"after":{"id":1}})", R"({"op":1})", "", "[]", "x",
                    R"({"after":{"id":1,"name":"z"},"op":"r"})"}),
            "0+1 a; 13+1 z; "
            "1: field after.id is null but NOT NULL; "
            "2: the event does not tell the row before its update: a PostgreSQL table needs REPLICA IDENTITY FULL; "
            "3: the event does not tell the row before its deletion: a PostgreSQL table needs REPLICA IDENTITY FULL; "
            "4: an event with the op 't', which is none of c, r, u and d; "
            "5: the event with the op 'c' has no row after it; "
            "6: the event with the op 'c' has no row after it; "
            "7: field after is not a JSON object; "
            "8: not an event of Debezium: it has no op; "
            "9: not an event of Debezium: it has no op; "
            "11: not a JSON object: it does not end with }; "
            "12: not a JSON object: it does not end with }");
  options_ = {{"debezium-json.ignore-parse-errors", "true"}};
  EXPECT_EQ(
      decode({R"({"after":{"id":1,"name":[1},"op":"c"})", R"({"op":"t"})", R"({"after":{"id":1,"name":"a"},"op":"c"})"})
          .substr(0, 6),
      "2+1 a;");
}

TEST_F(DebeziumTest, ChangesAreWrittenAsFlinkWritesThem) {
  const FormatOptions options = FormatOptions::parse("debezium-json", {}).value();
  auto encoder = RowEncoder::make(options, schema_).value();
  const ChangeBatch batch = columnar::batch_from_text("+I 1 a | -U 1 a | +U 1 NULL | -D 2 b", schema_).value();
  std::string lines;
  for (size_t row = 0; row < batch.rows(); ++row) {
    encoder->encode(batch, row, lines);
    lines += '\n';
  }
  EXPECT_EQ(lines,
            R"({"before":null,"after":{"id":1,"name":"a"},"op":"c"}
{"before":{"id":1,"name":"a"},"after":null,"op":"d"}
{"before":null,"after":{"id":1,"name":null},"op":"c"}
{"before":{"id":2,"name":"b"},"after":null,"op":"d"}
)");
  EXPECT_FALSE(RowEncoder::make(
      FormatOptions::parse("debezium-json", {{"debezium-json.schema-include", "true"}}).value(), schema_));
  EXPECT_FALSE(RowDecoder::make(options, schema_, std::vector<size_t>{0}));
}

}  // namespace
}  // namespace penstock::format
