#include "expr/json_path.h"

#include <fmt/format.h>

#include <charconv>

#include "types/value.h"

namespace penstock::expr {

namespace dom = simdjson::dom;

Result<JsonPath> JsonPath::compile(std::string_view text) {
  JsonPath path;
  std::string_view rest = text;
  for (std::string_view mode : {"lax ", "strict "}) {
    if (rest.starts_with(mode)) rest.remove_prefix(mode.size());
  }
  bool ok = rest.starts_with('$');
  if (ok) rest.remove_prefix(1);
  while (ok && !rest.empty()) ok = path.add_step(rest);
  if (!ok) return invalid_argument("'{}' is not a JSON path such as $.a.b[0]", text);
  return path;
}

bool JsonPath::add_step(std::string_view& rest) {
  using enum Step::Kind;
  if (rest.starts_with(".*") || rest.starts_with("[*]")) {
    steps_.push_back({.kind = kAll, .name = {}});
    rest.remove_prefix(rest[0] == '.' ? 2 : 3);
    return true;
  }
  if (rest.starts_with('.')) {
    size_t size = std::min(rest.find_first_of(".[", 1), rest.size());
    steps_.push_back({.kind = kName, .name = std::string(rest.substr(1, size - 1))});
    rest.remove_prefix(size);
    return size > 1;
  }
  size_t end = rest.find(rest.starts_with("['") ? "']" : "]");
  if (!rest.starts_with('[') || end == rest.npos) return false;
  if (rest.starts_with("['")) {
    steps_.push_back({.kind = kName, .name = std::string(rest.substr(2, end - 2))});
    rest.remove_prefix(end + 2);
    return true;
  }
  size_t index = 0;
  auto [at, error] = std::from_chars(rest.data() + 1, rest.data() + end, index);
  if (error != std::errc() || at != rest.data() + end) return false;
  steps_.push_back({.kind = kIndex, .name = {}, .index = index});
  rest.remove_prefix(end + 1);
  return true;
}

bool JsonPath::has_wildcard() const {
  return std::ranges::any_of(steps_, [](const Step& step) { return step.kind == Step::Kind::kAll; });
}

void JsonPath::find(dom::element element, size_t step, std::vector<dom::element>& found) const {
  if (step == steps_.size()) return found.push_back(element);
  const Step& next = steps_[step];
  dom::element inner;
  switch (next.kind) {
    case Step::Kind::kName:
      if (element.at_key(next.name).get(inner) == simdjson::SUCCESS) find(inner, step + 1, found);
      return;
    case Step::Kind::kIndex:
      if (element.at(next.index).get(inner) == simdjson::SUCCESS) find(inner, step + 1, found);
      return;
    case Step::Kind::kAll: break;
  }
  if (element.is_array()) {
    for (dom::element one : array_of(element)) find(one, step + 1, found);
  } else if (element.is_object()) {
    for (dom::key_value_pair field : object_of(element)) find(field.value, step + 1, found);
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
  (*path_)->find(root, found_);
  return found_.empty() ? Outcome::kMissing : Outcome::kFound;
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
