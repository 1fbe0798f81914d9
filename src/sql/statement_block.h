// Where a semicolon stands inside a statement: EXECUTE STATEMENT SET BEGIN ...; ...; END and its like.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::sql {

// Follows the tokens of one statement. Cheap: knows words, nothing of grammar.
class StatementBlock {
 public:
  // The next token: an unquoted word, or one byte of anything else.
  void add(std::string_view token);
  // Whether a semicolon that comes now is part of the statement.
  bool open() const { return depth_ > 0; }

 private:
  std::string first_;      // word of the statement
  std::string before_[2];  // the two tokens before the next one, upper case, older first
  uint32_t tokens_ = 0;
  uint32_t depth_ = 0;  // of BEGIN and CASE, each of which has an END
};

}  // namespace penstock::sql
