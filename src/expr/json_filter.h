// Conditions in paths into JSON text: [?(@.price < 10 && @.name)].
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "expr/json_path.h"
#include "expr/json_view.h"
#include "expr/regex.h"

namespace penstock::expr {

// A condition: comparisons joined by &&, || and !, in parentheses. Operands are paths from the value that is looked at
// (@) or from the document ($), texts in quotes of either kind, numbers, true, false, null, lists of them in brackets,
// and patterns between slashes; a path alone asks whether it leads anywhere. Operators: == != === !== < <= > >= =~ in
// nin subsetof anyof noneof contains size empty.
class JsonFilter {
 public:
  // The search is that of the path which the filter is a step of.
  bool matches(const JsonView& value, JsonPath::Search& search) const;

 private:
  friend class JsonPathParser;

  enum class Operator : uint8_t {
    kExists,
    kMissing,
    kEqual,
    kNotEqual,
    kSameTypeEqual,
    kSameTypeNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kMatches,
    kIn,
    kNotIn,
    kSubsetOf,
    kAnyOf,
    kNoneOf,
    kContains,
    kSize,
    kEmpty,
  };
  // What is compared: a JSON value, or nothing where a path leads nowhere.
  struct Operand {
    std::shared_ptr<const JsonPath> path;
    RegexPtr pattern;
    std::string json;  // of a literal
  };
  struct Comparison {
    Operand left;
    Operator op = Operator::kExists;
    Operand right;
  };
  struct Node {
    enum class Kind : uint8_t { kComparison, kAnd, kOr, kNot };
    Kind kind = Kind::kComparison;
    Comparison comparison;
    std::vector<Node> children;
  };

  static bool holds(const Node& node, const JsonView& value, JsonPath::Search& search);
  static bool compare(const Comparison& comparison, const JsonView& value, JsonPath::Search& search);
  static bool has(std::span<const JsonView> list, const JsonView& value, JsonPath::Search& search);

  Node root_;
};

}  // namespace penstock::expr
