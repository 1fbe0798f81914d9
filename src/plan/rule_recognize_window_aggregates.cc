// GROUP BY over the columns of a window function becomes an aggregation that closes its groups at the watermark:
//
//   Aggregate(keys, calls)                     Project(the columns as the Aggregate gave them)
//     Project(...)                     ->        WindowAggregate(window, other keys, calls, properties)
//       AssignWindow(window)                       Project(..., time)
//         input                                      input
//
// One of the window's columns among the keys is enough where it determines the window. Where something stands between
// (a condition on the window, another aggregation over it), the window is attached: the rows bring its columns along.
//
// A bounded input has no watermark before its end: no row is late, and all windows close there.
#include <algorithm>

#include "expr/expr.h"
#include "expr/registry.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

// What the rule looks for: an aggregation over (a projection of) a window function.
struct Match {
  const Aggregate* aggregate = nullptr;
  const AssignWindow* assign = nullptr;
  LogicalPtr input;                  // of the window function
  std::vector<ExprPtr> expressions;  // the aggregation's input columns, over the window function's output
};

std::optional<Match> match(const LogicalNode& node) {
  Match match{.aggregate = node.get_if<Aggregate>(), .assign = nullptr, .input = nullptr, .expressions = {}};
  if (match.aggregate == nullptr) return std::nullopt;
  const LogicalNode* below = &node.input();
  if (const auto* project = below->get_if<Project>()) {
    match.expressions = project->expressions;
    below = &below->input();
  } else {
    for (size_t i = 0; i < below->schema.size(); ++i) {
      match.expressions.push_back(column_of(below->schema, static_cast<int>(i)));
    }
  }
  match.assign = below->get_if<AssignWindow>();
  if (match.assign == nullptr) return std::nullopt;
  match.input = below->inputs.front();
  return match;
}

// The property that an expression over the window function's output is; nullopt for other expressions.
std::optional<WindowAggregate::Property> window_property(const ExprPtr& expression, size_t input_columns) {
  if (expression->kind() != expr::Expr::Kind::kColumn || expression->column_index() < input_columns)
    return std::nullopt;
  return static_cast<WindowAggregate::Property>(expression->column_index() - input_columns);
}

// Whether sessions have the keys of the aggregation: then they can be aggregated as they grow.
bool has_session_keys(const Match& match, std::vector<int> group_keys) {
  std::vector<int> keys = match.assign->keys;
  std::ranges::sort(keys);
  std::ranges::sort(group_keys);
  return keys == group_keys;
}

bool uses_window(const ExprPtr& expression, size_t input_columns) {
  std::vector<size_t> columns;
  expr::collect_columns(*expression, columns);
  return std::ranges::any_of(columns, [&](size_t column) { return column >= input_columns; });
}

LogicalPtr aggregate_slices(const LogicalPtr& node) {
  std::optional<Match> found = match(*node);
  if (!found) return node;
  size_t input_columns = found->input->schema.size();
  WindowAggregate window;
  window.window = found->assign->window;
  window.calls = found->aggregate->calls;

  // Input columns that stay, at their old places; window columns make way for the time at the end.
  std::vector<ExprPtr> projected;
  std::vector<std::string> names;
  std::vector<int> mapping(found->expressions.size(), -1);
  for (size_t i = 0; i < found->expressions.size(); ++i) {
    if (window_property(found->expressions[i], input_columns)) continue;
    if (uses_window(found->expressions[i], input_columns)) return node;
    mapping[i] = static_cast<int>(projected.size());
    projected.push_back(found->expressions[i]);
    names.push_back(node->input().schema[i].name);
  }
  window.time_column = static_cast<int>(projected.size());
  projected.push_back(column_of(found->input->schema, found->assign->time_column));

  // Where each key is in the output of the new node: the other keys first, the properties behind the calls.
  std::vector<int> output;
  std::vector<int> group_keys;  // columns of the input, -1 for other expressions
  for (int key : found->aggregate->keys) {
    if (std::optional<WindowAggregate::Property> property = window_property(found->expressions[key], input_columns)) {
      output.push_back(-1 - static_cast<int>(window.properties.size()));
      window.properties.push_back(*property);
    } else {
      output.push_back(static_cast<int>(window.keys.size()));
      window.keys.push_back(mapping[key]);
      bool plain = found->expressions[key]->kind() == expr::Expr::Kind::kColumn;
      group_keys.push_back(plain ? static_cast<int>(found->expressions[key]->column_index()) : -1);
    }
  }
  bool known = std::ranges::any_of(window.properties, [&](WindowAggregate::Property property) {
    return determines_window(property, window.window);
  });
  if (!known) return node;
  if (window.window.kind == types::Window::Kind::kSession && !has_session_keys(*found, group_keys)) return node;
  size_t keys = window.keys.size();
  for (int& column : output) {
    if (column < 0) column = static_cast<int>(keys + window.calls.size()) - 1 - column;
  }
  for (size_t i = 0; i < window.calls.size(); ++i) {
    AggregateCall& call = window.calls[i];
    bool on_window =
        (call.argument >= 0 && mapping[call.argument] < 0) || (call.filter >= 0 && mapping[call.filter] < 0);
    if (on_window) return node;
    if (call.argument >= 0) call.argument = mapping[call.argument];
    if (call.filter >= 0) call.filter = mapping[call.filter];
    output.push_back(static_cast<int>(keys + i));
  }
  LogicalPtr input = make_project(found->input, std::move(projected), std::move(names));
  LogicalPtr aggregate = make_node(std::move(window), {std::move(input)});
  return make_selection(std::move(aggregate), output);
}

// The last moment of the window that the rows bring along: a column, added where there is only the window's end.
LogicalPtr with_window_time(const LogicalPtr& input, int& time_column) {
  const WindowColumns& window = *input->traits.window;
  time_column = window.time;
  if (window.time >= 0) return input;
  Result<ExprPtr> time = expr::bind_call(
      "-", {column_of(input->schema, window.end),
            expr::Expr::literal(types::Value(types::kLastMomentUs),
                                types::DataType(types::TypeKind::kIntervalDayTime).with_nullable(false))});
  if (!time) return nullptr;
  std::vector<ExprPtr> expressions;
  for (size_t i = 0; i < input->schema.size(); ++i) {
    expressions.push_back(column_of(input->schema, static_cast<int>(i)));
  }
  time_column = static_cast<int>(expressions.size());
  expressions.push_back(*std::move(time));
  std::vector<std::string> names = column_names(*input);
  names.emplace_back("window_time");
  return make_project(input, std::move(expressions), std::move(names));
}

LogicalPtr aggregate_attached(const LogicalPtr& node) {
  const auto* aggregate = node->get_if<Aggregate>();
  if (aggregate == nullptr || !node->input().traits.window) return node;
  const WindowColumns& columns = *node->input().traits.window;
  bool known = std::ranges::any_of(aggregate->keys,
                                   [&](int key) { return key >= 0 && (key == columns.end || key == columns.time); });
  if (!known) return node;
  WindowAggregate window{.window = types::Window::tumble(types::kLastMomentUs), .attached = true};
  window.window.zone = columns.zone;
  window.keys = aggregate->keys;
  window.calls = aggregate->calls;
  LogicalPtr input = with_window_time(node->inputs.front(), window.time_column);
  if (input == nullptr) return node;
  return make_node(std::move(window), {std::move(input)}, column_names(*node));
}

LogicalPtr rewrite(const LogicalPtr& node) { return aggregate_attached(aggregate_slices(node)); }

// With EMIT ON UPDATE the last aggregation of a statement gives its groups as they change, whatever it groups by.
LogicalPtr recognize(const LogicalPtr& node, bool on_update) {
  if (const auto* emit = node->get_if<Emit>()) on_update = emit->kind == Emit::Kind::kOnUpdate;
  const bool is_last = on_update && node->get_if<Aggregate>() != nullptr;
  const bool passes_on = node->get_if<Emit>() != nullptr || node->get_if<Project>() != nullptr ||
                         node->get_if<Filter>() != nullptr || node->get_if<Rank>() != nullptr;
  std::vector<LogicalPtr> inputs;
  for (const LogicalPtr& input : node->inputs) inputs.push_back(recognize(input, on_update && passes_on));
  LogicalPtr recognized = with_inputs(node, std::move(inputs));
  return is_last ? recognized : rewrite(recognized);
}

}  // namespace

LogicalPtr recognize_window_aggregates(const LogicalPtr& plan, const RuleContext& /*context*/) {
  return recognize(plan, false);
}

}  // namespace penstock::plan
