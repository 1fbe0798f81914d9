#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <random>
#include <string>

#include "columnar/change_batch.h"
#include "pgwire/pg_type.h"
#include "pgwire/row_encoder.h"
#include "pgwire/sql_state.h"
#include "pgwire/value_binary.h"
#include "pgwire/value_text.h"
#include "pgwire/wire.h"
#include "types/calendar.h"
#include "types/nested.h"

namespace penstock::pgwire {
namespace {

using std::string_literals::operator""s;
using types::DataType;
using types::TypeKind;
using types::Value;

// What a client sees in a DataRow with one column.
std::string cell(const Value& value, DataType type, Format format) {
  const RowEncoder encoder({{.name = "c", .type = type}}, {format});
  std::string out;
  encoder.append_rows(out, columnar::ChangeBatch(1, {columnar::Column::constant(type, value, 1)}), 0, 1);
  WireReader in(std::string_view(out).substr(7));
  return std::string(in.bytes(static_cast<size_t>(in.int32())));
}
std::string text(const Value& value, DataType type) { return cell(value, type, Format::kText); }

// Expected texts are what PostgreSQL 15 prints.
TEST(ValueTextTest, Floats) {
  const auto float8 = [](double v) { return text(Value(v), TypeKind::kDouble); };
  EXPECT_EQ(float8(1), "1");
  EXPECT_EQ(float8(-1.5), "-1.5");
  EXPECT_EQ(float8(0.1), "0.1");
  EXPECT_EQ(float8(0), "0");
  EXPECT_EQ(float8(-0.0), "-0");
  EXPECT_EQ(float8(0.0001), "0.0001");
  EXPECT_EQ(float8(0.00001), "1e-05");
  EXPECT_EQ(float8(123456789012345.0), "123456789012345");
  EXPECT_EQ(float8(1e15), "1e+15");
  EXPECT_EQ(float8(1.7976931348623157e308), "1.7976931348623157e+308");
  EXPECT_EQ(float8(5e-324), "5e-324");
  EXPECT_EQ(float8(std::numeric_limits<double>::infinity()), "Infinity");
  EXPECT_EQ(float8(-std::numeric_limits<double>::infinity()), "-Infinity");
  EXPECT_EQ(float8(std::numeric_limits<double>::quiet_NaN()), "NaN");
  EXPECT_EQ(text(Value(double{0.1F}), TypeKind::kFloat), "0.1");
  EXPECT_EQ(text(Value(1e6), TypeKind::kFloat), "1e+06");
}

TEST(ValueTextTest, DatesAndTimes) {
  const DataType timestamp = DataType::timestamp(3);
  EXPECT_EQ(text(Value(int64_t{0}), timestamp), "1970-01-01 00:00:00");
  EXPECT_EQ(text(Value(int64_t{1'767'323'045'678'000}), timestamp), "2026-01-02 03:04:05.678");
  EXPECT_EQ(text(Value(int64_t{1'767'323'045'678'000}), DataType::timestamp_ltz(3)), "2026-01-02 03:04:05.678+00");
  EXPECT_EQ(text(Value(int64_t{-1}), timestamp), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(text(Value(int64_t{20'455}), TypeKind::kDate), "2026-01-02");
  EXPECT_EQ(text(Value(types::days_from_civil({.year = 0, .month = 12, .day = 31})), TypeKind::kDate), "0001-12-31 BC");
  EXPECT_EQ(text(Value(types::days_from_civil({.year = 12'026, .month = 1, .day = 2})), TypeKind::kDate),
            "12026-01-02");
  EXPECT_EQ(text(Value(int64_t{11'045'500'000}), DataType::time(3)), "03:04:05.5");
}

TEST(ValueTextTest, Intervals) {
  const auto interval = [](int64_t micros) { return text(Value(micros), TypeKind::kIntervalDayTime); };
  EXPECT_EQ(interval(0), "00:00:00");
  EXPECT_EQ(interval(1'500'000), "00:00:01.5");
  EXPECT_EQ(interval(-1'000'000), "-00:00:01");
  EXPECT_EQ(interval(86'400'000'000), "1 day");
  EXPECT_EQ(interval(2 * 86'400'000'000 + 3'600'000'000), "2 days 01:00:00");
  EXPECT_EQ(text(Value(int64_t{14}), TypeKind::kIntervalYearMonth), "1 year 2 mons");
  EXPECT_EQ(text(Value(int64_t{0}), TypeKind::kIntervalYearMonth), "00:00:00");
}

TEST(ValueTextTest, Others) {
  EXPECT_EQ(text(Value(true), TypeKind::kBoolean), "t");
  EXPECT_EQ(text(Value(false), TypeKind::kBoolean), "f");
  EXPECT_EQ(text(Value(std::numeric_limits<int64_t>::min()), TypeKind::kBigInt), "-9223372036854775808");
  EXPECT_EQ(text(Value(types::Int128{-150}), DataType::decimal(10, 2)), "-1.50");
  EXPECT_EQ(text(Value("\0\xff"s), TypeKind::kBytes), "\\x00ff");
  EXPECT_EQ(text(Value("héllo"s), TypeKind::kString), "héllo");
}

TEST(ValueTextTest, ReadsParameters) {
  EXPECT_EQ(*value_from_text("on", TypeKind::kBoolean), Value(true));
  EXPECT_EQ(*value_from_text("\\x00FF", TypeKind::kBytes), Value("\0\xff"s));
  EXPECT_EQ(*value_from_text("a\\\\b\\001", TypeKind::kBytes), Value("a\\b\1"s));
  EXPECT_EQ(*value_from_text("1970-01-01 01:00:00+01", DataType::timestamp_ltz(3)), Value(int64_t{0}));
  EXPECT_EQ(*value_from_text("1970-01-01 00:00:00+05", DataType::timestamp_ltz(3)), Value(int64_t{-5 * 3'600'000'000}));
  for (const char* bad : {"\\x0", "\\xzz", "\\9", "\\"}) EXPECT_FALSE(value_from_text(bad, TypeKind::kBytes)) << bad;
  EXPECT_FALSE(value_from_text("one", TypeKind::kInt));
  EXPECT_FALSE(value_from_text("1.5", TypeKind::kInt));
  EXPECT_FALSE(value_from_text("", TypeKind::kInt));
}

// Expected bytes are what PostgreSQL 15's numeric_send gives.
TEST(ValueBinaryTest, Numerics) {
  const auto numeric = [](types::Int128 unscaled, int scale) {
    std::string out;
    append_numeric(out, unscaled, scale);
    return out;
  };
  EXPECT_EQ(numeric(0, 2), "\0\0\0\0\0\0\0\2"s);
  EXPECT_EQ(numeric(150, 2), "\0\2\0\0\0\0\0\2\0\1\x13\x88"s);                  // 1, 5000
  EXPECT_EQ(numeric(-10'000, 0), "\0\1\0\1\x40\0\0\0\0\1"s);                    // 1 of weight 1
  EXPECT_EQ(numeric(1, 5), "\0\1\xff\xfe\0\0\0\5\x03\xe8"s);                    // 0.00001: 1000 of weight -2
  EXPECT_EQ(numeric(123'456'789, 0), "\0\3\0\2\0\0\0\0\0\1\x09\x29\x1a\x85"s);  // 1, 2345, 6789
}

TEST(ValueBinaryTest, NumericsRoundTrip) {
  std::mt19937_64 random(11);  // NOLINT(cert-msc51-cpp)
  for (int round = 0; round < 20'000; ++round) {
    const int precision = 1 + static_cast<int>(random() % 38);
    const int scale = static_cast<int>(random() % static_cast<unsigned>(precision + 1));
    types::Int128 unscaled = 0;
    for (int digit = static_cast<int>(random() % static_cast<unsigned>(precision)); digit >= 0; --digit) {
      unscaled = unscaled * 10 + static_cast<int>(random() % 10);
    }
    if (random() % 2 == 0) unscaled = -unscaled;
    std::string bytes;
    append_numeric(bytes, unscaled, scale);
    const DataType type = DataType::decimal(precision, scale);
    const Result<Value> back = value_from_binary(bytes, oid::kNumeric, type);
    ASSERT_TRUE(back) << back.error().message();
    ASSERT_EQ(*back, Value(unscaled)) << types::int128_to_text(unscaled, scale);
  }
}

TEST(ValueBinaryTest, EveryTypeRoundTrips) {
  const std::pair<Value, DataType> cases[] = {
      {Value(true), TypeKind::kBoolean},
      {Value(int64_t{-7}), TypeKind::kTinyInt},
      {Value(int64_t{-30'000}), TypeKind::kSmallInt},
      {Value(int64_t{std::numeric_limits<int32_t>::min()}), TypeKind::kInt},
      {Value(std::numeric_limits<int64_t>::min()), TypeKind::kBigInt},
      {Value(0.5), TypeKind::kFloat},
      {Value(-1e300), TypeKind::kDouble},
      {Value("text"s), TypeKind::kString},
      {Value("\0\xff"s), TypeKind::kBytes},
      {Value(int64_t{-1}), TypeKind::kDate},
      {Value(int64_t{86'399'999'999}), DataType::time(6)},
      {Value(int64_t{-1}), DataType::timestamp(6)},
      {Value(int64_t{1'767'323'045'678'901}), DataType::timestamp_ltz(6)},
      {Value(int64_t{-90'061'000'001}), TypeKind::kIntervalDayTime},
      {Value(int64_t{-14}), TypeKind::kIntervalYearMonth},
  };
  for (const auto& [value, type] : cases) {
    const std::string bytes = cell(value, type, Format::kBinary);
    const PgType pg_type = pg_type_of(type);
    EXPECT_TRUE(pg_type.size < 0 || bytes.size() == static_cast<size_t>(pg_type.size)) << type.to_string();
    const Result<Value> back = value_from_binary(bytes, pg_type.oid, type);
    ASSERT_TRUE(back) << type.to_string() << ": " << back.error().message();
    EXPECT_EQ(*back, value) << type.to_string();
    if (pg_type.size > 0) {
      EXPECT_FALSE(value_from_binary(bytes + "x", pg_type.oid, type)) << type.to_string();
      EXPECT_FALSE(value_from_binary(bytes.substr(1), pg_type.oid, type)) << type.to_string();
    }
  }
}

TEST(ValueBinaryTest, TimesCountFrom2000) {
  EXPECT_EQ(cell(Value(int64_t{10'957}), TypeKind::kDate, Format::kBinary), "\0\0\0\0"s);
  EXPECT_EQ(cell(Value(int64_t{946'684'800'000'000}), DataType::timestamp(3), Format::kBinary), std::string(8, '\0'));
}

TEST(ValueBinaryTest, ConvertsToTheTypeOfTheParameter) {
  const auto int8 = [](int64_t v) {
    std::string out;
    append_int64(out, v);
    return out;
  };
  EXPECT_EQ(*value_from_binary(int8(5), oid::kInt8, TypeKind::kInt), Value(int64_t{5}));
  EXPECT_FALSE(value_from_binary(int8(int64_t{1} << 40), oid::kInt8, TypeKind::kInt));
  EXPECT_EQ(*value_from_binary(int8(5), oid::kInt8, TypeKind::kDouble), Value(5.0));
  EXPECT_EQ(*value_from_binary(int8(5), oid::kInt8, DataType::decimal(10, 2)), Value(types::Int128{500}));
  EXPECT_EQ(*value_from_binary(int8(5), oid::kInt8, TypeKind::kString), Value("5"s));
  std::string numeric;
  append_numeric(numeric, 125, 2);
  EXPECT_EQ(*value_from_binary(numeric, oid::kNumeric, TypeKind::kDouble), Value(1.25));
  EXPECT_FALSE(value_from_binary(numeric, oid::kNumeric, TypeKind::kInt));
}

TEST(ValueBinaryTest, RefusesWhatHasNoValue) {
  std::string infinity;
  append_int64(infinity, std::numeric_limits<int64_t>::max());
  EXPECT_FALSE(value_from_binary(infinity, oid::kTimestamp, DataType::timestamp(6)));
  EXPECT_FALSE(value_from_binary("\0\1\0\0\0\0\0\0\x27\x10"s, oid::kNumeric, TypeKind::kDouble));  // a digit of 10,000
  EXPECT_FALSE(value_from_binary("\xff\xff\0\0\0\0\0\0"s, oid::kNumeric, TypeKind::kDouble));
  EXPECT_FALSE(value_from_binary("x", 600, TypeKind::kString));  // a point
}

TEST(SqlStateTest, NamesWhatDriversLookFor) {
  EXPECT_EQ(sql_state_of(not_found("table \"x\" does not exist")), "42P01");
  EXPECT_EQ(sql_state_of(invalid_argument("column \"x\" does not exist").at(3)), "42703");
  EXPECT_EQ(sql_state_of(invalid_argument("there is no function f").at(3)), "42883");
  EXPECT_EQ(sql_state_of(invalid_argument("values: division by zero")), "22012");
  EXPECT_EQ(sql_state_of(invalid_argument("join: more than one row returned by a subquery used as an expression")),
            "21000");
  EXPECT_EQ(sql_state_of(invalid_argument("values: cannot read 'x' as INT")), "22P02");
  EXPECT_EQ(sql_state_of(invalid_argument("unexpected ')'").at(3)), "42601");
  EXPECT_EQ(sql_state_of(invalid_argument("INT and ROW<`a` INT NOT NULL> have no common type").at(3)), "42804");
  EXPECT_EQ(sql_state_of(invalid_argument("column id: the column is NOT NULL").at(3)), "23502");
  EXPECT_EQ(sql_state_of(make_error(ErrorCode::kAlreadyExists, "there is a table t already")), "42P07");
  EXPECT_EQ(sql_state_of(Error(ErrorCode::kCancelled, "")), "57014");
}

TEST(SqlStateTest, PositionsCountCharacters) {
  EXPECT_EQ(character_position("select 'é', x", 0), 1U);
  EXPECT_EQ(character_position("select 'é', x", 13), 13U);
  EXPECT_EQ(character_position("é", 100), 2U);
}

// --- nested values ---

DataType type_of(const char* text) { return DataType::parse(text).value(); }

Value array_of(DataType type, const std::vector<Value>& elements) {
  std::string bytes;
  for (const Value& element : elements) types::SlotWriter(bytes, type.part(0)).append(element);
  return Value(bytes + types::kSlotEnd);
}

TEST(NestedTest, ArraysHavePostgresqlsTypesAllElseIsJson) {
  const std::pair<const char*, uint32_t> cases[] = {
      {"ARRAY<BOOLEAN>", 1000},
      {"ARRAY<BYTES>", 1001},
      {"ARRAY<TINYINT>", 1005},
      {"ARRAY<INT>", 1007},
      {"ARRAY<STRING>", 1009},
      {"ARRAY<BIGINT>", 1016},
      {"ARRAY<FLOAT>", 1021},
      {"ARRAY<DOUBLE>", 1022},
      {"ARRAY<TIMESTAMP(3)>", 1115},
      {"ARRAY<DATE>", 1182},
      {"ARRAY<TIME(3)>", 1183},
      {"ARRAY<TIMESTAMP_LTZ(3)>", 1185},
      {"ARRAY<INTERVAL MINUTE>", 1187},
      {"ARRAY<DECIMAL(5, 2)>", 1231},
      {"ARRAY<ARRAY<INT>>", oid::kJson},
      {"MAP<STRING, INT>", oid::kJson},
      {"ROW<a INT>", oid::kJson},
      {"MULTISET<INT>", oid::kJson},
  };
  for (auto [type, expected] : cases) EXPECT_EQ(pg_type_of(type_of(type)).oid, expected) << type;
}

TEST(NestedTest, ArrayText) {
  const DataType strings = type_of("ARRAY<STRING>");
  const auto element = [&](const char* v) { return text(array_of(strings, {Value(std::string(v))}), strings); };
  EXPECT_EQ(text(array_of(strings, {}), strings), "{}");
  EXPECT_EQ(text(array_of(strings, {Value("a"s), Value(), Value("b c"s)}), strings), "{a,NULL,\"b c\"}");
  EXPECT_EQ(element(""), "{\"\"}");
  EXPECT_EQ(element("null"), "{\"null\"}");
  EXPECT_EQ(element("a\"b\\c"), "{\"a\\\"b\\\\c\"}");
  EXPECT_EQ(element("{x,y}"), "{\"{x,y}\"}");
  const DataType stamps = type_of("ARRAY<TIMESTAMP(3)>");
  EXPECT_EQ(text(array_of(stamps, {Value(int64_t{0})}), stamps), "{\"1970-01-01 00:00:00\"}");
  const DataType numbers = type_of("ARRAY<DOUBLE>");
  EXPECT_EQ(text(array_of(numbers, {Value(1.5), Value(-2.0)}), numbers), "{1.5,-2}");
}

TEST(NestedTest, JsonText) {
  const DataType type = type_of("MAP<STRING, ARRAY<ARRAY<DOUBLE>>>");
  const DataType inner = type.part(1);
  std::string map;
  types::SlotWriter(map, TypeKind::kString).append_string("k\"");
  const Value numbers = array_of(inner.part(0), {Value(1.5), Value(), Value(std::numeric_limits<double>::infinity())});
  types::SlotWriter(map, inner).append(array_of(inner, {numbers, Value()}));
  EXPECT_EQ(text(Value(map + types::kSlotEnd), type), R"({"k\"":[[1.5,null,"Infinity"],null]})");
}

TEST(NestedTest, ArrayParametersComeBack) {
  for (const char* name : {"ARRAY<INT>", "ARRAY<STRING>", "ARRAY<DOUBLE>", "ARRAY<TIMESTAMP(6)>", "ARRAY<BYTES>"}) {
    const DataType type = type_of(name);
    std::vector<Value> values = {Value()};
    switch (type.part(0).physical()) {
      case types::Physical::kInt64: values.push_back(Value(int64_t{-7})); break;
      case types::Physical::kDouble: values.push_back(Value(2.5)); break;
      default: values.push_back(Value("a, \"b\" {c} \\ NULL"s)); values.push_back(Value(""s));
    }
    for (const std::vector<Value>& elements : {values, std::vector<Value>()}) {
      const Value array = array_of(type, elements);
      const std::string shown = text(array, type);
      const Result<Value> from_text = value_from_text(shown, type);
      ASSERT_TRUE(from_text.has_value()) << shown;
      EXPECT_EQ(*from_text, array) << shown;
      const std::string binary = cell(array, type, Format::kBinary);
      const Result<Value> from_binary = value_from_binary(binary, pg_type_of(type).oid, type);
      ASSERT_TRUE(from_binary.has_value()) << name;
      EXPECT_EQ(*from_binary, array) << name;
      for (size_t size = 0; size < binary.size(); ++size) {
        EXPECT_FALSE(
            value_from_binary(std::string_view(binary).substr(0, size), pg_type_of(type).oid, type).has_value());
      }
    }
  }
}

TEST(NestedTest, MalformedArrayText) {
  const DataType type = type_of("ARRAY<INT>");
  for (const char* bad : {"", "1", "{", "{1", "{1,}", "{,1}", "{1}x", "{\"1", "{{1}}", "{a}", "{\"\\"}) {
    EXPECT_FALSE(value_from_text(bad, type).has_value()) << bad;
  }
  EXPECT_EQ(*value_from_text(" { 1 , null } ", type), array_of(type, {Value(int64_t{1}), Value()}));
}

}  // namespace
}  // namespace penstock::pgwire
