// Conditions that bound the time between the rows of a join on both sides become its time bounds, so that it can forget
// rows as the watermark passes:
//
//   Join(condition: r.ts >= l.ts - 5 min AND r.ts < l.ts + 10 min AND c)   ->   Join(time: r.ts -5 min to 10 min, c)
//
// l.ts and r.ts must be times that watermarks are about. Equality of them, which is a key by now, bounds them too, and
// so does l.ts = r.ts + 5 min.
#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "expr/expr.h"
#include "expr/function.h"
#include "plan/node.h"
#include "plan/rules.h"
#include "types/window.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;

// A sum of times and an interval: right time - left time + constant, with a column over left ++ right for each.
struct Sum {
  std::map<size_t, int> times;  // how often each is in it
  int64_t constant_us = 0;

  bool add(const Sum& other, int sign) {
    for (auto [column, count] : other.times) times[column] += sign * count;
    return !__builtin_add_overflow(constant_us, sign * other.constant_us, &constant_us);
  }
};

// Whether the cast leaves the time as it is.
bool keeps_time(const Expr& cast) {
  types::DataType from = cast.child(0)->type();
  return from.is_timestamp() && from.kind() == cast.type().kind() && from.precision() <= cast.type().precision();
}

std::optional<Sum> as_sum(const Expr& expression) {
  switch (expression.kind()) {
    case Expr::Kind::kColumn:
      if (!expression.type().is_timestamp()) return std::nullopt;
      return Sum{.times = {{expression.column_index(), 1}}};
    case Expr::Kind::kLiteral: {
      bool interval = expression.type().kind() == types::TypeKind::kIntervalDayTime && !expression.value().is_null();
      if (!interval || !types::in_window_range(expression.value().as_int64())) return std::nullopt;
      return Sum{.times = {}, .constant_us = expression.value().as_int64()};
    }
    case Expr::Kind::kCast: return keeps_time(expression) ? as_sum(*expression.child(0)) : std::nullopt;
    case Expr::Kind::kCall: {
      std::string_view name = expression.function().name;
      if ((name != "+" && name != "-") || expression.children().size() != 2) return std::nullopt;
      std::optional<Sum> sum = as_sum(*expression.child(0));
      std::optional<Sum> other = as_sum(*expression.child(1));
      if (!sum || !other || !sum->add(*other, name == "+" ? 1 : -1)) return std::nullopt;
      return sum;
    }
    default: return std::nullopt;
  }
}

// A condition of the form: right time - left time <= limit, or >= limit.
struct Bound {
  int left = 0;
  int right = 0;  // of the right input
  bool upper = false;
  int64_t limit_us = 0;
};

// SQL times count milliseconds in Flink, so that less than a time is at most a millisecond before.
int64_t smallest_step(const LogicalNode& left, const LogicalNode& right, const Bound& bound) {
  bool millis = left.schema[bound.left].type.precision() <= 3 && right.schema[bound.right].type.precision() <= 3;
  return millis ? types::kMicrosPerMilli : 1;
}

std::optional<Bound> match_bound(const Expr& condition, const LogicalNode& left, const LogicalNode& right) {
  if (condition.kind() != Expr::Kind::kCall || condition.children().size() != 2) return std::nullopt;
  std::string_view name = condition.function().name;
  bool less = name == "<" || name == "<=";
  if (!less && name != ">" && name != ">=") return std::nullopt;
  // What is at most (or less than) 0.
  std::optional<Sum> sum = as_sum(*condition.child(less ? 0 : 1));
  std::optional<Sum> greater = as_sum(*condition.child(less ? 1 : 0));
  if (!sum || !greater || !sum->add(*greater, -1)) return std::nullopt;
  std::erase_if(sum->times, [](const auto& time) { return time.second == 0; });
  if (sum->times.size() != 2) return std::nullopt;
  auto [first, first_count] = *sum->times.begin();
  auto [second, second_count] = *sum->times.rbegin();
  size_t left_columns = left.schema.size();
  if (first >= left_columns || second < left_columns || first_count * second_count != -1) return std::nullopt;
  Bound bound{.left = static_cast<int>(first), .right = static_cast<int>(second - left_columns)};
  bool are_times = std::ranges::count(left.traits.time_columns, bound.left) > 0 &&
                   std::ranges::count(right.traits.time_columns, bound.right) > 0;
  if (!are_times) return std::nullopt;
  // right - left + constant <= 0, or left - right + constant <= 0
  bound.upper = second_count == 1;
  bound.limit_us = bound.upper ? -sum->constant_us : sum->constant_us;
  if (name == "<" || name == ">") bound.limit_us += (bound.upper ? -1 : 1) * smallest_step(left, right, bound);
  if (!types::in_window_range(bound.limit_us)) return std::nullopt;
  return bound;
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
  std::optional<Sum> sum = as_sum(*project->expressions[column]);
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
  void add(const Bound& bound) {
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
    if (std::optional<Bound> bound = match_bound(*one, left, right)) found.add(*bound);
  }
  for (const JoinKey& key : join->keys) {
    std::optional<ShiftedTime> on_left = as_shifted_time(left, key.left);
    std::optional<ShiftedTime> on_right = as_shifted_time(right, key.right);
    if (!on_left || !on_right || key.nulls_match) continue;
    Bound bound{.left = on_left->column, .right = on_right->column};
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
    std::optional<Bound> bound = match_bound(*one, left, right);
    return bound && bound->left == bounds->left && bound->right == bounds->right;
  });
  timed.condition = conditions.empty() ? nullptr : expr::join_conjunction(std::move(conditions));
  return make_node(std::move(timed), node->inputs, column_names(*node));
}

}  // namespace

LogicalPtr recognize_interval_joins(const LogicalPtr& plan, const RuleContext& /*context*/) {
  return rewrite_bottom_up(plan, rewrite);
}

}  // namespace penstock::plan
