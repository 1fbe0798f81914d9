#include "plan/state_ttl.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "plan/node.h"
#include "plan/planner.h"
#include "plan/rewrite_once.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

void set(StateTtl& ttl, int64_t of_plan_us) {
  if (!ttl) ttl = of_plan_us;
  if (*ttl == 0) ttl.reset();
}

// --- by kind; of every other operator nothing is bounded by a time ---

template <class Op>
void set_ttl(Op& /*op*/, int64_t /*ttl_us*/) {}
void set_ttl(Normalize& op, int64_t ttl_us) { set(op.ttl_us, ttl_us); }
void set_ttl(Rank& op, int64_t ttl_us) { set(op.ttl_us, ttl_us); }
void set_ttl(Aggregate& op, int64_t ttl_us) {
  set(op.ttl_us, ttl_us);
  // There is always one group.
  if (op.keys.empty()) op.ttl_us.reset();
}
// Where rows are near in time, that bounds what is kept.
void set_ttl(Over& op, int64_t ttl_us) {
  if (!keeps_by_time(op)) set(op.ttl_us, ttl_us);
}
void set_ttl(Join& op, int64_t ttl_us) {
  const bool forgets = !op.time && !op.as_of;
  for (StateTtl& ttl : op.ttl_us) {
    if (!forgets) ttl = 0;
    set(ttl, ttl_us);
  }
  // Rows that come out by themselves are forgotten with all of their key.
  const auto& [left, right] = op.ttl_us;
  if (op.kind != JoinKind::kInner && (!left || !right)) op.ttl_us = {};
}

template <class Op>
void clear_ttl(Op& op) {
  if constexpr (requires { op.ttl_us; }) op.ttl_us = {};
}

class Keeping {
 public:
  explicit Keeping(int64_t ttl_us) : ttl_us_(ttl_us) {}

  PhysicalPtr rewrite(const PhysicalPtr& node) {
    return once_(node, [&](PhysicalNode& kept) {
      for (PhysicalPtr& input : kept.inputs) input = rewrite(input);
      const auto* rank = std::get_if<Rank>(&kept.op);
      const bool ends = kept.traits.bounded || (rank != nullptr && rank->window_column >= 0);
      std::visit([&](auto& op) { ends ? clear_ttl(op) : set_ttl(op, ttl_us_); }, kept.op);
    });
  }

 private:
  const int64_t ttl_us_;
  RewriteOnce<PhysicalNode> once_;
};

// The same of a logical plan, where 0 is still said.
class Defaulting {
 public:
  explicit Defaulting(int64_t ttl_us) : ttl_us_(ttl_us) {}

  LogicalPtr rewrite(const LogicalPtr& node) {
    return once_(node, [&](LogicalNode& changed) {
      for (LogicalPtr& input : changed.inputs) input = rewrite(input);
      std::visit([&](auto& op) { set_default(op); }, changed.op);
    });
  }

 private:
  void set_default(StateTtl& ttl) const {
    if (!ttl) ttl = ttl_us_;
  }
  template <class Op>
  void set_default(Op& op) const {
    if constexpr (std::is_same_v<Op, Join>) {
      for (StateTtl& ttl : op.ttl_us) set_default(ttl);
    } else if constexpr (requires { op.ttl_us; }) {
      set_default(op.ttl_us);
    }
  }

  const int64_t ttl_us_;
  RewriteOnce<LogicalNode> once_;
};

// The plan with `change` made to its uppermost operator of that kind; null when there is none.
template <class Op, class Change>
LogicalPtr with_change(const LogicalPtr& plan, const Change& change) {
  if (const auto* found = plan->get_if<Op>()) {
    Op changed = *found;
    change(changed);
    return make_node(std::move(changed), plan->inputs, column_names(*plan));
  }
  if (plan->get_if<Project>() == nullptr && plan->get_if<Filter>() == nullptr) return nullptr;
  LogicalPtr input = with_change<Op>(plan->inputs.front(), change);
  return input == nullptr ? nullptr : with_inputs(plan, {std::move(input)});
}

}  // namespace

PhysicalPtr with_state_ttl(const PhysicalPtr& plan, int64_t ttl_us) { return Keeping(ttl_us).rewrite(plan); }

std::optional<int64_t> state_ttl(const PhysicalNode& node) {
  return std::visit(
      [](const auto& op) -> std::optional<int64_t> {
        if constexpr (std::is_same_v<std::decay_t<decltype(op)>, Join>) {
          const auto& [left, right] = op.ttl_us;
          return left && right ? std::min(left, right) : std::max(left, right);
        } else if constexpr (requires { op.ttl_us; }) {
          return op.ttl_us;
        } else {
          return std::nullopt;
        }
      },
      node.op);
}

LogicalPtr with_default_ttl(const LogicalPtr& plan, int64_t ttl_us) { return Defaulting(ttl_us).rewrite(plan); }

LogicalPtr with_aggregate_ttl(const LogicalPtr& plan, int64_t ttl_us) {
  return with_change<Aggregate>(plan, [&](Aggregate& aggregate) { aggregate.ttl_us = ttl_us; });
}

LogicalPtr with_join_ttl(const LogicalPtr& plan, StateTtl left_us, StateTtl right_us) {
  return with_change<Join>(plan, [&](Join& join) {
    if (left_us) join.ttl_us[0] = left_us;
    if (right_us) join.ttl_us[1] = right_us;
  });
}

}  // namespace penstock::plan
