#include "sql/lexer.h"

#include <array>

#include "base/ascii.h"
#include "sql/escapes.h"
#include "sql/keywords.h"
#include "sql/limits.h"

namespace penstock::sql {
namespace {

bool is_word_start(char c) { return is_letter(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }
bool is_word_part(char c) { return is_word_start(c) || is_digit(c) || c == '$'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

uint32_t to_offset(size_t offset) { return static_cast<uint32_t>(offset); }

// The length of the UTF-8 sequence at text[i], or 0 when it is malformed. Table 3-7 of the Unicode standard.
size_t utf8_sequence_length(std::string_view text, size_t i) {
  auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0U; };
  auto continues = [&](size_t k) { return (byte(k) & 0xC0U) == 0x80; };
  unsigned lead = byte(0);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return continues(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (!continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    if (lead == 0xED && byte(1) >= 0xA0) return 0;
    return 3;
  }
  if (lead > 0xF4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  if (lead == 0xF0 && byte(1) < 0x90) return 0;
  if (lead == 0xF4 && byte(1) >= 0x90) return 0;
  return 4;
}

// Where the string that begins before `begin` is closed; npos when it is not.
size_t string_end(std::string_view sql, size_t begin) {
  for (size_t at = sql.find('\'', begin); at != std::string_view::npos; at = sql.find('\'', at + 2)) {
    if (at + 1 >= sql.size() || sql[at + 1] != '\'') return at;
  }
  return std::string_view::npos;
}

// Longer ones first. Not ">>", which ends nested types.
constexpr std::array<std::string_view, 19> kLongSymbols = {
    "->>", "#>>", "!~*", "#-", "<>", "<=", ">=", "!=", "::", "||",
    "=>",  "->",  "#>",  "@>", "<@", "&&", "<<", "~*", "!~"};
constexpr std::string_view kOneByteSymbols = "(),.;+-*/%=<>[]:&#~|^{}$";  // { } and $ are for row patterns

}  // namespace

size_t find_invalid_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    size_t length = utf8_sequence_length(text, i);
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

std::string unquote(std::string_view token_text) {
  if (token_text.front() == 'e' || token_text.front() == 'E') {
    return unescape(token_text.substr(2, token_text.size() - 3)).value_or("");  // next() has seen that it can be read
  }
  if (token_text.front() == 'u' || token_text.front() == 'U') {
    const size_t end = string_end(token_text, 3);
    const bool has_clause = end + 1 < token_text.size();
    return unescape_unicode(token_text.substr(3, end - 3), has_clause ? token_text[token_text.size() - 2] : '\\')
        .value_or("");
  }
  if (token_text.front() == '$') {
    const size_t tag = token_text.find('$', 1) + 1;
    return std::string(token_text.substr(tag, token_text.size() - 2 * tag));
  }
  if (token_text.size() >= 3 && (token_text[0] == 'x' || token_text[0] == 'X')) token_text.remove_prefix(1);
  char quote = token_text.front();
  token_text = token_text.substr(1, token_text.size() - 2);
  std::string result;
  result.reserve(token_text.size());
  for (size_t i = 0; i < token_text.size(); ++i) {
    result.push_back(token_text[i]);
    if (token_text[i] == quote) ++i;
  }
  return result;
}

Result<Token> Lexer::next() {
  PENSTOCK_TRY(skip_space_and_comments());
  size_t begin = offset_;
  if (offset_ >= sql_.size()) {
    if (in_hint_) return invalid_argument("this hint has no closing '*/'").at(to_offset(begin));
    return take(TokenKind::kEnd, begin);
  }
  char c = peek();
  if (in_hint_ && c == '*' && peek(1) == '/') {
    offset_ += 2;
    in_hint_ = false;
    return take(TokenKind::kHintEnd, begin);
  }
  if (c == '/' && peek(1) == '*') {  // skip_space_and_comments leaves only hints
    offset_ += 3;
    in_hint_ = true;
    return take(TokenKind::kHintBegin, begin);
  }
  if ((c == 'x' || c == 'X') && peek(1) == '\'') {
    ++offset_;
    return lex_quoted(TokenKind::kBinary, begin);
  }
  if ((c == 'e' || c == 'E') && peek(1) == '\'') return lex_escaped();
  if ((c == 'u' || c == 'U') && peek(1) == '&' && peek(2) == '\'') return lex_unicode();
  if (is_word_start(c)) return lex_word();
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return lex_number();
  if (c == '\'') return lex_quoted(TokenKind::kString, begin);
  if (c == '"' || c == '`') return lex_quoted(TokenKind::kQuotedName, begin);
  if (c == '?' || (c == '$' && is_digit(peek(1)))) return lex_parameter();
  if (c == '$') {
    if (const size_t tag = dollar_tag_bytes(); tag > 0) return lex_dollar_quoted(tag);
  }
  return lex_symbol();
}

Status Lexer::skip_space_and_comments() {
  while (offset_ < sql_.size()) {
    char c = peek();
    if (is_space(c)) {
      ++offset_;
    } else if (c == '-' && peek(1) == '-') {
      while (offset_ < sql_.size() && peek() != '\n') ++offset_;
    } else if (c == '/' && peek(1) == '*' && (peek(2) != '+' || in_hint_)) {
      PENSTOCK_TRY(skip_block_comment());
    } else {
      break;
    }
  }
  return {};
}

Status Lexer::skip_block_comment() {
  size_t begin = offset_;
  size_t depth = 0;
  while (offset_ < sql_.size()) {
    if (peek() == '/' && peek(1) == '*') {
      ++depth;
      offset_ += 2;
    } else if (peek() == '*' && peek(1) == '/') {
      offset_ += 2;
      if (--depth == 0) return {};
    } else {
      ++offset_;
    }
  }
  return invalid_argument("this comment has no closing '*/'").at(to_offset(begin));
}

Result<Token> Lexer::lex_word() {
  size_t begin = offset_;
  while (offset_ < sql_.size() && is_word_part(peek())) ++offset_;
  if (offset_ - begin > kIdentifierBytesMax) {
    return invalid_argument("this name is {} bytes long; a name has at most {}", offset_ - begin, kIdentifierBytesMax)
        .at(to_offset(begin));
  }
  return take(TokenKind::kWord, begin);
}

Result<Token> Lexer::lex_quoted(TokenKind kind, size_t begin) {
  char quote = peek();
  ++offset_;
  size_t content_begin = offset_;
  size_t doubled = 0;
  while (true) {
    size_t end = sql_.find(quote, offset_);
    if (end == std::string_view::npos) {
      std::string_view what = kind == TokenKind::kQuotedName ? "name" : "string";
      return invalid_argument("this {} has no closing {}", what, quote).at(to_offset(begin));
    }
    offset_ = end + 1;
    if (peek() != quote) break;
    ++offset_;
    ++doubled;
  }
  if (kind == TokenKind::kQuotedName) {
    size_t length = offset_ - 1 - content_begin - doubled;
    if (length == 0) return invalid_argument("a quoted name cannot be empty").at(to_offset(begin));
    if (length > kIdentifierBytesMax) {
      return invalid_argument("this name is {} bytes long; a name has at most {}", length, kIdentifierBytesMax)
          .at(to_offset(begin));
    }
  }
  return take(kind, begin);
}

// E'it\'s': a backslash takes the quote's meaning away, too.
Result<Token> Lexer::lex_escaped() {
  const size_t begin = offset_;
  offset_ += 2;
  for (; offset_ < sql_.size(); ++offset_) {
    if (peek() == '\\') {
      ++offset_;
    } else if (peek() == '\'') {
      if (peek(1) != '\'') break;
      ++offset_;
    }
  }
  if (offset_ >= sql_.size()) return invalid_argument("this string has no closing '").at(to_offset(begin));
  ++offset_;
  const Result<std::string> text = unescape(sql_.substr(begin + 2, offset_ - begin - 3));
  if (!text) return Error(text.error()).at(to_offset(begin + 2) + text.error().position().value_or(0));
  return take(TokenKind::kString, begin);
}

// U&'\00e9' and the UESCAPE behind it, which says what its escapes are, are one token.
Result<Token> Lexer::lex_unicode() {
  const size_t begin = offset_;
  const size_t end = string_end(sql_, begin + 3);
  if (end == std::string_view::npos) return invalid_argument("this string has no closing '").at(to_offset(begin));
  offset_ = end + 1;
  PENSTOCK_TRY(skip_space_and_comments());
  constexpr std::string_view kClause = "UESCAPE";
  const std::string_view word = sql_.substr(offset_, kClause.size());
  const bool has_clause = equal_ignoring_case(word, kClause) && !is_word_part(peek(kClause.size()));
  if (has_clause) offset_ += kClause.size();
  if (!has_clause) offset_ = end + 1;
  const char escape = has_clause ? PENSTOCK_TRY(lex_escape_character()) : '\\';
  if (!unescape_unicode(sql_.substr(begin + 3, end - begin - 3), escape)) {
    return invalid_argument("an escape in this string is none, or does not give UTF-8")
        .at(to_offset(begin))
        .hint("it is four hexadecimal digits, as in U&'\\00e9', or + and six");
  }
  return take(TokenKind::kString, begin);
}

// 'c', behind UESCAPE.
Result<char> Lexer::lex_escape_character() {
  PENSTOCK_TRY(skip_space_and_comments());
  const char c = peek(1);
  const bool is_hex = is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  const bool possible = c > ' ' && c < 0x7f && !is_hex && c != '+' && c != '\'' && c != '"';
  if (peek() != '\'' || peek(2) != '\'' || !possible) {
    return invalid_argument("UESCAPE needs one character, which is no hexadecimal digit, quote, plus sign or space")
        .at(to_offset(offset_));
  }
  offset_ += 3;
  return c;
}

// The length of $$ or $name$ at the cursor, with which PostgreSQL begins a string; 0 when there is none, as for the end
// of a row pattern.
size_t Lexer::dollar_tag_bytes() const {
  size_t at = 1;
  if (is_word_start(peek(at))) {
    while (is_word_part(peek(at)) && peek(at) != '$') ++at;
  }
  return peek(at) == '$' ? at + 1 : 0;
}

Result<Token> Lexer::lex_dollar_quoted(size_t tag) {
  const size_t begin = offset_;
  const size_t end = sql_.find(sql_.substr(begin, tag), begin + tag);
  if (end == std::string_view::npos) {
    return invalid_argument("this string has no closing {}", sql_.substr(begin, tag)).at(to_offset(begin));
  }
  offset_ = end + tag;
  return take(TokenKind::kString, begin);
}

Result<Token> Lexer::lex_number() {
  size_t begin = offset_;
  TokenKind kind = TokenKind::kInteger;
  while (is_digit(peek())) ++offset_;
  if (peek() == '.') {
    kind = TokenKind::kDecimal;
    ++offset_;
    while (is_digit(peek())) ++offset_;
  }
  if (peek() == 'e' || peek() == 'E') {
    size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if (is_digit(peek(1 + sign))) {
      kind = TokenKind::kDouble;
      offset_ += 1 + sign;
      while (is_digit(peek())) ++offset_;
    }
  }
  if (is_word_part(peek())) {
    return invalid_argument("a number cannot be followed directly by {}", peek() == '$' ? "'$'" : "a letter")
        .at(to_offset(offset_))
        .hint("put a space between them, or quote the name");
  }
  return take(kind, begin);
}

Result<Token> Lexer::lex_parameter() {
  size_t begin = offset_;
  bool numbered = peek() == '$';
  ++offset_;
  if (numbered) {
    uint32_t number = 0;
    while (is_digit(peek())) {
      number = number * 10 + static_cast<uint32_t>(peek() - '0');
      ++offset_;
      if (number > kParametersMax) {
        return invalid_argument("parameters go from $1 to ${}", kParametersMax).at(to_offset(begin));
      }
    }
    if (number == 0) return invalid_argument("parameters are written $1, $2, ... or ?").at(to_offset(begin));
  }
  return take(TokenKind::kParameter, begin);
}

Result<Token> Lexer::lex_symbol() {
  size_t begin = offset_;
  for (std::string_view symbol : kLongSymbols) {
    if (sql_.substr(begin, symbol.size()) == symbol) {
      offset_ += symbol.size();
      return take(TokenKind::kSymbol, begin);
    }
  }
  if (kOneByteSymbols.find(peek()) == std::string_view::npos) {
    return invalid_argument("SQL has no use for the character '{}' here", peek()).at(to_offset(begin));
  }
  ++offset_;
  return take(TokenKind::kSymbol, begin);
}

Token Lexer::take(TokenKind kind, size_t begin) const {
  return {.kind = kind, .offset = to_offset(begin), .length = to_offset(offset_ - begin)};
}

}  // namespace penstock::sql
