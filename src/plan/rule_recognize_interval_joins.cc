// Conditions that bound the time between the rows of a join on both sides become its time bounds, so that it can forget
// rows as the watermark passes:
//
//   Join(condition: r.ts >= l.ts - 5 min AND r.ts < l.ts + 10 min AND c)   ->   Join(time: r.ts -5 min to 10 min, c)
//
// l.ts and r.ts must be times that watermarks are about. Equality of them, which is a key by now, bounds them too, and
// so does l.ts = r.ts + 5 min. Where both are PROCTIME(), the clock becomes a time of the inputs.
#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "expr/expr.h"
#include "plan/node.h"
#include "plan/rules.h"
#include "plan/time_bound.h"
#include "plan/window_call.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;

// Whether a column is PROCTIME() of rows that go on coming.
bool is_clock(const LogicalNode& input, int column) {
  return !input.traits.bounded && std::ranges::count(input.traits.processing_times, column) > 0;
}

// One about times that watermarks are about, or could be.
std::optional<TimeBound> match_bound(const Expr& condition, const LogicalNode& left, const LogicalNode& right) {
  std::optional<TimeBound> bound = match_time_bound(condition, left.schema, right.schema);
  if (!bound) return std::nullopt;
  bool are_times = is_time(left.traits, bound->left) && is_time(right.traits, bound->right);
  bool are_clocks = is_clock(left, bound->left) && is_clock(right, bound->right);
  return are_times || are_clocks ? bound : std::nullopt;
}

struct Limits {
  int64_t lower_us = std::numeric_limits<int64_t>::min();
  int64_t upper_us = std::numeric_limits<int64_t>::max();
};

// What a column of an input of the join is: one of its times, and so much more.
struct ShiftedTime {
  int column = 0;
  int64_t by_us = 0;
};

std::optional<ShiftedTime> as_shifted_time(const LogicalNode& input, int column) {
  const std::vector<int>& times = input.traits.time_columns;
  if (std::ranges::count(times, column) > 0) return ShiftedTime{column, 0};
  const auto* project = input.get_if<Project>();
  if (project == nullptr) return std::nullopt;
  std::optional<TimeSum> sum = as_time_sum(*project->expressions[column]);
  if (!sum || sum->times.size() != 1 || sum->times.begin()->second != 1) return std::nullopt;
  for (int time : times) {
    const Expr& passed_on = *project->expressions[time];
    bool is_it = passed_on.kind() == Expr::Kind::kColumn && passed_on.column_index() == sum->times.begin()->first;
    if (is_it) return ShiftedTime{time, sum->constant_us};
  }
  return std::nullopt;
}

// The tightest bounds of each pair of times.
class BoundsByTimes {
 public:
  void add(const TimeBound& bound) {
    Limits& bounds = all_[{bound.left, bound.right}];
    if (bound.upper) {
      bounds.upper_us = std::min(bounds.upper_us, bound.limit_us);
    } else {
      bounds.lower_us = std::max(bounds.lower_us, bound.limit_us);
    }
  }
  // Those of the first pair that is bounded on both sides.
  std::optional<TimeBounds> find() const {
    constexpr Limits kNone;
    for (const auto& [times, bounds] : all_) {
      if (bounds.lower_us == kNone.lower_us || bounds.upper_us == kNone.upper_us) continue;
      return TimeBounds{
          .left = times.first, .right = times.second, .lower_us = bounds.lower_us, .upper_us = bounds.upper_us};
    }
    return std::nullopt;
  }

 private:
  std::map<std::pair<int, int>, Limits> all_;
};

// How long after a row the last one can come that it is near to, or it is known that none will.
types::Window reach_of(const TimeBounds& bounds) {
  return types::Window::session(std::max({std::abs(bounds.lower_us), std::abs(bounds.upper_us), int64_t{0}}) +
                                types::kLastMomentUs);
}

LogicalPtr rewrite(const LogicalPtr& node) {
  const auto* join = node->get_if<Join>();
  if (join == nullptr || join->time || join->as_of) return node;
  const LogicalNode& left = *node->inputs[0];
  const LogicalNode& right = *node->inputs[1];
  if (!left.traits.append_only || !right.traits.append_only) return node;
  Conjuncts conditions;
  if (join->condition != nullptr) conditions = expr::split_conjunction(join->condition);
  BoundsByTimes found;
  for (const ExprPtr& one : conditions) {
    if (std::optional<TimeBound> bound = match_bound(*one, left, right)) found.add(*bound);
  }
  for (const JoinKey& key : join->keys) {
    std::optional<ShiftedTime> on_left = as_shifted_time(left, key.left);
    std::optional<ShiftedTime> on_right = as_shifted_time(right, key.right);
    if (!on_left || !on_right || key.nulls_match) continue;
    TimeBound bound{.left = on_left->column, .right = on_right->column};
    bound.limit_us = on_left->by_us - on_right->by_us;
    for (bool upper : {false, true}) {
      bound.upper = upper;
      found.add(bound);
    }
  }
  std::optional<TimeBounds> bounds = found.find();
  if (!bounds) return node;
  Join timed = *join;
  timed.time = bounds;
  std::erase_if(conditions, [&](const ExprPtr& one) {
    std::optional<TimeBound> bound = match_bound(*one, left, right);
    return bound && bound->left == bounds->left && bound->right == bounds->right;
  });
  timed.condition = conditions.empty() ? nullptr : expr::join_conjunction(std::move(conditions));
  std::vector<LogicalPtr> inputs = node->inputs;
  inputs[0] = with_clock(std::move(inputs[0]), bounds->left, reach_of(*bounds));
  inputs[1] = with_clock(std::move(inputs[1]), bounds->right, reach_of(*bounds));
  return make_node(std::move(timed), std::move(inputs), column_names(*node));
}

}  // namespace

LogicalPtr recognize_interval_joins(const LogicalPtr& plan, const RuleContext& /*context*/) {
  return rewrite_bottom_up(plan, rewrite);
}

}  // namespace penstock::plan
