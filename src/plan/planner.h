// From the syntax tree of a query to its physical plan.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/entry.h"
#include "catalog/name_scope.h"
#include "expr/evaluate.h"
#include "expr/expr.h"
#include "plan/physical.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::sql {
struct Assignment;
struct Insert;
struct Query;
}  // namespace penstock::sql
namespace penstock::catalog {
class Catalog;
}

namespace penstock::plan {

struct LogicalNode;

enum class PlanMode : uint8_t {
  kBounded,    // SELECT: everything as of now, to the end
  kStreaming,  // views, inserts, alerts: follow the inputs for ever
};

// What ends a recursive query that does not come to an end: settings of the session by these names.
struct RecursionLimits {
  int64_t steps_max = 100'000;
  int64_t rows_max = 10'000'000;
};
inline constexpr std::string_view kRecursionStepsSetting = "recursion_steps_max";
inline constexpr std::string_view kRecursionRowsSetting = "recursion_rows_max";

struct PlanContext {
  const catalog::Catalog* catalog = nullptr;
  catalog::NameScope names;
  // Tables of the program itself, "sys.jobs" and the like, which the catalog does not hold.
  std::vector<std::pair<std::string, types::Schema>> system_tables;
  PlanMode mode = PlanMode::kBounded;
  // Whether the connector takes the options of a table, as hints change them. Null: everything is taken.
  std::function<Status(const catalog::Entry& table)> check_table;
  // Whether a materialized view stands for its query, as a view does, and not for the rows that it has: for what must
  // begin again where it was.
  bool expands_materialized_views = false;
  // How long the job of a materialized view keeps state that nothing updates; 0: for ever. Null: as `state_ttl_us`.
  std::function<int64_t(const catalog::Entry& view)> state_ttl_of;
  // In streaming mode they may be read: the caller runs what it gets to the end, or refuses it.
  bool reads_system_tables = false;
  // In streaming mode, how long operators keep state that nothing updates (table.exec.state.ttl); 0: for ever.
  int64_t state_ttl_us = 0;
  RecursionLimits recursion;
  expr::EvalContext eval;  // for folding constants
  // Types of $1, $2, ..., kNull where unknown; and their values when the statement is executed (else empty).
  std::vector<types::DataType> parameter_types;
  std::vector<types::Value> parameters;
  std::vector<std::string> disabled_rules;
  // Becomes true, on any thread, when nobody waits for the plan any more: planning ends soon, with kCancelled. Null: it
  // does not listen.
  const std::atomic<bool>* cancelled = nullptr;
};

struct PlannedQuery {
  PhysicalPtr root;                              // root->schema names the result's columns
  std::shared_ptr<const LogicalNode> bound;      // what it means, as it was bound: before any rule
  std::vector<types::DataType> parameter_types;  // as given, or inferred
  std::vector<std::string> dependencies;         // catalog objects that it reads, by full name
  std::vector<std::string> functions;            // created functions that it calls, by full name
  int64_t state_ttl_us = 0;                      // with which it was planned
};

Result<PlannedQuery> plan_query(const sql::Query& query, const PlanContext& context);

// PARTITION (column = value): a column of PARTITIONED BY, by its place in the table, and a literal of its type.
struct PartitionValue {
  size_t column = 0;
  expr::ExprPtr value;
};
Result<std::vector<PartitionValue>> bind_partition(const std::vector<sql::Assignment>& partition,
                                                   const catalog::Entry& table, const PlanContext& context);

// The query of an INSERT, cast to the columns of the target that can be written (physical ones, and metadata columns
// that are not virtual), in the table's order; columns that are not named are NULL.
struct PlannedInsert {
  std::string target;        // the table's full name
  catalog::EntryPtr made;    // the table, where the statement makes it; null: it is in the catalog
  catalog::Options options;  // of hints, in the place of the table's
  PlannedQuery query;
  bool overwrite = false;                      // what was in the table, or in the partitions that are written, goes
  std::vector<PartitionValue> partition = {};  // that every row has
};

// What goes on has to begin again where it was, which it can where it reads tables alone: materialized views stand for
// their queries, unless the target is a native table.
Result<PlannedInsert> plan_insert(const sql::Insert& insert, const PlanContext& context);
// The same into this table, which need not be in the catalog yet.
Result<PlannedInsert> plan_insert_into(const catalog::Entry& target, const sql::Insert& insert,
                                       const PlanContext& context);

// Before the numbers, from 1, of the system tables with the rows that operators of a job dropped because they were
// late.
std::string late_rows_prefix(std::string_view job);
// Whether a system table is such a one; a job in a schema may have a name that begins like the one of another job.
bool is_late_rows_of(std::string_view prefix, std::string_view table);

// How long at least an operator keeps what nothing updates, where it does not do so for ever.
std::optional<int64_t> state_ttl(const PhysicalNode& node);

// What EXPLAIN calls an operator: "Aggregate".
std::string operator_name(const PhysicalNode& node);
// The plan as an indented tree with traits, and as JSON.
std::string explain_text(const PhysicalNode& root);
std::string explain_json(const PhysicalNode& root);

// A statement as EXPLAIN shows it: its query, and what is done with the rows.
struct ExplainedStatement {
  PlannedQuery query;
  std::string operation = {};  // "Insert", "Update", "Delete"; empty: the rows are the result
  std::string target = {};
  std::vector<std::string> columns = {};  // that are written
};
// First the queries as they were bound, then the plans that run.
Result<std::string> explain_text(const std::vector<ExplainedStatement>& statements);
// The plan that runs.
std::string explain_json(const ExplainedStatement& statement);

}  // namespace penstock::plan
