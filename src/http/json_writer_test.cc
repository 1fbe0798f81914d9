#include "http/json_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "columnar/column.h"
#include "types/nested.h"
#include "types/value.h"

namespace penstock::http {
namespace {

using types::DataType;
using types::TypeKind;

std::string json(DataType type, const std::function<void(columnar::ColumnBuilder&)>& append) {
  columnar::ColumnBuilder builder(type, 1);
  append(builder);
  std::string out;
  append_value(out, *builder.finish(), 0);
  return out;
}

std::string integer(int64_t v) {
  return json(TypeKind::kBigInt, [v](auto& b) { b.append_int64(v); });
}
std::string real(double v) {
  return json(TypeKind::kDouble, [v](auto& b) { b.append_double(v); });
}
std::string text(std::string_view v) {
  return json(TypeKind::kString, [v](auto& b) { b.append_string(v); });
}

TEST(JsonWriterTest, IntegersThatADoubleCannotHoldAreStrings) {
  constexpr int64_t kExact = int64_t{1} << 53;
  EXPECT_EQ(integer(0), "0");
  EXPECT_EQ(integer(kExact), "9007199254740992");
  EXPECT_EQ(integer(-kExact), "-9007199254740992");
  EXPECT_EQ(integer(kExact + 1), "\"9007199254740993\"");
  EXPECT_EQ(integer(INT64_MIN), "\"-9223372036854775808\"");
}

TEST(JsonWriterTest, AFloatHasNoMoreDigitsThanItNeeds) {
  const auto as_float = [](float v) { return json(TypeKind::kFloat, [v](auto& b) { b.append_double(v); }); };
  EXPECT_EQ(as_float(0.1F), "0.1");
  EXPECT_EQ(as_float(1e20F), "1e+20");
  EXPECT_EQ(as_float(std::numeric_limits<float>::infinity()), "\"Infinity\"");
}

TEST(JsonWriterTest, NumbersThatAreNotFiniteAreStrings) {
  EXPECT_EQ(real(0.1), "0.1");
  EXPECT_EQ(real(1e300), "1e+300");
  EXPECT_EQ(real(std::numeric_limits<double>::infinity()), "\"Infinity\"");
  EXPECT_EQ(real(-std::numeric_limits<double>::infinity()), "\"-Infinity\"");
  EXPECT_EQ(real(std::nan("")), "\"NaN\"");
}

TEST(JsonWriterTest, TextIsEscaped) {
  EXPECT_EQ(text(""), "\"\"");
  EXPECT_EQ(text("a\"b\\c\n\t\x01"), R"("a\"b\\c\n\t\u0001")");
  EXPECT_EQ(text("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

TEST(JsonWriterTest, OtherTypes) {
  EXPECT_EQ(json(TypeKind::kBytes, [](auto& b) { b.append_string(std::string_view("\x00\xff", 2)); }), R"("\\x00ff")");
  EXPECT_EQ(json(TypeKind::kBigInt, [](auto& b) { b.append_null(); }), "null");
  EXPECT_EQ(json(DataType::timestamp(3), [](auto& b) { b.append_int64(1'500'000); }), "\"1970-01-01T00:00:01.500Z\"");
}

TEST(JsonWriterTest, Columns) {
  std::string out;
  append_columns(out, {{"a \"b\"", TypeKind::kBigInt}, {"c", TypeKind::kString}});
  EXPECT_EQ(out, R"([{"name":"a \"b\"","type":"BIGINT"},{"name":"c","type":"STRING"}])");
}

TEST(JsonWriterTest, PositionsOfErrorsCountCharactersFromOne) {
  const std::string sql = "SELECT '\xc3\xa9\xc3\xa9', nothing";
  const Error error = not_found("column \"nothing\"").at(static_cast<uint32_t>(sql.find("nothing")));
  EXPECT_EQ(error_json(error, sql), R"({"code":"not_found","message":"column \"nothing\"","position":14})");
  EXPECT_EQ(error_json(invalid_argument("no").hint("do \"that\"")),
            R"({"code":"invalid_argument","message":"no","hint":"do \"that\""})");
  EXPECT_TRUE(error_json(invalid_argument("x").at(1'000'000), "short").ends_with(R"("position":6})"));
}

TEST(JsonWriterTest, NestedValuesAreArraysAndObjects) {
  DataType type =
      DataType::parse("ROW<a ARRAY<BIGINT>, b MAP<INT, STRING>, c MULTISET<STRING>, d TIMESTAMP(3)>").value();
  std::string array;
  for (int64_t v : {int64_t{1}, INT64_MAX}) types::SlotWriter(array, TypeKind::kBigInt).append_int64(v);
  std::string map;
  types::SlotWriter(map, TypeKind::kInt).append_int64(7);
  types::SlotWriter(map, TypeKind::kString).append_null();
  std::string counts;
  types::SlotWriter(counts, TypeKind::kString).append_string("x\"");
  types::SlotWriter(counts, TypeKind::kInt).append_int64(2);
  std::string row;
  types::SlotWriter(row, type.part(0)).append_string(array + types::kSlotEnd);
  types::SlotWriter(row, type.part(1)).append_string(map + types::kSlotEnd);
  types::SlotWriter(row, type.part(2)).append_string(counts + types::kSlotEnd);
  types::SlotWriter(row, type.part(3)).append_int64(0);
  EXPECT_EQ(json(type, [&](auto& b) { b.append_string(row); }),
            R"({"a":[1,"9223372036854775807"],"b":{"7":null},"c":{"x\"":2},"d":"1970-01-01T00:00:00.000Z"})");
  EXPECT_EQ(json(type.part(0), [&](auto& b) { b.append_string(std::string(1, types::kSlotEnd)); }), "[]");
}

}  // namespace
}  // namespace penstock::http
