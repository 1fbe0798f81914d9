// From the logical plan to the physical one: scans get what their connector must deliver, aggregations the kernels that
// their input needs, and exchanges bring rows together that belong together.
#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "plan/node.h"

namespace penstock::plan {
namespace {

PhysicalPtr make_exchange(PhysicalPtr input, Exchange exchange) {
  PhysicalNode node{std::move(exchange), {}, input->schema, input->traits};
  node.inputs.push_back(std::move(input));
  return std::make_shared<const PhysicalNode>(std::move(node));
}

// Whether all rows come out of one task.
bool is_single(const PhysicalNode& node) {
  if (const auto* exchange = std::get_if<Exchange>(&node.op)) return exchange->kind == Exchange::Kind::kSingle;
  if (std::holds_alternative<Values>(node.op)) return true;
  if (std::holds_alternative<UnionAll>(node.op)) return false;
  return !node.inputs.empty() && std::ranges::all_of(node.inputs, [](const auto& input) { return is_single(*input); });
}

// The tables in which operators find their state have room for so many key columns.
constexpr size_t kKeysMax = 63;

Status check_keys(std::string_view what, size_t keys, std::string_view hint) {
  if (keys <= kKeysMax) return {};
  return unsupported("{} at most {} columns, not {}", what, kKeysMax, keys).hint(std::string(hint));
}

// Whether the operator, which may be any and gives so many columns, finds its state by no more columns than it can.
Status check_keys(const PhysicalOperator& op, size_t columns) {
  constexpr std::string_view kGrouped = "rows are grouped by";
  constexpr std::string_view kGroups =
      "GROUP BY, DISTINCT and set operations group rows: leave out columns that follow from others";
  constexpr std::string_view kPartitioned = "rows are partitioned by";
  constexpr std::string_view kLeaveOut = "leave out columns that follow from others";
  if (const auto* aggregate = std::get_if<Aggregate>(&op)) return check_keys(kGrouped, aggregate->keys.size(), kGroups);
  if (const auto* window = std::get_if<WindowAggregate>(&op)) return check_keys(kGrouped, window->keys.size(), kGroups);
  if (const auto* assign = std::get_if<AssignWindow>(&op)) {
    return check_keys(kPartitioned, assign->keys.size(), kLeaveOut);
  }
  if (const auto* normalize = std::get_if<Normalize>(&op)) {
    return check_keys("rows are known by", normalize->keys.size(), "leave out columns that follow from others");
  }
  if (const auto* rank = std::get_if<Rank>(&op)) return check_keys(kPartitioned, rank->partition_by.size(), kLeaveOut);
  if (const auto* first = std::get_if<Deduplicate>(&op)) return check_keys(kPartitioned, first->keys.size(), kLeaveOut);
  if (const auto* over = std::get_if<Over>(&op)) return check_keys(kPartitioned, over->partition_by.size(), kLeaveOut);
  if (const auto* recursion = std::get_if<Recursion>(&op); recursion != nullptr && !recursion->all) {
    return check_keys("rows of a recursive query without ALL have", columns, kLeaveOut);
  }
  if (const auto* join = std::get_if<Join>(&op)) {
    return check_keys("rows are joined by equal values of", join->keys.size(),
                      "compare fewer columns, or rows that have them as fields");
  }
  return {};
}

}  // namespace

PhysicalPtr make_physical_node(PhysicalOperator op, PhysicalInputs inputs, const LogicalNode& node) {
  return std::make_shared<const PhysicalNode>(PhysicalNode{std::move(op), std::move(inputs), node.schema, node.traits});
}

PhysicalPtr gather(PhysicalPtr input) {
  return is_single(*input) ? input : make_exchange(std::move(input), {.kind = Exchange::Kind::kSingle, .keys = {}});
}

PhysicalPtr exchange_by(PhysicalPtr input, const std::vector<int>& keys) {
  if (keys.empty() || is_single(*input)) return gather(std::move(input));
  return make_exchange(std::move(input), {.kind = Exchange::Kind::kHash, .keys = keys});
}

void exchange_pair(PhysicalInputs& inputs, const std::vector<JoinKey>& keys) {
  bool single = keys.empty() || std::ranges::all_of(inputs, [](const auto& input) { return is_single(*input); });
  for (size_t side = 0; side < inputs.size(); ++side) {
    std::vector<int> columns;
    for (const JoinKey& key : keys) columns.push_back(side == 0 ? key.left : key.right);
    inputs[side] = single ? gather(std::move(inputs[side]))
                          : make_exchange(std::move(inputs[side]), {.kind = Exchange::Kind::kHash, .keys = columns});
  }
}

namespace {

// A node with several readers stays one, but those that are read first have their own.
Result<PhysicalPtr> make_physical(const LogicalPtr& plan, std::unordered_map<const LogicalNode*, PhysicalPtr>& made) {
  if (const auto known = made.find(plan.get()); known != made.end()) return known->second;
  PhysicalInputs inputs;
  for (const LogicalPtr& input : plan->inputs) {
    const bool loaded = reads_last_input_first(*plan) && inputs.size() + 1 == plan->inputs.size();
    inputs.push_back(PENSTOCK_TRY(loaded ? make_physical(input) : make_physical(input, made)));
  }
  PhysicalPtr node =
      PENSTOCK_TRY(std::visit([&](const auto& op) { return convert(op, *plan, std::move(inputs)); }, plan->op));
  PENSTOCK_TRY(check_keys(node->op, node->schema.size()));
  made.emplace(plan.get(), node);
  return node;
}

}  // namespace

bool reads_last_input_first(const LogicalNode& node) {
  const auto* join = node.get_if<Join>();
  return join != nullptr && join->as_of && !join->as_of->versions;
}

Result<PhysicalPtr> make_physical(const LogicalPtr& plan) {
  std::unordered_map<const LogicalNode*, PhysicalPtr> made;
  return make_physical(plan, made);
}

Description describe(const Exchange& op, const PhysicalNode& node) {
  std::string to = op.kind == Exchange::Kind::kSingle ? "one task" : "hash" + column_list(op.keys, node.schema);
  return {.kind = "Exchange", .details = {{"to", std::move(to)}}};
}

}  // namespace penstock::plan
