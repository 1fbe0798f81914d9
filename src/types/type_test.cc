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

TEST(DataTypeTest, NestedTypesPrintAndReadBack) {
  const std::pair<const char*, const char*> cases[] = {
      {"ARRAY<INT>", "ARRAY<INT>"},
      {"int array", "ARRAY<INT>"},
      {"int4[]", "ARRAY<INT>"},
      {"INT[] ARRAY MULTISET NOT NULL", "MULTISET<ARRAY<ARRAY<INT>>> NOT NULL"},
      {"INT NOT NULL ARRAY", ""},
      {"ARRAY<INT NOT NULL> NOT NULL", "ARRAY<INT NOT NULL> NOT NULL"},
      {"map<varchar(3), decimal(5, 2)>", "MAP<STRING, DECIMAL(5, 2)>"},
      {"ROW<a INT, b ROW(`c d` DATE, `e``f` TIME(3))>", "ROW<`a` INT, `b` ROW<`c d` DATE, `e``f` TIME(3)>>"},
      {"ROW(a timestamp_tz(3) NOT NULL)", "ROW<`a` TIMESTAMP_LTZ(3) NOT NULL>"},
      {"ARRAY", ""},
      {"ARRAY<>", ""},
      {"ARRAY<INT", ""},
      {"MAP<INT>", ""},
      {"ROW<>", ""},
      {"ROW<a>", ""},
      {"ROW<a INT)", ""},
      {"ROW<a INT, a INT>", ""},
      {"ROW<`a INT>", ""},
      {"INT[", ""},
  };
  for (auto [text, expected] : cases) {
    auto parsed = DataType::parse(text);
    ASSERT_EQ(parsed.has_value(), *expected != '\0') << text;
    if (!parsed) continue;
    EXPECT_EQ(parsed->to_string(), expected);
    EXPECT_EQ(*DataType::parse(expected), *parsed);
  }
}

TEST(DataTypeTest, NestedTypesAreComparedByTheirParts) {
  auto type = [](const char* text) { return DataType::parse(text).value(); };
  EXPECT_EQ(type("ROW<a INT>"), type("row(a integer)"));
  EXPECT_NE(type("ROW<a INT>"), type("ROW<b INT>"));
  EXPECT_NE(type("ARRAY<INT>"), type("MULTISET<INT>"));
  EXPECT_NE(type("ARRAY<INT>"), type("ARRAY<INT NOT NULL>"));
  EXPECT_TRUE(type("ARRAY<INT>").same_type(type("ARRAY<INT NOT NULL> NOT NULL")));
  EXPECT_TRUE(type("ROW<a MAP<INT, INT NOT NULL>>").same_type(type("ROW<a MAP<INT NOT NULL, INT> NOT NULL>")));
  EXPECT_FALSE(type("ARRAY<INT>").same_type(type("ARRAY<BIGINT>")));
  EXPECT_EQ(type("ARRAY<ROW<a INT[]>>").depth(), 3);
  EXPECT_EQ(type("MULTISET<STRING>").parts().size(), 2U);
}

TEST(DataTypeTest, NestingIsBounded) {
  std::string text = "INT";
  for (int i = 0; i < kNestedDepthMax; ++i) text = "ARRAY<" + text + ">";
  EXPECT_TRUE(DataType::parse(text).has_value());
  auto deeper = DataType::parse("ARRAY<" + text + ">");
  ASSERT_FALSE(deeper.has_value());
  EXPECT_EQ(deeper.error().code(), ErrorCode::kResourceExhausted);
  for (const char* repeated : {"ARRAY<", "ROW<a ", "MAP<INT, "}) {
    std::string open;
    for (int i = 0; i < 100'000; ++i) open += repeated;
    EXPECT_FALSE(DataType::parse(open).has_value());
  }
  std::string postfix = "INT";
  for (int i = 0; i < 100'000; ++i) postfix += "[]";
  EXPECT_FALSE(DataType::parse(postfix).has_value());
}

}  // namespace
}  // namespace penstock::types
