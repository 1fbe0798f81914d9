#include "alert/row_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::alert {
namespace {

using columnar::ChangeBatch;
using testing::StartsWith;
using types::TypeKind;

const types::Schema kSchema = {{"who", TypeKind::kString}, {"n", TypeKind::kBigInt}, {"x", TypeKind::kDouble}};

ChangeBatch row(const std::string& who, int64_t n, double x) {
  std::vector<columnar::ColumnBuilder> builders;
  for (const types::Field& field : kSchema) builders.emplace_back(field.type, 1);
  builders[0].append_string(who);
  builders[1].append_int64(n);
  builders[2].append_double(x);
  std::vector<columnar::ColumnPtr> columns;
  for (columnar::ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  return {1, std::move(columns)};
}

TEST(RowTextTest, ARowIsAJsonObject) {
  EXPECT_EQ(row_json(kSchema, row("a \"b\"", -3, 0.5), 0), R"({"who":"a \"b\"","n":-3,"x":0.5})");
  EXPECT_EQ(row_json(kSchema, row("", 0, 1.0 / 0.0), 0), R"({"who":"","n":0,"x":"Infinity"})");
}

TEST(RowTextTest, AKeyNamesItsColumns) {
  EXPECT_EQ(key_text(kSchema, {0, 1}, row("a", 7, 0), 0), "who=a, n=7");
  EXPECT_EQ(key_text(kSchema, {}, row("a", 7, 0), 0), "");
}

TEST(RowTextTest, LongTextIsCutBetweenCharacters) {
  std::string text = "x";
  while (text.size() < 2 * kValueTextBytesMax) text += "\xc3\xa9";
  const std::string json = row_json(kSchema, row(text, 1, 1), 0);
  EXPECT_LT(json.size(), kValueTextBytesMax + 100);
  EXPECT_THAT(json, testing::HasSubstr("\xc3\xa9...\","));
}

TEST(RowTextTest, LongKeysAreCutAndStayDifferent) {
  const std::string long_text(2 * kKeyTextBytesMax, 'x');
  const std::string a = key_text(kSchema, {0}, row(long_text + "a", 1, 1), 0);
  const std::string b = key_text(kSchema, {0}, row(long_text + "b", 1, 1), 0);
  EXPECT_LT(a.size(), kKeyTextBytesMax + 100);
  EXPECT_THAT(a, StartsWith("who=xxx"));
  EXPECT_NE(a, b);
  EXPECT_EQ(a, key_text(kSchema, {0}, row(long_text + "a", 2, 2), 0));
}

}  // namespace
}  // namespace penstock::alert
