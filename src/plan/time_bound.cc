#include "plan/time_bound.h"

#include "expr/function.h"
#include "types/window.h"

namespace penstock::plan {

using expr::Expr;

namespace {

// Whether the cast leaves the time as it is.
bool keeps_time(const Expr& cast) {
  types::DataType from = cast.child(0)->type();
  return from.is_timestamp() && from.kind() == cast.type().kind() && from.precision() <= cast.type().precision();
}

// SQL times count milliseconds in Flink, so that less than a time is at most a millisecond before.
int64_t smallest_step(types::DataType left, types::DataType right) {
  return left.precision() <= 3 && right.precision() <= 3 ? types::kMicrosPerMilli : 1;
}

}  // namespace

bool TimeSum::add(const TimeSum& other, int sign) {
  for (auto [column, count] : other.times) times[column] += sign * count;
  return !__builtin_add_overflow(constant_us, sign * other.constant_us, &constant_us);
}

std::optional<TimeSum> as_time_sum(const Expr& expression) {
  switch (expression.kind()) {
    case Expr::Kind::kColumn:
      if (!expression.type().is_timestamp()) return std::nullopt;
      return TimeSum{.times = {{expression.column_index(), 1}}};
    case Expr::Kind::kLiteral: {
      bool interval = expression.type().kind() == types::TypeKind::kIntervalDayTime && !expression.value().is_null();
      if (!interval || !types::in_window_range(expression.value().as_int64())) return std::nullopt;
      return TimeSum{.times = {}, .constant_us = expression.value().as_int64()};
    }
    case Expr::Kind::kCast: return keeps_time(expression) ? as_time_sum(*expression.child(0)) : std::nullopt;
    case Expr::Kind::kCall: {
      std::string_view name = expression.function().name;
      if ((name != "+" && name != "-") || expression.children().size() != 2) return std::nullopt;
      std::optional<TimeSum> sum = as_time_sum(*expression.child(0));
      std::optional<TimeSum> other = as_time_sum(*expression.child(1));
      if (!sum || !other || !sum->add(*other, name == "+" ? 1 : -1)) return std::nullopt;
      return sum;
    }
    default: return std::nullopt;
  }
}

std::optional<TimeBound> match_time_bound(const Expr& condition, const types::Schema& left,
                                          const types::Schema& right) {
  if (condition.kind() != Expr::Kind::kCall || condition.children().size() != 2) return std::nullopt;
  std::string_view name = condition.function().name;
  bool less = name == "<" || name == "<=";
  if (!less && name != ">" && name != ">=") return std::nullopt;
  // What is at most (or less than) 0.
  std::optional<TimeSum> sum = as_time_sum(*condition.child(less ? 0 : 1));
  std::optional<TimeSum> greater = as_time_sum(*condition.child(less ? 1 : 0));
  if (!sum || !greater || !sum->add(*greater, -1)) return std::nullopt;
  std::erase_if(sum->times, [](const auto& time) { return time.second == 0; });
  if (sum->times.size() != 2) return std::nullopt;
  auto [first, first_count] = *sum->times.begin();
  auto [second, second_count] = *sum->times.rbegin();
  if (first >= left.size() || second < left.size() || first_count * second_count != -1) return std::nullopt;
  TimeBound bound{.left = static_cast<int>(first), .right = static_cast<int>(second - left.size())};
  // right - left + constant <= 0, or left - right + constant <= 0
  bound.upper = second_count == 1;
  bound.limit_us = bound.upper ? -sum->constant_us : sum->constant_us;
  if (name == "<" || name == ">") {
    bound.limit_us += (bound.upper ? -1 : 1) * smallest_step(left[bound.left].type, right[bound.right].type);
  }
  if (!types::in_window_range(bound.limit_us)) return std::nullopt;
  return bound;
}

}  // namespace penstock::plan
