// The physical plan: what runs, as plain immutable data. A node may be the input of several others. The engine turns it
// into the fragments of a job, or runs it to the end for a SELECT; it decides nothing that is not written here.
//
//   Project(total)                                        columns of every node's output: node.schema
//     WindowAggregate(keys=[2], calls=[SUM($3)])
//       Exchange(hash [2])
//         Project(...)
//           ScanTable(transactions)
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "catalog/entry.h"
#include "expr/aggregate.h"
#include "expr/expr.h"
#include "expr/row_match.h"
#include "expr/window_function.h"
#include "types/frame.h"
#include "types/rank_function.h"
#include "types/row_pattern.h"
#include "types/type.h"
#include "types/value.h"
#include "types/window.h"

namespace penstock::plan {

// Where window_start, window_end and window_time are; -1: not there any more. One of the last two is.
struct WindowColumns {
  int start = -1;
  int end = -1;
  int time = -1;
  const types::TimeZone* zone = nullptr;  // as in types::Window: the local time of the first two
};

// Where the statement says what an operator does, as a byte offset, for errors that are found when it is planned. What
// stands in the definition of a view is where the view is named.
using WrittenAt = std::optional<uint32_t>;

// How long an operator keeps the state of a key that nothing updates, by the clock. Nullopt: for ever, or, before the
// plan is finished, as long as its context says; 0: for ever.
using StateTtl = std::optional<int64_t>;

// What is known of the changes that a node emits.
struct Traits {
  bool append_only = true;  // never a row with weight -1
  bool bounded = false;     // the input ends
  // Columns whose values are never in two rows at once; empty when there is at most one row, nullopt when unknown.
  std::optional<std::vector<int>> key;
  // Columns that watermarks are about: the rowtime and what windows derive from it.
  std::vector<int> time_columns;
  // Columns that are PROCTIME(): whatever their values, they stand for the moment at which a row is processed.
  std::vector<int> processing_times;
  // The columns of the window that each row is in. No row comes after the watermark has passed the window's end.
  std::optional<WindowColumns> window;
  // The same where rows of the window may still come, and be taken back, up to the first barrier behind that watermark.
  std::optional<WindowColumns> closing_window;
};

struct PhysicalNode;
using PhysicalPtr = std::shared_ptr<const PhysicalNode>;

// Reads a table through its connector: first the physical columns that anybody needs, then metadata columns; then the
// expressions over these that give the output (computed columns among them); then the filter.
struct ScanTable {
  std::string table;         // its full name in the catalog
  catalog::Options options;  // that a hint puts in the place of the table's
  types::Schema physical;
  // For each of `physical`: the field that is read of the ROW that the column is, or of a ROW in it, by the names on
  // the way there; empty: all of the column.
  std::vector<std::vector<std::string>> fields;
  struct Metadata {
    std::string key;  // as the connector calls it: "offset"
    types::DataType type;
  };
  std::vector<Metadata> metadata;
  std::vector<expr::ExprPtr> projections;  // over physical ++ metadata; empty: just those
  expr::ExprPtr filter;                    // over the output; null: all rows
  bool filtered_again = false;             // by each reader: a row whose condition cannot be computed is theirs
  expr::ExprPtr watermark;                 // over the output; null: none
  int time_column = 0;                     // of the output: the event time that the watermark is for
  bool tells_watermark = true;             // else it is only read, as a column
  types::WindowEnds window_ends;           // of the windows that the rows go into, where that is known
  WrittenAt written_at;
};

// Reads a materialized view: its rows now (bounded), or its rows and all changes.
struct ScanView {
  std::string view;
  std::vector<int> columns;  // of the view, in the order of the output
  WrittenAt written_at;
  std::vector<std::string> names = {};  // what these columns are called there
};

// Reads a table of the program itself: sys.jobs, sys.alerts. Always bounded.
struct ScanSystem {
  std::string table;  // "sys.jobs"
  std::vector<int> columns;
};

struct Values {
  std::vector<std::vector<types::Value>> rows;
};

// Makes a changelog of events about rows, each of which says in its last column, which does not come out, whether the
// row is gone: see exec/operators/normalize.h.
struct Normalize {
  std::vector<int> keys;  // columns by which rows are known; empty: equal rows are counted
  StateTtl ttl_us = {};
  WrittenAt written_at = {};
};

struct Project {
  std::vector<expr::ExprPtr> expressions;
};

struct Filter {
  expr::ExprPtr predicate;
};

// Rows while the clock is between two of their times: they come, and are taken back, as it goes on.
struct ClockFilter {
  int from = -1;  // a column of the input, as is `until`; -1: it is not bounded
  int until = -1;
  bool after_from = false;     // not yet at that moment itself
  bool through_until = false;  // still at that moment
};

// Makes a column the time of the clock at which a row comes here, and the clock the watermark: for windows over
// PROCTIME() of an input that goes on.
struct ProcessingTime {
  int column = 0;
  types::Window window;  // that the rows go into
};

// A window function as a table function: every column of the input, then window_start, window_end, window_time, the
// last of which has the type of the time, the others that of its local time; a row appears once for each window that it
// is in. Sessions give their rows when they close.
struct AssignWindow {
  types::Window window;
  int time_column = 0;
  std::vector<int> keys;  // of sessions: each combination of their values has its own
};

// Every column of the input, then the elements of a collection, one row for each: the element of an ARRAY or MULTISET
// (of a ROW, its fields), or key and value of a MAP; then, with ordinality, its place from 1.
struct Unnest {
  int column = 0;         // of the input: the collection
  bool preserve = false;  // a row without elements comes out once, with NULLs for them
  bool ordinality = false;
};

// Each row once per set, with some of its columns NULL. Output: the input's columns, then the number of the set, from
// 0. The sets in `always` have a row of only NULLs, too, even when the input has none.
struct Expand {
  std::vector<std::vector<int>> null_columns;  // one per set
  std::vector<int> always;
};

struct AggregateCall {
  expr::BoundAggregate function;
  int argument = -1;  // a column of the input, already of function.argument_type; -1 for COUNT(*)
  int filter = -1;    // a BOOLEAN column: only rows where it is TRUE count; -1 for none
  bool distinct = false;
};

// GROUP BY: emits the net change of its groups at every barrier. Output: the keys, then one column per call.
// Without keys there is always exactly one row.
struct Aggregate {
  std::vector<int> keys;
  std::vector<AggregateCall> calls;
  bool input_append_only = true;
  StateTtl ttl_us = {};
  WrittenAt written_at = {};
};

// GROUP BY over windows: emits the groups of a window once the watermark has passed its end, and drops rows that come
// later. Output: the keys, one column per call, then the properties. Its input has not been through AssignWindow; but
// when the window is attached, it is that of the columns which the rows bring along: `time_column` is its last moment,
// and its columns are among the keys.
struct WindowAggregate {
  enum class Property : uint8_t { kStart, kEnd, kTime };

  types::Window window;
  int time_column = 0;
  bool attached = false;
  std::vector<int> keys;
  std::vector<AggregateCall> calls;
  std::vector<Property> properties;
};

struct SortKey {
  int column = 0;
  bool descending = false;
  bool nulls_first = true;
};
// Bounded input only: all rows in order, of which `limit` after `offset`.
struct Sort {
  std::vector<SortKey> keys;
  std::optional<int64_t> limit;
  int64_t offset = 0;
};

// Ranks within partitions, of all rows or of those whose rank is within [first, last]: Top-N, and with a last rank of 1
// deduplication. Output: the input's columns, then the rank where it is wanted.
struct Rank {
  using Function = types::RankFunction;

  Function function = Function::kRowNumber;
  std::vector<int> partition_by;
  std::vector<SortKey> order_by;
  int64_t first = 1;
  std::optional<int64_t> last;
  bool with_rank = true;
  bool input_append_only = true;
  bool last_first = false;  // rows that compare equal are in the order opposite to that in which they came
  // Of the input, among the columns of the partition: the end or the last moment of the window that its rows are in.
  int window_column = -1;
  bool of_end = false;
  const types::TimeZone* zone = nullptr;  // of these windows
  StateTtl ttl_us = {};
  WrittenAt written_at = {};
};

// A row of a key comes out at once, unless one has come out that the watermark has not yet passed by `within_us`. What
// is behind the watermark is dropped. That is the watermark of the split that a row was read from, when it came. The
// input never takes rows back.
struct Deduplicate {
  std::vector<int> keys;
  int time_column = 0;
  int watermark_column = 0;
  int64_t within_us = 0;
};

// A function over rows around each row of a partition.
struct OverCall {
  const expr::WindowFunction* function = nullptr;  // null: an aggregate over the frame
  AggregateCall aggregate;                         // `argument` is also that of `function`; -1: it has none
  types::DataType type;                            // of the result
  int64_t number = 1;      // how far LAG and LEAD look, which row NTH_VALUE takes, NTILE's shares
  int default_value = -1;  // a column: what LAG and LEAD give where there is no row; -1: NULL
  bool ignore_nulls = false;
  types::Frame frame;
  bool takes_back = false;  // rows that leave the frame are taken back from the aggregate; else it is computed anew
};

// Window functions other than ranks. Output: the input's columns, then one per call.
struct Over {
  std::vector<int> partition_by;
  std::vector<SortKey> order_by;
  std::vector<OverCall> calls;
  // Rows come out once the watermark has reached their time, which is what they are ordered by first, and what is
  // behind it is dropped; no call looks at later rows. Else they come out in each epoch, and again when something
  // changes them.
  bool in_time_order = false;
  StateTtl ttl_us = {};
  WrittenAt written_at = {};
};

// MATCH_RECOGNIZE: searches the rows of each partition, in their order, for a pattern. The rows are read when the
// watermark has reached their time, by which they are ordered first; what is behind it is dropped. The input never
// takes rows back.
struct Match {
  std::vector<int> partition_by;
  std::vector<SortKey> order_by;
  std::shared_ptr<const types::PatternAutomaton> automaton;
  std::string pattern;                             // as it is written, for EXPLAIN
  std::vector<std::string> variables;              // their names
  std::vector<expr::MatchDefinition> definitions;  // one per variable
  std::vector<expr::MatchReference> references;
  std::vector<expr::ExprPtr> outputs;  // over the references
  bool all_rows = false;               // a row comes out for each of the match's, else one
  bool unmatched_rows = false;         // also for each row that is in none
  types::MatchSkip skip;
  std::optional<int64_t> within_us;  // the last row of a match is less than so much later than the first
};

// Bounded input only.
struct Limit {
  std::optional<int64_t> limit;
  int64_t offset = 0;
};

struct UnionAll {};

// WITH RECURSIVE. The first input gives the rows with which it begins. The second one, the step, says what follows from
// rows: it is asked again and again about those that have come last, which it reads by a RecursionScan, until nothing
// new comes. What it says of some rows does not depend on others, so that all rows ever can go through it one after the
// other, and what it reads beside them is read once.
struct Recursion {
  int number = 0;         // of this one in the statement
  bool all = true;        // else each row comes once
  bool bounded = true;    // the step reads nothing that goes on
  int64_t steps_max = 0;  // more of them is an error
  int64_t rows_max = 0;   // likewise
  WrittenAt written_at = {};
};

// Gives the rows of the Recursion of that number that have come last.
struct RecursionScan {
  int number = 0;
  types::Schema schema;
  int port = 0;  // of a step that stands alone: 0, or a number of what it reads beside them
};

// How the result of a statement comes out; of a bounded input, once in any case.
struct Emit {
  enum class Kind : uint8_t {
    kOnUpdate,       // in each epoch what has changed
    kOnWindowClose,  // the rows of a window once, when the watermark has passed its end
    kEvery,          // what has changed, at most once in an interval
    kComplete,       // all rows again in each epoch that has changed one
  };

  Kind kind = Kind::kOnUpdate;
  int64_t interval_us = 0;  // the least time between two emissions; 0: none
  int time_column = -1;     // of kOnWindowClose: the window's end or last moment; -1: the input only appends
  bool of_end = false;      // it is the end
  const types::TimeZone* zone = nullptr;  // of the windows
  WrittenAt written_at;
};

// Which rows come out: pairs that fit, and for all but kInner also (or only) the rows of a side with or without a
// partner. kSemi and kAnti give columns of the left input alone.
enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull, kSemi, kAnti };

// A column of each input whose values must be equal. NULL equals nothing, unless `nulls_match`.
struct JoinKey {
  int left = 0;
  int right = 0;
  bool nulls_match = false;
};

// How near in time partners are: lower_us <= right time - left time <= upper_us.
struct TimeBounds {
  enum class Of : uint8_t {
    kRows,         // the columns are the rowtimes of the inputs
    kWindowEnds,   // they are the ends of the windows that the rows are in: partners are in one window
    kWindowTimes,  // likewise, the last moments of the windows
  };

  Of of = Of::kRows;
  int left = 0;  // columns of each input
  int right = 0;
  int64_t lower_us = 0;
  int64_t upper_us = 0;
  const types::TimeZone* zone = nullptr;  // of kWindowEnds
};

// Each row of the left input is joined with the right input as it is at a time of the row: when it is processed, or its
// event time.
struct AsOf {
  // Of event time: the left input's rowtime. The rows of the right one are versions, which only append: one counts from
  // its time on until the next one with the same values of `version_key`, which are the join's keys.
  struct Versions {
    int left_time = 0;  // columns of each input
    int right_time = 0;
    std::vector<int> version_key;  // of the right input
    int gone = -1;                 // likewise, BOOLEAN: from then on there is none, until the next one; -1: there is
    // What right time - left time may be. Where it is at most 0 the last version within that counts, else the first.
    std::optional<int64_t> lower_us;
    std::optional<int64_t> upper_us = 0;

    bool first_counts() const { return !upper_us || *upper_us > 0; }
  };
  std::optional<Versions> versions;
};

// Pairs of rows of two inputs that have equal keys and for which the condition is true.
//
// Keeps the rows of both inputs and takes changes of both. What is said of rows without a partner is the net change of
// an epoch, or, when the node is bounded, comes at the end of its inputs. With `time` the inputs only append, and so
// does the join: rows are kept until the watermark says that they have no more partners, and those without one come out
// then.
struct Join {
  JoinKind kind = JoinKind::kInner;
  std::vector<JoinKey> keys;  // none: every row meets every row, in one task
  expr::ExprPtr condition;    // over left ++ right; null: none
  std::vector<int> output;    // columns of left ++ right; of left alone for kSemi and kAnti
  std::optional<TimeBounds> time;
  // Keeps the rows of the right input alone. Rows of the left one, which only appends, come out at once or never.
  std::optional<AsOf> as_of;
  std::array<StateTtl, 2> ttl_us = {};  // of the rows of each input, where `time` and `as_of` do not say it
  WrittenAt written_at;
};

// Moves rows between tasks.
struct Exchange {
  enum class Kind : uint8_t { kHash, kSingle };
  Kind kind = Kind::kHash;
  std::vector<int> keys;  // for kHash
};

using PhysicalOperator =
    std::variant<ScanTable, ScanView, ScanSystem, Values, Normalize, Project, Filter, ClockFilter, ProcessingTime,
                 AssignWindow, Unnest, Expand, Aggregate, WindowAggregate, Sort, Rank, Deduplicate, Over, Match, Limit,
                 UnionAll, Recursion, RecursionScan, Emit, Join, Exchange>;

struct PhysicalNode {
  PhysicalOperator op;
  std::vector<PhysicalPtr> inputs;
  types::Schema schema;  // of the output
  Traits traits;
};

// All nodes of a plan, each once: inputs in their order, before what reads them.
std::vector<const PhysicalNode*> nodes_of(const PhysicalNode& root);
// How many inputs each node is; the root is none.
std::map<const PhysicalNode*, int> count_readers(const PhysicalNode& root);

}  // namespace penstock::plan
