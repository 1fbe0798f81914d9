// The SQL of function calls and windows.
#include "sql/keywords.h"
#include "sql/printer_state.h"

namespace penstock::sql {
namespace {

bool is_keyword(const Expression& argument) { return argument.get_if<Keyword>() != nullptr; }

// Clauses of JSON functions stand behind the arguments without commas; so does the value of a DEFAULT.
bool is_json_call(std::string_view function) { return function.starts_with("JSON_"); }
bool is_default(const Expression& argument) {
  return is_keyword(argument) && argument.get_if<Keyword>()->text == "DEFAULT";
}

// CURRENT_TIMESTAMP and its like, which stand without parentheses.
bool is_bare_call(const FunctionCall& call) {
  const std::string& name = call.name.parts.front().text;
  return call.name.parts.size() == 1 && is_bare_function(name) && to_upper(name) == name && call.arguments.empty() &&
         !call.distinct && call.order_by.empty() && call.null_treatment == NullTreatment::kUnspecified &&
         !call.filter && !call.over && call.rows == MatchRows::kUnspecified;
}

}  // namespace

void Printer::print_node(const FunctionCall& node) {
  if (is_bare_call(node)) return word(node.name.parts.front().text);
  if (node.rows == MatchRows::kRunning) word("RUNNING ");
  if (node.rows == MatchRows::kFinal) word("FINAL ");
  if (node.name.parts.size() == 1) {
    out_ += quote_function_name(node.name.parts.front().text);
  } else {
    print(node.name);
  }
  word("(");
  if (node.distinct) word("DISTINCT ");
  print_arguments(node);
  if (!node.order_by.empty()) word(node.arguments.empty() ? "ORDER BY " : " ORDER BY "), print_order(node.order_by);
  word(")");
  if (node.null_treatment == NullTreatment::kIgnoreNulls) word(" IGNORE NULLS");
  if (node.null_treatment == NullTreatment::kRespectNulls) word(" RESPECT NULLS");
  if (node.filter) word(" FILTER (WHERE "), print(*node.filter), word(")");
  if (node.over) word(" OVER "), print_window(*node.over);
}

void Printer::print_arguments(const FunctionCall& call) {
  const std::vector<Expression>& arguments = call.arguments;
  std::string function = call.name.parts.size() == 1 ? call.name.parts.front().text : "";
  if (function == "EXTRACT" || (function == "TRIM" && is_keyword(arguments.front()))) {
    for (const Expression& argument : arguments) {
      if (&argument == &arguments.back()) word("FROM ");
      print(argument);
      if (&argument != &arguments.back()) word(" ");
    }
    return;
  }
  bool rounds_to_unit = (function == "CEIL" || function == "CEILING" || function == "FLOOR") && arguments.size() > 1 &&
                        is_keyword(arguments[1]);
  for (size_t i = 0; i < arguments.size(); ++i) {
    bool unit = rounds_to_unit && i == 1;
    bool clause = is_json_call(function) && i > 0 && (is_keyword(arguments[i]) || is_default(arguments[i - 1]));
    if (i > 0) word(unit ? " TO " : (clause ? " " : ", "));
    // A final interval would swallow the TO; the first operand of POSITION stands before IN.
    Precedence minimum = i == 0 && rounds_to_unit           ? Precedence::kPostfix
                         : i == 0 && function == "POSITION" ? Precedence::kConcat
                                                            : Precedence::kLowest;
    bool interval = i == 0 && rounds_to_unit && arguments[i].get_if<IntervalLiteral>() != nullptr;
    if (interval) word("(");
    print(arguments[i], minimum);
    if (interval) word(")");
  }
}

void Printer::print_window(const WindowSpecification& window) {
  word("(");
  std::string_view separator;
  auto part = [&](std::string_view text) {
    word(separator), word(text);
    separator = " ";
  };
  if (window.base) part(""), name(*window.base);
  if (!window.partition_by.empty()) part("PARTITION BY "), list(window.partition_by);
  if (!window.order_by.empty()) part("ORDER BY "), print_order(window.order_by);
  if (window.frame) {
    static constexpr std::string_view kUnits[] = {"ROWS", "RANGE", "GROUPS"};
    static constexpr std::string_view kExclusions[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"};
    part(kUnits[static_cast<size_t>(window.frame->unit)]);
    word(" BETWEEN ");
    print_frame_bound(window.frame->start);
    word(" AND ");
    print_frame_bound(window.frame->end);
    word(kExclusions[static_cast<size_t>(window.frame->exclusion)]);
  }
  word(")");
}

void Printer::print_frame_bound(const FrameBound& bound) {
  switch (bound.kind) {
    case FrameBoundKind::kUnboundedPreceding: return word("UNBOUNDED PRECEDING");
    case FrameBoundKind::kUnboundedFollowing: return word("UNBOUNDED FOLLOWING");
    case FrameBoundKind::kCurrentRow: return word("CURRENT ROW");
    case FrameBoundKind::kPreceding: print(*bound.distance, Precedence::kConcat); return word(" PRECEDING");
    case FrameBoundKind::kFollowing: print(*bound.distance, Precedence::kConcat); return word(" FOLLOWING");
  }
}

void Printer::print_order(const std::vector<OrderItem>& items) {
  separated(items, [this](const OrderItem& item) {
    print(*item.value);
    if (item.descending) word(" DESC");
    if (item.nulls_first) word(*item.nulls_first ? " NULLS FIRST" : " NULLS LAST");
  });
}

}  // namespace penstock::sql
