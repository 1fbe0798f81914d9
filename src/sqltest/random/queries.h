// Random queries over tables and views, in both dialects.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sqltest/random/choices.h"
#include "sqltest/random/dialects.h"
#include "sqltest/random/expressions.h"
#include "sqltest/random/schema.h"

namespace penstock::sqltest {

struct RandomQuery {
  Text text;
  std::vector<Column> columns;
  std::string emit;             // behind the query of a materialized view
  std::set<std::string> reads;  // tables and views
  // What comes at the watermark's command is complete only when the input has ended.
  bool end_only = false;
  bool without_oracle = false;  // SQLite has not what it computes: only the view and the SELECT are compared
  // It reads a view of which that is true, so its query from scratch has less before the end, too.
  bool reads_end_only = false;
  // It leaves out rows that came too late, which its query from scratch has.
  bool of_late_rows = false;
  // That depends on how rows of two streams come one after the other, or on how many are read at once: each goes
  // through everything before the next, and the view is there before the first.
  bool row_by_row = false;
  // Rows meet what is there when they come. To SQLite the view is a table, into which go those of the rows that are
  // numbered above that in kRowsSeen.
  bool as_rows_come = false;
  bool bounded = false;  // only a SELECT that ends can have it
};

inline constexpr const char* kRowsSeen = "rows_seen";

class QueryGenerator {
 public:
  // `large`: over many rows, so that no query multiplies them.
  QueryGenerator(Choices& choices, const std::vector<Relation>& relations, bool large);

  RandomQuery query();

 private:
  struct Source {
    Text text;  // what stands behind FROM
    Scope scope;
    Scope nested = {};  // nested columns as a whole
  };
  struct Item {
    Text text;
    Type type;
  };
  struct Select {
    Text text;
    std::vector<Type> types;  // of the columns c0, c1, ...
  };

  // --- FROM (queries_from.cc) ---
  Source source(int depth);
  Source relation(const Relation& relation);
  Source named(const Select& select);
  Source derived(int depth);
  static void add_side(Source& left, const Source& right);
  Source elements(int depth);
  Source elements_of_column(Source from);
  Source lateral(int depth);
  static constexpr uint32_t kTumble = 0;
  static constexpr uint32_t kHop = 1;
  static constexpr uint32_t kCumulate = 2;
  static constexpr uint32_t kSession = 3;
  static constexpr uint32_t kWindowFunctions = 4;
  struct Window {
    uint32_t function = kTumble;
    int64_t step_ms = 1000;
    int64_t size_ms = 1000;  // HOP: any; CUMULATE: a multiple of the step
    int64_t offset_ms = 0;
  };
  // Of the first so many functions.
  Window random_window(uint32_t functions);
  Source window(const Relation& stream, const Window& kind);
  Source window_over(const Text& rows, const Text& of, const std::vector<Column>& columns, const Window& kind);
  // What windows of a stream are over.
  static Text time_of(const Relation& stream);
  const Relation& pick_relation();
  void note_read(const Relation& relation);
  // Those without late rows.
  std::vector<const Relation*> streams(bool with_local = false) const;
  // All that can be in windows: streams, and upserts, whose rows may go again.
  std::vector<const Relation*> timed() const;
  std::string alias() { return "x" + std::to_string(aliases_++); }

  // --- joins (queries_joins.cc) ---
  struct TimeCondition {
    Text text;
    int64_t low_ms = 0;  // of the right time minus the left one
    int64_t high_ms = 0;
  };
  Source join(int depth);
  Source natural_join();
  Source interval_join();
  Source asof_join();
  Source temporal_join();
  Source window_join();
  Text join_condition(const Scope& left, const Scope& right);
  TimeCondition interval_condition(const Scope& left, const Scope& right);
  static std::string nearest_row(const Source& of, const std::string& match, const std::string& key, bool before);

  // --- whole queries (queries.cc) ---
  Select whole();
  bool add_nested(const Source& from, std::vector<Item>& items);
  Select select(int depth);
  Select rows(int depth, const std::vector<Type>* wanted);
  Select distinct(int depth);
  Select set_operation(int depth);
  Select with_clause(int depth);
  Select limited(int depth);
  // --- queries_groups.cc ---
  Select groups(int depth);
  Text having(const Scope& scope);
  Select grouping_sets(int depth);
  Select window_groups(int depth);
  Select windows_of_windows(const Select& grouped);
  // `over`: OVER may follow.
  Item aggregate(const Scope& scope, bool over = false);
  Item aggregate_without_oracle(const Expression& of);
  // --- queries_over.cc ---
  Select over(int depth);
  Select best_rows(int depth);
  Item window_function(const Scope& scope, const Text& partition, const Text& order, bool any_frame);
  Item value_ignoring_nulls(const Expression& of, const Text& partition, const Text& order, const std::string& frame);
  Item range_function(const Scope& scope, const Text& partition);
  Text order_by(const Scope& scope);
  // --- queries_late.cc ---
  Select of_late_rows();
  // The stream, to SQLite with the watermark before each row; or two ways of its rows that meet again.
  Text rows_with_watermarks(const Relation& stream);
  Select late_window_groups(const Relation& stream);
  Select late_window_rows(const Relation& stream);
  Select late_over(const Relation& stream);
  Select late_sessions(const Relation& stream);
  Select late_deduplicate(const Relation& stream);
  // --- queries_late_joins.cc ---
  Select late_join(const Relation& stream);
  Source late_interval_join(const Relation& left_stream, const Relation& right_stream);
  Source late_window_join(const Relation& left_stream, const Relation& right_stream);
  Source late_temporal_join(const Relation& left_stream, const Relation& right_stream);
  // --- queries_match.cc ---
  struct RowPattern {
    std::string rows;     // as PATTERN has it
    std::string letters;  // as a regular expression
  };
  const Relation* stream_of_patterns();
  Source match(const Relation& stream);
  Source match_of_neighbours(const Relation& stream);
  Source match_of_pattern(const Relation& stream);
  RowPattern row_pattern(size_t variables);
  // --- queries_recursive.cc ---
  Select recursive();
  // --- queries_lookup.cc ---
  std::vector<const Relation*> tables_of_lookups() const;
  Select looked_up();
  // --- queries_nested.cc ---
  Text subquery_condition(const Scope& outer);
  Item scalar_subquery(const Scope& outer);
  Source subquery_source();
  Text correlation(const Scope& inner, const Scope& outer);

  Text where(const Scope& scope);
  Select select_of(const std::vector<Item>& items, const Text& rest, bool distinct = false);
  static Scope scope_of(const std::vector<Type>& types, const std::string& alias);
  // A comparison of times may bound how far they are apart, and then what comes waits for the watermark.
  void note_time(const Type& type);

  Choices& choices_;
  std::vector<Relation> relations_;
  std::vector<Relation> late_streams_;
  const bool large_;
  ExpressionGenerator expressions_;
  std::set<std::string> reads_;
  bool end_only_ = false;
  bool reads_end_only_ = false;
  bool reads_stream_ = false;
  bool time_may_be_null_ = false;
  bool extended_ = false;  // it may compute what SQLite has not
  bool without_oracle_ = false;
  bool of_late_rows_ = false;
  bool row_by_row_ = false;
  bool as_rows_come_ = false;
  bool bounded_ = false;
  bool of_windows_ = false;  // groups of windows, of which nothing is computed, over nothing else that waits
  std::vector<Select> derived_;
  int root_depth_ = 0;
  int aliases_ = 0;
  static constexpr int kNestingMax = 2;
  int nesting_ = 0;  // of subqueries
};

}  // namespace penstock::sqltest
