// Cuts SQL text into tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::sql {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,        // a keyword or an unquoted name
  kQuotedName,  // "x" or `x`
  kString,      // 'x', with '' for a quote; E'x' and U&'x' [UESCAPE 'c'] with escapes, $$x$$ and $tag$x$tag$
  kBinary,      // X'0aff'
  kInteger,
  kDecimal,    // 1.5
  kDouble,     // 1.5e3
  kParameter,  // $1 or ?
  kSymbol,     // operators and punctuation
  kHintBegin,  // the "/*+" of a hint; its content are ordinary tokens
  kHintEnd,    // its "*/"
};

// A piece of the text: bytes [offset, offset + length).
struct Token {
  TokenKind kind = TokenKind::kEnd;
  uint32_t offset = 0;
  uint32_t length = 0;
};

// A cursor over one text, which outlives it. Skips white space, -- comments and nested /* */ comments.
class Lexer {
 public:
  explicit Lexer(std::string_view sql) : sql_(sql) {}

  // Returns the next token, kEnd again and again at the end. Fails, with the position, on text that is no token:
  // a string or comment without an end, a character that SQL does not use, a name that is too long.
  Result<Token> next();

 private:
  Status skip_space_and_comments();
  Status skip_block_comment();
  Result<Token> lex_word();
  Result<Token> lex_quoted(TokenKind kind, size_t begin);
  Result<Token> lex_escaped();
  Result<Token> lex_unicode();
  Result<char> lex_escape_character();
  size_t dollar_tag_bytes() const;
  Result<Token> lex_dollar_quoted(size_t tag);
  Result<Token> lex_number();
  Result<Token> lex_parameter();
  Result<Token> lex_symbol();
  Token take(TokenKind kind, size_t begin) const;
  // The byte `ahead` of the cursor, or 0 at the end.
  char peek(size_t ahead = 0) const { return offset_ + ahead < sql_.size() ? sql_[offset_ + ahead] : '\0'; }

  std::string_view sql_;
  size_t offset_ = 0;
  bool in_hint_ = false;
};

// The text between the quotes of a string, binary or quoted-name token, with doubled quotes made single and escapes
// resolved.
std::string unquote(std::string_view token_text);

// Whether the text is UTF-8 without zero bytes; returns the offset of the first bad byte, or npos.
size_t find_invalid_utf8(std::string_view text);

}  // namespace penstock::sql
