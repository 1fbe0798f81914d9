#include "pgwire/word_scanner.h"

#include <algorithm>

namespace penstock::pgwire {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<uint8_t>(c) >= 0x80;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_quote(char c) { return c == '\'' || c == '"'; }

// The text between quotes, with doubled quotes made single.
std::string unquote(std::string_view token) {
  std::string text;
  for (size_t i = 1; i + 1 < token.size(); ++i) {
    text += token[i];
    if (token[i] == token[0]) ++i;
  }
  return text;
}

}  // namespace

WordScanner::WordScanner(std::string_view sql) : rest_(sql) { advance(); }

void WordScanner::skip_space() {
  for (;;) {
    const size_t text = rest_.find_first_not_of(" \t\r\n\f\v");
    rest_.remove_prefix(std::min(text, rest_.size()));
    if (rest_.starts_with("--")) {
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    } else if (rest_.starts_with("/*")) {
      const size_t end = rest_.find("*/", 2);
      rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
    } else {
      return;
    }
  }
}

void WordScanner::advance() {
  skip_space();
  size_t size = std::min<size_t>(1, rest_.size());
  if (size == 1 && is_quote(rest_[0])) {
    const char quote = rest_[0];
    for (;;) {
      const size_t end = rest_.find(quote, size);
      size = end == std::string_view::npos ? rest_.size() : end + 1;
      if (size == rest_.size() || rest_[size] != quote) break;
      ++size;
    }
  } else if (size == 1 && is_word(rest_[0])) {
    while (size < rest_.size() && is_word(rest_[size])) ++size;
  }
  token_ = rest_.substr(0, size);
  rest_.remove_prefix(size);
}

bool WordScanner::accept(std::string_view token) {
  if (token_.size() != token.size() ||
      !std::equal(token.begin(), token.end(), token_.begin(), [](char a, char b) { return a == lower(b); })) {
    return false;
  }
  advance();
  return true;
}

std::optional<std::string> WordScanner::accept_name_part() {
  if (token_.empty()) return std::nullopt;
  std::string name;
  if (token_[0] == '"') {
    name = unquote(token_);
  } else if (is_word(token_[0])) {
    for (const char c : token_) name += lower(c);
  } else {
    return std::nullopt;
  }
  advance();
  return name;
}

std::optional<std::string> WordScanner::accept_name() {
  std::optional<std::string> name = accept_name_part();
  while (name && accept(".")) name = accept_name_part();
  return name;
}

std::optional<std::string> WordScanner::accept_value() {
  if (token_.empty()) return std::nullopt;
  std::string sign;
  if (accept("-")) sign = "-";
  if (token_.empty() || (token_[0] != '\'' && token_[0] != '"' && !is_word(token_[0]))) return std::nullopt;
  std::string value = is_quote(token_[0]) ? unquote(token_) : std::string(token_);
  advance();
  return sign + value;
}

bool WordScanner::at_end() {
  while (accept(";")) {
  }
  return token_.empty();
}

}  // namespace penstock::pgwire
