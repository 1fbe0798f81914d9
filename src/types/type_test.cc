#include "types/type.h"

#include <gtest/gtest.h>

namespace penstock::types {
namespace {

TEST(DataTypeTest, PrintsAndReadsBack) {
  const DataType all[] = {DataType(),
                          TypeKind::kBoolean,
                          TypeKind::kTinyInt,
                          TypeKind::kSmallInt,
                          TypeKind::kInt,
                          TypeKind::kBigInt,
                          TypeKind::kFloat,
                          TypeKind::kDouble,
                          DataType::decimal(38, 38),
                          DataType::decimal(10, 0),
                          TypeKind::kString,
                          TypeKind::kBytes,
                          TypeKind::kDate,
                          DataType::time(0),
                          DataType::timestamp(3),
                          DataType::timestamp(9),
                          DataType::timestamp_ltz(0),
                          TypeKind::kIntervalDayTime,
                          TypeKind::kIntervalYearMonth};
  for (DataType type : all) {
    for (bool nullable : {true, false}) {
      DataType expected = type.with_nullable(nullable);
      auto parsed = DataType::parse(expected.to_string());
      ASSERT_TRUE(parsed.has_value()) << expected.to_string();
      EXPECT_EQ(*parsed, expected) << expected.to_string();
    }
  }
}

TEST(DataTypeTest, ReadsOtherNames) {
  const std::pair<const char*, const char*> cases[] = {
      {"VARCHAR(20)", "STRING"},
      {"character varying(3)", "STRING"},
      {" text ", "STRING"},
      {"BIGINT NOT NULL", "BIGINT NOT NULL"},
      {"bigint null", "BIGINT"},
      {"int8", "BIGINT"},
      {"double precision", "DOUBLE"},
      {"numeric", "DECIMAL(10, 0)"},
      {"DEC( 5 ,2 )", "DECIMAL(5, 2)"},
      {"timestamp", "TIMESTAMP(6)"},
      {"timestamp(3) with local time zone not null", "TIMESTAMP_LTZ(3) NOT NULL"},
      {"timestamptz", "TIMESTAMP_LTZ(6)"},
      {"TIMESTAMP(0) WITHOUT TIME ZONE", "TIMESTAMP(0)"},
      {"time", "TIME(0)"},
      {"interval year to month", "INTERVAL YEAR TO MONTH"},
      {"interval day(2) to second(3)", "INTERVAL DAY TO SECOND"},
      {"interval minute", "INTERVAL DAY TO SECOND"},
  };
  for (auto [text, expected] : cases) {
    auto parsed = DataType::parse(text);
    ASSERT_TRUE(parsed.has_value()) << text;
    EXPECT_EQ(parsed->to_string(), expected) << text;
  }
}

TEST(DataTypeTest, RefusesWhatIsNoType) {
  for (const char* text : {"", "strin", "decimal(39, 2)", "decimal(0)", "decimal(5, 6)", "decimal(1,2,3)", "int(3)",
                           "decimal(-1)", "decimal(99999999999)", "timestamp(10)", "bigint not", "bigint nul",
                           "decimal(5", "varchar)", "interval fortnight", "int int", "time with time zone"}) {
    EXPECT_FALSE(DataType::parse(text).has_value()) << text;
  }
}

TEST(SchemaTest, FindsFieldsInAnyCase) {
  Schema schema{{"id", TypeKind::kInt}, {"Name", TypeKind::kString}, {"NAME", TypeKind::kString}};
  EXPECT_EQ(find_field(schema, "ID"), 0);
  EXPECT_EQ(find_field(schema, "NAME"), 2);
  EXPECT_EQ(find_field(schema, "name"), -2);
  EXPECT_EQ(find_field(schema, "other"), -1);
}

}  // namespace
}  // namespace penstock::types
