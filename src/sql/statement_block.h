// Where a semicolon stands inside a statement: EXECUTE STATEMENT SET BEGIN ...; ...; END and its like.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::sql {

// Follows the tokens of one statement. Cheap: knows words, nothing of grammar, but where CASE and END are names.
class StatementBlock {
 public:
  // The next token: an unquoted word, or one byte of anything else.
  void add(std::string_view token);
  // Whether a semicolon that comes now is part of the statement.
  bool open() const { return depth_ > 0; }

 private:
  void add_inside(std::string_view word);

  std::string first_;                  // word of the statement
  std::array<std::string, 2> before_;  // the two tokens before the next one, upper case, older first
  uint32_t tokens_ = 0;
  uint32_t depth_ = 0;       // of BEGIN and CASE, each of which has an END
  bool maybe_case_ = false;  // the token before is CASE, and may begin an expression
};

}  // namespace penstock::sql
