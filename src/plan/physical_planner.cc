#include "plan/physical_planner.h"

#include "expr/aggregate.h"
#include "expr/expr.h"

namespace penstock::plan {
namespace {

using expr::ExprPtr;

PhysicalPtr make(PhysicalOperator op, std::vector<PhysicalPtr> inputs, const LogicalNode& node) {
  return std::make_shared<const PhysicalNode>(PhysicalNode{std::move(op), std::move(inputs), node.schema, node.traits});
}

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
  return node.inputs.size() == 1 && is_single(*node.inputs.front());
}

PhysicalPtr gather(PhysicalPtr input) {
  return is_single(*input) ? input : make_exchange(std::move(input), {.kind = Exchange::Kind::kSingle, .keys = {}});
}

PhysicalPtr exchange_by(PhysicalPtr input, const std::vector<int>& keys) {
  if (keys.empty() || is_single(*input)) return gather(std::move(input));
  return make_exchange(std::move(input), {.kind = Exchange::Kind::kHash, .keys = keys});
}

// The table's columns that the scan needs of the connector, and its expressions over just these.
ScanTable make_scan_table(const LogicalScan& scan) {
  const ScanSource& source = *scan.source;
  ScanTable physical;
  physical.table = source.name;
  std::vector<size_t> used;
  for (int column : scan.columns) expr::collect_columns(*source.columns[column], used);
  std::vector<bool> needed(source.base.size(), false);
  for (size_t column : used) needed[column] = true;
  std::vector<int> mapping(source.base.size(), -1);
  int next = 0;
  for (bool metadata : {false, true}) {
    for (size_t i = 0; i < source.base.size(); ++i) {
      const ScanSource::BaseColumn& base = source.base[i];
      if (!needed[i] || base.metadata_key.has_value() != metadata) continue;
      mapping[i] = next++;
      if (metadata) {
        physical.metadata.push_back({*base.metadata_key, base.field.type});
      } else {
        physical.physical.push_back(base.field);
      }
    }
  }
  bool in_order = static_cast<int>(scan.columns.size()) == next;
  for (int column : scan.columns) {
    ExprPtr expression = expr::remap_columns(source.columns[column], mapping);
    bool plain = expression->kind() == expr::Expr::Kind::kColumn;
    in_order = in_order && plain && expression->column_index() == physical.projections.size();
    physical.projections.push_back(std::move(expression));
  }
  if (in_order) physical.projections.clear();
  physical.filter = scan.filter;
  if (scan.with_watermark) {
    std::vector<int> output(source.schema.size(), -1);
    for (size_t i = 0; i < scan.columns.size(); ++i) output[scan.columns[i]] = static_cast<int>(i);
    physical.watermark = expr::remap_columns(source.watermark, output);
  }
  return physical;
}

// Binds the calls again, for an input whose rows may be taken back.
Status bind_retractable(std::vector<AggregateCall>& calls) {
  for (AggregateCall& call : calls) {
    types::DataType argument = call.argument < 0 ? types::DataType() : call.function.argument_type;
    call.function = PENSTOCK_TRY(expr::bind_aggregate(call.function.function->name, argument, true));
  }
  return {};
}

Result<PhysicalPtr> convert(const LogicalPtr& plan);

// Turns one kind of operator, with its converted inputs, into physical nodes.
struct Conversion {
  const LogicalNode& node;
  std::vector<PhysicalPtr> inputs;

  Result<PhysicalPtr> operator()(const LogicalScan& scan) {
    switch (scan.source->kind) {
      case ScanSource::Kind::kTable: return make(make_scan_table(scan), {}, node);
      case ScanSource::Kind::kView: return make(ScanView{scan.source->name, scan.columns}, {}, node);
      case ScanSource::Kind::kSystem: return make(ScanSystem{scan.source->name, scan.columns}, {}, node);
    }
    return make_error(ErrorCode::kInternal, "a scan of an unknown kind");
  }
  Result<PhysicalPtr> operator()(const Aggregate& op) {
    Aggregate aggregate = op;
    aggregate.input_append_only = node.input().traits.append_only;
    if (!aggregate.input_append_only) PENSTOCK_TRY(bind_retractable(aggregate.calls));
    return make(std::move(aggregate), {exchange_by(std::move(inputs[0]), op.keys)}, node);
  }
  Result<PhysicalPtr> operator()(const WindowAggregate& op) {
    WindowAggregate window = op;
    if (!node.input().traits.append_only) PENSTOCK_TRY(bind_retractable(window.calls));
    return make(std::move(window), {exchange_by(std::move(inputs[0]), op.keys)}, node);
  }
  Result<PhysicalPtr> operator()(const Sort& op) { return make(op, {gather(std::move(inputs[0]))}, node); }
  Result<PhysicalPtr> operator()(const Limit& op) { return make(op, {gather(std::move(inputs[0]))}, node); }
  Result<PhysicalPtr> operator()(const auto& op) { return make(op, std::move(inputs), node); }
};

Result<PhysicalPtr> convert(const LogicalPtr& plan) {
  std::vector<PhysicalPtr> inputs;
  for (const LogicalPtr& input : plan->inputs) inputs.push_back(PENSTOCK_TRY(convert(input)));
  return std::visit(Conversion{*plan, std::move(inputs)}, plan->op);
}

}  // namespace

Result<PhysicalPtr> make_physical(const LogicalPtr& plan) { return convert(plan); }

}  // namespace penstock::plan
