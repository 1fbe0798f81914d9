#include "expr/json_filter.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "expr/utf8.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

using Kind = JsonView::Kind;

// A value that is compared, or that a path did not find; its JSON is kept where it is made.
struct Compared {
  std::optional<JsonView> value;
  JsonMatches matches;
  std::string list;

  bool is(Kind kind) const { return value && value->kind() == kind; }
};

double number_in(std::string_view text) {
  Result<double> number = types::double_from_text(text);
  return number ? *number : std::nan("");
}

std::string text_of(const JsonView& value) {
  std::string text;
  json_scalar_text(value, text);
  return text;
}

// Numbers also equal the texts of them.
bool equal(const JsonView& left, const JsonView& right) {
  const bool numeric = left.kind() == Kind::kNumber && (right.kind() == Kind::kNumber || right.kind() == Kind::kString);
  if (numeric) return number_in(left.text()) == number_in(text_of(right));
  if (left.kind() == Kind::kString && right.kind() == Kind::kNumber) return text_of(left) == text_of(right);
  if (left.kind() != right.kind()) return false;
  if (left.is_null()) return true;
  if (left.is_scalar()) return text_of(left) == text_of(right);
  std::string left_json;
  std::string right_json;
  append_json(left_json, left);
  append_json(right_json, right);
  return left_json == right_json;
}

std::partial_ordering order(const Compared& left, const Compared& right) {
  if (left.is(Kind::kNumber) && right.is(Kind::kNumber)) {
    return number_in(left.value->text()) <=> number_in(right.value->text());
  }
  if (left.is(Kind::kString) && right.is(Kind::kString)) return text_of(*left.value) <=> text_of(*right.value);
  return std::partial_ordering::unordered;
}

std::vector<JsonView> elements_of(const Compared& compared) {
  std::vector<JsonView> elements;
  if (compared.is(Kind::kArray)) {
    compared.value->for_each_element([&](const JsonView& element) { elements.push_back(element); });
  }
  return elements;
}

bool matches_whole(const Regex& pattern, const JsonView& value) {
  const std::string text = text_of(value);
  return RE2::FullMatch(piece(text), pattern.re2());
}

}  // namespace

bool JsonFilter::matches(const JsonView& value, JsonPath::Search& search) const {
  return search.may_look_at(value) && holds(root_, value, search);
}

bool JsonFilter::holds(const Node& node, const JsonView& value, JsonPath::Search& search) {
  const auto child_holds = [&](const Node& child) { return holds(child, value, search); };
  switch (node.kind) {
    case Node::Kind::kComparison: return compare(node.comparison, value, search);
    case Node::Kind::kAnd: return std::ranges::all_of(node.children, child_holds);
    case Node::Kind::kOr: return std::ranges::any_of(node.children, child_holds);
    case Node::Kind::kNot: return !child_holds(node.children.front());
  }
  return false;
}

bool JsonFilter::has(std::span<const JsonView> list, const JsonView& value, JsonPath::Search& search) {
  // Both are read from their text each time.
  constexpr size_t kTimesOfReading = 4;
  return search.may_look_at(value) && std::ranges::any_of(list, [&](const JsonView& one) {
           return search.may_look_at(one, kTimesOfReading) && search.may_look_at(value) && equal(one, value);
         });
}

bool JsonFilter::compare(const Comparison& comparison, const JsonView& value, JsonPath::Search& search) {
  using enum Operator;
  const auto evaluate = [&](const Operand& operand, Compared& compared) {
    if (operand.path == nullptr) {
      compared.value = JsonView(operand.json);
      return;
    }
    JsonPath::Search inner{.document = search.document, .matches = compared.matches, .work_left = search.work_left};
    if (!operand.path->find(value, inner)) return;
    if (operand.path->is_definite()) {
      compared.value = compared.matches.values.back();
      return;
    }
    compared.list = '[';
    for (const JsonView& one : compared.matches.values) {
      if (compared.list.size() > 1) compared.list += ',';
      compared.list += one.text();
    }
    compared.list += ']';
    compared.value = JsonView(compared.list);
  };
  Compared left;
  Compared right;
  evaluate(comparison.left, left);
  if (comparison.op == kExists || comparison.op == kMissing)
    return left.value.has_value() == (comparison.op == kExists);
  evaluate(comparison.right, right);
  // Objects and arrays are compared as text that is made of them.
  constexpr size_t kTimesOfText = 16;
  for (const Compared* one : {&left, &right}) {
    if (one->value && !search.may_look_at(*one->value, one->value->is_scalar() ? 1 : kTimesOfText)) return false;
  }
  const bool both = left.value && right.value;
  const bool is_equal = both && equal(*left.value, *right.value);
  const bool same_type = both && left.value->kind() == right.value->kind();
  switch (comparison.op) {
    case kEqual: return is_equal;
    case kNotEqual: return !is_equal;
    case kSameTypeEqual: return same_type && is_equal;
    case kSameTypeNotEqual: return !(same_type && is_equal);
    case kLess: return order(left, right) < 0;
    case kLessEqual: return order(left, right) <= 0;
    case kGreater: return order(left, right) > 0;
    case kGreaterEqual: return order(left, right) >= 0;
    case kMatches: {
      const bool pattern_left = comparison.left.pattern != nullptr;
      const Regex* pattern = (pattern_left ? comparison.left.pattern : comparison.right.pattern).get();
      const Compared& text = pattern_left ? right : left;
      if (pattern == nullptr || !text.value) return false;
      if (!text.is(Kind::kArray)) return matches_whole(*pattern, *text.value);
      return std::ranges::any_of(elements_of(text),
                                 [&](const JsonView& element) { return matches_whole(*pattern, element); });
    }
    case kIn: return left.value && has(elements_of(right), *left.value, search);
    case kNotIn: return !(left.value && has(elements_of(right), *left.value, search));
    case kSubsetOf:
    case kAnyOf:
    case kNoneOf: {
      if (!left.is(Kind::kArray) || !right.is(Kind::kArray)) return false;
      const std::vector<JsonView> list = elements_of(right);
      const std::vector<JsonView> elements = elements_of(left);
      const auto in_list = [&](const JsonView& element) { return has(list, element, search); };
      if (comparison.op == kSubsetOf) return std::ranges::all_of(elements, in_list);
      return std::ranges::any_of(elements, in_list) == (comparison.op == kAnyOf);
    }
    case kContains:
      if (left.is(Kind::kString) && right.is(Kind::kString)) {
        return text_of(*left.value).find(text_of(*right.value)) != std::string::npos;
      }
      return right.value && has(elements_of(left), *right.value, search);
    case kSize: {
      if (!right.is(Kind::kNumber)) return false;
      const double size = number_in(right.value->text());
      if (left.is(Kind::kString)) return static_cast<double>(character_count(text_of(*left.value))) == size;
      return left.is(Kind::kArray) && static_cast<double>(left.value->size()) == size;
    }
    default: {  // kEmpty
      if (!left.value || !right.is(Kind::kBoolean)) return false;
      const bool wanted = right.value->text() == "true";
      if (left.is(Kind::kString)) return text_of(*left.value).empty() == wanted;
      return !left.value->is_scalar() && (left.value->size() == 0) == wanted;
    }
  }
}

}  // namespace penstock::expr
