// MATCH_RECOGNIZE: row patterns.
#include <fmt/format.h>

#include <algorithm>

#include "plan/node.h"
#include "plan/rules.h"

namespace penstock::plan {
namespace {

using expr::Expr;
using expr::ExprPtr;
using expr::MatchReference;

// The reference that an expression over references is, when it is just that.
const MatchReference* as_reference(const Match& op, const ExprPtr& output) {
  return output->kind() == Expr::Kind::kColumn ? &op.references[output->column_index()] : nullptr;
}

// The column of the input that is the same in all rows of the match; -1 when the output is none.
int partition_column(const Match& op, const ExprPtr& output) {
  const MatchReference* reference = as_reference(op, output);
  bool of_partition = reference != nullptr && reference->kind == MatchReference::Kind::kRow &&
                      reference->variables == types::kAllVariables && reference->offset == 0 &&
                      reference->distance == 0 && std::ranges::count(op.partition_by, reference->column) > 0;
  return of_partition ? reference->column : -1;
}

// Sets the flags of the columns of the input that the operator uses.
void need_columns(Columns& below, const Match& op) {
  const auto need_all = [&](const std::vector<MatchReference>& references) {
    for (const MatchReference& reference : references) {
      for (int column : {reference.column, reference.filter}) {
        if (column >= 0) below[column] = true;
      }
    }
  };
  for (int column : op.partition_by) below[column] = true;
  for (const SortKey& key : op.order_by) below[key.column] = true;
  need_all(op.references);
  for (const expr::MatchDefinition& definition : op.definitions) {
    need(below, definition.row_condition);
    need_all(definition.references);
  }
}

// The same operator where column i of the input is column mapping[i].
void move_columns(Match& op, const std::vector<int>& mapping) {
  const auto remap_all = [&](std::vector<MatchReference>& references) {
    for (MatchReference& reference : references) {
      for (int* column : {&reference.column, &reference.filter}) {
        if (*column >= 0) *column = mapping[*column];
      }
    }
  };
  remap(op.partition_by, mapping);
  for (SortKey& key : op.order_by) key.column = mapping[key.column];
  remap_all(op.references);
  for (expr::MatchDefinition& definition : op.definitions) {
    if (definition.row_condition != nullptr) {
      definition.row_condition = expr::remap_columns(definition.row_condition, mapping);
    }
    remap_all(definition.references);
  }
}

// Drops the references that no output uses.
void drop_unused_references(Match& op) {
  Columns used(op.references.size(), false);
  for (const ExprPtr& output : op.outputs) need(used, output);
  std::vector<MatchReference> kept;
  std::vector<int> mapping(used.size(), -1);
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    mapping[i] = static_cast<int>(kept.size());
    kept.push_back(op.references[i]);
  }
  op.references = std::move(kept);
  for (ExprPtr& output : op.outputs) output = expr::remap_columns(output, mapping);
}

std::string skip_text(const Match& op) {
  std::vector<std::string> names;
  for (size_t i = 0; i < op.variables.size(); ++i) {
    if (types::contains(op.skip.variables, static_cast<int>(i))) names.push_back(op.variables[i]);
  }
  switch (op.skip.to) {
    case types::MatchSkip::To::kNextRow: return "to next row";
    case types::MatchSkip::To::kPastLastRow: return "past last row";
    case types::MatchSkip::To::kFirst: return "to first " + fmt::to_string(fmt::join(names, ", "));
    case types::MatchSkip::To::kLast: return "to last " + fmt::to_string(fmt::join(names, ", "));
  }
  return "";
}

}  // namespace

Derived derive(const Match& op, const LogicalInputs& inputs) {
  Derived derived;
  derived.traits.bounded = inputs.front()->traits.bounded;
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    const MatchReference* reference = as_reference(op, op.outputs[i]);
    bool is_time = reference != nullptr && reference->kind == MatchReference::Kind::kMatchTime;
    if (is_time && !derived.traits.bounded) derived.traits.time_columns.push_back(static_cast<int>(i));
    if (is_processing_time(*op.outputs[i])) derived.traits.processing_times.push_back(static_cast<int>(i));
    derived.add(label(*op.outputs[i]), op.outputs[i]->type());
  }
  return derived;
}

Pruned prune(const Match& op, const LogicalNode& node, const Columns& needed) {
  Match pruned = op;
  pruned.outputs.clear();
  std::vector<int> mapping(op.outputs.size(), -1);
  std::vector<std::string> names;
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (!needed[i]) continue;
    mapping[i] = static_cast<int>(names.size());
    names.push_back(node.schema[i].name);
    pruned.outputs.push_back(op.outputs[i]);
  }
  drop_unused_references(pruned);
  Columns below(node.input().schema.size(), false);
  need_columns(below, pruned);
  Pruned input = prune(node.inputs.front(), below);
  move_columns(pruned, input.mapping);
  return {make_node(std::move(pruned), {std::move(input.plan)}, std::move(names)), std::move(mapping)};
}

// A condition on the partition drops whole partitions, so it may as well drop their rows.
LogicalPtr push_filter(const Match& op, const LogicalPtr& node, Conjuncts conjuncts) {
  std::vector<int> columns;
  Columns of_partition;
  for (const ExprPtr& output : op.outputs) {
    columns.push_back(partition_column(op, output));
    of_partition.push_back(columns.back() >= 0);
  }
  Conjuncts below = take_over_columns(conjuncts, of_partition);
  for (ExprPtr& conjunct : below) conjunct = expr::remap_columns(conjunct, columns);
  LogicalPtr input = push_filter(node->inputs.front(), std::move(below));
  return with_filter(with_inputs(node, {std::move(input)}), std::move(conjuncts));
}

Result<PhysicalPtr> convert(const Match& op, const LogicalNode& node, PhysicalInputs inputs) {
  return make_physical_node(op, {exchange_by(std::move(inputs[0]), op.partition_by)}, node);
}

Description describe(const Match& op, const PhysicalNode& node) {
  const types::Schema& input = node.inputs.front()->schema;
  Description out{.kind = "Match", .details = {}};
  out.add("partition", column_list(op.partition_by, input));
  out.add("by", sort_list(op.order_by, input));
  out.add("pattern", op.pattern);
  if (op.within_us) out.add("within", duration_text(*op.within_us));
  std::vector<std::string> definitions;
  for (size_t i = 0; i < op.definitions.size(); ++i) {
    std::vector<std::string> parts;
    for (const ExprPtr& part : {op.definitions[i].row_condition, op.definitions[i].condition}) {
      if (part != nullptr) parts.push_back(part->to_string());
    }
    if (!parts.empty()) definitions.push_back(fmt::format("{} = {}", op.variables[i], fmt::join(parts, " AND ")));
  }
  out.add("define", list_text(definitions));
  out.add("output", expression_list(op.outputs, node.schema));
  out.add("rows", op.unmatched_rows ? "all" : op.all_rows ? "all of each match" : "one per match");
  out.add("skip", skip_text(op));
  using Rule = types::PatternAutomaton::Rule;
  out.add("prefer", op.automaton->rule == Rule::kFirstToEnd ? "the first that ends" : "the first in order");
  return out;
}

}  // namespace penstock::plan
