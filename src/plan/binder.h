// From syntax trees to the logical plan. Private to the module; its methods are spread over bind_*.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/entry.h"
#include "expr/expr.h"
#include "plan/changes.h"
#include "plan/correlation.h"
#include "plan/grouping.h"
#include "plan/logical.h"
#include "plan/match_scope.h"
#include "plan/planner.h"
#include "plan/scope.h"
#include "sql/query.h"
#include "sql/statement.h"
#include "types/time_zone.h"

namespace penstock::plan {

struct HintedTable;
struct WindowFunction;

// An aggregate call found in the expressions of a SELECT, over the input of the aggregation.
struct FoundAggregate {
  AggregateCall call;      // function and distinct; columns are set later
  expr::ExprPtr argument;  // null: COUNT(*)
  expr::ExprPtr filter;    // null: none
};

// PARTITION BY and ORDER BY of a window function, over what the function is over.
struct OverWindow {
  struct Order {
    expr::ExprPtr value;
    bool descending = false;
    bool nulls_first = true;
  };
  std::vector<expr::ExprPtr> partition_by;
  std::vector<Order> order_by;
  const sql::WindowFrame* frame = nullptr;  // as it is written; null: none is

  // Whether the rows are partitioned and ordered alike.
  bool same_order(const OverWindow& other) const;
};

// STATE_TTL('name' = '1 d'): of a table or query in FROM, by its name there.
struct StateTtlHint {
  std::string name;
  int64_t ttl_us = 0;
  sql::Position position;
  bool used = false;
};

// LOOKUP('table' = 'name', ...): of a table that is joined FOR SYSTEM_TIME AS OF a PROCTIME().
struct LookupHint {
  std::string name;
  sql::Position position;
  bool used = false;
};

// A window function found in the expressions of a SELECT, over what the SELECT groups.
struct FoundOver {
  OverWindow window;
  OverCall call;  // its columns are set later
  expr::ExprPtr argument;
  expr::ExprPtr filter;
  expr::ExprPtr default_value;
  sql::Position position;

  bool operator==(const FoundOver& other) const;
  template <class Visit>
  Status for_each_expression(const Visit& visit) {
    for (expr::ExprPtr& key : window.partition_by) PENSTOCK_TRY(visit(key));
    for (OverWindow::Order& by : window.order_by) PENSTOCK_TRY(visit(by.value));
    for (expr::ExprPtr* one : {&argument, &filter, &default_value}) {
      if (*one != nullptr) PENSTOCK_TRY(visit(*one));
    }
    return {};
  }
};
// What stands for the i-th of them until it is planned: a column of this number + i.
inline constexpr size_t kOverColumns = size_t{1} << 24;

// A subquery found in an expression.
struct FoundSubquery {
  enum class Kind : uint8_t {
    kExists,
    kIn,          // operands = the columns of a row
    kComparison,  // operand comparison ANY (subquery)
    kScalar,
  };

  Kind kind = Kind::kExists;
  LogicalPtr plan;
  QueryLevel level = 0;                 // of the query that it is in, whose columns it may use
  std::vector<expr::ExprPtr> operands;  // over what the expression is over
  std::string_view comparison;          // "<"
  sql::Position position;

  types::DataType type() const;
};
// What stands for the i-th of them until it is planned: a column of this number + i.
inline constexpr size_t kSubqueryColumns = size_t{1} << 32;

// What an expression may use beside constants.
struct ExpressionContext {
  const Scope* scope = nullptr;
  // Where aggregate calls are collected; each becomes a column behind those of the scope. Null: they are not allowed.
  std::vector<FoundAggregate>* aggregates = nullptr;
  // Where window functions are collected. Null: they are not allowed.
  std::vector<FoundOver>* overs = nullptr;
  std::span<const sql::NamedWindow> named_windows;
  // What GROUPING() can ask for. Null: it is not allowed.
  const Grouping* grouping = nullptr;
  // Where subqueries are collected. Null: they are not allowed.
  std::vector<FoundSubquery>* subqueries = nullptr;
  // The same for those in the arguments of aggregate calls, which are over the rows that are grouped.
  std::vector<FoundSubquery>* argument_subqueries = nullptr;
  // Whether CURRENT_WATERMARK() can be asked for.
  bool watermarks = false;
  // Names of the select list that stand for its expressions where the scope has no such column.
  std::span<const std::string> aliases;
  std::span<const expr::ExprPtr> alias_values;
  // Said of calls that are not allowed: "in WHERE".
  std::string_view place = "here";
  // Where each column of the scope was named last, for errors that are found later.
  std::map<size_t, sql::Position>* column_positions = nullptr;
  // In DEFINE and MEASURES: what names stand for there. Null: elsewhere.
  const MatchScope* match = nullptr;
};

// Binds one statement. Not used again after an error.
class Binder {
 public:
  explicit Binder(const PlanContext& context);

  // The plan of a query; the schema of its root names the result's columns.
  Result<LogicalPtr> bind_query(const sql::Query& query);
  Result<expr::ExprPtr> bind_expression(const sql::Expression& expression, const ExpressionContext& context);
  // The same for an expression that must be BOOLEAN.
  Result<expr::ExprPtr> bind_condition(const sql::Expression& expression, const ExpressionContext& context);
  // The rows of `plan` for which a condition is true, which may hold subqueries.
  Result<LogicalPtr> bind_where(LogicalPtr plan, const Scope& scope, const sql::Expression& condition);
  // The plan with CURRENT_WATERMARK() read at its sources, where it is used.
  Result<LogicalPtr> read_watermarks(LogicalPtr plan) const;

  // A parameter that stands there alone and has no type yet takes this one.
  void suggest_parameter_type(const sql::Expression& expression, types::DataType type);
  // The types of the parameters, those that nothing determined as STRING.
  std::vector<types::DataType> parameter_types() const;
  // Whether there are parameters, and the statement is planned for their types alone: NULLs stand for them.
  bool has_unknown_parameters() const { return context_.parameters.empty() && !parameter_types_.empty(); }
  // The query is that of an INSERT: VALUES that are the query, or one of those of a set operation, become of these
  // types, parameters among them too. Where they are all of it they may say DEFAULT, for what the function gives for a
  // column.
  using DefaultOf = std::function<Result<expr::ExprPtr>(size_t column)>;
  void expect_values(const sql::Query& query, std::vector<types::DataType> types, DefaultOf default_of);
  // A table's definition with its expressions bound; `hinted`: the options that hints changed in it.
  Result<std::shared_ptr<const ScanSource>> make_table_source(const catalog::Entry& entry,
                                                              const catalog::Options& hinted = {});
  // All rows of a table or view, under its name.
  Result<std::pair<LogicalPtr, Scope>> bind_rows(const sql::QualifiedName& name);
  // The common tables of a WITH, which everything that is bound later can read.
  Status bind_with(const std::vector<sql::CommonTableExpression>& tables, bool recursive);
  // The product of what stands in a FROM; no table is a row without columns.
  Result<std::pair<LogicalPtr, Scope>> bind_tables(std::span<const sql::TableReference> tables);
  // The same for both sides of a join with this condition.
  Result<std::pair<LogicalPtr, Scope>> join_tables(JoinKind kind, std::pair<LogicalPtr, Scope> left,
                                                   std::pair<LogicalPtr, Scope> right, const sql::Expression* on,
                                                   sql::Position position);
  // The columns of the one row that a subquery gives, which must be so many.
  Result<std::vector<expr::ExprPtr>> bind_row_subquery(const sql::Expression& subquery, size_t columns,
                                                       const ExpressionContext& context);
  // Adds columns to `plan` that give the subqueries' values, and puts these for what stands for them in `expressions`.
  static Result<LogicalPtr> add_subqueries(LogicalPtr plan, std::vector<FoundSubquery> subqueries,
                                           std::span<expr::ExprPtr* const> expressions);
  // The items of a SELECT or RETURNING, with * expanded.
  struct SelectList {
    std::vector<expr::ExprPtr> expressions;
    std::vector<std::string> names;
  };
  Result<SelectList> bind_select_list(const std::vector<sql::SelectItem>& items, const ExpressionContext& context);
  // The expression of a created function over its parameters, as columns; `written` is it, or null to take it from the
  // entry.
  Result<expr::ExprPtr> bind_function_body(const catalog::Entry& entry, const sql::Expression* written);
  // Full names of the created functions that were called, in the order of their first use.
  const std::vector<std::string>& functions() const { return functions_; }
  // Full names of the catalog objects that were read, in the order of their first use.
  const std::vector<std::string>& dependencies() const { return dependencies_; }

 private:
  using Named = std::pair<LogicalPtr, Scope>;
  // A recursive query that is being bound reads itself: it is a common table with a RecursionScan for a plan.
  struct RecursiveUse {
    size_t table = 0;  // among the common tables
    sql::Position position;
  };
  struct CommonTable {
    std::string name;
    LogicalPtr plan;
    bool recursive = false;
    std::vector<RecursiveUse> uses;  // of recursive queries around it, in its own query
  };
  // What a query around the one that is being bound is over.
  struct OuterQuery {
    const Scope* scope = nullptr;
    std::map<size_t, sql::Position>* column_positions = nullptr;  // as of ExpressionContext
  };
  // An ORDER BY that is still to be put on top of a SELECT.
  struct SortRequest {
    const std::vector<sql::OrderItem>* items = nullptr;
    std::optional<int64_t> limit;
    int64_t offset = 0;
    sql::Position position;

    bool empty() const { return items->empty() && !limit && offset == 0; }
  };

  // bind_recursive.cc
  Result<LogicalPtr> bind_recursive(const sql::CommonTableExpression& table);
  // What follows from the rows of the recursive query, which is the last common table, in a part of its UNION.
  Result<LogicalPtr> bind_step(const sql::Query& part, const types::Schema& schema);
  Status note_recursive_uses(size_t common_table, sql::Position position);
  // Fails where a recursive query has been read since there were so many uses: `place` says where it cannot be.
  Status refuse_recursive_uses(size_t since, std::string_view place) const;

  // bind_query.cc
  Result<LogicalPtr> bind_common_table(const sql::CommonTableExpression& table, bool recursive);
  Result<LogicalPtr> bind_emit(const sql::Emit& written, LogicalPtr plan);
  Result<LogicalPtr> rename_columns(LogicalPtr plan, const std::vector<sql::Identifier>& names);
  Result<LogicalPtr> bind_values(const sql::Values& values, sql::Position position);
  Result<LogicalPtr> bind_typed_values(const sql::Values& values, std::vector<std::vector<expr::ExprPtr>> bound);
  // The rows as constants of these types.
  Result<LogicalPtr> compute_values(
      const sql::Values& values, const std::vector<std::vector<expr::ExprPtr>>& bound,
      const std::vector<types::DataType>& types,
      const std::function<Result<expr::ExprPtr>(expr::ExprPtr, types::DataType)>& convert) const;
  static Result<LogicalPtr> project_values(const std::vector<std::vector<expr::ExprPtr>>& bound,
                                           const std::vector<types::DataType>& types);
  Result<std::vector<std::vector<expr::ExprPtr>>> bind_value_rows(const sql::Values& values);
  // The inputs of a set operation, with columns of the same types.
  Result<std::vector<LogicalPtr>> bind_set_inputs(std::span<const sql::Query* const> written, std::string_view name,
                                                  sql::Position position);
  Result<LogicalPtr> bind_set_operation(const sql::SetOperation& operation, sql::Position position);
  // The ORDER BY and LIMIT of a query whose body is no SELECT.
  Result<LogicalPtr> sort_output(LogicalPtr plan, const SortRequest& sort);
  Result<SortRequest> bind_sort_request(const sql::Query& query);
  // A constant number of rows; `unknown` for a parameter that has no value yet.
  Result<int64_t> bind_row_count(const sql::Expression& expression, std::string_view clause, int64_t unknown);
  Result<LogicalPtr> make_sort(LogicalPtr input, const std::vector<int>& columns, const SortRequest& sort);
  Status check_size(const LogicalPtr& plan, sql::Position position) const;

  // bind_select.cc
  Result<LogicalPtr> bind_select(const sql::Select& select, const SortRequest& sort);
  Result<LogicalPtr> bind_select_rows(const sql::Select& select, const SortRequest& sort);
  // bind_hints.cc
  struct SelectHints {
    std::vector<StateTtlHint> state_ttls;
    std::vector<LookupHint> lookups;
  };
  static Result<SelectHints> bind_hints(const sql::Select& select);
  // The hint for something in FROM; null: there is none.
  StateTtlHint* find_state_ttl(const sql::TableReference& table);
  // Notes that a table is looked up.
  void use_lookup_hint(const sql::TableReference& table);
  // The same join, with what hints say of its inputs; `left` is null where that is a join, or several tables.
  LogicalPtr with_join_hints(LogicalPtr join, const sql::TableReference* left, const sql::TableReference& right);
  LogicalPtr with_aggregate_hint(LogicalPtr aggregate, const sql::Select& select);
  Status check_hints_used() const;
  Result<LogicalPtr> finish_select(bool distinct, LogicalPtr plan, const SelectList& list,
                                   const std::vector<expr::ExprPtr>& order, const SortRequest& sort);
  Result<LogicalPtr> finish_distinct_on(LogicalPtr plan, SelectList list, const std::vector<expr::ExprPtr>& keys,
                                        const std::vector<expr::ExprPtr>& order, const SortRequest& sort);
  Result<expr::ExprPtr> bind_output(const SelectList& list, const sql::Expression& expression, std::string_view place,
                                    const ExpressionContext& context);
  // The sort expressions over what the select list is over.
  Result<std::vector<expr::ExprPtr>> bind_order(const SelectList& list, const SortRequest& sort,
                                                const ExpressionContext& context);
  Result<Grouping> bind_grouping(const sql::Select& select, const ExpressionContext& context);
  Result<expr::ExprPtr> bind_group_key(const sql::Select& select, const sql::Expression& key,
                                       const ExpressionContext& context);

  Result<bool> bind_row_star(const sql::Star& star, sql::Position position, const ExpressionContext& context,
                             SelectList& list);

  // bind_join.cc
  Result<Named> bind_join(const sql::Join& join);
  Result<Named> bind_join_of_any_kind(const sql::Join& join, Named left);
  // The rows of two tables side by side, and their names; nothing is said yet of which fit.
  Result<Named> bind_cross_join(Named left, const sql::TableReference& right);
  Result<Named> bind_named_columns(const sql::Join& join, Named left, Named right);
  // bind_as_of.cc
  Result<Named> bind_join_as_of(const sql::Join& join, const sql::NamedTable& table, Named left);
  // Joins each row with the last row of the right side that is not behind it.
  Result<Named> bind_asof_join(const sql::Join& join, Named left);
  Result<AsOf::Versions> bind_match_condition(const sql::Join& join, const Named& left, const Named& right);
  Result<Named> join_as_of(Join join, Named left, Named right, sql::Position position) const;
  // The column of the left side that FOR SYSTEM_TIME AS OF names; nullopt for PROCTIME().
  Result<std::optional<int>> bind_as_of_time(const sql::Expression& time, const Named& left);
  // The right side of such a join: hidden columns may stand behind those of the table.
  struct AsOfTable {
    LogicalPtr plan;
    std::optional<AsOf::Versions> versions;
  };
  Result<AsOfTable> bind_as_of_table(const sql::NamedTable& table, std::optional<int> left_time, const Named& left);
  // The rows of a table side by side with those that a LATERAL query gives for each; `on` may be null.
  Result<Named> bind_lateral(Named left, const sql::TableReference& right_table, JoinKind kind,
                             const sql::Expression* on);
  Result<Named> bind_lateral_query_join(Named left, const sql::Join& join);

  // bind_over.cc
  Result<OverWindow> bind_over_window(const sql::WindowSpecification& specification, const ExpressionContext& context);
  Result<types::Frame> bind_frame(const sql::WindowFrame& written, const OverWindow& window);
  Result<types::FrameBound> bind_frame_bound(const sql::FrameBound& written, types::Frame::Unit unit,
                                             const OverWindow& window);
  Result<int64_t> bind_frame_distance(const sql::Expression& distance, const OverWindow& window);
  Result<FoundOver> bind_over_function(const sql::Expression& expression, const sql::FunctionCall& call,
                                       const expr::WindowFunction& function, const ExpressionContext& context);
  Result<expr::ExprPtr> bind_over_call(const sql::Expression& expression, const sql::FunctionCall& call);
  static Result<LogicalPtr> add_overs(LogicalPtr plan, std::vector<FoundOver> overs,
                                      std::span<std::vector<expr::ExprPtr>* const> lists);

  // bind_subquery.cc
  Result<FoundSubquery> bind_subquery(const sql::Expression& expression, const sql::Query& query);
  // The operand, or the elements of a row, compared with any row of a subquery.
  Result<expr::ExprPtr> bind_comparison(const sql::Expression& expression, const sql::Expression& left,
                                        const sql::Query& query, std::string_view comparison);
  Result<expr::ExprPtr> collect_subquery(FoundSubquery found);
  Result<expr::ExprPtr> find_outer(const sql::QualifiedName& name, Error not_found_here);
  // The rows for which the condition is true, with the columns of `plan`.
  static Result<LogicalPtr> add_filter(LogicalPtr plan, const expr::ExprPtr& condition,
                                       std::vector<FoundSubquery> subqueries);
  // Joins two tables by a condition that may hold subqueries.
  struct JoinCondition {
    expr::ExprPtr condition;
    std::vector<FoundSubquery> subqueries;
  };
  static Result<LogicalPtr> join_on(JoinKind kind, LogicalPtr left, LogicalPtr right, JoinCondition on);

  // bind_from.cc, bind_window.cc
  Result<Named> bind_table(const sql::TableReference& table);
  // A table under its own name, or its alias.
  Result<Named> name_table(const sql::TableReference& table, std::string name, LogicalPtr plan);
  Result<LogicalPtr> bind_named_table(const sql::QualifiedName& name, const std::vector<sql::Hint>& hints = {});
  Result<LogicalPtr> bind_relation(const HintedTable& hinted, const sql::QualifiedName& name);
  Result<LogicalPtr> bind_system_table(const std::string& name, sql::Position position);
  Result<LogicalPtr> bind_native_table(const catalog::Entry& table);
  Result<expr::ExprPtr> bind_computed(const catalog::Entry& table, const catalog::Column& column, const Scope& scope);
  Result<LogicalPtr> bind_view(const catalog::Entry& view);
  // Whether this is a materialized view that stands for its query.
  bool expands(const catalog::Entry& entry) const;
  Result<LogicalPtr> bind_expanded(const catalog::Entry& view);
  Result<LogicalPtr> bind_table_function(const sql::FunctionCall& call);
  // bind_unnest.cc
  // Whether the table is a function of the row to its left: UNNEST or another one that gives a collection.
  bool is_lateral(const sql::TableReference& table) const;
  // The rows of `left`, each with the elements that the function gives for it. `preserve`: also those without.
  Result<Named> bind_unnest(Named left, const sql::TableReference& table, bool preserve);
  Result<Named> bind_lateral_join(const sql::Join& join, Named left);
  Result<expr::ExprPtr> bind_collection(const sql::FunctionCall& call, const Scope& scope);
  // Finds the time columns behind window aggregations, which only rules recognize.
  Result<LogicalPtr> with_window_times(LogicalPtr input) const;
  // late_rows('job' [, number]): what its operator of that number dropped.
  Result<LogicalPtr> bind_late_rows(const sql::FunctionCall& call);
  Result<LogicalPtr> bind_window_function(const sql::FunctionCall& call, types::Window::Kind kind);
  // The window of a call whose arguments are matched; `arguments` are the intervals, then perhaps the offset.
  Result<types::Window> bind_window(const WindowFunction& function, std::span<const sql::Expression* const> arguments);
  // What is shared with bind_deduplicate.cc. `function`: whose table it is.
  Result<LogicalPtr> bind_table_argument(const sql::TableArgument& data, const sql::QualifiedName& function,
                                         sql::Position position);
  Result<std::vector<int>> bind_partition_columns(const sql::TableArgument& data, const LogicalNode& input);
  static Result<sql::Identifier> time_descriptor(const sql::Expression& expression);
  static Result<int> resolve_column(const sql::Identifier& name, const LogicalNode& input);
  Result<int64_t> bind_window_interval(const sql::Expression& expression, std::string_view what);
  Result<int> bind_window_time(const sql::Expression& expression, const LogicalNode& input);
  Result<LogicalPtr> bind_deduplicate(const sql::FunctionCall& call);
  void add_dependency(const std::string& name);

  // bind_group_window.cc: TUMBLE, HOP and SESSION as keys
  // The rows that are grouped, with the times that windows can be over.
  Result<LogicalPtr> bind_grouped_rows(const sql::Select& select, LogicalPtr plan) const;
  Result<GroupWindow> bind_group_window(const sql::FunctionCall& call, const WindowFunction& function,
                                        const ExpressionContext& context);
  // Adds the keys that the call stands for; `in_sets`: they may be NULL.
  Status bind_group_window_keys(const sql::FunctionCall& call, const WindowFunction& function,
                                const ExpressionContext& context, bool in_sets, Grouping& grouping, GroupingSet& set);
  // TUMBLE_START and the like; nothing for other functions.
  Result<std::optional<expr::ExprPtr>> bind_group_window_call(const sql::Expression& expression,
                                                              const sql::FunctionCall& call);
  // Puts the rows that are to be grouped into their windows, whose columns become keys.
  Result<LogicalPtr> add_group_window(LogicalPtr plan, Grouping& grouping) const;

  // bind_match.cc
  Result<LogicalPtr> bind_match(const sql::MatchRecognize& written);
  Result<Named> bind_match_input(const sql::TableReference& table);
  static Result<std::vector<int>> bind_match_partition(const sql::MatchRecognize& match, const Scope& scope);
  Result<std::vector<SortKey>> bind_match_order(const sql::MatchRecognize& match, const LogicalNode& input,
                                                const Scope& scope, std::vector<expr::ExprPtr>& columns);
  static Result<types::MatchSkip> bind_match_skip(const sql::MatchRecognize& match, const PatternVariables& variables,
                                                  const types::RowPattern& pattern);
  Result<std::vector<expr::MatchDefinition>> bind_definitions(const sql::MatchRecognize& match,
                                                              const MatchScope& scope);
  Result<std::vector<std::string>> bind_match_outputs(const sql::MatchRecognize& written, const MatchScope& scope,
                                                      const types::Schema& input, Match& match);
  // bind_match_call.cc: inside of DEFINE and MEASURES
  Result<expr::ExprPtr> bind_match_column(const sql::Expression& expression, const sql::ColumnReference& node);
  // Nothing for calls that have nothing to do with the match.
  Result<std::optional<expr::ExprPtr>> bind_match_call(const sql::Expression& expression,
                                                       const sql::FunctionCall& call);
  // Whether only the rows up to the current one are meant.
  Result<bool> bind_match_rows(const sql::Expression& expression, const sql::FunctionCall& call);
  Result<expr::ExprPtr> bind_match_argument(const sql::Expression& argument, types::VariableSet& variables);
  Result<expr::MatchReference> bind_navigation(const sql::Expression& expression, const sql::FunctionCall& call);
  Result<expr::MatchReference> bind_match_aggregate(const sql::Expression& expression, const sql::FunctionCall& call);
  Result<expr::ExprPtr> bind_match_property(const sql::Expression& expression, const sql::FunctionCall& call);

  Result<expr::ExprPtr> bind_whole_row(const Scope& scope, const sql::QualifiedName& name);
  // bind_expression.cc, bind_call.cc: one per kind of node
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Literal& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::IntervalLiteral& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::ColumnReference& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Parameter& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Unary& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Binary& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Chain& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Logical& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Slice& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::ArraySubquery& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::IsTest& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::IsDistinctFrom& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Between& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::InList& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::PatternMatch& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Quantified& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::InSubquery& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Exists& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::ScalarSubquery& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Case& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Cast& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::FunctionCall& node);
  // bind_nested.cc
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::ArrayConstructor& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::MapConstructor& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::RowConstructor& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::Subscript& node);
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const sql::FieldAccess& node);
  // Everything that has no meaning as a value, or none yet.
  template <class Node>
  Result<expr::ExprPtr> bind(const sql::Expression& expression, const Node& node);

  Result<expr::ExprPtr> bind(const sql::Expression& expression);
  // Both sides of an operator. A parameter whose type is unknown takes that which fits the other side, and a text
  // beside an array is one of its type.
  Result<std::pair<expr::ExprPtr, expr::ExprPtr>> bind_pair(const sql::Expression& left, const sql::Expression& right,
                                                            sql::BinaryOperator op = sql::BinaryOperator::kEqual);
  // One side, by the type of the other.
  Result<expr::ExprPtr> bind_beside(types::DataType other, sql::BinaryOperator op, const sql::Expression& operand);
  // The first operand of an operator, and what it is applied to in its turn: one value, or the two parts of an interval
  // that is none of either kind, which comes second in a sum.
  struct Operands {
    expr::ExprPtr first;
    std::vector<expr::ExprPtr> others;
  };
  Result<Operands> bind_operands(sql::BinaryOperator op, const sql::Expression& left, const sql::Expression& right);
  // The others alone, for a first operand that is bound already.
  Result<std::vector<expr::ExprPtr>> bind_right(sql::BinaryOperator op, const expr::ExprPtr& left,
                                                const sql::Expression& right);
  Result<expr::ExprPtr> bind_long_chain(const sql::Expression& expression, const sql::Chain& node);
  Result<std::vector<expr::ExprPtr>> bind_all(const std::vector<sql::Expression>& expressions);
  Result<expr::ExprPtr> bind_array_of(types::DataType value, const sql::Expression& array);
  // left op ANY (array) or left op ALL (array); `opposite` is the operator of NOT (left op x).
  Result<expr::ExprPtr> bind_array_comparison(const sql::Quantified& node, std::string_view opposite);
  // The same of an operator that takes a pattern.
  Result<expr::ExprPtr> bind_pattern_of_each(const sql::Expression& expression, const sql::Quantified& node);
  // What is bound for each element, joined by AND or OR.
  using BindElement = std::function<Result<expr::ExprPtr>(const sql::Expression& element)>;
  static Result<expr::ExprPtr> bind_each(const sql::ArrayConstructor& array, bool all, const BindElement& bind_element);
  Result<expr::ExprPtr> bind_pattern(const sql::PatternMatch& node, expr::ExprPtr operand,
                                     const sql::Expression& pattern);
  Result<expr::ExprPtr> bind_in(const sql::Expression& expression, const sql::Expression& operand,
                                const std::vector<sql::Expression>& values, bool negated);
  Result<expr::ExprPtr> bind_aggregate_call(const sql::Expression& expression, const sql::FunctionCall& call);
  // bind_json.cc
  struct JsonClauses;
  Result<JsonClauses> bind_json_clauses(const sql::FunctionCall& call);
  Result<expr::ExprPtr> bind_json_call(const std::string& name, const sql::FunctionCall& call);
  // bind_aggregate.cc
  struct AggregateInputs;
  Status bind_aggregate_arguments(const sql::FunctionCall& call, const expr::AggregateFunction& function,
                                  const ExpressionContext& context, AggregateInputs& inputs);
  Status bind_aggregate_order(const sql::Expression& expression, const sql::FunctionCall& call,
                              const expr::AggregateFunction& function, const ExpressionContext& context,
                              AggregateInputs& inputs);
  // The function, its argument and filter, which are bound in `inner`.
  Result<FoundAggregate> bind_aggregate(const sql::Expression& expression, const sql::FunctionCall& call,
                                        ExpressionContext inner);
  Result<expr::ExprPtr> bind_grouping_call(const sql::Expression& expression, const sql::FunctionCall& call);
  Result<expr::ExprPtr> bind_current_watermark(const sql::Expression& expression, const sql::FunctionCall& call);
  // CURRENT_DATABASE() and its like; null for other functions.
  Result<expr::ExprPtr> bind_name_call(const sql::Expression& expression, const sql::FunctionCall& call) const;
  Result<expr::ExprPtr> bind_scalar_call(const sql::Expression& expression, const sql::FunctionCall& call);
  // bind_function.cc
  // The created function of that name; null when there is none.
  catalog::EntryPtr find_function(const sql::QualifiedName& name) const;
  Result<expr::ExprPtr> bind_function_call(const catalog::Entry& entry, const sql::Expression& expression,
                                           const sql::FunctionCall& call);
  Result<std::vector<expr::ExprPtr>> bind_function_arguments(const catalog::Entry& entry,
                                                             const sql::Expression& expression,
                                                             const sql::FunctionCall& call);
  Result<std::vector<expr::ExprPtr>> bind_arguments(const sql::FunctionCall& call);

  // What `bind` gives where only the definition of a view or function is known, and nothing of what is around it.
  template <class Bind>
  std::invoke_result_t<Bind> bind_elsewhere(const catalog::Entry& entry, const Bind& bind) {
    constexpr uint32_t kDepthMax = 50;
    if (view_depth_ == kDepthMax) {
      return make_error(ErrorCode::kResourceExhausted, "views and functions are nested more than {} deep", kDepthMax);
    }
    std::vector<CommonTable> outer_tables = std::exchange(common_tables_, {});
    std::vector<RecursiveUse> outer_uses = std::exchange(recursive_uses_, {});  // of these tables
    std::vector<OuterQuery> outer_queries = std::exchange(outer_queries_, {});
    const ExpressionContext* outer_context = std::exchange(expression_context_, nullptr);
    const types::TimeZone* outer_zone = std::exchange(eval_.zone, PENSTOCK_TRY(types::TimeZone::find(entry.time_zone)));
    const catalog::NameScope outer_names = names_;
    names_.schema = entry.names_schema;
    if (!entry.temporary) names_.temporary.clear();  // it was made of what stays
    ++view_depth_;
    auto bound = bind();
    --view_depth_;
    names_ = outer_names;
    eval_.zone = outer_zone;
    expression_context_ = outer_context;
    outer_queries_ = std::move(outer_queries);
    recursive_uses_ = std::move(outer_uses);
    common_tables_ = std::move(outer_tables);
    return bound;
  }

  const PlanContext& context_;
  expr::EvalContext eval_;  // its time zone is that of the view that is being bound, or the session's
  const ExpressionContext* expression_context_ = nullptr;  // of the expression that is being bound
  SelectHints hints_;                                      // of the SELECT that is being bound
  std::vector<CommonTable> common_tables_;                 // innermost last
  std::vector<RecursiveUse> recursive_uses_;               // so far, of recursive queries that are being bound
  int recursions_ = 0;                                     // so far
  std::vector<OuterQuery> outer_queries_;                  // of the subquery that is being bound, by level
  std::vector<types::DataType> parameter_types_;           // kNull: unknown yet
  std::vector<const sql::Values*> inserted_values_;        // see expect_values()
  std::vector<types::DataType> value_types_;
  DefaultOf default_of_;  // may be empty
  // Of the tables that have been bound, by their names and the options that hints changed.
  std::map<std::pair<std::string, catalog::Options>, std::shared_ptr<const ScanSource>> table_sources_;
  std::vector<std::string> dependencies_;
  catalog::NameScope names_;  // of the session, or of the view that is being bound
  std::vector<std::string> functions_;
  uint32_t inlined_calls_ = 0;
  uint32_t view_depth_ = 0;  // of the views and functions that are being bound
  bool uses_current_watermark_ = false;
};

// `value` as one of a column of that type: what an implicit cast allows, and strings that are written out become what
// they spell, as PostgreSQL has it. NULL is one for any column while it stands for parameters that have no values yet.
Result<expr::ExprPtr> assign(expr::ExprPtr value, types::DataType type, bool of_unknown_parameters = false);

// What a column gets that an INSERT does not name: its default, or NULL.
// Adds the created functions that it calls to `functions`.
Result<expr::ExprPtr> default_of(const catalog::Column& column, const PlanContext& context,
                                 std::vector<std::string>* functions = nullptr);

// The table of that name, which is to be written to.
Result<catalog::EntryPtr> find_target(const sql::QualifiedName& name, const PlanContext& context);

// Optimizes a bound plan and makes it physical; the result's columns keep their names.
Result<PlannedQuery> finish_plan(LogicalPtr plan, const Binder& binder, const PlanContext& context);

// The place of `expression` among `expressions`, to which it is added when it is not there.
int find_or_add(std::vector<expr::ExprPtr>& expressions, const expr::ExprPtr& expression);

// The plan with this time zone (null: UTC) in all that it matters to and that has none yet.
LogicalPtr plan_in_zone(const LogicalPtr& plan, const types::TimeZone* zone);

// Every distinct row once.
LogicalPtr make_distinct(LogicalPtr input);

// A place where a recursive query cannot be read.
inline constexpr std::string_view kBelowSort = "below ORDER BY, LIMIT or OFFSET";

// Where the query first reads a table of that name, which is none of its own WITH.
std::optional<sql::Position> first_use(const sql::Query& query, const sql::Identifier& name);

// All rows of the inputs, which have columns of the same types.
LogicalPtr union_all(std::vector<LogicalPtr> inputs);
// The input with its columns cast to these types.
Result<LogicalPtr> cast_columns(LogicalPtr input, const std::vector<types::DataType>& types);

JoinKind kind_of(sql::JoinKind kind);
// Two tables of one name would leave no way to name a column of either.
Status check_table_names(const Scope& left, const Scope& right, sql::Position position);
// What a join does to the scope of both sides: the columns, of which the first ones are the left side's, get the types
// of its rows.
void set_joined(Scope& scope, JoinKind kind, size_t left_columns, const types::Schema& schema);
// An item of ORDER BY, whose value is that column.
SortKey sort_key(int column, const sql::OrderItem& item);
// The rows that ORDER BY, OFFSET and LIMIT keep, in no order; kept up to date.
Rank first_rows(std::vector<SortKey> order, std::optional<int64_t> limit, int64_t offset);

// A scan of all columns.
LogicalPtr make_scan(std::shared_ptr<const ScanSource> source);

// The field of a ROW, of that field, ..., that the parts of the name from `first` on name.
Result<expr::ExprPtr> bind_fields(expr::ExprPtr value, const sql::QualifiedName& name, size_t first);

// Gives an error without a position this one.
template <class T>
Result<T> located(Result<T> result, sql::Position position) {
  if (result || result.error().position()) return result;
  return std::move(result).error().at(position.offset);
}

}  // namespace penstock::plan
