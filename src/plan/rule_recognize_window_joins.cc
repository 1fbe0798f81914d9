// A join of rows that are in one window: equal window_end (or window_time) of both inputs is among its keys. No row of
// a window comes after the watermark has passed the window's end, so what the join keeps of it can go then.
#include <algorithm>

#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

std::optional<TimeBounds> window_bounds(const Join& join, const Traits& left, const Traits& right) {
  using Of = TimeBounds::Of;
  if (!left.window || !right.window) return std::nullopt;
  const auto is_key = [&](int on_left, int on_right) {
    return on_left >= 0 && on_right >= 0 && std::ranges::any_of(join.keys, [&](const JoinKey& key) {
             return key.left == on_left && key.right == on_right && !key.nulls_match;
           });
  };
  // Ends of windows in different zones that look the same are different moments.
  const types::TimeZone* zone = left.window->zone;
  if (zone == right.window->zone && is_key(left.window->end, right.window->end)) {
    return TimeBounds{.of = Of::kWindowEnds, .left = left.window->end, .right = right.window->end, .zone = zone};
  }
  if (is_key(left.window->time, right.window->time)) {
    return TimeBounds{.of = Of::kWindowTimes, .left = left.window->time, .right = right.window->time};
  }
  return std::nullopt;
}

LogicalPtr rewrite(const LogicalPtr& node) {
  const auto* join = node->get_if<Join>();
  if (join == nullptr || join->time || join->as_of) return node;
  const Traits& left = node->inputs[0]->traits;
  const Traits& right = node->inputs[1]->traits;
  // A bounded input has no watermark before its end.
  if (left.bounded || right.bounded || !left.append_only || !right.append_only) return node;
  std::optional<TimeBounds> bounds = window_bounds(*join, left, right);
  if (!bounds) return node;
  Join timed = *join;
  timed.time = bounds;
  return make_node(std::move(timed), node->inputs, column_names(*node));
}

}  // namespace

LogicalPtr recognize_window_joins(const LogicalPtr& plan, const RuleContext& /*context*/) {
  return rewrite_bottom_up(plan, rewrite);
}

}  // namespace penstock::plan
