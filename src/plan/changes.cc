#include "plan/changes.h"

#include <unordered_map>
#include <utility>

#include "plan/node.h"

namespace penstock::plan {
namespace {

// Where the operator is written; null for one of a kind that takes nothing back by itself.
template <class Operators>
auto* place_of(Operators& op) {
  return std::visit(
      [](auto& one) -> std::conditional_t<std::is_const_v<Operators>, const WrittenAt*, WrittenAt*> {
        if constexpr (requires { one.written_at; }) {
          return &one.written_at;
        } else {
          return nullptr;
        }
      },
      op);
}

// Plans are graphs: what a WITH gives is used in several places, and each node is looked at once.
class Placing {
 public:
  Placing(uint32_t written_at, bool again) : written_at_(written_at), again_(again) {}

  LogicalPtr place(const LogicalPtr& node) {
    const WrittenAt* place = place_of(std::as_const(node->op));
    if (!again_ && place != nullptr && *place) return node;
    if (const auto known = placed_.find(node.get()); known != placed_.end()) return known->second;
    LogicalInputs inputs;
    for (const LogicalPtr& input : node->inputs) inputs.push_back(this->place(input));
    LogicalPtr placed = node;
    if (place != nullptr || inputs != node->inputs) {
      auto copy = std::make_shared<LogicalNode>(*node);
      copy->inputs = std::move(inputs);
      if (place != nullptr) *place_of(copy->op) = written_at_;
      placed = std::move(copy);
    }
    placed_.emplace(node.get(), placed);
    return placed;
  }

 private:
  const uint32_t written_at_;
  const bool again_;
  std::unordered_map<const LogicalNode*, LogicalPtr> placed_;
};

std::optional<ChangeCause> cause(const Normalize& op) {
  return ChangeCause{"the rows of this table are changed and taken back", "", op.written_at};
}

std::optional<ChangeCause> cause(const ScanView& op) {
  return ChangeCause{"the rows of \"" + op.view + "\" are changed and taken back",
                     "join it FOR SYSTEM_TIME AS OF PROCTIME(), which looks its rows up and takes nothing back",
                     op.written_at};
}

std::optional<ChangeCause> cause(const Aggregate& op) {
  if (op.calls.empty()) {
    return ChangeCause{"which rows are distinct here may change as rows come", "", op.written_at};
  }
  return ChangeCause{"this aggregate changes its groups as rows come",
                     "group by window_start and window_end of a window function, so that each group comes once",
                     op.written_at};
}

std::optional<ChangeCause> cause(const Rank& op) {
  return ChangeCause{"which rows are the first here changes as rows come", "", op.written_at};
}

std::optional<ChangeCause> cause(const Over& op) {
  if (op.in_time_order) return std::nullopt;
  return ChangeCause{"these results of OVER change as rows come",
                     "order by the column with the watermark, with a frame that ends at the current row",
                     op.written_at};
}

std::optional<ChangeCause> cause(const ClockFilter& op) {
  if (op.until < 0) return std::nullopt;
  return ChangeCause{"rows leave this result as the clock goes on, for a condition compares their time with NOW()",
                     "CURRENT_ROW_TIMESTAMP() in its place looks at the clock once for each row", std::nullopt};
}

std::optional<ChangeCause> cause(const Join& op) {
  const bool of_pairs = op.kind == JoinKind::kInner || op.kind == JoinKind::kSemi;
  if (of_pairs || op.time || op.as_of) return std::nullopt;
  return ChangeCause{"what this join says of rows without a partner is taken back when one comes",
                     "limit by how much the times of partners differ, so that each row comes once", op.written_at};
}

// Of every other operator: it takes back only what is taken back from it.
template <class Op>
std::optional<ChangeCause> cause(const Op& /*op*/) {
  return std::nullopt;
}

}  // namespace

LogicalPtr with_place(const LogicalPtr& plan, uint32_t written_at, bool again) {
  return Placing(written_at, again).place(plan);
}

std::optional<ChangeCause> cause_of_changes(const PhysicalNode& root) {
  if (root.traits.append_only) return std::nullopt;
  std::optional<ChangeCause> own = std::visit([](const auto& op) { return cause(op); }, root.op);
  if (own) return own;
  for (const PhysicalPtr& input : root.inputs) {
    if (std::optional<ChangeCause> found = cause_of_changes(*input)) return found;
  }
  return ChangeCause{"the query takes back rows that it gave before", "", std::nullopt};
}

}  // namespace penstock::plan
