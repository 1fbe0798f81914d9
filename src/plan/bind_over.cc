// Window functions: calls with OVER.
//
// They are collected while the select list and ORDER BY are bound, each as a column numbered from kOverColumns on. When
// the rows that they are over are planned (after grouping), each becomes an operator that adds a column.
#include <algorithm>
#include <array>

#include "base/suggest.h"
#include "expr/registry.h"
#include "plan/binder.h"
#include "plan/node.h"
#include "plan/window_call.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using expr::WindowFunctionKind;
using types::DataType;
using types::Frame;
using types::TypeKind;

// Of a window: each is a column of the key by which partitions are found.
constexpr size_t kPartitionColumnsMax = 32;
// In one SELECT: each may become an operator with all columns of its input.
constexpr size_t kOversMax = 256;

struct RankName {
  WindowFunctionKind kind;
  Rank::Function function;
};
constexpr std::array<RankName, 3> kRanks = {{
    {WindowFunctionKind::kRowNumber, Rank::Function::kRowNumber},
    {WindowFunctionKind::kRank, Rank::Function::kRank},
    {WindowFunctionKind::kDenseRank, Rank::Function::kDenseRank},
}};

// The input of functions in the order of PROCTIME(): with the time of the clock, by which each row comes out once.
LogicalPtr with_clock_for(const Over& over, LogicalPtr input) {
  if (over.order_by.empty()) return input;
  const types::Window moments = types::Window::tumble(types::kLastMomentUs);
  LogicalPtr timed = with_clock(input, over.order_by.front().column, moments);
  return in_time_order(over, *timed) ? timed : input;
}

// The rank that the call is; nullptr when it is none.
const RankName* rank_of(const OverCall& call) {
  if (call.function == nullptr) return nullptr;
  const auto* found = std::ranges::find(kRanks, call.function->kind, &RankName::kind);
  return found == kRanks.end() ? nullptr : found;
}

bool same(const ExprPtr& a, const ExprPtr& b) { return a == b || (a && b && a->equals(*b)); }

Error no_window_function(const std::string& name, sql::Position position) {
  std::vector<std::string> names;
  for (const expr::WindowFunction& function : expr::window_functions()) names.emplace_back(function.name);
  for (const expr::AggregateFunction& function : expr::aggregate_functions()) names.emplace_back(function.name);
  return not_found("there is no window function {}", name).at(position.offset).hint(did_you_mean(name, names));
}

// The type of what the function gives for its argument, which is null when there is none.
DataType result_type(const expr::WindowFunction& function, const ExprPtr& argument) {
  switch (function.kind) {
    case WindowFunctionKind::kRowNumber:
    case WindowFunctionKind::kRank:
    case WindowFunctionKind::kDenseRank: return DataType(TypeKind::kBigInt).with_nullable(false);
    case WindowFunctionKind::kPercentRank:
    case WindowFunctionKind::kCumeDist: return DataType(TypeKind::kDouble).with_nullable(false);
    case WindowFunctionKind::kNtile: return DataType(TypeKind::kInt).with_nullable(false);
    default: return argument->type().with_nullable(true);
  }
}

// ROW_NUMBER() beside functions over the same rows in the same order becomes the count of the rows so far, which is one
// of them: two operators could order rows that are equal in the order in two ways.
Status number_rows_with_others(std::vector<FoundOver>& overs) {
  for (FoundOver& over : overs) {
    const RankName* rank = rank_of(over.call);
    if (rank == nullptr || rank->function != Rank::Function::kRowNumber) continue;
    const bool beside = std::ranges::any_of(overs, [&](const FoundOver& other) {
      return rank_of(other.call) == nullptr && other.window.same_order(over.window);
    });
    if (!beside) continue;
    over.call.function = nullptr;
    over.call.aggregate.function = PENSTOCK_TRY(expr::bind_aggregate("COUNT", DataType(), false));
    over.call.frame = Frame{.unit = Frame::Unit::kRows, .start = {.unbounded = true}, .end = {}};
  }
  return {};
}

}  // namespace

bool OverWindow::same_order(const OverWindow& other) const {
  return std::ranges::equal(partition_by, other.partition_by, same) &&
         std::ranges::equal(order_by, other.order_by, [](const Order& a, const Order& b) {
           return same(a.value, b.value) && a.descending == b.descending && a.nulls_first == b.nulls_first;
         });
}

bool FoundOver::operator==(const FoundOver& other) const {
  const AggregateCall& aggregate = call.aggregate;
  const AggregateCall& theirs = other.call.aggregate;
  return window.same_order(other.window) && call.function == other.call.function &&
         aggregate.function.same_call(theirs.function) && aggregate.distinct == theirs.distinct &&
         call.number == other.call.number && call.ignore_nulls == other.call.ignore_nulls &&
         call.frame == other.call.frame && same(argument, other.argument) && same(filter, other.filter) &&
         same(default_value, other.default_value);
}

// PARTITION BY, ORDER BY and the frame, on top of those of the named window that the specification begins with.
Result<OverWindow> Binder::bind_over_window(const sql::WindowSpecification& specification,
                                            const ExpressionContext& context) {
  OverWindow window;
  if (specification.base) {
    const sql::Identifier& name = *specification.base;
    auto named = std::ranges::find_if(context.named_windows, [&](const sql::NamedWindow& known) {
      return sql::equal_ignoring_case(known.name.text, name.text);
    });
    if (named == context.named_windows.end()) {
      return not_found("there is no window {}", name.text)
          .at(name.position.offset)
          .hint("declare it in WINDOW, before the windows that begin with it");
    }
    if (context.named_windows.size() > kOversMax) {
      return invalid_argument("a SELECT has at most {} windows", kOversMax).at(name.position.offset);
    }
    ExpressionContext earlier = context;
    earlier.named_windows = context.named_windows.first(static_cast<size_t>(named - context.named_windows.begin()));
    window = PENSTOCK_TRY(bind_over_window(named->specification, earlier));
    const auto says_already = [&](std::string_view part) {
      return invalid_argument("window {} cannot be given {}", name.text, part).at(name.position.offset);
    };
    if (!specification.partition_by.empty()) return says_already("another PARTITION BY");
    if (!specification.order_by.empty() && !window.order_by.empty()) return says_already("another ORDER BY");
    if (specification.frame && window.frame != nullptr) return says_already("another frame");
  }
  for (const sql::Expression& key : specification.partition_by) {
    window.partition_by.push_back(PENSTOCK_TRY(bind_expression(key, context)));
  }
  if (window.partition_by.size() > kPartitionColumnsMax) {
    return invalid_argument("PARTITION BY takes at most {} expressions", kPartitionColumnsMax)
        .at(specification.partition_by.front().position.offset);
  }
  for (const sql::OrderItem& item : specification.order_by) {
    window.order_by.push_back({.value = PENSTOCK_TRY(bind_expression(*item.value, context)),
                               .descending = item.descending,
                               .nulls_first = item.nulls_first.value_or(!item.descending)});
  }
  if (specification.frame) window.frame = &*specification.frame;
  return window;
}

// --- frames ---

Result<Frame> Binder::bind_frame(const sql::WindowFrame& written, const OverWindow& window) {
  using Kind = sql::FrameBoundKind;
  Frame frame;
  frame.unit = static_cast<Frame::Unit>(written.unit);
  frame.exclusion = static_cast<Frame::Exclusion>(written.exclusion);
  static_assert(static_cast<int>(sql::FrameUnit::kGroups) == static_cast<int>(Frame::Unit::kGroups));
  static_assert(static_cast<int>(sql::FrameExclusion::kTies) == static_cast<int>(Frame::Exclusion::kTies));
  if (written.start.kind == Kind::kUnboundedFollowing || written.end.kind == Kind::kUnboundedPreceding ||
      written.start.kind > written.end.kind) {
    return invalid_argument("this frame ends before it starts").at(written.position.offset);
  }
  if (frame.unit == Frame::Unit::kGroups && window.order_by.empty()) {
    return invalid_argument("GROUPS needs ORDER BY in the window").at(written.position.offset);
  }
  frame.start = PENSTOCK_TRY(bind_frame_bound(written.start, frame.unit, window));
  frame.end = PENSTOCK_TRY(bind_frame_bound(written.end, frame.unit, window));
  return frame;
}

Result<types::FrameBound> Binder::bind_frame_bound(const sql::FrameBound& written, Frame::Unit unit,
                                                   const OverWindow& window) {
  using Kind = sql::FrameBoundKind;
  if (written.kind == Kind::kCurrentRow) return types::FrameBound{};
  if (!written.distance) return types::FrameBound{.unbounded = true};
  int64_t distance = unit == Frame::Unit::kRange ? PENSTOCK_TRY(bind_frame_distance(*written.distance, window))
                                                 : PENSTOCK_TRY(bind_row_count(*written.distance, "in a frame", 1));
  return types::FrameBound{.offset = written.kind == Kind::kPreceding ? -distance : distance};
}

// How far RANGE reaches, in the physical unit of the column that the window is ordered by.
Result<int64_t> Binder::bind_frame_distance(const sql::Expression& distance, const OverWindow& window) {
  if (window.order_by.size() != 1) {
    return invalid_argument("RANGE with a distance needs one column in ORDER BY").at(distance.position.offset);
  }
  DataType order = window.order_by.front().value->type();
  bool of_time = order.is_timestamp() || order.kind() == TypeKind::kTime;
  if (!of_time && !order.is_integer()) {
    return unsupported("RANGE with a distance over {} is not supported", order.with_nullable(true).to_string())
        .at(distance.position.offset)
        .hint("order by an integer or a time, or use ROWS or GROUPS");
  }
  ExprPtr bound = PENSTOCK_TRY(bind_expression(distance, {.place = "in a frame"}));
  bool fits = of_time ? bound->type().kind() == TypeKind::kIntervalDayTime : bound->type().is_integer();
  if (!fits || !bound->is_constant()) {
    return invalid_argument("the distance is {} here",
                            of_time ? "an interval of days or less, such as INTERVAL '10' SECOND" : "a whole number")
        .at(distance.position.offset);
  }
  types::Value value = PENSTOCK_TRY(located(expr::evaluate_constant(*bound, eval_), distance.position));
  if (value.is_null() || value.as_int64() < 0) {
    return invalid_argument("the distance must not be {}", value.is_null() ? "NULL" : "negative")
        .at(distance.position.offset);
  }
  return value.as_int64();
}

// --- calls ---

// Everything of the call but its window.
Result<FoundOver> Binder::bind_over_function(const sql::Expression& expression, const sql::FunctionCall& call,
                                             const expr::WindowFunction& function, const ExpressionContext& context) {
  const auto takes_no = [&](std::string_view clause) {
    return invalid_argument("{} takes no {}", function.name, clause).at(expression.position.offset);
  };
  auto arguments = static_cast<int>(call.arguments.size());
  if (arguments > function.arguments_max) {
    sql::Position position = call.arguments[static_cast<size_t>(function.arguments_max)].position;
    if (function.arguments_max == 0) {
      return invalid_argument("{} takes no arguments", function.name).at(position.offset);
    }
    return invalid_argument("{} takes at most {} argument{}", function.name, function.arguments_max,
                            function.arguments_max == 1 ? "" : "s")
        .at(position.offset);
  }
  if (arguments < function.arguments_min) {
    return invalid_argument("{} needs {} argument{}", function.name, function.arguments_min,
                            function.arguments_min == 1 ? "" : "s")
        .at(expression.position.offset)
        .hint(std::string(function.signature));
  }
  if (call.distinct) return takes_no("DISTINCT");
  if (call.filter) return takes_no("FILTER");
  if (!call.order_by.empty()) return takes_no("ORDER BY of its own");
  if (!function.takes_nulls && call.null_treatment != sql::NullTreatment::kUnspecified) {
    return takes_no("IGNORE NULLS or RESPECT NULLS");
  }
  if (!function.framed && call.over->frame) return takes_no("frame");
  FoundOver found;
  found.call.function = &function;
  size_t next = 0;
  if (function.kind != WindowFunctionKind::kNtile && arguments > 0) {
    found.argument = PENSTOCK_TRY(bind_expression(call.arguments[next++], context));
    if (found.argument->type().kind() == TypeKind::kNull) found.argument = Expr::literal({}, TypeKind::kString);
  }
  if (next < call.arguments.size()) {
    const sql::Expression& number = call.arguments[next++];
    found.call.number = PENSTOCK_TRY(bind_row_count(number, fmt::format("in {}", function.name), 1));
    bool may_be_zero = function.kind == WindowFunctionKind::kLag || function.kind == WindowFunctionKind::kLead;
    if (found.call.number == 0 && !may_be_zero) {
      return invalid_argument("{} counts from 1", function.name).at(number.position.offset);
    }
  }
  if (next < call.arguments.size()) {
    const sql::Expression& value = call.arguments[next];
    suggest_parameter_type(value, found.argument->type());
    ExprPtr bound = PENSTOCK_TRY(bind_expression(value, context));
    found.default_value = PENSTOCK_TRY(located(expr::coerce(std::move(bound), found.argument->type()), value.position));
  }
  found.call.type = result_type(function, found.argument);
  // What Flink does without being told: its FIRST_VALUE and LAST_VALUE are aggregates, which skip NULLs.
  bool skips = function.kind == WindowFunctionKind::kFirstValue || function.kind == WindowFunctionKind::kLastValue;
  found.call.ignore_nulls = call.null_treatment == sql::NullTreatment::kUnspecified
                                ? skips
                                : call.null_treatment == sql::NullTreatment::kIgnoreNulls;
  return found;
}

Result<ExprPtr> Binder::bind_over_call(const sql::Expression& expression, const sql::FunctionCall& call) {
  std::string name = sql::to_upper(call.name.parts.back().text);
  const ExpressionContext& outer = *expression_context_;
  if (outer.overs == nullptr) {
    return invalid_argument("{} OVER is not allowed {}", name, outer.place)
        .at(expression.position.offset)
        .hint("put it into a subquery, and the condition around that");
  }
  const expr::WindowFunction* function = expr::find_window_function(name);
  if (function == nullptr && !expr::is_aggregate_function(name)) {
    return no_window_function(name, expression.position);
  }
  ExpressionContext inner = outer;
  inner.overs = nullptr;
  inner.place = "inside OVER";
  FoundOver found;
  if (function != nullptr) {
    found = PENSTOCK_TRY(bind_over_function(expression, call, *function, inner));
  } else {
    FoundAggregate aggregate = PENSTOCK_TRY(bind_aggregate(expression, call, inner));
    found.call.aggregate = aggregate.call;
    found.call.type = found.call.aggregate.function.result_type;
    found.argument = std::move(aggregate.argument);
    found.filter = std::move(aggregate.filter);
  }
  found.window = PENSTOCK_TRY(bind_over_window(*call.over, inner));
  found.position = expression.position;
  if (function != nullptr && function->needs_order && found.window.order_by.empty()) {
    return invalid_argument("{} needs ORDER BY in its window", name).at(expression.position.offset);
  }
  if (function == nullptr || function->framed) {
    found.call.frame = found.window.frame != nullptr   ? PENSTOCK_TRY(bind_frame(*found.window.frame, found.window))
                       : found.window.order_by.empty() ? Frame::whole()
                                                       : Frame();
  }
  DataType type = found.call.type;
  // An aggregate needs nothing of the rows that it has seen, where the frame only grows.
  bool only_grows = found.call.frame.start.unbounded && found.call.frame.exclusion == Frame::Exclusion::kNone;
  if (function != nullptr && function->framed && found.call.ignore_nulls && only_grows &&
      expr::is_aggregate_function(name)) {
    found.call.aggregate.function = PENSTOCK_TRY(expr::bind_aggregate(name, found.argument->type(), false));
    found.call.function = nullptr;
  }
  auto known = std::ranges::find(*outer.overs, found);
  size_t index = static_cast<size_t>(known - outer.overs->begin());
  if (index == kOversMax) {
    return invalid_argument("a SELECT has at most {} window functions", kOversMax).at(expression.position.offset);
  }
  if (known == outer.overs->end()) outer.overs->push_back(std::move(found));
  return Expr::column(kOverColumns + index, type, name + "() OVER");
}

// Puts the operators of the window functions on top of `plan`, those over the same rows in the same order into one, and
// their columns for the numbers that stand for them.
Result<LogicalPtr> Binder::add_overs(LogicalPtr plan, std::vector<FoundOver> overs,
                                     std::span<std::vector<ExprPtr>* const> lists) {
  PENSTOCK_TRY(number_rows_with_others(overs));
  std::vector<int> columns(overs.size(), -1);  // of each window function
  for (size_t first = 0; first < overs.size(); ++first) {
    if (columns[first] >= 0) continue;
    const OverWindow window = overs[first].window;
    const RankName* rank = rank_of(overs[first].call);
    std::vector<ExprPtr> inputs;
    std::vector<std::string> names;
    for (size_t i = 0; i < plan->schema.size(); ++i) inputs.push_back(column_of(plan->schema, static_cast<int>(i)));
    std::vector<int> partition_by;
    std::vector<SortKey> order_by;
    for (const ExprPtr& key : window.partition_by) partition_by.push_back(find_or_add(inputs, key));
    for (const OverWindow::Order& by : window.order_by) {
      order_by.push_back({find_or_add(inputs, by.value), by.descending, by.nulls_first});
    }
    std::vector<OverCall> calls;
    std::vector<size_t> planned;
    for (size_t i = first; i < overs.size(); ++i) {
      FoundOver& over = overs[i];
      bool fits = rank != nullptr ? i == first : rank_of(over.call) == nullptr && over.window.same_order(window);
      if (!fits) continue;
      planned.push_back(i);
      if (over.argument != nullptr) over.call.aggregate.argument = find_or_add(inputs, over.argument);
      if (over.filter != nullptr) over.call.aggregate.filter = find_or_add(inputs, over.filter);
      if (over.default_value != nullptr) over.call.default_value = find_or_add(inputs, over.default_value);
      calls.push_back(over.call);
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      names.push_back(i < plan->schema.size() ? plan->schema[i].name : label(*inputs[i]));
    }
    if (inputs.size() > plan->schema.size()) plan = make_project(std::move(plan), std::move(inputs), std::move(names));
    for (size_t i = 0; i < planned.size(); ++i) columns[planned[i]] = static_cast<int>(plan->schema.size() + i);
    Over over{.partition_by = partition_by, .order_by = order_by, .calls = std::move(calls)};
    if (rank == nullptr) plan = with_clock_for(over, std::move(plan));
    LogicalOperator op = std::move(over);
    if (rank != nullptr) op = Rank{.function = rank->function, .partition_by = partition_by, .order_by = order_by};
    plan = with_place(make_node(std::move(op), {std::move(plan)}), overs[first].position.offset);
  }
  for (std::vector<ExprPtr>* list : lists) {
    for (ExprPtr& expression : *list) {
      expression = expr::transform(expression, [&](ExprPtr node) {
        bool over =
            node->kind() == Expr::Kind::kColumn && node->column_index() >= kOverColumns && !is_outer_column(*node);
        return over ? column_of(plan->schema, columns[node->column_index() - kOverColumns]) : node;
      });
    }
  }
  return plan;
}

}  // namespace penstock::plan
