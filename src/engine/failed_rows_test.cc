#include "engine/failed_rows.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "columnar/column.h"

namespace penstock::engine {
namespace {

using types::TypeKind;

struct Letters : connector::DeadLetterSink {
  void add(const connector::DeadLetter& letter) override {
    if (!letter.admit || letter.admit()) raw.emplace_back(letter.raw);
  }
  std::vector<std::string> raw;
};

columnar::ChangeBatch numbers(size_t rows) {
  columnar::BatchBuilder builder({TypeKind::kBigInt});
  for (size_t i = 0; i < rows; ++i) {
    builder.column(0).append_int64(static_cast<int64_t>(i));
    builder.end_row();
  }
  return builder.finish();
}

expr::RowErrors all_fail(size_t rows) {
  expr::RowErrors errors;
  for (size_t i = 0; i < rows; ++i) errors.push_back({.row = static_cast<uint16_t>(i), .message = "no"});
  return errors;
}

TEST(FailedRowsTest, RowsBeyondTheLimitAreCounted) {
  Counter beyond;
  // An interval that does not end while the test runs.
  const auto limit = std::make_shared<RowLetterLimit>(
      RowLetterLimit::Options{.job = "j", .rows_max = 3, .interval = std::chrono::hours(1), .beyond = &beyond});
  Letters letters;
  FailedRowLetters join("j", "Join", {{"n", TypeKind::kBigInt}}, letters, limit);
  FailedRowLetters filter("j", "Filter", {{"n", TypeKind::kBigInt}}, letters, limit);
  join.add(numbers(2), all_fail(2));
  EXPECT_EQ(beyond.value(), 0U);
  filter.add(numbers(5), all_fail(5));
  EXPECT_EQ(letters.raw, (std::vector<std::string>{"{\"n\":0}", "{\"n\":1}", "{\"n\":0}"})) << "of all operators";
  EXPECT_EQ(beyond.value(), 4U);
}

}  // namespace
}  // namespace penstock::engine
