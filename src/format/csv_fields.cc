#include "format/csv_fields.h"

#include <algorithm>

namespace penstock::format {

void CsvFields::advance(size_t at) {
  if (at >= rest_.size()) {
    rest_ = {};
    ended_ = true;
  } else {
    rest_.remove_prefix(at + 1);
  }
}

CsvFields::Next CsvFields::next(std::string_view& text, bool& quoted) {
  if (ended_) return Next::kEnd;
  quoted = options_.quote_character != 0 && !rest_.empty() && rest_[0] == options_.quote_character;
  return quoted ? quoted_field(text) : plain_field(text);
}

CsvFields::Next CsvFields::quoted_field(std::string_view& text) {
  const char quote = options_.quote_character;
  const char escape = options_.escape_character;
  unescaped_.clear();
  bool copied = false;
  size_t copied_to = 1;
  size_t at = 1;
  auto copy_until = [&](size_t end) {
    unescaped_.append(rest_.substr(copied_to, end - copied_to));
    copied = true;
  };
  for (; at < rest_.size(); ++at) {
    if (escape != 0 && rest_[at] == escape && at + 1 < rest_.size()) {
      copy_until(at);
      copied_to = ++at;
    } else if (rest_[at] == quote) {
      if (at + 1 >= rest_.size() || rest_[at + 1] != quote) break;
      copy_until(at);
      copied_to = ++at;
    }
  }
  if (at >= rest_.size()) return Next::kUnclosedQuote;
  if (copied) {
    copy_until(at);
    text = unescaped_;
  } else {
    text = rest_.substr(1, at - 1);
  }
  if (at + 1 < rest_.size() && rest_[at + 1] != options_.field_delimiter) return Next::kTextAfterQuote;
  advance(at + 1);
  return Next::kField;
}

CsvFields::Next CsvFields::plain_field(std::string_view& text) {
  const char escape = options_.escape_character;
  if (escape == 0) {
    size_t end = std::min(rest_.find(options_.field_delimiter), rest_.size());
    text = rest_.substr(0, end);
    advance(end);
    return Next::kField;
  }
  unescaped_.clear();
  size_t at = 0;
  for (; at < rest_.size() && rest_[at] != options_.field_delimiter; ++at) {
    if (rest_[at] == escape && at + 1 < rest_.size()) ++at;
    unescaped_ += rest_[at];
  }
  text = unescaped_;
  advance(at);
  return Next::kField;
}

}  // namespace penstock::format
