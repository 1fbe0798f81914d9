// The recursive-descent parser, private to the module: its methods are spread over parse_*.cc by what they read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sql/parser.h"
#include "sql/statement.h"
#include "sql/token_cursor.h"

namespace penstock::sql {

// How tightly operators bind, from loose to tight. Of one level, they group from the left.
enum class Precedence : uint8_t {
  kLowest,
  kOr,
  kAnd,
  kNot,
  kIs,          // IS NULL, IS DISTINCT FROM
  kComparison,  // = <> < <= > >=
  kRange,       // BETWEEN, IN, LIKE, SIMILAR TO
  kConcat,      // || and PostgreSQL's other operators
  kSum,         // + -
  kProduct,     // * / %
  kPower,       // ^
  kTimeZone,    // AT TIME ZONE
  kSign,        // unary + - ~
  kPostfix,     // :: [] .
};

struct BinaryOperatorSyntax {
  std::string_view symbol;
  BinaryOperator op;
  Precedence precedence;
};
// The binary operator at a symbol, or null.
const BinaryOperatorSyntax* find_binary_operator(std::string_view symbol);
// The precedence of an operator.
Precedence precedence_of(BinaryOperator op);

// Reads one statement. Each parse_x() reads an x from the cursor on, and fails at the first token that does not fit.
//
// Keeps a bound on the height of the trees it makes: `depth_` counts the productions that are open, `height_` is at
// least the height of what the current production has made so far.
class Parser {
 public:
  explicit Parser(TokenCursor cursor) : cursor_(std::move(cursor)) {}

  Result<Statement> parse_whole_statement();
  Result<Query> parse_whole_query();
  Result<Expression> parse_whole_expression();
  Result<TypeName> parse_whole_type();

 private:
  // Open while a production that can contain itself is read.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser), height_outside_(std::exchange(parser.height_, 0)) {
      ++parser_.depth_;
    }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting() {
      --parser_.depth_;
      parser_.height_ = std::max(height_outside_, parser_.height_ + 1);
    }

   private:
    Parser& parser_;
    uint32_t height_outside_;
  };
  // Fails when the tree would become too high; called where a production opens.
  Status check_depth() const;
  // Counts one more node on top of what was made last; called where a chain wraps its left operand.
  Status grow();

  // parse_name.cc, parse_type.cc
  Status expect_end();
  bool at_name(size_t ahead = 0) const;
  Result<Identifier> parse_identifier();
  // A name where no keyword can be meant, after a dot or AS: reserved words need no quotes.
  Result<Identifier> parse_label();
  Result<QualifiedName> parse_qualified_name();
  Result<std::vector<Identifier>> parse_identifier_list();
  Result<std::string> parse_string(std::string_view what);
  std::optional<Identifier> accept_identifier();
  Result<std::string> parse_option_key();
  Result<std::string> parse_option_value();
  Result<std::vector<Option>> parse_options();
  Result<std::vector<Hint>> parse_hints();
  Result<TypeName> parse_type();
  Result<TypeName> parse_type_base();
  Status parse_type_words(TypeName& type);
  Status parse_type_arguments(TypeName& type);
  Status parse_row_type_fields(TypeName& type);
  Status parse_interval_type(TypeName& type);

  // parse_expression.cc: operators
  Result<Expression> parse_expression(Precedence minimum = Precedence::kLowest);
  Result<std::vector<Expression>> parse_expression_list();
  Result<Box<Expression>> parse_boxed_expression(Precedence minimum = Precedence::kLowest);
  Result<Expression> parse_prefix();
  // Extends `left` by the operator at the cursor when that binds tighter than `minimum`; false when there is none.
  Result<bool> parse_infix(Expression& left, Precedence minimum);
  std::string_view operator_symbol() const;
  Result<bool> parse_postfix(Expression& left);
  bool at_quantifier() const;
  Status parse_binary(Expression& left, const BinaryOperatorSyntax& syntax);
  Status parse_chain(Expression& left, const BinaryOperatorSyntax& syntax, Position position, Expression right);
  Status parse_logical(Expression& left, bool is_and);
  Status parse_is(Expression& left);
  Status parse_between(Expression& left, bool negated);
  Status parse_in(Expression& left, bool negated);
  Status parse_pattern(Expression& left, bool negated);
  Status parse_time_zone(Expression& left);
  Status parse_overlaps(Expression& left);

  // parse_primary.cc: what stands without operators
  Result<Expression> parse_primary();
  Result<std::optional<Expression>> parse_constant();
  Result<std::optional<Expression>> parse_special_form();
  Result<Expression> parse_parameter();
  Result<Expression> parse_parenthesized();
  Result<Expression> parse_case();
  Result<Expression> parse_cast(bool try_cast);
  Result<Expression> parse_interval();
  Result<Expression> parse_name_or_call();
  Result<Expression> parse_constructor();

  // parse_call.cc: function calls
  Result<FunctionCall> parse_call(QualifiedName name);
  Status parse_call_arguments(FunctionCall& call);
  Result<Expression> parse_argument();
  Status parse_call_suffixes(FunctionCall& call);
  Result<bool> parse_special_arguments(FunctionCall& call);
  Result<Expression> parse_keyword_argument(std::string_view what);
  Status parse_trim_arguments(FunctionCall& call);
  void accept_null_treatment(FunctionCall& call);
  Status parse_argument_order(FunctionCall& call);
  // parse_json.cc: calls of the standard's JSON functions
  static bool is_json_function(std::string_view name);
  Status parse_json_arguments(FunctionCall& call, std::string_view name);
  Status parse_json_pairs(FunctionCall& call);
  Status parse_json_behaviors(FunctionCall& call);
  void accept_json_null_clause(FunctionCall& call);
  bool at_json_null_clause() const;
  Result<WindowSpecification> parse_window_specification();
  bool at_window_frame() const;
  Result<WindowFrame> parse_window_frame();
  Result<FrameBound> parse_frame_bound();
  Result<Expression> parse_table_argument();
  Result<std::vector<OrderItem>> parse_order_items();

  // parse_query.cc, parse_from.cc
  bool at_query() const;
  Result<Query> parse_query();
  // From behind its WITH on, which `head` has and which begins at `position`.
  Result<Query> parse_query_behind_with(Query head, Position position);
  Result<Box<Query>> parse_boxed_query();
  // The query of a statement: EMIT may follow.
  Result<Query> parse_statement_query();
  Result<Box<Query>> parse_boxed_statement_query();
  bool at_emit(size_t ahead = 0) const;
  Result<Emit> parse_emit();
  Result<Query> parse_set_operation(int level);
  Result<Query> parse_query_operand();
  Status parse_with(Query& query);
  Status parse_order_and_limit(Query& query);
  Result<Select> parse_select();
  Result<std::vector<SelectItem>> parse_select_items();
  Result<SelectItem> parse_select_item();
  Result<Values> parse_values();
  Result<Expression> parse_row_value();
  Result<std::vector<GroupingElement>> parse_group_by();
  Result<GroupingElement> parse_grouping_element();
  Result<TableReference> parse_table_reference();
  Status parse_join(TableReference& left, JoinKind kind, bool natural);
  Status parse_asof_join(TableReference& left);
  Result<std::optional<JoinKind>> accept_join_kind();
  Result<TableReference> parse_table_factor();
  Result<TableReference> parse_plain_table();
  Result<TableReference> parse_table_factor_body();
  Result<TableReference> parse_parenthesized_table();
  Result<TableReference> parse_derived_table(bool lateral);
  Status parse_table_alias(TableReference& table);

  // parse_match.cc
  bool at_asof_join() const { return cursor_.at("ASOF") && cursor_.at("JOIN", 1); }
  // [LEFT] SEMI JOIN, [LEFT] ANTI JOIN: from the second word on.
  bool at_semi_join(size_t ahead = 0) const {
    return (cursor_.at("SEMI", ahead) || cursor_.at("ANTI", ahead)) && cursor_.at("JOIN", ahead + 1);
  }
  bool at_match_condition() const { return cursor_.at("MATCH_CONDITION") && cursor_.at("(", 1); }
  bool at_match_recognize() const { return cursor_.at("MATCH_RECOGNIZE") && cursor_.at("(", 1); }
  // What stands behind a table, and becomes one over it.
  Status parse_match_recognize(TableReference& input);
  Result<std::vector<SelectItem>> parse_measures();
  Status parse_rows_per_match(MatchRecognize& match);
  Result<AfterMatch> parse_after_match();
  Result<PatternTerm> parse_pattern_alternation();
  Result<PatternTerm> parse_pattern_sequence();
  Result<PatternTerm> parse_pattern_factor();
  Result<PatternTerm> parse_pattern_primary();
  Result<std::optional<PatternQuantifier>> parse_pattern_quantifier();
  Result<uint32_t> parse_repetitions();
  Result<PatternSubset> parse_pattern_subset();
  Result<PatternDefinition> parse_pattern_definition();

  // parse_changes.cc
  Result<Statement::Node> parse_statement_with();
  // INSERT, UPDATE, DELETE or MERGE, behind a WITH.
  Result<Statement::Node> parse_change(WithClause with);
  Result<Insert> parse_insert();
  Result<std::vector<Assignment>> parse_partition();
  Result<OnConflict> parse_on_conflict();
  Result<Box<Expression>> parse_value_or_default();
  Result<std::vector<Box<Expression>>> parse_values_or_defaults();
  Result<std::vector<Assignment>> parse_assignments();
  Status parse_row_assignment(std::vector<Assignment>& assignments);
  Result<std::vector<SelectItem>> parse_returning();
  Result<TargetTable> parse_target_table();
  Result<std::vector<TableReference>> parse_table_list();
  Result<Update> parse_update();
  Result<Delete> parse_truncate();
  Result<Delete> parse_delete();
  Result<Merge> parse_merge();
  Result<MergeWhen> parse_merge_when();

  // parse_statement.cc, parse_create.cc, parse_session.cc
  Result<Statement::Node> parse_statement();
  bool at_statement_set() const { return cursor_.at("STATEMENT") && cursor_.at("SET", 1); }
  // From STATEMENT on; `separator` is between its head and the first INSERT.
  Result<StatementSet> parse_statement_set(std::string_view separator);
  Result<Use> parse_use();
  Result<Drop> parse_drop();
  Result<Statement::Node> parse_alter();
  Result<Statement::Node> parse_alter_options(AlterOptions alter, bool set);
  Result<Statement::Node> parse_alter_columns(AlterColumns alter);
  Status parse_changed_element(AlterColumns& alter);
  Status parse_dropped(AlterColumns& alter);
  // TABLE, MATERIALIZED VIEW, ...; in the plural for SHOW.
  std::optional<ObjectKind> accept_object_kind(bool plural);
  Result<Statement::Node> parse_create();
  Result<CreateTable> parse_create_table();
  Result<LikeClause> parse_like();
  Result<LikeOption> parse_like_option();
  Status parse_table_element(CreateTable& table);
  Result<ColumnDefinition> parse_column_definition();
  Status parse_column_constraints(ColumnDefinition& column);
  Status parse_constraint_name();
  Status parse_not_enforced();
  Result<CreateView> parse_create_view();
  Result<CreateMaterializedView> parse_create_materialized_view();
  Result<CreateSchema> parse_create_schema();
  Result<CreateFunction> parse_create_function();
  Result<CreateAlert> parse_create_alert();
  Result<bool> parse_if_not_exists();
  Result<std::optional<std::string>> parse_comment();
  Result<Statement::Node> parse_show();
  Result<std::optional<ShowPattern>> parse_show_pattern();
  Result<Describe> parse_describe();
  Result<Statement::Node> parse_set();
  Result<std::string> parse_setting_name();
  Result<std::string> parse_setting_value();
  Result<Reset> parse_reset();
  bool at_session_command() const;
  Result<Explain> parse_explain();
  Status parse_explain_options(Explain& explain);
  Result<SessionCommand> parse_session_command();
  std::string take_rest();

  TokenCursor cursor_;
  uint32_t depth_ = 0;
  uint32_t height_ = 0;
  uint32_t parameters_ = 0;
};

}  // namespace penstock::sql
