#include "sqltest/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace penstock::sqltest {

namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

bool needs_quotes(std::string_view text) {
  if (text.empty() || text == "NULL") return true;
  for (const char end : {text.front(), text.back()}) {
    if (end == ' ' || end == '\'') return true;
  }
  return std::ranges::any_of(text, [](char c) { return c == '|' || c == '\\' || is_control(c); });
}

void append_quoted(std::string& out, std::string_view text) {
  out += '\'';
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_control(c)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '\'' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '\'';
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else {
      if (c == '\\') out += '\\';
      out += c;
    }
  }
}

}  // namespace

void append_readable(std::string& line, const types::Value& value, types::DataType type) {
  if (!value.is_null() && type.kind() == types::TypeKind::kString && needs_quotes(value.as_string())) {
    append_quoted(line, value.as_string());
  } else {
    types::append_text(line, value, type);
  }
}

std::string readable_row(const columnar::ChangeBatch& batch, size_t row) {
  std::string line;
  for (size_t c = 0; c < batch.columns().size(); ++c) {
    if (c > 0) line += kBetweenFields;
    append_readable(line, batch.column(c)->value(row), batch.column(c)->type());
  }
  return line;
}

std::string canonical_row(const columnar::ChangeBatch& batch, size_t row) {
  std::string line;
  for (size_t c = 0; c < batch.columns().size(); ++c) {
    if (c > 0) line += '\t';
    const columnar::Column& column = *batch.column(c);
    const types::Value value = column.value(row);
    if (value.is_null()) {
      line += "\\N";
    } else if (column.type().kind() == types::TypeKind::kString) {
      append_escaped(line, value.as_string());
    } else {
      types::append_text(line, value, column.type());
    }
  }
  return line;
}

std::string column_line(const types::Schema& schema) {
  std::string line;
  for (const types::Field& field : schema) {
    line += fmt::format("{}{} {}", line.empty() ? "" : " | ", field.name, field.type.to_string());
  }
  return line;
}

std::string diff(const Lines& expected, const Lines& actual) {
  if (expected == actual) return "";
  std::string out;
  size_t shown = 0;
  const auto show = [&](char side, const std::string& line) {
    out += fmt::format("  {} {}\n", side, line);
    if (++shown == kDiffLinesMax) out += "  ...\n";
  };
  size_t e = 0;
  size_t a = 0;
  while (shown < kDiffLinesMax && (e < expected.size() || a < actual.size())) {
    if (e < expected.size() && a < actual.size() && expected[e] == actual[a]) {
      ++e;
      ++a;
      continue;
    }
    // The nearest line of either side that the other side has as well.
    const auto ahead = std::find(actual.begin() + static_cast<ptrdiff_t>(a), actual.end(),
                                 e < expected.size() ? expected[e] : std::string());
    if (e < expected.size() && ahead == actual.end()) {
      show('-', expected[e++]);
    } else if (a < actual.size()) {
      show('+', actual[a++]);
    }
  }
  out += fmt::format("  ({} lines expected, {} came)\n", expected.size(), actual.size());
  return out;
}

}  // namespace penstock::sqltest
