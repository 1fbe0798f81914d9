// The printer, private to the module: appends the SQL of nodes to one string.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sql/parser_state.h"
#include "sql/statement.h"

namespace penstock::sql {

class Printer {
 public:
  void print(const Statement& statement);
  void print(const Query& query);
  void print(const Insert& insert);
  void print(const Emit& emit);
  // In parentheses when it binds less tightly than `minimum`.
  void print(const Expression& expression, Precedence minimum = Precedence::kLowest);
  void print(const TypeName& type);
  void print(const QualifiedName& name);
  // In parentheses when it is not alone.
  void print_pattern(const PatternTerm& term, bool alone);

  std::string take() { return std::move(out_); }

 private:
  // One per kind of expression.
  void print_node(const Literal& node);
  void print_node(const IntervalLiteral& node);
  void print_node(const ColumnReference& node) { print(node.name); }
  void print_node(const Star& node);
  void print_node(const Parameter& node);
  void print_node(const Unary& node);
  void print_node(const Binary& node);
  void print_node(const Chain& node);
  void print_node(const Logical& node);
  void print_node(const IsTest& node);
  void print_node(const IsDistinctFrom& node);
  void print_node(const Between& node);
  void print_node(const InList& node);
  void print_node(const InSubquery& node);
  void print_node(const PatternMatch& node);
  void print_node(const Quantified& node);
  void print_node(const Exists& node);
  void print_node(const ScalarSubquery& node);
  void print_node(const Case& node);
  void print_node(const Cast& node);
  void print_node(const FunctionCall& node);
  void print_node(const Keyword& node) { out_ += node.text; }
  void print_node(const TableArgument& node);
  void print_node(const Descriptor& node);
  void print_node(const NamedArgument& node);
  void print_node(const ArrayConstructor& node);
  void print_node(const MapConstructor& node);
  void print_node(const RowConstructor& node);
  void print_node(const Subscript& node);
  void print_node(const Slice& node);
  void print_node(const ArraySubquery& node);
  void print_node(const FieldAccess& node);
  void print_arguments(const FunctionCall& call);
  void print_window(const WindowSpecification& window);
  void print_frame_bound(const FrameBound& bound);
  void print_order(const std::vector<OrderItem>& items);
  // The operand of [] and .; only what parses there bare stays bare.
  void print_postfix_operand(const Expression& operand);
  // The same of [], where a column's name stays bare too.
  void print_subscripted(const Expression& operand);

  // The parts of queries.
  void print_node(const Select& node);
  void print_node(const Values& node);
  void print_node(const SetOperation& node);
  void print_select_items(const std::vector<SelectItem>& items);
  void print_group_by(const std::vector<GroupingElement>& elements);
  void print_hints(const std::vector<Hint>& hints);
  void print(const TableReference& table);
  void print_node(const NamedTable& node);
  void print_node(const DerivedTable& node);
  void print_node(const TableFunction& node);
  void print_node(const Join& node);
  void print_node(const MatchRecognize& node);
  void print_rows_per_match(RowsPerMatch rows);
  void print_after_match(const AfterMatch& after);
  void print_quantifier(const PatternQuantifier& quantifier);
  void print_variable(const Identifier& variable);

  // One per kind of statement.
  void print_node(const Query& node) { print(node); }
  void print_node(const Insert& node) { print(node); }
  void print_node(const StatementSet& node);
  void print_node(const Update& node);
  void print_node(const Delete& node);
  void print_node(const Merge& node);
  void print(const MergeWhen& when);
  void print_node(const CreateTable& node);
  // WATERMARK and PRIMARY KEY, each behind the separator, which is a comma then.
  void print_constraints(const CreateTable& node, std::string_view& separator);
  void print_node(const CreateView& node);
  void print_node(const CreateMaterializedView& node);
  void print_node(const CreateFunction& node);
  void print_node(const CreateAlert& node);
  void print_node(const Drop& node);
  void print_node(const AlterRename& node);
  void print_node(const AlterOptions& node);
  void print_node(const AlterColumns& node);
  void print_node(const AlterView& node);
  void print_node(const ShowObjects& node);
  void print_node(const ShowColumns& node);
  void print_node(const ShowPartitions& node);
  void print_node(const ShowCreate& node);
  void print_node(const ShowSetting& node);
  void print_node(const Describe& node);
  void print_node(const Set& node);
  void print_node(const Reset& node);
  void print_node(const Explain& node);
  void print_node(const ShowCurrent& node);
  void print_node(const CreateSchema& node);
  void print_node(const AlterSchema& node);
  void print_node(const Flush& node);
  void print_node(const Subscribe& node);
  void print_node(const SessionCommand& node);
  void print_node(const Use& node);
  void print_on_conflict(const OnConflict& conflict);
  void print(const TargetTable& table);
  void print_with(const WithClause& with);
  // WITH and a space, where there are any.
  void print_common_tables(const std::vector<CommonTableExpression>& tables, bool recursive);
  // The tables behind " FROM " or " USING ", where there are any.
  void print_tables(std::string_view word_before, const std::vector<TableReference>& tables);
  void print_value_or_default(const Box<Expression>& value);
  void print_assignments(const std::vector<Assignment>& assignments);
  void print_returning(const std::vector<SelectItem>& items);
  void print_like(const LikeClause& like);
  void print_show_pattern(const std::optional<ShowPattern>& like);
  void print_partition(const std::vector<Assignment>& partition);
  void print_column(const ColumnDefinition& column);
  void print_options(const std::vector<Option>& options);
  void print_settings(const std::vector<Option>& options);  // without the parentheses
  void print_comment(const std::optional<std::string>& comment);

  void word(std::string_view text) { out_ += text; }
  void name(const Identifier& identifier);
  void names(const std::vector<Identifier>& identifiers);  // in parentheses
  void list(const std::vector<Expression>& expressions);
  // Calls print_one on each item, with ", " between them.
  template <class Items, class PrintOne>
  void separated(const Items& items, PrintOne print_one) {
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += ", ";
      first = false;
      print_one(item);
    }
  }

  std::string out_;
};

}  // namespace penstock::sql
