#include "sql/statement_block.h"

#include <utility>

#include "sql/keywords.h"

namespace penstock::sql {

void StatementBlock::add(std::string_view token) {
  std::string word = to_upper(token);
  if (tokens_ == 0) first_ = word;
  if (depth_ > 0) {
    const bool label = before_[1] == "." || before_[1] == "AS";  // where reserved words are names
    if (word == "CASE" && !label) ++depth_;
    if (word == "END" && !label) --depth_;
  } else if (first_ == "BEGIN") {
    if (tokens_ == 2 && before_[1] == "STATEMENT" && word == "SET") depth_ = 1;
  } else if (first_ == "EXECUTE" || first_ == "EXPLAIN") {
    if (before_[0] == "STATEMENT" && before_[1] == "SET" && word == "BEGIN") depth_ = 1;
  }
  ++tokens_;
  before_[0] = std::exchange(before_[1], std::move(word));
}

}  // namespace penstock::sql
