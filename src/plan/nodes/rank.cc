// ROW_NUMBER, RANK and DENSE_RANK over partitions, and with a bound on the rank: Top-N and deduplication.
#include <algorithm>

#include "expr/function.h"
#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;

// A comparison of the rank with a constant, the rank on the left.
struct RankBound {
  std::string_view comparison;
  int64_t value = 0;
};

std::optional<RankBound> rank_bound(const ExprPtr& condition, size_t rank_column) {
  if (condition->kind() != Expr::Kind::kCall || condition->children().size() != 2) return std::nullopt;
  const auto is_rank = [&](const ExprPtr& e) {
    return e->kind() == Expr::Kind::kColumn && e->column_index() == rank_column;
  };
  const auto is_number = [](const ExprPtr& e) {
    return e->is_literal() && !e->value().is_null() && e->type().is_integer();
  };
  std::string_view comparison = condition->function().name;
  const ExprPtr& left = condition->child(0);
  const ExprPtr& right = condition->child(1);
  if (is_rank(left) && is_number(right)) return RankBound{comparison, right->value().as_int64()};
  if (!is_rank(right) || !is_number(left)) return std::nullopt;
  static constexpr std::pair<std::string_view, std::string_view> kMirrored[] = {
      {"=", "="}, {"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}};
  for (auto [from, to] : kMirrored) {
    if (comparison == from) return RankBound{to, left->value().as_int64()};
  }
  return std::nullopt;
}

// Takes the bound into the operator; false when it is no comparison that bounds.
bool narrow(Rank& rank, const RankBound& bound) {
  constexpr int64_t kLargest = int64_t{1} << 62;
  int64_t value = std::clamp(bound.value, -kLargest, kLargest);
  const auto at_most = [&](int64_t last) {
    rank.last = std::max<int64_t>(std::min(rank.last.value_or(last), last), 0);
  };
  const auto at_least = [&](int64_t first) { rank.first = std::max(rank.first, first); };
  if (bound.comparison == "<=") return at_most(value), true;
  if (bound.comparison == "<") return at_most(value - 1), true;
  if (bound.comparison == ">=") return at_least(value), true;
  if (bound.comparison == ">") return at_least(value + 1), true;
  if (bound.comparison == "=") return at_most(value), at_least(value), true;
  return false;
}

// Whether the rows of a partition are in one window.
bool is_within(const Rank& rank, const std::optional<WindowColumns>& window) {
  const auto is_of_window = [&](int column) { return column == window->end || column == window->time; };
  return window && std::ranges::any_of(rank.partition_by, is_of_window);
}

// The last row of each key by a time: of several with that time the one that came last, as in Flink.
bool keeps_last(const Rank& rank, const types::Schema& input) {
  if (rank.function != Rank::Function::kRowNumber || rank.last != 1 || rank.order_by.size() != 1) return false;
  const SortKey& key = rank.order_by.front();
  return key.descending && input[key.column].type.is_timestamp();
}

bool only_first_row(const Rank& rank) {
  return rank.function == Rank::Function::kRowNumber && rank.last && *rank.last <= 1;
}

// Whether the row that comes first stays the first one. (In a window that is for the one that closes it to say.)
bool keeps_first_to_come(const Rank& rank, const Traits& input) {
  return only_first_row(rank) && rank.order_by.empty() && !rank.last_first && input.append_only &&
         !is_within(rank, input.window ? input.window : input.closing_window);
}

// By processing time the row that comes first is the first one, whatever the clocks of several tasks say. As in Flink.
void order_as_they_come(Rank& rank, const Traits& input) {
  if (!only_first_row(rank) || rank.order_by.size() != 1 || rank.order_by.front().descending) return;
  const bool by_processing_time = std::ranges::count(input.processing_times, rank.order_by.front().column) > 0;
  if (by_processing_time && input.append_only) rank.order_by.clear();
}

}  // namespace

Derived derive(const Rank& op, const LogicalInputs& inputs) {
  const LogicalNode& input = *inputs.front();
  Derived derived{input.schema, {}};
  derived.traits.bounded = input.traits.bounded;
  // A bounded input gives its ranks once, at the end.
  derived.traits.append_only = input.traits.bounded || keeps_first_to_come(op, input.traits);
  derived.traits.key = input.traits.key;
  // Ranks within a window change only while its rows come; but they come out at the barrier.
  const std::optional<WindowColumns>& window = input.traits.window ? input.traits.window : input.traits.closing_window;
  if (is_within(op, window)) derived.traits.closing_window = window;
  if (only_first_row(op)) {
    derived.traits.key = op.partition_by;
  } else if (op.with_rank && op.function == Rank::Function::kRowNumber) {
    derived.traits.key = op.partition_by;
    derived.traits.key->push_back(static_cast<int>(input.schema.size()));
  }
  if (op.with_rank) derived.add("rank", types::DataType(types::TypeKind::kBigInt).with_nullable(false));
  return derived;
}

Pruned prune(const Rank& op, const LogicalNode& node, const Columns& needed) {
  size_t columns = node.input().schema.size();
  Columns below(needed.begin(), needed.begin() + static_cast<ptrdiff_t>(columns));
  for (int column : op.partition_by) below[column] = true;
  for (const SortKey& key : op.order_by) below[key.column] = true;
  Pruned input = prune(node.inputs.front(), below);
  Rank pruned = op;
  remap(pruned.partition_by, input.mapping);
  for (SortKey& key : pruned.order_by) key.column = input.mapping[key.column];
  std::vector<int> mapping = input.mapping;
  if (op.with_rank) {
    pruned.with_rank = needed[columns];
    mapping.push_back(pruned.with_rank ? static_cast<int>(input.plan->schema.size()) : -1);
  }
  std::vector<std::string> names = column_names(*input.plan);
  if (pruned.with_rank) names.push_back(node.schema.back().name);
  return {make_node(std::move(pruned), {std::move(input.plan)}, std::move(names)), std::move(mapping)};
}

// Conditions on the rank are what makes a Top-N; those on the partition may as well drop rows before they are ranked.
LogicalPtr push_filter(const Rank& op, const LogicalPtr& node, Conjuncts conjuncts) {
  size_t columns = node->input().schema.size();
  Rank narrowed = op;
  if (op.with_rank) {
    std::erase_if(conjuncts, [&](const ExprPtr& one) {
      std::optional<RankBound> bound = rank_bound(one, columns);
      return bound && narrow(narrowed, *bound);
    });
  }
  order_as_they_come(narrowed, node->input().traits);
  Columns of_partition(node->schema.size(), false);
  for (int column : op.partition_by) of_partition[column] = true;
  Conjuncts below = take_over_columns(conjuncts, of_partition);
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(make_node(std::move(narrowed), {std::move(input)}, column_names(*node)), std::move(conjuncts));
}

Result<PhysicalPtr> convert(const Rank& op, const LogicalNode& node, PhysicalInputs inputs) {
  Rank rank = op;
  rank.input_append_only = node.input().traits.append_only;
  rank.last_first = rank.last_first || keeps_last(rank, node.input().schema);
  // What comes late to a window is dropped, as everywhere; but rows that are given as they change (EMIT ON UPDATE) may
  // change for ever.
  if (const std::optional<WindowColumns>& window = node.input().traits.window; is_within(op, window)) {
    rank.of_end = std::ranges::find(op.partition_by, window->end) != op.partition_by.end();
    rank.window_column = rank.of_end ? window->end : window->time;
    rank.zone = window->zone;
  }
  return make_physical_node(std::move(rank), {exchange_by(std::move(inputs[0]), op.partition_by)}, node);
}

Description describe(const Rank& op, const PhysicalNode& node) {
  static constexpr std::string_view kNames[] = {"ROW_NUMBER", "RANK", "DENSE_RANK"};
  const types::Schema& input = node.inputs.front()->schema;
  Description out{.kind = op.last ? "TopN" : "Rank", .details = {}};
  out.add("function", std::string(kNames[static_cast<size_t>(op.function)]));
  out.add("partition", column_list(op.partition_by, input));
  const std::string_view arrival = op.last_first ? "[arrival DESC]" : "[arrival]";
  out.add("by", op.order_by.empty() ? std::string(arrival) : sort_list(op.order_by, input));
  if (op.first > 1) out.add("first", std::to_string(op.first));
  if (op.last) out.add("last", std::to_string(*op.last));
  return out;
}

}  // namespace penstock::plan
