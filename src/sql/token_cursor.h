// A place in a list of tokens, and the memory of what could have stood there, for error messages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/expression.h"
#include "sql/lexer.h"

namespace penstock::sql {

// Words (keywords) and symbols are both named by their text: at("FROM"), at("("). Words match in any case; quoted names
// and strings never match.
class TokenCursor {
 public:
  // Cuts the whole text; `sql` outlives the cursor. Fails on text that is too long, not UTF-8 or has no tokens.
  static Result<TokenCursor> open(std::string_view sql);

  const Token& token(size_t ahead = 0) const { return tokens_[std::min(index_ + ahead, tokens_.size() - 1)]; }
  TokenKind kind(size_t ahead = 0) const { return token(ahead).kind; }
  std::string_view text(size_t ahead = 0) const { return sql_.substr(token(ahead).offset, token(ahead).length); }
  Position position() const { return {token().offset}; }

  // Whether the token `ahead` is this word or symbol.
  bool at(std::string_view word, size_t ahead = 0) const;
  bool at_end() const { return kind() == TokenKind::kEnd; }

  // How far ahead the token behind the parenthesis is that closes the one at the cursor; the end when none does.
  size_t behind_parenthesis() const { return closing_[index_] + 1 - index_; }

  void advance();

  // Steps over the word or symbol, or remembers that it was expected.
  bool accept(std::string_view word);
  // The same for two words that stand together, as GROUP BY.
  bool accept(std::string_view first, std::string_view second);
  // Steps over it, or fails.
  Status expect(std::string_view word);

  // Remembers that `what` could stand here: a description such as "a name", or a word or symbol.
  void note_expected(std::string_view what) { expected_.push_back(what); }

  // "expected A, B or C but found 'x'", from everything that was expected at this token.
  Error unexpected();
  // The same with one more expectation.
  Error unexpected(std::string_view what) {
    note_expected(what);
    return unexpected();
  }

 private:
  TokenCursor(std::string_view sql, std::vector<Token> tokens);

  std::string found() const;
  std::string suggestion() const;

  std::string_view sql_;
  std::vector<Token> tokens_;      // ends with a kEnd
  std::vector<uint32_t> closing_;  // for each '(' the index of its ')', or of the kEnd
  size_t index_ = 0;
  std::vector<std::string_view> expected_;
  // What else could have stood in the place of the token before this one, for misspelt keywords that were read as an
  // alias.
  std::vector<std::string_view> expected_before_;
};

}  // namespace penstock::sql
