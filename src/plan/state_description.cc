#include "plan/state_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "plan/node.h"

namespace penstock::plan {
namespace {

using State = std::optional<StateDescription>;

// For so long after its last update, where that is bounded.
State with_ttl(StateDescription state, StateTtl ttl_us) {
  if (!ttl_us) return state;
  return StateDescription{fmt::format("{} for {}", state.keeps, duration_text(*ttl_us)), StateBound::kTtl};
}

// --- by kind ---

// Of every other operator: it looks at one row after the other.
template <class Op>
State state_of(const Op& /*op*/, const PhysicalNode& /*node*/) {
  return std::nullopt;
}

State state_of(const Normalize& op, const PhysicalNode& /*node*/) {
  return with_ttl({op.keys.empty() ? "how often each row is there" : "the last row of each key", StateBound::kKeys},
                  op.ttl_us);
}

State state_of(const ClockFilter& /*op*/, const PhysicalNode& /*node*/) {
  return StateDescription{"rows whose time is ahead", StateBound::kTime};
}

State state_of(const AssignWindow& op, const PhysicalNode& /*node*/) {
  if (op.window.kind != types::Window::Kind::kSession) return std::nullopt;
  return StateDescription{"rows of open sessions", StateBound::kWindows};
}

State state_of(const Aggregate& op, const PhysicalNode& /*node*/) {
  const bool distinct = std::ranges::any_of(op.calls, &AggregateCall::distinct);
  const std::string values = distinct ? " with its different values" : "";
  if (op.keys.empty())
    return StateDescription{"one group" + values, distinct ? StateBound::kKeys : StateBound::kConstant};
  return with_ttl({"a group for each key" + values, StateBound::kKeys}, op.ttl_us);
}

State state_of(const WindowAggregate& op, const PhysicalNode& node) {
  const bool session = op.window.kind == types::Window::Kind::kSession;
  const bool changing = session && !node.inputs.front()->traits.append_only;
  return StateDescription{changing  ? "groups of the times in open sessions"
                          : session ? "groups of open sessions"
                                    : "groups of open windows",
                          StateBound::kWindows};
}

State state_of(const Sort& op, const PhysicalNode& /*node*/) {
  if (op.limit) return StateDescription{"the first rows", StateBound::kConstant};
  return StateDescription{"every row", StateBound::kNone};
}

State state_of(const Rank& op, const PhysicalNode& /*node*/) {
  if (op.window_column >= 0) {
    const bool some = op.last && op.input_append_only;
    return StateDescription{some ? "the first rows of open windows" : "rows of open windows", StateBound::kWindows};
  }
  if (!op.last || !op.input_append_only) return with_ttl({"every row of each partition", StateBound::kNone}, op.ttl_us);
  if (op.partition_by.empty()) return StateDescription{"the first rows", StateBound::kConstant};
  return with_ttl({"the first rows of each partition", StateBound::kKeys}, op.ttl_us);
}

State state_of(const Deduplicate& op, const PhysicalNode& /*node*/) {
  return StateDescription{"each key for " + duration_text(op.within_us), StateBound::kTime};
}

State state_of(const Over& op, const PhysicalNode& /*node*/) {
  if (!op.in_time_order) return with_ttl({"every row", StateBound::kNone}, op.ttl_us);
  if (op.calls.empty()) return StateDescription{"rows in front of the watermark", StateBound::kTime};
  if (keeps_by_time(op)) return StateDescription{"rows in reach of later ones", StateBound::kTime};
  return with_ttl({"of each partition what is in reach of later rows", StateBound::kKeys}, op.ttl_us);
}

State state_of(const Match& op, const PhysicalNode& /*node*/) {
  if (!op.within_us) return StateDescription{"rows of open matches", StateBound::kNone};
  return StateDescription{"rows of open matches for " + duration_text(*op.within_us), StateBound::kTime};
}

State state_of(const Emit& op, const PhysicalNode& /*node*/) {
  if (op.kind == Emit::Kind::kOnWindowClose) return StateDescription{"rows of open windows", StateBound::kWindows};
  if (op.kind == Emit::Kind::kComplete) return StateDescription{"the whole result", StateBound::kNone};
  return std::nullopt;
}

// --- of joins ---

// Whether the result of an operator has ever more rows when those inputs have for which `grows` is true, given that it
// takes rows back, too. A table or a view does not: its rows are those of something that is kept.
template <class Op, class Grows>
bool result_grows(const Op& /*op*/, const PhysicalNode& node, const Grows& grows) {
  return std::ranges::any_of(node.inputs, grows);
}

// One row for each key.
template <class Grows>
bool result_grows(const Normalize& /*op*/, const PhysicalNode& /*node*/, const Grows& /*grows*/) {
  return false;
}
template <class Grows>
bool result_grows(const Aggregate& /*op*/, const PhysicalNode& /*node*/, const Grows& /*grows*/) {
  return false;
}

template <class Grows>
bool result_grows(const Rank& op, const PhysicalNode& node, const Grows& grows) {
  return !op.last && grows(node.inputs[0]);
}

template <class Grows>
bool result_grows(const ClockFilter& op, const PhysicalNode& node, const Grows& grows) {
  return op.until < 0 && grows(node.inputs[0]);
}

template <class Grows>
bool result_grows(const Join& op, const PhysicalNode& node, const Grows& grows) {
  const bool of_left = op.as_of || op.kind == JoinKind::kSemi || op.kind == JoinKind::kAnti;
  return grows(node.inputs[0]) || (!of_left && grows(node.inputs[1]));
}

// Whether an input is no larger than a table: a stream is not, nor is what is made of each of its rows, even where it
// takes rows back, as a left join of it does.
bool is_small(const PhysicalNode& input) {
  std::map<const PhysicalNode*, bool> growing;
  for (const PhysicalNode* node : nodes_of(input)) {
    const auto grows = [&](const PhysicalPtr& below) { return growing.at(below.get()); };
    growing[node] =
        !node->traits.bounded && (node->traits.append_only ||
                                  std::visit([&](const auto& op) { return result_grows(op, *node, grows); }, node->op));
  }
  return !growing.at(&input);
}

// What a join keeps of an input for as long as it runs.
std::string kept_text(const PhysicalNode& input, StateTtl ttl_us) {
  if (ttl_us) return "each row for " + duration_text(*ttl_us);
  return is_small(input) ? "its rows" : "every row ever";
}

State state_of(const Join& op, const PhysicalNode& node) {
  const PhysicalNode& left = *node.inputs[0];
  const PhysicalNode& right = *node.inputs[1];
  if (op.as_of && op.as_of->versions) {
    const AsOf::Versions& versions = *op.as_of->versions;
    const bool bounded = versions.lower_us && versions.upper_us;
    if (versions.first_counts()) {
      const std::string left = bounded ? "for " + duration_text(*versions.upper_us) : "until the next version has come";
      return StateDescription{fmt::format("left {}, right the versions since the watermark", left),
                              bounded ? StateBound::kTime : StateBound::kNone};
    }
    const std::string right = bounded ? "for " + duration_text(-*versions.lower_us) : "the versions since then";
    return StateDescription{"left until the watermark passes, right " + right,
                            bounded ? StateBound::kTime : StateBound::kKeys};
  }
  if (op.as_of) {
    return StateDescription{"right " + kept_text(right, {}), is_small(right) ? StateBound::kInput : StateBound::kNone};
  }
  if (!op.time) {
    const auto& [left_us, right_us] = op.ttl_us;
    const bool left_bounded = left_us || is_small(left);
    const bool right_bounded = right_us || is_small(right);
    const StateBound bound = !left_bounded || !right_bounded ? StateBound::kNone
                             : left_us && right_us           ? StateBound::kTtl
                                                             : StateBound::kInput;
    return StateDescription{fmt::format("left {}, right {}", kept_text(left, left_us), kept_text(right, right_us)),
                            bound};
  }
  if (op.time->of != TimeBounds::Of::kRows) return StateDescription{"rows of open windows", StateBound::kWindows};
  const auto kept = [](int64_t micros) { return duration_text(std::max<int64_t>(micros, 0)); };
  return StateDescription{fmt::format("left for {}, right for {}", kept(op.time->upper_us), kept(-op.time->lower_us)),
                          StateBound::kTime};
}

}  // namespace

std::optional<StateDescription> describe_state(const PhysicalNode& node) {
  State state = std::visit([&](const auto& op) { return state_of(op, node); }, node.op);
  if (!node.traits.bounded || !state) return state;
  // It goes with the query. Of a join it is worth knowing which side it is of.
  if (!std::holds_alternative<Join>(node.op)) return std::nullopt;
  state->bound = StateBound::kInput;
  return state;
}

std::string_view name_of(StateBound bound) {
  constexpr std::string_view kNames[] = {"constant", "keys", "windows", "time", "ttl", "input", "none"};
  return kNames[static_cast<size_t>(bound)];
}

}  // namespace penstock::plan
