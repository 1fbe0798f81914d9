// Group windows: TUMBLE(time, size), HOP(time, slide, size) and SESSION(time, gap) as keys of GROUP BY.
//
//   GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE), k     stands for     FROM TUMBLE(TABLE t, DESCRIPTOR(ts), ...)
//                                                                  GROUP BY window_start, window_end, window_time, k
//
// The window's columns have no names: TUMBLE_START(ts, INTERVAL '1' MINUTE) and the like stand for them. While a SELECT
// is bound they are columns numbered from kGroupWindowColumns on.
#include <algorithm>
#include <array>

#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/rules.h"
#include "plan/window_call.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using types::Window;
using Property = WindowAggregate::Property;

// What an auxiliary function adds to the name of the window's function.
constexpr std::array<std::pair<std::string_view, Property>, 3> kSuffixes = {
    {{"_START", Property::kStart}, {"_END", Property::kEnd}, {"_ROWTIME", Property::kTime}}};
constexpr std::string_view kProcessingTimeSuffix = "_PROCTIME";
constexpr std::array<std::string_view, 3> kColumnNames = {"window_start", "window_end", "window_time"};

// CUMULATE is not one of them, as in Flink.
bool can_group(const WindowFunction& function) { return function.kind != Window::Kind::kCumulate; }

struct Auxiliary {
  const WindowFunction* function;
  std::optional<Property> property;  // nullopt: the time of processing
};

// The auxiliary function of that name, in upper case.
std::optional<Auxiliary> find_auxiliary(std::string_view name) {
  for (const WindowFunction& function : window_functions()) {
    if (!can_group(function) || !name.starts_with(function.name)) continue;
    std::string_view suffix = name.substr(function.name.size());
    if (suffix == kProcessingTimeSuffix) return Auxiliary{&function, std::nullopt};
    for (const auto& [known, property] : kSuffixes) {
      if (suffix == known) return Auxiliary{&function, property};
    }
  }
  return std::nullopt;
}

ExprPtr window_column(Property property, types::DataType time) {
  auto number = static_cast<size_t>(property);
  types::DataType type = property == Property::kTime ? time : types::window_bound_type(time);
  return Expr::column(kGroupWindowColumns + number, type, std::string(kColumnNames[number]));
}

// The property of the window that the key stands for.
std::optional<size_t> window_property(const Expr& key) {
  if (key.kind() != Expr::Kind::kColumn || key.column_index() < kGroupWindowColumns) return std::nullopt;
  size_t number = key.column_index() - kGroupWindowColumns;
  return number < kColumnNames.size() ? std::optional(number) : std::nullopt;
}

bool groups_by_window(const sql::Select& select) {
  for (const sql::GroupingElement& element : select.group_by) {
    for (const std::vector<sql::Expression>& set : element.sets) {
      for (const sql::Expression& key : set) {
        const auto* call = key.get_if<sql::FunctionCall>();
        if (call != nullptr && find_window_function(call->name.parts.back().text) != nullptr) return true;
      }
    }
  }
  return false;
}

}  // namespace

Result<LogicalPtr> Binder::bind_grouped_rows(const sql::Select& select, LogicalPtr plan) const {
  if (!groups_by_window(select) || is_correlated(*plan)) return plan;
  return with_window_times(std::move(plan));
}

// F(time, interval [, interval] [, offset])
Result<GroupWindow> Binder::bind_group_window(const sql::FunctionCall& call, const WindowFunction& function,
                                              const ExpressionContext& context) {
  std::vector<const sql::Expression*> arguments =
      PENSTOCK_TRY(match_arguments(call, function.names().subspan(1), function.required() - 1));
  ExpressionContext inner = context;
  inner.aggregates = nullptr;
  inner.overs = nullptr;
  inner.grouping = nullptr;
  inner.subqueries = nullptr;
  inner.place = "in a group window";
  GroupWindow window;
  window.position = arguments[0]->position;
  window.time = PENSTOCK_TRY(bind_expression(*arguments[0], inner));
  window.window = PENSTOCK_TRY(bind_window(function, std::span(arguments).subspan(1)));
  window.window.zone = zone_of_windows(window.time->type(), eval_.zone);
  return window;
}

Status Binder::bind_group_window_keys(const sql::FunctionCall& call, const WindowFunction& function,
                                      const ExpressionContext& context, bool in_sets, Grouping& grouping,
                                      GroupingSet& set) {
  sql::Position position = call.name.position();
  if (!can_group(function)) {
    return unsupported("{} is no key of GROUP BY", function.name)
        .at(position.offset)
        .hint("it is a table function: FROM CUMULATE(TABLE t, DESCRIPTOR(ts), ...) GROUP BY window_start, window_end");
  }
  GroupWindow window = PENSTOCK_TRY(bind_group_window(call, function, context));
  if (!window.time->type().is_timestamp()) {
    return invalid_argument("a window needs a TIMESTAMP or TIMESTAMP_LTZ, but this is {}",
                            window.time->type().with_nullable(true).to_string())
        .at(window.position.offset);
  }
  if (grouping.window && !grouping.window->same_window(window)) {
    return unsupported("a GROUP BY takes one group window, and this is another one").at(position.offset);
  }
  types::DataType type = window.time->type().with_nullable(in_sets);
  grouping.window = std::move(window);
  for (Property property : {Property::kStart, Property::kEnd, Property::kTime}) {
    int key = find_or_add(grouping.keys, window_column(property, type));
    if (std::ranges::find(set, key) == set.end()) set.push_back(key);
  }
  return {};
}

Result<std::optional<ExprPtr>> Binder::bind_group_window_call(const sql::Expression& expression,
                                                              const sql::FunctionCall& call) {
  std::string name = sql::to_upper(call.name.parts.back().text);
  if (const WindowFunction* function = find_window_function(name)) {
    return invalid_argument("{} stands in GROUP BY or, as a table function, in FROM", name)
        .at(expression.position.offset)
        .hint(can_group(*function) ? std::string(name) + "_START and " + name + "_END give the bounds of the window"
                                   : "");
  }
  std::optional<Auxiliary> auxiliary = find_auxiliary(name);
  if (!auxiliary) return std::optional<ExprPtr>();
  if (call.distinct || call.filter || !call.order_by.empty()) {
    return invalid_argument("{} is no aggregate function", name).at(expression.position.offset);
  }
  const WindowFunction& function = *auxiliary->function;
  const Grouping* grouping = expression_context_->grouping;
  if (grouping == nullptr) {
    return invalid_argument("{} is possible only over the groups of a GROUP BY with a {}", name, function.name)
        .at(expression.position.offset);
  }
  bool same = grouping->window && grouping->window->window.kind == function.kind;
  if (same) {
    GroupWindow window = PENSTOCK_TRY(bind_group_window(call, function, *expression_context_));
    same = grouping->window->same_window(window);
  }
  if (!same) {
    return invalid_argument("{} needs a {} with the same arguments in GROUP BY", name, function.name)
        .at(expression.position.offset);
  }
  if (!auxiliary->property) return std::optional(PENSTOCK_TRY(expr::bind_call("PROCTIME", {})));
  auto is_wanted = [&](const ExprPtr& key) {
    return window_property(*key) == static_cast<size_t>(*auxiliary->property);
  };
  return std::optional(*std::ranges::find_if(grouping->keys, is_wanted));
}

Result<LogicalPtr> Binder::add_group_window(LogicalPtr plan, Grouping& grouping) const {
  const GroupWindow& found = *grouping.window;
  const bool session = found.window.kind == Window::Kind::kSession;
  if (is_correlated(*plan)) {
    return unsupported("the rows of a group window use columns of the query around it").at(found.position.offset);
  }
  if (session && grouping.has_sets()) {
    return unsupported("SESSION is no key of several grouping sets").at(found.position.offset);
  }
  // What the windows are over, and the keys that have sessions of their own, are columns.
  std::vector<ExprPtr> columns;
  std::vector<std::string> names = column_names(*plan);
  for (size_t i = 0; i < plan->schema.size(); ++i) columns.push_back(column_of(plan->schema, static_cast<int>(i)));
  auto place = [&](const ExprPtr& expression) {
    int column = find_or_add(columns, expression);
    if (columns.size() > names.size()) names.push_back(label(*expression));
    return column;
  };
  AssignWindow assign{.window = found.window, .time_column = place(found.time), .keys = {}};
  for (ExprPtr& key : grouping.keys) {
    if (!session || window_property(*key)) continue;
    assign.keys.push_back(place(key));
    key = Expr::column(static_cast<size_t>(assign.keys.back()), key->type(), label(*key));
  }
  if (columns.size() > plan->schema.size()) plan = make_project(std::move(plan), std::move(columns), std::move(names));
  PENSTOCK_TRY(check_window_time(*plan, assign.time_column, label(*found.time), found.position));
  const size_t first = plan->schema.size();
  plan = with_clock(std::move(plan), assign.time_column, assign.window);
  plan = make_node(std::move(assign), {std::move(plan)});
  for (ExprPtr& key : grouping.keys) {
    if (std::optional<size_t> property = window_property(*key)) {
      key = Expr::column(first + *property, key->type(), key->column_name());
    }
  }
  return plan;
}

}  // namespace penstock::plan
