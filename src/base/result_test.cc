#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace penstock {
namespace {

Result<int> parse_digit(char c) {
  if (c < '0' || c > '9') return invalid_argument("'{}' is no digit", c).at(7).hint("use 0 to 9");
  return c - '0';
}

Result<int> sum_of_digits(std::string_view text, int* calls) {
  int sum = 0;
  for (const char c : text) {
    ++*calls;
    sum += PENSTOCK_TRY(parse_digit(c));
  }
  return sum;
}

TEST(Result, TryYieldsTheValueOrReturnsTheError) {
  int calls = 0;
  EXPECT_EQ(*sum_of_digits("123", &calls), 6);
  calls = 0;
  const Result<int> failed = sum_of_digits("1x3", &calls);
  ASSERT_FALSE(failed);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(failed.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(failed.error().message(), "'x' is no digit");
  EXPECT_EQ(failed.error().position(), 7U);
  EXPECT_EQ(failed.error().to_string(), "'x' is no digit (hint: use 0 to 9)");
}

Result<std::unique_ptr<int>> make_box(int value) {
  if (value < 0) return Error(ErrorCode::kResourceExhausted, "too small");
  return std::make_unique<int>(value);
}

Result<std::unique_ptr<int>> twice(int value) {
  std::unique_ptr<int> box = PENSTOCK_TRY(make_box(value));
  *box *= 2;
  return box;
}

TEST(Result, TryMovesWhatCannotBeCopied) {
  EXPECT_EQ(**twice(21), 42);
  EXPECT_EQ(twice(-1).error().code(), ErrorCode::kResourceExhausted);
  Result<std::unique_ptr<int>> named = make_box(5);
  const auto take = [&]() -> Result<std::unique_ptr<int>> { return PENSTOCK_TRY(std::move(named)); };
  EXPECT_EQ(**take(), 5);
}

Status require(bool ok) {
  if (!ok) return not_found("it");
  return {};
}

Status require_both(bool a, bool b, int* passed) {
  PENSTOCK_TRY(require(a));
  ++*passed;
  PENSTOCK_TRY(require(b));
  ++*passed;
  return {};
}

TEST(Result, TryWorksWithoutAValue) {
  int passed = 0;
  EXPECT_TRUE(require_both(true, true, &passed));
  EXPECT_EQ(passed, 2);
  passed = 0;
  EXPECT_EQ(require_both(true, false, &passed).error().message(), "it");
  EXPECT_EQ(passed, 1);
}

Result<size_t> nested(const Status& status) {
  // An lvalue stays usable, a Status' error becomes that of another type, and TRY nests in an expression.
  PENSTOCK_TRY(status);
  return std::to_string(PENSTOCK_TRY(parse_digit('4')) + PENSTOCK_TRY(parse_digit('8'))).size();
}

TEST(Result, TryNestsInExpressions) {
  const Status good;
  EXPECT_EQ(*nested(good), 2U);
  const Status bad = unsupported("no {}", "way");
  EXPECT_EQ(nested(bad).error().message(), "no way");
  EXPECT_EQ(bad.error().message(), "no way");
}

TEST(Result, ContextComesFirst) {
  const Error error = make_error(ErrorCode::kIoError, "disk {}", 3).context("reading a");
  EXPECT_EQ(error.to_string(), "reading a: disk 3");
  EXPECT_FALSE(error.position());
}

TEST(Result, EveryCodeHasItsOwnName) {
  std::string names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    const std::string name = fmt::format(" {} ", error_code_name(static_cast<ErrorCode>(code)));
    EXPECT_EQ(names.find(name), std::string::npos) << name;
    names += name;
  }
}

}  // namespace
}  // namespace penstock
