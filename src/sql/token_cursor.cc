#include "sql/token_cursor.h"

#include <algorithm>
#include <optional>

#include "base/suggest.h"
#include "sql/keywords.h"
#include "sql/limits.h"

namespace penstock::sql {
namespace {

constexpr size_t kExpectationsShown = 8;
constexpr size_t kFoundBytesShown = 40;

bool is_word(std::string_view what) { return !what.empty() && what.front() >= 'A' && what.front() <= 'Z'; }
bool is_description(std::string_view what) { return !what.empty() && what.front() >= 'a' && what.front() <= 'z'; }

// The first word of "GROUP BY".
std::string_view first_word(std::string_view what) { return what.substr(0, what.find(' ')); }

// At most `bytes_max` bytes of `text`, cut between characters.
std::string shorten(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0U) == 0x80) --bytes_max;
  return std::string(text.substr(0, bytes_max)) + "...";
}

}  // namespace

Result<TokenCursor> TokenCursor::open(std::string_view sql) {
  if (sql.size() > kStatementBytesMax) {
    return make_error(ErrorCode::kResourceExhausted, "the statement is {} bytes long; a statement has at most {}",
                      sql.size(), kStatementBytesMax);
  }
  if (size_t bad = find_invalid_utf8(sql); bad != std::string_view::npos) {
    return invalid_argument("the statement is not valid UTF-8: byte 0x{:02x} is out of place",
                            static_cast<unsigned char>(sql[bad]))
        .at(static_cast<uint32_t>(bad));
  }
  std::vector<Token> tokens;
  Lexer lexer(sql);
  do {
    tokens.push_back(PENSTOCK_TRY(lexer.next()));
  } while (tokens.back().kind != TokenKind::kEnd);
  return TokenCursor(sql, std::move(tokens));
}

TokenCursor::TokenCursor(std::string_view sql, std::vector<Token> tokens) : sql_(sql), tokens_(std::move(tokens)) {
  closing_.resize(tokens_.size(), static_cast<uint32_t>(tokens_.size() - 1));
  std::vector<size_t> open;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].kind != TokenKind::kSymbol) continue;
    if (sql_[tokens_[i].offset] == '(') open.push_back(i);
    if (sql_[tokens_[i].offset] != ')' || open.empty()) continue;
    closing_[open.back()] = static_cast<uint32_t>(i);
    open.pop_back();
  }
}

bool TokenCursor::at(std::string_view word, size_t ahead) const {
  const Token& candidate = token(ahead);
  if (candidate.length != word.size()) return false;
  if (candidate.kind == TokenKind::kSymbol) return text(ahead) == word;
  return candidate.kind == TokenKind::kWord && equal_ignoring_case(text(ahead), word);
}

void TokenCursor::advance() {
  if (index_ + 1 == tokens_.size()) return;
  ++index_;
  std::swap(expected_before_, expected_);
  expected_.clear();
}

bool TokenCursor::accept(std::string_view word) {
  if (at(word)) {
    advance();
    return true;
  }
  note_expected(word);
  return false;
}

bool TokenCursor::accept(std::string_view first, std::string_view second) {
  if (at(first) && at(second, 1)) {
    advance();
    advance();
    return true;
  }
  note_expected(first);
  return false;
}

Status TokenCursor::expect(std::string_view word) {
  if (accept(word)) return {};
  return unexpected();
}

Error TokenCursor::unexpected() {
  std::vector<std::string_view> distinct;
  for (std::string_view what : expected_) {
    if (std::ranges::find(distinct, what) == distinct.end()) distinct.push_back(what);
  }
  std::string message = "expected ";
  size_t shown = std::min(distinct.size(), kExpectationsShown);
  for (size_t i = 0; i < shown; ++i) {
    if (i > 0) message += i + 1 == shown && shown == distinct.size() ? " or " : ", ";
    std::string_view what = distinct[i];
    message += is_word(what) || is_description(what) ? std::string(what) : "'" + std::string(what) + "'";
  }
  if (shown < distinct.size()) message += ", ...";
  message += " but found " + found();
  Error error = Error(ErrorCode::kInvalidArgument, std::move(message)).at(token().offset);
  std::string hint = suggestion();
  return hint.empty() ? std::move(error) : std::move(error).hint(std::move(hint));
}

std::string TokenCursor::found() const {
  switch (kind()) {
    case TokenKind::kEnd: return "the end of the statement";
    case TokenKind::kString: return "the string " + shorten(text(), kFoundBytesShown);
    case TokenKind::kQuotedName: return "the name " + shorten(text(), kFoundBytesShown);
    default: return "'" + shorten(text(), kFoundBytesShown) + "'";
  }
}

std::string TokenCursor::suggestion() const {
  auto keywords_of = [](const std::vector<std::string_view>& expected) {
    std::vector<std::string> words;
    for (std::string_view what : expected) {
      if (is_word(what)) words.emplace_back(first_word(what));
    }
    return words;
  };
  auto suggest = [&](std::string_view word, const std::vector<std::string_view>& expected) -> std::string {
    std::optional<std::string> match = nearest_name(word, keywords_of(expected));
    if (!match || equal_ignoring_case(*match, word)) return "";
    return "did you mean " + *match + " instead of '" + std::string(word) + "'?";
  };
  if (kind() == TokenKind::kWord) {
    std::string hint = suggest(text(), expected_);
    if (!hint.empty()) return hint;
    auto expects = [this](std::string_view what) { return std::ranges::find(expected_, what) != expected_.end(); };
    bool stands_alone = at(",", 1) || at(")", 1) || at("FROM", 1) || kind(1) == TokenKind::kEnd;
    if (is_reserved(text()) && (expects("a name") || (expects("an expression") && stands_alone))) {
      return "to use the keyword as a name, quote it: `" + std::string(text()) + "`";
    }
  }
  if (index_ > 0 && tokens_[index_ - 1].kind == TokenKind::kWord) {
    const Token& before = tokens_[index_ - 1];
    return suggest(sql_.substr(before.offset, before.length), expected_before_);
  }
  return "";
}

}  // namespace penstock::sql
