// What the planner asks of every kind of operator. One file of nodes/ per kind (or family) answers all of it, so that a
// new operator is a struct in physical.h, its name in the two variants, and one file here. Private to the module.
//
//   derive       schema and traits, from those of the inputs (make_node)
//   prune        the same node with only the columns that are needed (rule prune_columns)
//   push_filter  the node below a condition, with as much of it moved further down as can be (rule push_filters_down)
//   convert      the physical node, with the exchanges that it needs below it (make_physical)
//   describe     its name and details in EXPLAIN
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "expr/expr.h"
#include "plan/logical.h"
#include "plan/physical.h"

namespace penstock::plan {

// --- derive ---

struct Derived {
  types::Schema schema;
  Traits traits;

  void add(std::string name, types::DataType type) { schema.push_back({std::move(name), type}); }
};
using LogicalInputs = std::vector<LogicalPtr>;

// Traits where column i of the input is column mapping[i] of the output, -1 for columns that are dropped.
Traits map_traits(const Traits& input, const std::vector<int>& mapping);
// Whether watermarks are about the column.
bool is_time(const Traits& traits, int column);
// Schema and traits of the only input.
Derived as_input(const LogicalInputs& inputs);

Derived derive(const LogicalScan& op, const LogicalInputs& inputs);
Derived derive(const Values& op, const LogicalInputs& inputs);
Derived derive(const Normalize& op, const LogicalInputs& inputs);
Derived derive(const Project& op, const LogicalInputs& inputs);
Derived derive(const Filter& op, const LogicalInputs& inputs);
Derived derive(const ClockFilter& op, const LogicalInputs& inputs);
Derived derive(const ProcessingTime& op, const LogicalInputs& inputs);
Derived derive(const AssignWindow& op, const LogicalInputs& inputs);
Derived derive(const Unnest& op, const LogicalInputs& inputs);
Derived derive(const Expand& op, const LogicalInputs& inputs);
Derived derive(const Aggregate& op, const LogicalInputs& inputs);
Derived derive(const WindowAggregate& op, const LogicalInputs& inputs);
Derived derive(const Sort& op, const LogicalInputs& inputs);
Derived derive(const Rank& op, const LogicalInputs& inputs);
Derived derive(const Deduplicate& op, const LogicalInputs& inputs);
Derived derive(const Over& op, const LogicalInputs& inputs);
Derived derive(const Match& op, const LogicalInputs& inputs);
Derived derive(const Limit& op, const LogicalInputs& inputs);
Derived derive(const UnionAll& op, const LogicalInputs& inputs);
Derived derive(const Recursion& op, const LogicalInputs& inputs);
Derived derive(const RecursionScan& op, const LogicalInputs& inputs);
Derived derive(const Emit& op, const LogicalInputs& inputs);
Derived derive(const Join& op, const LogicalInputs& inputs);

// --- prune ---

// One flag per column.
using Columns = std::vector<bool>;

// A plan with fewer columns, and where the old ones are in it (-1: gone). Every column that was asked for is there;
// others may be.
struct Pruned {
  LogicalPtr plan;
  std::vector<int> mapping;
};

Pruned prune(const LogicalPtr& node, const Columns& needed);

// Sets the flags of the columns that the expression (which may be null) uses.
void need(Columns& needed, const expr::ExprPtr& expression);
void remap(std::vector<int>& columns, const std::vector<int>& mapping);
// 0, 1, 2, ...
std::vector<int> identity(size_t columns);

Pruned prune(const LogicalScan& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Values& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Normalize& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Project& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Filter& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const ClockFilter& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const ProcessingTime& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const AssignWindow& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Unnest& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Expand& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Aggregate& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const WindowAggregate& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Sort& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Rank& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Deduplicate& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Over& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Match& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Limit& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const UnionAll& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Recursion& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const RecursionScan& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Emit& op, const LogicalNode& node, const Columns& needed);
Pruned prune(const Join& op, const LogicalNode& node, const Columns& needed);

// --- push_filter ---

// Conditions that must all be true, over the output of the node that they are to be pushed into.
using Conjuncts = std::vector<expr::ExprPtr>;

LogicalPtr push_filter(const LogicalPtr& node, Conjuncts conjuncts);

LogicalPtr with_filter(LogicalPtr node, Conjuncts conjuncts);
// Moves those out of `conjuncts` which are deterministic and use only columns for which `fits` is true.
Conjuncts take_over_columns(Conjuncts& conjuncts, const Columns& fits);
// The same with the first `columns` columns.
Conjuncts take_over_columns_below(Conjuncts& conjuncts, size_t columns);
// Gives every input the conjuncts over columns of the first input, whose columns all inputs and the output share.
LogicalPtr push_filter_through(const LogicalPtr& node, Conjuncts conjuncts);

LogicalPtr push_filter(const LogicalScan& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Normalize& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Project& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Filter& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const ClockFilter& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const ProcessingTime& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const AssignWindow& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Unnest& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Expand& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Aggregate& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Rank& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Deduplicate& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Over& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Match& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Sort& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const UnionAll& op, const LogicalPtr& node, Conjuncts conjuncts);
LogicalPtr push_filter(const Join& op, const LogicalPtr& node, Conjuncts conjuncts);
// Of every other operator: the condition stays above it.
template <class Op>
LogicalPtr push_filter(const Op& /*op*/, const LogicalPtr& node, Conjuncts conjuncts) {
  LogicalInputs inputs;
  for (const LogicalPtr& input : node->inputs) inputs.push_back(push_filter(input, Conjuncts()));
  return with_filter(with_inputs(node, std::move(inputs)), std::move(conjuncts));
}

// --- convert ---

using PhysicalInputs = std::vector<PhysicalPtr>;

Result<PhysicalPtr> make_physical(const LogicalPtr& plan);

// Whether the last input is read, as far as there is something, before the others are: the table of a lookup join.
bool reads_last_input_first(const LogicalNode& node);

// A node with the schema and traits of a logical one.
PhysicalPtr make_physical_node(PhysicalOperator op, PhysicalInputs inputs, const LogicalNode& node);
// All rows in one task; rows with equal keys in one task.
PhysicalPtr gather(PhysicalPtr input);
PhysicalPtr exchange_by(PhysicalPtr input, const std::vector<int>& keys);
// Rows of both inputs with equal keys in one task; without keys all rows.
void exchange_pair(PhysicalInputs& inputs, const std::vector<JoinKey>& keys);

Result<PhysicalPtr> convert(const LogicalScan& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Normalize& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const AssignWindow& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Aggregate& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const WindowAggregate& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Sort& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Rank& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Deduplicate& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Over& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Match& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Limit& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Recursion& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Emit& op, const LogicalNode& node, PhysicalInputs inputs);
Result<PhysicalPtr> convert(const Join& op, const LogicalNode& node, PhysicalInputs inputs);
// Of every other operator: itself over its inputs.
template <class Op>
Result<PhysicalPtr> convert(const Op& op, const LogicalNode& node, PhysicalInputs inputs) {
  return make_physical_node(op, std::move(inputs), node);
}

// --- describe ---

// A node's kind and its details as pairs of name and value, for all forms of EXPLAIN.
struct Description {
  std::string kind;
  std::vector<std::pair<std::string, std::string>> details;

  void add(std::string name, std::string value) { details.emplace_back(std::move(name), std::move(value)); }
  void add_limit(std::optional<int64_t> limit, int64_t offset);
};

// "[a, b]": what stands in a list, columns by their names, and all columns.
std::string list_text(const std::vector<std::string>& texts);
std::string column_list(const std::vector<int>& columns, const types::Schema& schema);
std::string name_list(const types::Schema& schema);
// "[name = expression, ...]", with just the name where that is all.
std::string expression_list(const std::vector<expr::ExprPtr>& expressions, const types::Schema& output);
std::string call_list(const std::vector<AggregateCall>& calls, const types::Schema& input);
std::string sort_list(const std::vector<SortKey>& keys, const types::Schema& schema);
// In the largest unit that leaves no remainder: "10 s".
std::string duration_text(int64_t micros);
// "tumble(ts, 10 s)".
std::string window_text(const types::Window& window, int time_column, const types::Schema& input);

Description describe(const ScanTable& op, const PhysicalNode& node);
Description describe(const ScanView& op, const PhysicalNode& node);
Description describe(const ScanSystem& op, const PhysicalNode& node);
Description describe(const Values& op, const PhysicalNode& node);
Description describe(const Normalize& op, const PhysicalNode& node);
Description describe(const Project& op, const PhysicalNode& node);
Description describe(const Filter& op, const PhysicalNode& node);
Description describe(const ClockFilter& op, const PhysicalNode& node);
Description describe(const ProcessingTime& op, const PhysicalNode& node);
Description describe(const AssignWindow& op, const PhysicalNode& node);
Description describe(const Unnest& op, const PhysicalNode& node);
Description describe(const Expand& op, const PhysicalNode& node);
Description describe(const Aggregate& op, const PhysicalNode& node);
Description describe(const WindowAggregate& op, const PhysicalNode& node);
Description describe(const Sort& op, const PhysicalNode& node);
Description describe(const Rank& op, const PhysicalNode& node);
Description describe(const Deduplicate& op, const PhysicalNode& node);
Description describe(const Over& op, const PhysicalNode& node);
Description describe(const Match& op, const PhysicalNode& node);
Description describe(const Limit& op, const PhysicalNode& node);
Description describe(const UnionAll& op, const PhysicalNode& node);
Description describe(const Recursion& op, const PhysicalNode& node);
Description describe(const RecursionScan& op, const PhysicalNode& node);
Description describe(const Emit& op, const PhysicalNode& node);
Description describe(const Join& op, const PhysicalNode& node);
Description describe(const Exchange& op, const PhysicalNode& node);

// Whether rows come out of it once, in the order of the input's times, as the watermark passes them.
bool in_time_order(const Over& op, const LogicalNode& input);
// Whether it also keeps a row only for so long by the watermark.
bool keeps_by_time(const Over& op);

// Whether the expression is PROCTIME().
bool is_processing_time(const expr::Expr& expression);

// The tables in which operators count equal rows have room for so many columns.
inline constexpr size_t kCountedColumnsMax = 63;

// --- joins, of which there are several kinds ---

// Whether rows of that side without a partner come out, with NULLs for the other side.
bool preserves_left(JoinKind kind);
bool preserves_right(JoinKind kind);
// Whether only columns of the left input come out.
bool gives_left_only(JoinKind kind);

// --- collections ---

// The columns that the elements of a collection become.
types::Schema element_columns(types::DataType collection);

// --- fields of rows ---

// The field that the expression is: bid.item.price. Nothing for all else but a column, whose path is empty.
std::optional<FieldPath> as_field_path(const expr::Expr& expression);
// Rebuilds an expression from the root down: `replace` gets each column, or field of one, that is used in it, and gives
// what stands for it, or null: then what it is a field of is asked for.
using ReplaceField = std::function<expr::ExprPtr(const FieldPath& path, const expr::ExprPtr& used)>;
expr::ExprPtr replace_fields(const expr::ExprPtr& expression, const ReplaceField& replace);
// The field of `value`.
expr::ExprPtr access_field(expr::ExprPtr value, std::span<const size_t> fields);

// --- aggregate calls, which several operators have ---

// Appends a column per call to `derived`.
void derive_calls(const std::vector<AggregateCall>& calls, const types::Schema& input, Derived& derived);
// The calls that are needed, which are columns from `first` on; `below` gets what they use, `mapping` their new places.
std::vector<AggregateCall> prune_calls(const std::vector<AggregateCall>& calls, size_t first, const Columns& needed,
                                       Columns& below, std::vector<int>& mapping);
void remap_calls(std::vector<AggregateCall>& calls, const std::vector<int>& mapping);
// Whether two windows that a row is in differ in that property. Cumulating windows begin together.
bool determines_window(WindowAggregate::Property property, const types::Window& window);
// Binds the calls again, for an input whose rows may be taken back.
Status bind_retractable(std::vector<AggregateCall>& calls);

}  // namespace penstock::plan
