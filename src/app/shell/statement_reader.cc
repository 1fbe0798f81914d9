#include "app/shell/statement_reader.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "sql/statement_block.h"

namespace penstock::app {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f\v";

struct Scan {
  size_t end = std::string_view::npos;  // after the semicolon; npos: the statement is not complete
  bool blank = true;                    // only space and comments
};

// The offset after the quoted text that begins at `at`; a doubled quote stands for itself.
size_t skip_quoted(std::string_view text, size_t at) {
  const char quote = text[at];
  for (size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] != quote) continue;
    if (i + 1 < text.size() && text[i + 1] == quote) {
      ++i;
    } else {
      return i + 1;
    }
  }
  return text.size();
}

size_t skip_block_comment(std::string_view text, size_t at) {
  int depth = 0;
  for (size_t i = at; i < text.size(); ++i) {
    if (text.substr(i, 2) == "/*") {
      ++depth;
      ++i;
    } else if (text.substr(i, 2) == "*/") {
      ++i;
      if (--depth == 0) return i + 1;
    }
  }
  return text.size();
}

// The offset after the closing quote or comment, npos where it is open at the end.
size_t skip_or_open(std::string_view text, size_t at) {
  if (text.substr(at, 2) == "--") return std::min(text.find('\n', at), text.size());
  const bool comment = text.substr(at, 2) == "/*";
  const size_t end = comment ? skip_block_comment(text, at) : skip_quoted(text, at);
  const bool closed =
      comment ? end >= at + 4 && text.substr(end - 2, 2) == "*/" : end >= at + 2 && text[end - 1] == text[at];
  return closed ? end : std::string_view::npos;
}

bool is_word_byte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

size_t word_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && is_word_byte(text[length])) ++length;
  return length;
}

Scan scan(std::string_view text) {
  Scan result;
  sql::StatementBlock block;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const bool quote = c == '\'' || c == '"' || c == '`';
    const bool comment = text.substr(i, 2) == "--" || text.substr(i, 2) == "/*";
    if (quote) {
      result.blank = false;
      block.add(text.substr(i, 1));
    }
    if (quote || comment) {
      i = skip_or_open(text, i);
      if (i == std::string_view::npos) {
        result.blank = false;
        return result;
      }
      continue;
    }
    if (c == ';' && !block.open()) {
      result.end = i + 1;
      return result;
    }
    const size_t length = is_word_byte(c) ? word_length(text.substr(i)) : 1;
    if (kSpace.find(c) == std::string_view::npos) {
      result.blank = false;
      block.add(text.substr(i, length));
    }
    i += length;
  }
  return result;
}

}  // namespace

void StatementReader::add_line(std::string_view line) {
  if (!buffer_.empty()) buffer_ += '\n';
  buffer_ += line;
}

std::optional<StatementReader::Item> StatementReader::next() {
  for (;;) {
    const size_t begin = buffer_.find_first_not_of(kSpace);
    buffer_.erase(0, std::min(begin, buffer_.size()));
    if (buffer_.starts_with('\\')) {
      const size_t end = std::min(buffer_.find('\n'), buffer_.size());
      Item item{.is_command = true, .text = buffer_.substr(0, end)};
      buffer_.erase(0, end);
      while (kSpace.find(item.text.back()) != std::string_view::npos) item.text.pop_back();
      return item;
    }
    const Scan found = scan(buffer_);
    if (found.end == std::string_view::npos) return std::nullopt;
    Item item{.is_command = false, .text = buffer_.substr(0, found.end)};
    buffer_.erase(0, found.end);
    if (!found.blank) return item;
  }
}

std::optional<StatementReader::Item> StatementReader::rest() {
  if (!pending()) return std::nullopt;
  Item item{.is_command = false, .text = std::move(buffer_)};
  buffer_.clear();
  return item;
}

bool StatementReader::pending() const { return !scan(buffer_).blank; }

}  // namespace penstock::app
