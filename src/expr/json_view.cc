#include "expr/json_view.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <vector>

#include "base/json_text.h"
#include "base/utf8.h"

namespace penstock::expr {

namespace {

constexpr std::string_view kSpaces = " \t\r\n";

// Whether there is another value before the closing bracket; what separates it from the one before is left behind.
bool goes_on(std::string_view& rest) {
  constexpr std::string_view kSeparators = " \t\r\n,:";
  rest.remove_prefix(std::min(rest.find_first_not_of(kSeparators), rest.size()));
  return !rest.empty() && rest[0] != ']' && rest[0] != '}';
}

void skip_spaces(std::string_view& rest) { rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size())); }

// Behind the quote that ends the string, which begins at `at`.
size_t end_of_string(std::string_view text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return text.size();
}

size_t size_of_value(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == '"') return end_of_string(text, 0);
  if (text[0] != '{' && text[0] != '[') return std::min(text.find_first_of(",]} \t\r\n"), text.size());
  size_t depth = 0;
  for (size_t at = 0; at < text.size();) {
    switch (text[at]) {
      case '"': at = end_of_string(text, at); continue;
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default: break;
    }
    ++at;
  }
  return text.size();
}

uint32_t hex_unit(std::string_view digits) {
  uint32_t unit = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
  return unit;
}

// What an escape stands for, which begins behind the backslash at `at`; `at` is then at its last character.
void append_escaped(std::string& out, std::string_view text, size_t& at) {
  constexpr size_t kUnitDigits = 4;
  switch (text[at]) {
    case 'b': out += '\b'; return;
    case 'f': out += '\f'; return;
    case 'n': out += '\n'; return;
    case 'r': out += '\r'; return;
    case 't': out += '\t'; return;
    case 'u': break;
    default: out += text[at]; return;
  }
  uint32_t code = hex_unit(text.substr(at + 1, kUnitDigits));
  at += kUnitDigits;
  const bool high = code >= 0xD800 && code < 0xDC00;
  if (high && text.substr(at + 1).starts_with("\\u")) {
    code = 0x10000 + ((code - 0xD800) << 10) + (hex_unit(text.substr(at + 3, kUnitDigits)) - 0xDC00);
    at += 2 + kUnitDigits;
  }
  append_utf8(out, code);
}

}  // namespace

JsonView::JsonView(std::string_view text) : text_(text) {
  skip_spaces(text_);
  text_ = text_.substr(0, size_of_value(text_));
}

JsonView::Kind JsonView::kind() const {
  switch (text_.empty() ? 'n' : text_[0]) {
    case '{': return Kind::kObject;
    case '[': return Kind::kArray;
    case '"': return Kind::kString;
    case 't':
    case 'f': return Kind::kBoolean;
    case 'n': return Kind::kNull;
    default: return Kind::kNumber;
  }
}

bool JsonView::Cursor::next() { return goes_on(rest_); }

JsonView JsonView::Cursor::take() {
  JsonView value(rest_);
  rest_.remove_prefix(value.text_.size());
  return value;
}

size_t JsonView::size() const {
  size_t size = 0;
  if (is_array()) for_each_element([&](const JsonView&) { ++size; });
  if (is_object()) for_each_field([&](const JsonView&, const JsonView&) { ++size; });
  return size;
}

bool JsonView::find_field(std::string_view name, JsonView& value) const {
  if (!is_object()) return false;
  bool found = false;
  std::string buffer;
  for_each_field([&](const JsonView& field, const JsonView& of_field) {
    if (field.string(buffer) != name) return;
    found = true;
    value = of_field;
  });
  return found;
}

bool JsonView::find_element(size_t index, JsonView& value) const {
  if (!is_array()) return false;
  for (Cursor at(text_); at.next(); --index) {
    value = at.take();
    if (index == 0) return true;
  }
  return false;
}

std::string_view JsonView::string(std::string& buffer) const {
  const std::string_view inner = text_.substr(1, text_.size() - 2);
  size_t at = inner.find('\\');
  if (at == inner.npos) return inner;
  buffer.assign(inner, 0, at);
  for (; at < inner.size(); ++at) {
    if (inner[at] != '\\' || at + 1 == inner.size()) {
      buffer += inner[at];
      continue;
    }
    append_escaped(buffer, inner, ++at);
  }
  return buffer;
}

void append_json_number(std::string& out, std::string_view number) {
  const size_t exponent_at = number.find_first_of("eE");
  const size_t point = number.find('.');
  if (exponent_at == number.npos && point == number.npos) {
    out += number;
    return;
  }
  // The digits, and how many of them are behind the point.
  int64_t exponent = 0;
  if (exponent_at != number.npos) {
    std::string_view text = number.substr(exponent_at + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc()) {
      out += number;
      return;
    }
  }
  std::string_view mantissa = number.substr(0, exponent_at);
  const bool negative = mantissa.starts_with('-');
  if (negative) mantissa.remove_prefix(1);
  std::string digits;
  for (char c : mantissa) {
    if (c != '.') digits += c;
  }
  const size_t behind = point == number.npos ? 0 : mantissa.size() - mantissa.find('.') - 1;
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  if (negative && digits != "0") out += '-';
  const int64_t scale = static_cast<int64_t>(behind) - exponent;
  const auto size = static_cast<int64_t>(digits.size());
  const int64_t adjusted = size - 1 - scale;
  constexpr int64_t kPlainMin = -6;
  if (scale >= 0 && adjusted >= kPlainMin) {
    if (scale >= size) digits.insert(0, static_cast<size_t>(scale - size + 1), '0');
    if (scale > 0) digits.insert(digits.size() - static_cast<size_t>(scale), 1, '.');
    out += digits;
    return;
  }
  if (size > 1) digits.insert(1, 1, '.');
  out += digits;
  if (adjusted != 0) {
    out += adjusted > 0 ? "E+" : "E";
    out += std::to_string(adjusted);
  }
}

bool json_scalar_text(const JsonView& value, std::string& out) {
  out.clear();
  switch (value.kind()) {
    case JsonView::Kind::kString: {
      std::string buffer;
      out = value.string(buffer);
      return true;
    }
    case JsonView::Kind::kNumber: append_json_number(out, value.text()); return true;
    case JsonView::Kind::kBoolean: out = value.text(); return true;
    default: return false;
  }
}

namespace {

void append_taken(std::string& out, std::string_view& rest);

// The fields in the order of their names, of those with one name the last.
void append_taken_object(std::string& out, std::string_view& rest) {
  struct Field {
    std::string name;
    size_t begin;
    size_t end;
  };
  std::vector<Field> fields;
  std::string buffer;
  bool in_order = true;
  const size_t begin = out.size();
  while (goes_on(rest)) {
    const JsonView name(rest);
    rest.remove_prefix(name.text().size());
    goes_on(rest);
    if (!fields.empty()) out += ',';
    Field& field = fields.emplace_back(std::string(name.string(buffer)), out.size());
    append_json_string(out, field.name);
    out += ':';
    append_taken(out, rest);
    field.end = out.size();
    in_order = in_order && (fields.size() == 1 || fields[fields.size() - 2].name < field.name);
  }
  if (in_order) return;
  const std::string given = out.substr(begin);
  out.resize(begin);
  std::ranges::sort(fields, {}, [](const Field& field) { return std::tie(field.name, field.begin); });
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i + 1 < fields.size() && fields[i].name == fields[i + 1].name) continue;
    if (out.size() > begin) out += ',';
    out.append(given, fields[i].begin - begin, fields[i].end - fields[i].begin);
  }
}

// Appends the value that `rest` begins with, and takes it: what is inside of others is looked at once, however deep it
// is.
void append_taken(std::string& out, std::string_view& rest) {
  const char first = rest.empty() ? 'n' : rest[0];
  if (first == '{' || first == '[') {
    rest.remove_prefix(1);
    out += first;
    if (first == '{') {
      append_taken_object(out, rest);
    } else {
      for (bool comma = false; goes_on(rest); comma = true) {
        if (comma) out += ',';
        append_taken(out, rest);
      }
    }
    out += first == '{' ? '}' : ']';
    rest.remove_prefix(1);
    return;
  }
  const JsonView value(rest);
  rest.remove_prefix(value.text().size());
  std::string buffer;
  switch (value.kind()) {
    case JsonView::Kind::kString: append_json_string(out, value.string(buffer)); return;
    case JsonView::Kind::kNumber: append_json_number(out, value.text()); return;
    default: out += value.text();
  }
}

}  // namespace

void append_json(std::string& out, const JsonView& value) {
  std::string_view rest = value.text();
  append_taken(out, rest);
}

}  // namespace penstock::expr
