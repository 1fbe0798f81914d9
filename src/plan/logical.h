// The logical plan: what a query means, as operators over bound expressions. The binder makes it, rules rewrite it, and
// the physical planner turns it into a PhysicalNode.
//
// Operators are those of the physical plan, but for the scan (which here still knows its catalog entry) and Exchange
// (which appears only there). Nodes are immutable and shared; make_node() derives schema and traits.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "catalog/entry.h"
#include "expr/expr.h"
#include "plan/physical.h"
#include "types/type.h"

namespace penstock::plan {

// Something that can be scanned, with its definitions bound. Shared by all scans of it in a plan.
struct ScanSource {
  enum class Kind : uint8_t { kTable, kView, kSystem };

  Kind kind = Kind::kTable;
  std::string name;          // full
  catalog::Options options;  // of tables: those that a hint gives them
  types::Schema schema;      // every column that a query can name
  Traits traits;             // in terms of `schema`

  // Of tables: what the connector delivers, and how it gives the columns.
  struct BaseColumn {
    types::Field field;
    std::optional<std::string> metadata_key;
  };
  std::vector<BaseColumn> base;
  std::vector<expr::ExprPtr> columns;  // one per column of `schema`, over `base`
  bool reads_fields = false;           // of a ROW in `base`, single fields can be had
  expr::ExprPtr watermark;             // over `schema`; null: none
  int watermark_column = -1;           // that the table declares
  std::vector<int> primary_key;        // likewise
  // The watermark when a row came, and that of its split alone, where somebody asks for them.
  int current_watermark_column = -1;
  int split_watermark_column = -1;
};

// A field of a ROW that is a column, or of a ROW in that: its column, and its places in each.
struct FieldPath {
  int column = 0;
  std::vector<size_t> fields;
  auto operator<=>(const FieldPath&) const = default;
};

struct LogicalScan {
  std::shared_ptr<const ScanSource> source;
  std::vector<int> columns;       // of the source, in the order of the output
  std::vector<FieldPath> fields;  // of columns of the source, behind those in the output
  expr::ExprPtr filter;           // over the output; null: all rows
  bool filtered_again = false;    // by each reader: a row whose condition cannot be computed is theirs
  bool with_watermark = false;    // tells it; a bounded read does not
  types::WindowEnds window_ends;
  WrittenAt written_at;
};

using LogicalOperator = std::variant<LogicalScan, Values, Normalize, Project, Filter, ClockFilter, ProcessingTime,
                                     AssignWindow, Unnest, Expand, Aggregate, WindowAggregate, Sort, Rank, Deduplicate,
                                     Over, Match, Limit, UnionAll, Recursion, RecursionScan, Emit, Join>;

struct LogicalNode;
using LogicalPtr = std::shared_ptr<const LogicalNode>;

struct LogicalNode {
  LogicalOperator op;
  std::vector<LogicalPtr> inputs;
  types::Schema schema;
  Traits traits;
  uint32_t size = 1;    // nodes in the tree, shared ones counted each time; saturates
  uint32_t height = 1;  // at most kPlanHeightMax, so that rules may walk recursively

  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&op);
  }
  const LogicalNode& input() const { return *inputs.front(); }
};

// Bounds of a plan; the binder refuses larger ones.
inline constexpr uint32_t kPlanNodesMax = 20'000;
inline constexpr uint32_t kPlanHeightMax = 2'000;
inline constexpr size_t kColumnsMax = 4'096;
// Windows that a row can be in: with more, one batch would become millions of rows.
inline constexpr int64_t kWindowsPerRowMax = 10'000;

// A node over `inputs`. `names` are those of the output columns; where there are fewer, the input's names are kept or
// made up.
LogicalPtr make_node(LogicalOperator op, std::vector<LogicalPtr> inputs, std::vector<std::string> names = {});

// Common shapes.
LogicalPtr make_values(std::vector<std::vector<types::Value>> rows, types::Schema schema);
LogicalPtr make_filter(LogicalPtr input, expr::ExprPtr predicate);
LogicalPtr make_project(LogicalPtr input, std::vector<expr::ExprPtr> expressions, std::vector<std::string> names);
// The columns of `input` at these indexes, under their names; `input` itself when that changes nothing.
LogicalPtr make_selection(LogicalPtr input, const std::vector<int>& columns);
// The pairs of rows for which `condition` (over both; null: any) is true, with all columns.
LogicalPtr make_join(JoinKind kind, LogicalPtr left, LogicalPtr right, expr::ExprPtr condition);
// The same operator over other inputs, which have the same schemas.
LogicalPtr with_inputs(const LogicalPtr& node, std::vector<LogicalPtr> inputs);

// The same node with other names for its columns.
LogicalPtr with_names(const LogicalPtr& node, std::vector<std::string> names);

// A short text of an expression, for columns that have no name of their own.
std::string label(const expr::Expr& expression);
// The same for a call over a node with these columns: "SUM(price) FILTER (paid)".
std::string label(const AggregateCall& call, const types::Schema& input);

// A reference to a column of a schema.
expr::ExprPtr column_of(const types::Schema& schema, int column);

}  // namespace penstock::plan
