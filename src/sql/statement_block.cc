#include "sql/statement_block.h"

#include <algorithm>
#include <utility>

#include "sql/keywords.h"

namespace penstock::sql {
namespace {

template <size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& words) {
  return std::ranges::find(words, word) != words.end();
}

// Behind these, END is a name: it ends nothing that begins there.
constexpr std::array<std::string_view, 6> kBeforeNames = {".", "AS", "(", ",", "=", "<"};
// Before these, CASE is a name.
constexpr std::array<std::string_view, 5> kBehindNames = {".", ")", ",", "=", ";"};
// The reserved words that can begin an expression, and WHEN: what can stand behind the CASE of one.
constexpr std::array<std::string_view, 8> kBehindCase = {"WHEN", "CASE", "CAST", "EXISTS",
                                                         "NOT",  "NULL", "TRUE", "FALSE"};

}  // namespace

void StatementBlock::add(std::string_view token) {
  std::string word = to_upper(token);
  if (tokens_ == 0) first_ = word;
  if (depth_ > 0) {
    add_inside(word);
  } else if (first_ == "BEGIN") {
    if (tokens_ == 2 && before_[1] == "STATEMENT" && word == "SET") depth_ = 1;
  } else if (first_ == "EXECUTE" || first_ == "EXPLAIN") {
    if (before_[0] == "STATEMENT" && before_[1] == "SET" && word == "BEGIN") depth_ = 1;
  }
  ++tokens_;
  before_[0] = std::exchange(before_[1], std::move(word));
}

void StatementBlock::add_inside(std::string_view word) {
  if (std::exchange(maybe_case_, false)) {
    const bool name = is_one_of(word, kBehindNames) || (is_reserved(word) && !is_one_of(word, kBehindCase));
    if (!name) ++depth_;
  }
  maybe_case_ = word == "CASE" && before_[1] != ".";
  if (word == "END" && !is_one_of(before_[1], kBeforeNames)) --depth_;
}

}  // namespace penstock::sql
