// Window functions over frames: aggregates, LAG and LEAD, values by their place, shares of a partition.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::WindowFunctionKind;

// Calls `visit` with every column of the input that the call uses, by reference.
template <class Call, class Visit>
void for_each_column(Call& call, const Visit& visit) {
  for (auto* column : {&call.aggregate.argument, &call.aggregate.filter, &call.default_value}) {
    if (*column >= 0) visit(*column);
  }
}

// Whether the call needs to know no row that is ordered behind its own.
bool looks_back(const OverCall& call) {
  if (call.function == nullptr || call.function->framed) return call.frame.looks_back();
  return call.function->kind == WindowFunctionKind::kLag;
}

// Sums of floating point numbers do not become what they were when a number is taken back, but what looks at the values
// themselves does; and a collection loses its order when a row is taken back that comes again, or that stands for an
// equal one.
bool takes_back_exactly(const OverCall& call) {
  static constexpr std::array kLists{"ARRAY_AGG", "LISTAGG", "STRING_AGG", "JSON_ARRAYAGG", "JSON_AGG"};
  static constexpr std::array kOfValues{"MIN",    "MAX", "PERCENTILE", "PERCENTILE_CONT", "PERCENTILE_DISC",
                                        "MEDIAN", "MODE"};
  std::string_view name = call.aggregate.function.function->name;
  if (std::ranges::count(kLists, name) > 0 && call.aggregate.function.parameters->order.empty()) {
    return !call.aggregate.distinct && call.frame.exclusion == types::Frame::Exclusion::kNone;
  }
  return std::ranges::count(kOfValues, name) > 0 || !call.aggregate.function.result_type.is_approximate();
}

void bind_frame_aggregate(OverCall& call) {
  bool only_grows = call.frame.start.unbounded && call.frame.exclusion == types::Frame::Exclusion::kNone;
  if (call.function != nullptr || only_grows || !takes_back_exactly(call)) return;
  Result<expr::BoundAggregate> bound = expr::bind_retractable(call.aggregate.function);
  if (!bound || !bound->kernels.retracts) return;
  call.aggregate.function = *std::move(bound);
  call.takes_back = true;
}

std::string bound_text(types::FrameBound bound, bool start, std::string (*distance)(int64_t)) {
  if (bound.unbounded) return start ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING";
  if (bound.offset == 0) return "CURRENT ROW";
  return fmt::format("{} {}", distance(std::abs(bound.offset)), bound.offset < 0 ? "PRECEDING" : "FOLLOWING");
}

std::string frame_text(const types::Frame& frame, types::DataType order) {
  static constexpr std::string_view kUnits[] = {"ROWS", "RANGE", "GROUPS"};
  static constexpr std::string_view kExclusions[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"};
  bool of_time = frame.unit == types::Frame::Unit::kRange && order.is_timestamp();
  auto* distance =
      of_time ? +[](int64_t us) { return duration_text(us); } : +[](int64_t n) { return std::to_string(n); };
  return fmt::format("{} BETWEEN {} AND {}{}", kUnits[static_cast<size_t>(frame.unit)],
                     bound_text(frame.start, true, distance), bound_text(frame.end, false, distance),
                     kExclusions[static_cast<size_t>(frame.exclusion)]);
}

std::string call_text(const OverCall& call, const types::Schema& input, types::DataType order) {
  if (call.function == nullptr) return label(call.aggregate, input) + " " + frame_text(call.frame, order);
  std::vector<std::string> arguments;
  if (call.aggregate.argument >= 0) arguments.push_back(input[call.aggregate.argument].name);
  bool counts = call.function->arguments_max > 1 || call.function->kind == WindowFunctionKind::kNtile;
  if (counts) arguments.push_back(std::to_string(call.number));
  if (call.default_value >= 0) arguments.push_back(input[call.default_value].name);
  std::string text = fmt::format("{}({})", call.function->name, fmt::join(arguments, ", "));
  if (call.function->takes_nulls) text += call.ignore_nulls ? " IGNORE NULLS" : " RESPECT NULLS";
  if (call.function->framed) text += " " + frame_text(call.frame, order);
  return text;
}

}  // namespace

bool in_time_order(const Over& op, const LogicalNode& input) {
  // What ends has no watermark to wait for, and keeps rows without a time.
  if (input.traits.bounded || !input.traits.append_only || op.order_by.empty()) return false;
  const SortKey& first = op.order_by.front();
  return !first.descending && std::ranges::count(input.traits.time_columns, first.column) > 0 &&
         std::ranges::all_of(op.calls, looks_back);
}

bool keeps_by_time(const Over& op) {
  return op.in_time_order && std::ranges::all_of(op.calls, [](const OverCall& call) {
           return (call.function == nullptr || call.function->framed) &&
                  call.frame.unit == types::Frame::Unit::kRange && !call.frame.start.unbounded;
         });
}

Derived derive(const Over& op, const LogicalInputs& inputs) {
  const LogicalNode& input = *inputs.front();
  Derived derived{input.schema, {}};
  bool ordered = in_time_order(op, input);
  derived.traits.bounded = input.traits.bounded;
  derived.traits.append_only = input.traits.bounded || ordered;
  derived.traits.key = input.traits.key;
  if (ordered) derived.traits.time_columns = {op.order_by.front().column};
  for (const OverCall& call : op.calls) derived.add(std::string(), call.type);
  for (size_t i = 0; i < op.calls.size(); ++i) {
    const OverCall& call = op.calls[i];
    derived.schema[input.schema.size() + i].name =
        call.function == nullptr ? label(call.aggregate, input.schema) : std::string(call.function->name) + "()";
  }
  return derived;
}

Pruned prune(const Over& op, const LogicalNode& node, const Columns& needed) {
  size_t columns = node.input().schema.size();
  Columns below(needed.begin(), needed.begin() + static_cast<ptrdiff_t>(columns));
  Over pruned = op;
  pruned.calls.clear();
  std::vector<size_t> kept;
  for (size_t i = 0; i < op.calls.size(); ++i) {
    if (!needed[columns + i]) continue;
    kept.push_back(i);
    pruned.calls.push_back(op.calls[i]);
    for_each_column(op.calls[i], [&](int column) { below[column] = true; });
  }
  for (int column : op.partition_by) below[column] = true;
  for (const SortKey& key : op.order_by) below[key.column] = true;
  Pruned input = prune(node.inputs.front(), below);
  std::vector<int> mapping = input.mapping;
  mapping.resize(columns + op.calls.size(), -1);
  // Without the calls that it had it would only hold rows back.
  if (kept.empty() && !op.calls.empty()) return {std::move(input.plan), std::move(mapping)};
  remap(pruned.partition_by, input.mapping);
  for (SortKey& key : pruned.order_by) key.column = input.mapping[key.column];
  std::vector<std::string> names = column_names(*input.plan);
  for (size_t i = 0; i < kept.size(); ++i) {
    mapping[columns + kept[i]] = static_cast<int>(names.size());
    names.push_back(node.schema[columns + kept[i]].name);
  }
  for (OverCall& call : pruned.calls) {
    for_each_column(call, [&](int& column) { column = input.mapping[column]; });
  }
  return {make_node(std::move(pruned), {std::move(input.plan)}, std::move(names)), std::move(mapping)};
}

// A condition on the partition drops whole partitions, so it may as well drop their rows.
LogicalPtr push_filter(const Over& op, const LogicalPtr& node, Conjuncts conjuncts) {
  Columns of_partition(node->schema.size(), false);
  for (int column : op.partition_by) of_partition[column] = true;
  Conjuncts below = take_over_columns(conjuncts, of_partition);
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

Result<PhysicalPtr> convert(const Over& op, const LogicalNode& node, PhysicalInputs inputs) {
  Over over = op;
  over.in_time_order = in_time_order(op, node.input());
  for (OverCall& call : over.calls) bind_frame_aggregate(call);
  return make_physical_node(std::move(over), {exchange_by(std::move(inputs[0]), op.partition_by)}, node);
}

Description describe(const Over& op, const PhysicalNode& node) {
  const types::Schema& input = node.inputs.front()->schema;
  types::DataType order = op.order_by.empty() ? types::DataType() : input[op.order_by.front().column].type;
  std::vector<std::string> calls;
  for (const OverCall& call : op.calls) calls.push_back(call_text(call, input, order));
  if (op.calls.empty()) return {.kind = "TemporalSort", .details = {{"by", sort_list(op.order_by, input)}}};
  Description out{.kind = "Over", .details = {}};
  out.add("partition", column_list(op.partition_by, input));
  if (!op.order_by.empty()) out.add("by", sort_list(op.order_by, input));
  out.add("calls", list_text(calls));
  out.add("emit", op.in_time_order ? "as the watermark passes" : "changes of each epoch");
  return out;
}

}  // namespace penstock::plan
