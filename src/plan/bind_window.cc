// Window table functions.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/suggest.h"
#include "expr/evaluate.h"
#include "plan/binder.h"
#include "plan/rules.h"
#include "plan/window_call.h"
#include "sql/keywords.h"
#include "sql/printer.h"
#include "types/window.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;
using types::TypeKind;
using types::Window;

constexpr std::string_view kDeduplicate = "DEDUPLICATE";
constexpr std::string_view kLateRows = "LATE_ROWS";

// By kind.
constexpr std::array<WindowFunction, 4> kWindowFunctions = {{
    {"TUMBLE", Window::Kind::kTumble, {"DATA", "TIMECOL", "SIZE", "OFFSET"}, 1, true, "INTERVAL '1' MINUTE"},
    {"HOP",
     Window::Kind::kHop,
     {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"},
     2,
     true,
     "INTERVAL '1' MINUTE, INTERVAL '10' MINUTE"},
    {"CUMULATE",
     Window::Kind::kCumulate,
     {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"},
     2,
     true,
     "INTERVAL '1' MINUTE, INTERVAL '1' HOUR"},
    {"SESSION", Window::Kind::kSession, {"DATA", "TIMECOL", "GAP"}, 1, false, "INTERVAL '10' MINUTE"},
}};

// `intervals` as they stand in the call.
Result<Window> make_window(Window::Kind kind, const std::vector<int64_t>& intervals, int64_t offset_us) {
  if (kind == Window::Kind::kTumble) return Window::tumble(intervals[0], offset_us);
  if (kind == Window::Kind::kSession) return Window::session(intervals[0]);
  int64_t step = intervals[0];
  int64_t size = intervals[1];
  if (size / step > kWindowsPerRowMax) {
    return make_error(ErrorCode::kResourceExhausted, "a row would be in {} windows, and may be in at most {}",
                      size / step, kWindowsPerRowMax)
        .hint("take larger steps");
  }
  if (kind == Window::Kind::kHop) return Window::hop(size, step, offset_us);
  if (size % step != 0) {
    return invalid_argument("the size of cumulating windows must be a multiple of their step");
  }
  return Window::cumulate(size, step, offset_us);
}

// Whether windows over the column are over the clock. A bounded input is read at one moment; and what is over the clock
// already has its time.
bool reads_clock(const LogicalNode& input, int column) {
  const Traits& traits = input.traits;
  return !traits.bounded && std::ranges::find(traits.processing_times, column) != traits.processing_times.end() &&
         std::ranges::find(traits.time_columns, column) == traits.time_columns.end();
}

}  // namespace

std::span<const WindowFunction> window_functions() { return kWindowFunctions; }

const WindowFunction* find_window_function(std::string_view name) {
  const auto* found = std::ranges::find_if(
      kWindowFunctions, [&](const WindowFunction& known) { return sql::equal_ignoring_case(known.name, name); });
  return found == kWindowFunctions.end() ? nullptr : found;
}

Result<std::vector<const sql::Expression*>> match_arguments(const sql::FunctionCall& call,
                                                            std::span<const std::string_view> parameters,
                                                            size_t required) {
  std::vector<const sql::Expression*> matched(parameters.size(), nullptr);
  size_t next = 0;
  for (const sql::Expression& argument : call.arguments) {
    size_t index = next++;
    const sql::Expression* value = &argument;
    if (const auto* named = argument.get_if<sql::NamedArgument>()) {
      auto known = std::ranges::find_if(
          parameters, [&](std::string_view name) { return sql::equal_ignoring_case(name, named->name.text); });
      index = static_cast<size_t>(known - parameters.begin());
      value = named->value.get();
    }
    bool fits = index < parameters.size() && matched[index] == nullptr;
    if (!fits)
      return invalid_argument("an argument that {} does not take", sql::print(call.name)).at(argument.position.offset);
    matched[index] = value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (matched[i] == nullptr) {
      return invalid_argument("{} needs {}", sql::print(call.name), parameters[i]).at(call.name.position().offset);
    }
  }
  return matched;
}

Status check_window_time(const LogicalNode& input, int column, std::string_view name, sql::Position position) {
  types::DataType type = input.schema[column].type;
  if (!type.is_timestamp()) {
    return invalid_argument("a window needs a TIMESTAMP or TIMESTAMP_LTZ, but {} is {}", name,
                            type.with_nullable(true).to_string())
        .at(position.offset);
  }
  if (reads_clock(input, column)) {
    if (input.traits.append_only) return {};
    return unsupported("windows over PROCTIME() need rows that are never taken back, and these may be")
        .at(position.offset)
        .hint("when a row is taken back, nobody knows which window it was in; take a window over an event time");
  }
  const std::vector<int>& times = input.traits.time_columns;
  if (!input.traits.bounded && std::ranges::find(times, column) == times.end()) {
    return invalid_argument("column {} has no watermark, so windows over it would never close", name)
        .at(position.offset)
        .hint("declare WATERMARK FOR it in CREATE TABLE");
  }
  return {};
}

const types::TimeZone* zone_of_windows(types::DataType time, const types::TimeZone* of_session) {
  if (time.kind() != TypeKind::kTimestampLtz) return nullptr;
  return of_session == nullptr || of_session->is_utc() ? &types::TimeZone::utc() : of_session;
}

LogicalPtr with_clock(LogicalPtr input, int column, const Window& window) {
  if (!reads_clock(*input, column)) return input;
  return make_node(ProcessingTime{.column = column, .window = window}, {std::move(input)});
}

Result<LogicalPtr> Binder::bind_table_function(const sql::FunctionCall& call) {
  std::string name = sql::to_upper(call.name.parts.back().text);
  const WindowFunction* function = find_window_function(name);
  if (function != nullptr) return bind_window_function(call, function->kind);
  if (name == kDeduplicate) return bind_deduplicate(call);
  if (name == kLateRows) return bind_late_rows(call);
  std::vector<std::string> names;
  for (const WindowFunction& one : kWindowFunctions) names.emplace_back(one.name);
  names.emplace_back(kDeduplicate);
  names.emplace_back(kLateRows);
  return not_found("there is no table function {}", name).hint(did_you_mean(name, names));
}

Result<LogicalPtr> Binder::with_window_times(LogicalPtr input) const {
  if (input->traits.bounded || !input->traits.time_columns.empty()) return input;
  RuleContext rule_context{.eval = eval_, .mode = context_.mode, .cancelled = context_.cancelled};
  LogicalPtr optimized = PENSTOCK_TRY(optimize(input, rule_context, context_.disabled_rules));
  return with_names(optimized, column_names(*input));
}

// It is a whole table: it cannot depend on the rows of another query.
Result<LogicalPtr> Binder::bind_table_argument(const sql::TableArgument& data, const sql::QualifiedName& function,
                                               sql::Position position) {
  std::vector<OuterQuery> outer_queries = std::exchange(outer_queries_, {});
  const size_t recursive_uses = recursive_uses_.size();
  LogicalPtr input = data.query ? PENSTOCK_TRY(bind_query(*data.query)) : PENSTOCK_TRY(bind_named_table(data.name));
  PENSTOCK_TRY(refuse_recursive_uses(recursive_uses, "in a window function"));
  outer_queries_ = std::move(outer_queries);
  if (is_correlated(*input)) {
    return unsupported("the table of {} uses columns of the query around it", sql::to_upper(function.parts.back().text))
        .at(position.offset);
  }
  return with_window_times(std::move(input));
}

// F(TABLE t, DESCRIPTOR(time), interval [, interval] [, offset])
Result<LogicalPtr> Binder::bind_window_function(const sql::FunctionCall& call, Window::Kind kind) {
  const WindowFunction& function = kWindowFunctions[static_cast<size_t>(kind)];
  std::vector<const sql::Expression*> arguments =
      PENSTOCK_TRY(match_arguments(call, function.names(), function.required()));
  const auto* data = arguments[0]->get_if<sql::TableArgument>();
  bool session = kind == Window::Kind::kSession;
  if (data == nullptr || (!session && !data->partition_by.empty()) || !data->order_by.empty()) {
    return invalid_argument("{0} needs a table, as in {0}(TABLE orders, DESCRIPTOR(ts), {1})", function.name,
                            function.example)
        .at(arguments[0]->position.offset);
  }
  LogicalPtr input = PENSTOCK_TRY(bind_table_argument(*data, call.name, arguments[0]->position));
  AssignWindow assign;
  assign.time_column = PENSTOCK_TRY(bind_window_time(*arguments[1], *input));
  if (session) assign.keys = PENSTOCK_TRY(bind_partition_columns(*data, *input));
  assign.window = PENSTOCK_TRY(bind_window(function, std::span(arguments).subspan(2)));
  assign.window.zone = zone_of_windows(input->schema[assign.time_column].type, eval_.zone);
  input = with_clock(std::move(input), assign.time_column, assign.window);
  return make_node(std::move(assign), {std::move(input)});
}

Result<Window> Binder::bind_window(const WindowFunction& function, std::span<const sql::Expression* const> arguments) {
  std::vector<int64_t> intervals;
  for (size_t i = 0; i < function.intervals; ++i) {
    std::string what = fmt::format("the {} of a window", sql::to_lower(function.parameters[2 + i]));
    intervals.push_back(PENSTOCK_TRY(bind_window_interval(*arguments[i], what)));
    if (intervals.back() <= 0) {
      return invalid_argument("{} must be more than zero", what).at(arguments[i]->position.offset);
    }
  }
  int64_t offset = 0;
  if (function.offset && arguments.back() != nullptr) {
    offset = PENSTOCK_TRY(bind_window_interval(*arguments.back(), "the offset of a window"));
  }
  return located(make_window(function.kind, intervals, offset), arguments.front()->position);
}

// PARTITION BY a, b: each combination of values is looked at for itself.
Result<std::vector<int>> Binder::bind_partition_columns(const sql::TableArgument& data, const LogicalNode& input) {
  std::vector<int> keys;
  Scope scope(data.query ? "" : data.name.parts.back().text, input.schema);
  for (const sql::Expression& expression : data.partition_by) {
    const auto* column = expression.get_if<sql::ColumnReference>();
    if (column == nullptr) {
      return unsupported("PARTITION BY takes columns here")
          .at(expression.position.offset)
          .hint("compute what is to be partitioned by in a query: TABLE (SELECT ...)");
    }
    auto key = static_cast<int>(PENSTOCK_TRY(scope.resolve(column->name)));
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  }
  return keys;
}

Result<int64_t> Binder::bind_window_interval(const sql::Expression& expression, std::string_view what) {
  ExprPtr bound = PENSTOCK_TRY(bind_expression(expression, {.place = "in a window"}));
  if (bound->type().kind() != TypeKind::kIntervalDayTime || !bound->is_constant()) {
    return invalid_argument("{} is an interval of days or less, such as INTERVAL '10' SECOND", what)
        .at(expression.position.offset);
  }
  types::Value value = PENSTOCK_TRY(located(expr::evaluate_constant(*bound, eval_), expression.position));
  if (value.is_null()) return invalid_argument("{} is NULL", what).at(expression.position.offset);
  int64_t micros = value.as_int64();
  if (micros % types::kMicrosPerMilli != 0) {
    return invalid_argument("{} must be whole milliseconds", what).at(expression.position.offset);
  }
  if (!types::in_window_range(micros)) {
    return invalid_argument("{} is too long", what).at(expression.position.offset);
  }
  return micros;
}

Result<sql::Identifier> Binder::time_descriptor(const sql::Expression& expression) {
  const auto* descriptor = expression.get_if<sql::Descriptor>();
  if (descriptor == nullptr || descriptor->columns.size() != 1) {
    return invalid_argument("the time of a window is written DESCRIPTOR(column)").at(expression.position.offset);
  }
  return descriptor->columns.front();
}

Result<int> Binder::resolve_column(const sql::Identifier& name, const LogicalNode& input) {
  sql::QualifiedName qualified;
  qualified.parts.push_back(name);
  return static_cast<int>(PENSTOCK_TRY(Scope("", input.schema).resolve(qualified)));
}

Result<int> Binder::bind_window_time(const sql::Expression& expression, const LogicalNode& input) {
  const sql::Identifier name = PENSTOCK_TRY(time_descriptor(expression));
  const int column = PENSTOCK_TRY(resolve_column(name, input));
  PENSTOCK_TRY(check_window_time(input, column, name.text, name.position));
  return column;
}

}  // namespace penstock::plan
