#include "expr/json_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "types/value.h"

namespace penstock::expr {

namespace dom = simdjson::dom;

namespace {

constexpr std::string_view kSpaces = " \t\r\n";

void skip_spaces(std::string_view& rest) { rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size())); }

// Takes a word in any case, and the space that must follow it.
bool take_mode(std::string_view& rest, std::string_view word) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  if (rest.size() <= word.size() || kSpaces.find(rest[word.size()]) == kSpaces.npos) return false;
  if (!std::ranges::equal(rest.substr(0, word.size()), word, {}, lower)) return false;
  rest.remove_prefix(word.size());
  skip_spaces(rest);
  return true;
}

// Takes a name in quotes of either kind.
std::optional<std::string> take_quoted(std::string_view& rest) {
  if (rest.empty() || (rest[0] != '\'' && rest[0] != '"')) return std::nullopt;
  std::string name;
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == rest[0]) {
      rest.remove_prefix(i + 1);
      return name;
    }
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    name += rest[i];
  }
  return std::nullopt;
}

}  // namespace

Result<JsonPath> JsonPath::compile(std::string_view text) {
  JsonPath path;
  std::string_view rest = text;
  skip_spaces(rest);
  path.lax_ = take_mode(rest, "lax");
  if (!path.lax_) take_mode(rest, "strict");
  bool ok = rest.starts_with('$');
  if (ok) rest.remove_prefix(1);
  while (ok && !rest.empty()) ok = path.add_step(rest);
  if (!ok) return invalid_argument("'{}' is not a JSON path such as $.a.b[0]", text);
  return path;
}

bool JsonPath::add_step(std::string_view& rest) {
  using enum Step::Kind;
  const bool point = rest.starts_with('.');
  if (point) rest.remove_prefix(1);
  if (rest.starts_with('[')) {
    rest.remove_prefix(1);
    return add_bracket(rest);
  }
  if (!point) return false;
  if (rest.starts_with('*')) {
    steps_.push_back({.kind = kAll, .name = {}});
    rest.remove_prefix(1);
    return true;
  }
  if (std::optional<std::string> name = take_quoted(rest)) {
    steps_.push_back({.kind = kName, .name = *std::move(name)});
    return true;
  }
  const size_t size = std::min(rest.find_first_of(".["), rest.size());
  steps_.push_back({.kind = kName, .name = std::string(rest.substr(0, size))});
  rest.remove_prefix(size);
  return size > 0;
}

bool JsonPath::add_bracket(std::string_view& rest) {
  using enum Step::Kind;
  skip_spaces(rest);
  if (std::optional<std::string> name = take_quoted(rest)) {
    steps_.push_back({.kind = kName, .name = *std::move(name)});
  } else if (rest.starts_with('*')) {
    steps_.push_back({.kind = kAll, .name = {}});
    rest.remove_prefix(1);
  } else {
    size_t index = 0;
    const auto [at, error] = std::from_chars(rest.data(), rest.data() + rest.size(), index);
    if (error != std::errc()) return false;
    steps_.push_back({.kind = kIndex, .name = {}, .index = index});
    rest.remove_prefix(static_cast<size_t>(at - rest.data()));
  }
  skip_spaces(rest);
  if (!rest.starts_with(']')) return false;
  rest.remove_prefix(1);
  return true;
}

bool JsonPath::has_wildcard() const {
  return std::ranges::any_of(steps_, [](const Step& step) { return step.kind == Step::Kind::kAll; });
}

std::optional<dom::element> JsonPath::Step::from(dom::element element) const {
  dom::element inner;
  const auto error = kind == Kind::kName ? element.at_key(name).get(inner) : element.at(index).get(inner);
  if (error != simdjson::SUCCESS) return std::nullopt;
  return inner;
}

bool JsonPath::find(dom::element root, std::vector<dom::element>& found) const {
  size_t step = 0;
  for (; step < steps_.size() && steps_[step].kind != Step::Kind::kAll; ++step) {
    const std::optional<dom::element> inner = steps_[step].from(root);
    if (!inner) return false;
    root = *inner;
  }
  collect(root, step, found);
  return true;
}

void JsonPath::collect(dom::element element, size_t step, std::vector<dom::element>& found) const {
  if (step == steps_.size()) return found.push_back(element);
  if (steps_[step].kind != Step::Kind::kAll) {
    if (const auto inner = steps_[step].from(element)) collect(*inner, step + 1, found);
    return;
  }
  if (element.is_array()) {
    for (dom::element one : array_of(element)) collect(one, step + 1, found);
  } else if (element.is_object()) {
    for (dom::key_value_pair field : object_of(element)) collect(field.value, step + 1, found);
  }
}

JsonPathReader::Outcome JsonPathReader::read(size_t row) {
  if (!path_ || paths_[row].view() != path_text_) {
    path_text_ = paths_[row].view();
    path_ = JsonPath::compile(path_text_);
  }
  if (!*path_) {
    call_.fail(row, path_->error().message());
    return Outcome::kBadPath;
  }
  found_.clear();
  std::string_view text = texts_[row].view();
  dom::element root;
  if (parser_.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return Outcome::kNoJson;
  return (*path_)->find(root, found_) ? Outcome::kFound : Outcome::kMissing;
}

bool json_scalar_text(dom::element element, std::string& out) {
  out.clear();
  switch (element.type()) {
    case dom::element_type::STRING: out = element.get_string().value_unsafe(); return true;
    case dom::element_type::INT64: out = fmt::format("{}", element.get_int64().value_unsafe()); return true;
    case dom::element_type::UINT64: out = fmt::format("{}", element.get_uint64().value_unsafe()); return true;
    case dom::element_type::DOUBLE: types::append_double(out, element.get_double().value_unsafe(), false); return true;
    case dom::element_type::BOOL: out = element.get_bool().value_unsafe() ? "true" : "false"; return true;
    default: return false;
  }
}

}  // namespace penstock::expr
