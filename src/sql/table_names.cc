#include "sql/table_names.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "sql/keywords.h"

namespace penstock::sql {
namespace {

// Walks over the whole tree; one method per kind of node that can hold a table's name.
class TableWalk {
 public:
  explicit TableWalk(const std::function<void(const TableUse&)>& visit) : visit_(visit) {}

  void walk(Query& query) {
    const size_t outer = common_tables_.size();
    for (CommonTableExpression& table : query.with) {
      if (query.recursive) common_tables_.push_back(table.name.text);
      walk(*table.query);
      if (!query.recursive) common_tables_.push_back(table.name.text);
    }
    std::visit([this](auto& body) { walk(body); }, query.body);
    walk(query.order_by);
    walk(query.limit);
    walk(query.offset);
    common_tables_.resize(outer);
  }

  void use(QualifiedName& name, std::optional<TableAlias>* alias) {
    const bool common = name.parts.size() == 1 && std::ranges::any_of(common_tables_, [&](const std::string& table) {
                          return equal_ignoring_case(table, name.parts.front().text);
                        });
    if (!common) visit_({.name = &name, .alias = alias});
  }

  template <class T>
  void walk(Box<T>& box) {
    if (box) walk(*box);
  }

 private:
  void walk(std::vector<SelectItem>& items) {
    for (SelectItem& item : items) walk(item.value);
  }
  void walk(std::vector<Expression>& expressions) {
    for (Expression& expression : expressions) walk(expression);
  }
  void walk(std::vector<OrderItem>& items) {
    for (OrderItem& item : items) walk(item.value);
  }
  void walk(WindowSpecification& window) {
    walk(window.partition_by);
    walk(window.order_by);
  }

  void walk(Select& select) {
    walk(select.distinct_on);
    walk(select.items);
    for (TableReference& table : select.from) walk(table);
    walk(select.where);
    for (GroupingElement& element : select.group_by) {
      for (std::vector<Expression>& set : element.sets) walk(set);
    }
    walk(select.having);
    for (NamedWindow& window : select.windows) walk(window.specification);
    walk(select.qualify);
  }
  void walk(Values& values) {
    for (std::vector<Expression>& row : values.rows) walk(row);
  }
  void walk(SetOperation& operation) {
    for (Query& input : operation.inputs) walk(input);
  }

  void walk(TableReference& table) {
    if (auto* named = std::get_if<NamedTable>(&table.node)) {
      use(named->name, &table.alias);
      walk(named->as_of);
    } else {
      std::visit([this](auto& node) { walk(node); }, table.node);
    }
  }
  void walk(NamedTable& /*table*/) {}  // walk(TableReference&) knows its alias
  void walk(DerivedTable& table) { walk(table.query); }
  void walk(TableFunction& table) { walk(table.call); }
  void walk(Join& join) {
    walk(join.left);
    walk(join.right);
    walk(join.on);
    walk(join.match_condition);
  }
  void walk(MatchRecognize& match) {
    walk(match.input);
    walk(match.partition_by);
    walk(match.order_by);
    walk(match.measures);
    for (PatternDefinition& definition : match.definitions) walk(definition.condition);
  }

  void walk(Expression& expression) {
    std::visit([this](auto& node) { walk(node); }, expression.node);
  }
  void walk(Literal& /*node*/) {}
  void walk(IntervalLiteral& /*node*/) {}
  void walk(ColumnReference& /*node*/) {}
  void walk(Star& /*node*/) {}
  void walk(Parameter& /*node*/) {}
  void walk(Keyword& /*node*/) {}
  void walk(Descriptor& /*node*/) {}
  void walk(Unary& node) { walk(node.operand); }
  void walk(Binary& node) { walk_both(node); }
  void walk(Chain& node) { walk(node.operands); }
  void walk(Logical& node) { walk(node.operands); }
  void walk(IsTest& node) { walk(node.operand); }
  void walk(IsDistinctFrom& node) { walk_both(node); }
  void walk(Between& node) {
    walk(node.operand);
    walk(node.low);
    walk(node.high);
  }
  void walk(InList& node) {
    walk(node.operand);
    walk(node.values);
  }
  void walk(InSubquery& node) {
    walk(node.operand);
    walk(node.query);
  }
  void walk(PatternMatch& node) {
    walk(node.operand);
    walk(node.pattern);
    walk(node.escape);
  }
  void walk(Quantified& node) {
    walk(node.left);
    walk(node.array);
    walk(node.query);
  }
  void walk(Exists& node) { walk(node.query); }
  void walk(ScalarSubquery& node) { walk(node.query); }
  void walk(Case& node) {
    walk(node.operand);
    for (WhenClause& when : node.whens) {
      walk(when.conditions);
      walk(when.result);
    }
    walk(node.otherwise);
  }
  void walk(Cast& node) { walk(node.operand); }
  void walk(FunctionCall& node) {
    walk(node.arguments);
    walk(node.order_by);
    walk(node.filter);
    walk(node.over);
  }
  void walk(TableArgument& node) {
    if (!node.query) use(node.name, nullptr);
    walk(node.query);
    walk(node.partition_by);
    walk(node.order_by);
  }
  void walk(NamedArgument& node) { walk(node.value); }
  void walk(ArrayConstructor& node) { walk(node.elements); }
  void walk(MapConstructor& node) { walk(node.elements); }
  void walk(RowConstructor& node) { walk(node.elements); }
  void walk(Subscript& node) {
    walk(node.operand);
    walk(node.index);
  }
  void walk(Slice& node) {
    walk(node.operand);
    walk(node.first);
    walk(node.last);
  }
  void walk(ArraySubquery& node) { walk(node.query); }
  void walk(FieldAccess& node) { walk(node.operand); }

  template <class Node>
  void walk_both(Node& node) {
    walk(node.left);
    walk(node.right);
  }

  const std::function<void(const TableUse&)>& visit_;
  std::vector<std::string> common_tables_;  // those that a name may be of, innermost last
};

}  // namespace

void for_each_table(Query& query, const std::function<void(const TableUse&)>& visit) { TableWalk(visit).walk(query); }

void for_each_table_name(const Query& query, const std::function<void(const QualifiedName&)>& visit) {
  // The walk changes nothing: only who is called could.
  for_each_table(const_cast<Query&>(query), [&](const TableUse& use) { visit(*use.name); });
}

void for_each_table(Statement& statement, const std::function<void(const TableUse&)>& visit) {
  TableWalk walk(visit);
  if (auto* query = std::get_if<Query>(&statement.node)) walk.walk(*query);
  if (auto* insert = std::get_if<Insert>(&statement.node)) {
    walk.use(insert->table, nullptr);
    walk.walk(insert->query);
  }
  if (auto* view = std::get_if<CreateView>(&statement.node)) walk.walk(view->query);
  if (auto* view = std::get_if<CreateMaterializedView>(&statement.node)) walk.walk(view->query);
  if (auto* alert = std::get_if<CreateAlert>(&statement.node)) walk.walk(alert->query);
}

}  // namespace penstock::sql
