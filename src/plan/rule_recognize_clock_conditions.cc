// Conditions that compare a time of a row with the time of the query, over an input that goes on: the time of such a
// query is the clock, and rows come into its result and leave it as that goes on.
//
//   Filter(ts > NOW() - 5 min AND c)      Project(the columns of the input)
//     input                           ->    ClockFilter(until = ts + 5 min)
//                                             Project(its columns, ts + 5 min)
//                                               Filter(c)
//                                                 input
//
// What else is compared with NOW() is computed once, when the row comes.
#include <algorithm>
#include <array>
#include <optional>

#include "expr/expr.h"
#include "expr/function.h"
#include "expr/registry.h"
#include "plan/node.h"
#include "plan/rules.h"
#include "types/time_zone.h"
#include "types/window.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;

constexpr std::array<std::string_view, 4> kClocks{"CURRENT_TIMESTAMP", "NOW", "TRANSACTION_TIMESTAMP",
                                                  "STATEMENT_TIMESTAMP"};
constexpr std::string_view kLocalClock = "LOCALTIMESTAMP";

bool is_clock(const Expr& expression) {
  if (expression.kind() != Expr::Kind::kCall) return false;
  const std::string_view name = expression.function().name;
  return name == kLocalClock || std::ranges::find(kClocks, name) != kClocks.end();
}

bool has_clock(const Expr& expression) {
  return is_clock(expression) ||
         std::ranges::any_of(expression.children(), [](const ExprPtr& child) { return has_clock(*child); });
}

// A sum of the clock, something of the row, and an interval.
struct Sum {
  int clock = 0;
  bool local = false;                     // the clock is one of a zone
  const types::TimeZone* zone = nullptr;  // which; null: the session's
  int row = 0;
  ExprPtr of_row;
  int64_t constant_us = 0;

  bool add(const Sum& other, int sign) {
    if (of_row != nullptr && other.of_row != nullptr) return false;
    clock += sign * other.clock;
    local = local || other.local;
    if (other.zone != nullptr) zone = other.zone;
    row += sign * other.row;
    if (other.of_row != nullptr) of_row = other.of_row;
    return !__builtin_add_overflow(constant_us, sign * other.constant_us, &constant_us);
  }
};

bool is_interval_literal(const Expr& expression) {
  return expression.is_literal() && expression.type().kind() == types::TypeKind::kIntervalDayTime &&
         !expression.value().is_null() && types::in_window_range(expression.value().as_int64());
}

std::optional<Sum> as_sum(const ExprPtr& expression) {
  if (is_clock(*expression)) {
    const bool local = expression->function().name == kLocalClock;
    return Sum{.clock = 1, .local = local, .zone = expression->zone(), .of_row = nullptr};
  }
  if (is_interval_literal(*expression)) {
    return Sum{.of_row = nullptr, .constant_us = expression->value().as_int64()};
  }
  if (!has_clock(*expression)) return Sum{.row = 1, .of_row = expression};
  if (expression->kind() == Expr::Kind::kCast) {
    const ExprPtr& inner = expression->child(0);
    const bool same = inner->type().is_timestamp() && inner->type().kind() == expression->type().kind();
    return same ? as_sum(inner) : std::nullopt;
  }
  if (expression->kind() != Expr::Kind::kCall || expression->children().size() != 2) return std::nullopt;
  const std::string_view name = expression->function().name;
  if (name != "+" && name != "-") return std::nullopt;
  std::optional<Sum> sum = as_sum(expression->child(0));
  std::optional<Sum> other = as_sum(expression->child(1));
  if (!sum || !other || !sum->add(*other, name == "+" ? 1 : -1)) return std::nullopt;
  return sum;
}

// A time from which, or until which, a row is there.
struct Bound {
  bool is_until = false;
  bool or_equal = false;  // the clock may be at it
  ExprPtr time;           // a TIMESTAMP_LTZ
};

// The time as a moment: of a local one, as the zone has it.
ExprPtr as_moment(ExprPtr time, int64_t plus_us, const types::TimeZone& zone) {
  if (plus_us != 0) {
    ExprPtr interval =
        Expr::literal(types::Value(plus_us), types::DataType(types::TypeKind::kIntervalDayTime).with_nullable(false));
    Result<ExprPtr> sum = expr::bind_call("+", {std::move(time), std::move(interval)});
    if (!sum) return nullptr;
    time = *std::move(sum);
  }
  if (time->type().kind() == types::TypeKind::kTimestampLtz) return time;
  const auto type = types::DataType::timestamp_ltz(time->type().precision()).with_nullable(time->type().nullable());
  Result<ExprPtr> cast = expr::bind_cast(std::move(time), type);
  return cast ? expr::in_time_zone(*cast, zone) : nullptr;
}

std::optional<Bound> match(const Expr& condition, const types::TimeZone& zone) {
  if (condition.kind() != Expr::Kind::kCall || condition.children().size() != 2) return std::nullopt;
  const std::string_view name = condition.function().name;
  const bool less = name == "<" || name == "<=";
  if (!less && name != ">" && name != ">=") return std::nullopt;
  // What is less than 0, or at most 0.
  std::optional<Sum> sum = as_sum(condition.child(less ? 0 : 1));
  const std::optional<Sum> greater = as_sum(condition.child(less ? 1 : 0));
  if (!sum || !greater || !sum->add(*greater, -1)) return std::nullopt;
  if (std::abs(sum->clock) != 1 || sum->row != -sum->clock || !sum->of_row->type().is_timestamp()) return std::nullopt;
  if (sum->local != (sum->of_row->type().kind() == types::TypeKind::kTimestamp)) return std::nullopt;
  // clock - row + constant < 0: until row - constant; row - clock + constant < 0: from row + constant on.
  Bound bound{.is_until = sum->clock > 0, .or_equal = name.size() == 2, .time = nullptr};
  bound.time = as_moment(sum->of_row, bound.is_until ? -sum->constant_us : sum->constant_us,
                         sum->zone == nullptr ? zone : *sum->zone);
  return bound.time == nullptr ? std::nullopt : std::optional(std::move(bound));
}

// The rows of the input while they are within the bounds, of which there is at most one of each kind.
LogicalPtr within(const LogicalPtr& input, const std::optional<Bound>& from, const std::optional<Bound>& until) {
  const size_t width = input->schema.size();
  std::vector<ExprPtr> columns;
  std::vector<std::string> names = column_names(*input);
  for (size_t i = 0; i < width; ++i) columns.push_back(column_of(input->schema, static_cast<int>(i)));
  ClockFilter filter;
  const auto add = [&](const std::optional<Bound>& bound, int& column) {
    if (!bound) return;
    column = static_cast<int>(columns.size());
    columns.push_back(bound->time);
    names.push_back(label(*bound->time));
  };
  add(from, filter.from);
  add(until, filter.until);
  filter.after_from = from && !from->or_equal;
  filter.through_until = until && until->or_equal;
  LogicalPtr plan = make_project(input, std::move(columns), std::move(names));
  plan = make_node(filter, {std::move(plan)});
  return make_selection(std::move(plan), identity(width));
}

LogicalPtr rewrite(const LogicalPtr& node, const types::TimeZone& zone) {
  const auto* filter = node->get_if<Filter>();
  if (filter == nullptr || node->traits.bounded) return node;
  Conjuncts others;
  std::vector<Bound> from;
  std::vector<Bound> until;
  for (ExprPtr& one : expr::split_conjunction(filter->predicate)) {
    std::optional<Bound> bound = match(*one, zone);
    if (!bound) {
      others.push_back(std::move(one));
    } else {
      (bound->is_until ? until : from).push_back(*std::move(bound));
    }
  }
  if (from.empty() && until.empty()) return node;
  LogicalPtr plan = with_filter(node->inputs.front(), std::move(others));
  const auto nth = [](const std::vector<Bound>& bounds, size_t i) {
    return i < bounds.size() ? std::optional(bounds[i]) : std::nullopt;
  };
  for (size_t i = 0; i < std::max(from.size(), until.size()); ++i) plan = within(plan, nth(from, i), nth(until, i));
  return plan;
}

}  // namespace

LogicalPtr recognize_clock_conditions(const LogicalPtr& plan, const RuleContext& context) {
  if (context.mode != PlanMode::kStreaming) return plan;
  const types::TimeZone& zone = context.eval.zone == nullptr ? types::TimeZone::utc() : *context.eval.zone;
  return rewrite_bottom_up(plan, [&](const LogicalPtr& node) { return rewrite(node, zone); });
}

}  // namespace penstock::plan
