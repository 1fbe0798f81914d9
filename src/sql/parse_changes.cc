// Statements that change the rows of tables: INSERT, UPDATE, DELETE, MERGE, TRUNCATE.
#include <iterator>
#include <utility>

#include "sql/keywords.h"
#include "sql/parser_state.h"

namespace penstock::sql {

// WITH ... before a query, or before a statement that changes a table.
Result<Statement::Node> Parser::parse_statement_with() {
  Nesting nesting(*this);
  const Position position = cursor_.position();
  Query head;
  PENSTOCK_TRY(parse_with(head));
  for (std::string_view verb : {"INSERT", "UPDATE", "DELETE", "MERGE"}) {
    if (cursor_.at(verb)) return parse_change({std::move(head.with), head.recursive});
  }
  Query query = PENSTOCK_TRY(parse_query_behind_with(std::move(head), position));
  if (at_emit()) query.emit = PENSTOCK_TRY(parse_emit());
  return Statement::Node(std::move(query));
}

Result<Statement::Node> Parser::parse_change(WithClause with) {
  if (cursor_.accept("UPDATE")) {
    Update update = PENSTOCK_TRY(parse_update());
    update.with = std::move(with);
    return Statement::Node(std::move(update));
  }
  if (cursor_.accept("DELETE")) {
    Delete node = PENSTOCK_TRY(parse_delete());
    node.with = std::move(with);
    return Statement::Node(std::move(node));
  }
  if (cursor_.accept("MERGE")) {
    Merge merge = PENSTOCK_TRY(parse_merge());
    merge.with = std::move(with);
    return Statement::Node(std::move(merge));
  }
  PENSTOCK_TRY(cursor_.expect("INSERT"));
  Insert insert = PENSTOCK_TRY(parse_insert());
  std::vector<CommonTableExpression>& tables = insert.query->with;
  tables.insert(tables.begin(), std::make_move_iterator(with.tables.begin()),
                std::make_move_iterator(with.tables.end()));
  insert.query->recursive = insert.query->recursive || with.recursive;
  return Statement::Node(std::move(insert));
}

Result<Insert> Parser::parse_insert() {
  Insert insert{.overwrite = cursor_.accept("OVERWRITE")};
  if (!insert.overwrite) PENSTOCK_TRY(cursor_.expect("INTO"));
  insert.table = PENSTOCK_TRY(parse_qualified_name());
  insert.hints = PENSTOCK_TRY(parse_hints());
  if (cursor_.accept("AS")) insert.alias = PENSTOCK_TRY(parse_identifier());
  if (cursor_.accept("PARTITION")) insert.partition = PENSTOCK_TRY(parse_partition());
  if (cursor_.at("(") && !at_query()) insert.columns = PENSTOCK_TRY(parse_identifier_list());
  const Position position = cursor_.position();
  if (insert.columns.empty() && cursor_.accept("DEFAULT", "VALUES")) {
    insert.default_values = true;
    Values one_row;
    one_row.rows.emplace_back();
    insert.query = Box(Query{.body = std::move(one_row), .position = position});
  } else {
    insert.query = PENSTOCK_TRY(parse_boxed_statement_query());
  }
  if (cursor_.at("ON")) insert.on_conflict = PENSTOCK_TRY(parse_on_conflict());
  insert.returning = PENSTOCK_TRY(parse_returning());
  return insert;
}

// (column = value, ...)
Result<std::vector<Assignment>> Parser::parse_partition() {
  std::vector<Assignment> partition;
  PENSTOCK_TRY(cursor_.expect("("));
  do {
    Assignment& assignment = partition.emplace_back();
    assignment.columns.push_back(PENSTOCK_TRY(parse_identifier()));
    PENSTOCK_TRY(cursor_.expect("="));
    assignment.value = PENSTOCK_TRY(parse_boxed_expression());
  } while (cursor_.accept(","));
  PENSTOCK_TRY(cursor_.expect(")"));
  return partition;
}

Result<OnConflict> Parser::parse_on_conflict() {
  OnConflict conflict{.position = cursor_.position()};
  PENSTOCK_TRY(cursor_.expect("ON"));
  PENSTOCK_TRY(cursor_.expect("CONFLICT"));
  if (cursor_.at("(")) {
    conflict.columns = PENSTOCK_TRY(parse_identifier_list());
  } else if (cursor_.accept("ON")) {
    PENSTOCK_TRY(cursor_.expect("CONSTRAINT"));
    conflict.constraint = PENSTOCK_TRY(parse_identifier());
  }
  PENSTOCK_TRY(cursor_.expect("DO"));
  if (cursor_.accept("NOTHING")) return conflict;
  PENSTOCK_TRY(cursor_.expect("UPDATE"));
  PENSTOCK_TRY(cursor_.expect("SET"));
  conflict.assignments = PENSTOCK_TRY(parse_assignments());
  if (cursor_.accept("WHERE")) conflict.where = PENSTOCK_TRY(parse_boxed_expression());
  return conflict;
}

// An expression, or DEFAULT, which gives an empty one.
Result<Box<Expression>> Parser::parse_value_or_default() {
  if (cursor_.accept("DEFAULT")) return Box<Expression>();
  return parse_boxed_expression();
}

Result<std::vector<Box<Expression>>> Parser::parse_values_or_defaults() {
  std::vector<Box<Expression>> values;
  PENSTOCK_TRY(cursor_.expect("("));
  do {
    values.push_back(PENSTOCK_TRY(parse_value_or_default()));
  } while (cursor_.accept(","));
  PENSTOCK_TRY(cursor_.expect(")"));
  return values;
}

Result<std::vector<Assignment>> Parser::parse_assignments() {
  std::vector<Assignment> assignments;
  do {
    if (cursor_.at("(")) {
      PENSTOCK_TRY(parse_row_assignment(assignments));
      continue;
    }
    Assignment& assignment = assignments.emplace_back();
    assignment.columns.push_back(PENSTOCK_TRY(parse_identifier()));
    PENSTOCK_TRY(cursor_.expect("="));
    assignment.value = PENSTOCK_TRY(parse_value_or_default());
  } while (cursor_.accept(","));
  return assignments;
}

// (column, ...) = [ROW] (value, ...), which is an assignment for each, or (column, ...) = (query).
Status Parser::parse_row_assignment(std::vector<Assignment>& assignments) {
  std::vector<Identifier> columns = PENSTOCK_TRY(parse_identifier_list());
  PENSTOCK_TRY(cursor_.expect("="));
  const Position position = cursor_.position();
  if (cursor_.at("(") && (cursor_.at("SELECT", 1) || cursor_.at("WITH", 1) || cursor_.at("VALUES", 1))) {
    cursor_.advance();
    ScalarSubquery query{PENSTOCK_TRY(parse_boxed_query())};
    PENSTOCK_TRY(cursor_.expect(")"));
    assignments.push_back({std::move(columns), Box(Expression(std::move(query), position))});
    return {};
  }
  cursor_.accept("ROW");
  std::vector<Box<Expression>> values = PENSTOCK_TRY(parse_values_or_defaults());
  if (values.size() != columns.size()) {
    return invalid_argument("{} columns are set to {} values", columns.size(), values.size()).at(position.offset);
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    Assignment& assignment = assignments.emplace_back();
    assignment.columns.push_back(std::move(columns[i]));
    assignment.value = std::move(values[i]);
  }
  return {};
}

// [RETURNING items]
Result<std::vector<SelectItem>> Parser::parse_returning() {
  if (!cursor_.accept("RETURNING")) return std::vector<SelectItem>();
  return parse_select_items();
}

// ONLY means what goes without it: no table inherits from another.
Result<TargetTable> Parser::parse_target_table() {
  if (cursor_.at("ONLY") && at_name(1)) cursor_.advance();
  TargetTable table{.name = PENSTOCK_TRY(parse_qualified_name()), .alias = std::nullopt};
  if (cursor_.accept("AS") || at_name()) table.alias = PENSTOCK_TRY(parse_identifier());
  return table;
}

Result<std::vector<TableReference>> Parser::parse_table_list() {
  std::vector<TableReference> tables;
  do {
    tables.push_back(PENSTOCK_TRY(parse_table_reference()));
  } while (cursor_.accept(","));
  return tables;
}

Result<Update> Parser::parse_update() {
  Update update{.table = PENSTOCK_TRY(parse_target_table())};
  PENSTOCK_TRY(cursor_.expect("SET"));
  update.assignments = PENSTOCK_TRY(parse_assignments());
  if (cursor_.accept("FROM")) update.from = PENSTOCK_TRY(parse_table_list());
  if (cursor_.accept("WHERE")) update.where = PENSTOCK_TRY(parse_boxed_expression());
  update.returning = PENSTOCK_TRY(parse_returning());
  return update;
}

// TRUNCATE [TABLE] name: it deletes all rows.
Result<Delete> Parser::parse_truncate() {
  cursor_.accept("TABLE");
  return Delete{.table = {PENSTOCK_TRY(parse_qualified_name()), std::nullopt}};
}

Result<Delete> Parser::parse_delete() {
  PENSTOCK_TRY(cursor_.expect("FROM"));
  Delete node{.table = PENSTOCK_TRY(parse_target_table())};
  if (cursor_.accept("USING")) node.from = PENSTOCK_TRY(parse_table_list());
  if (cursor_.accept("WHERE")) node.where = PENSTOCK_TRY(parse_boxed_expression());
  node.returning = PENSTOCK_TRY(parse_returning());
  return node;
}

Result<Merge> Parser::parse_merge() {
  PENSTOCK_TRY(cursor_.expect("INTO"));
  Merge merge{.table = PENSTOCK_TRY(parse_target_table())};
  PENSTOCK_TRY(cursor_.expect("USING"));
  merge.source = PENSTOCK_TRY(parse_table_reference());
  PENSTOCK_TRY(cursor_.expect("ON"));
  merge.on = PENSTOCK_TRY(parse_boxed_expression());
  do {
    merge.whens.push_back(PENSTOCK_TRY(parse_merge_when()));
  } while (cursor_.at("WHEN"));
  return merge;
}

Result<MergeWhen> Parser::parse_merge_when() {
  MergeWhen when{.position = cursor_.position()};
  PENSTOCK_TRY(cursor_.expect("WHEN"));
  when.matched = !cursor_.accept("NOT");
  PENSTOCK_TRY(cursor_.expect("MATCHED"));
  if (cursor_.accept("AND")) when.condition = PENSTOCK_TRY(parse_boxed_expression());
  PENSTOCK_TRY(cursor_.expect("THEN"));
  if (cursor_.accept("DO")) {
    PENSTOCK_TRY(cursor_.expect("NOTHING"));
    return when;
  }
  if (when.matched && cursor_.accept("DELETE")) {
    when.action = MergeWhen::Action::kDelete;
    return when;
  }
  if (when.matched) {
    PENSTOCK_TRY(cursor_.expect("UPDATE"));
    PENSTOCK_TRY(cursor_.expect("SET"));
    when.action = MergeWhen::Action::kUpdate;
    when.assignments = PENSTOCK_TRY(parse_assignments());
    return when;
  }
  PENSTOCK_TRY(cursor_.expect("INSERT"));
  when.action = MergeWhen::Action::kInsert;
  if (cursor_.at("(")) when.columns = PENSTOCK_TRY(parse_identifier_list());
  if (when.columns.empty() && cursor_.accept("DEFAULT", "VALUES")) return when;
  PENSTOCK_TRY(cursor_.expect("VALUES"));
  when.values = PENSTOCK_TRY(parse_values_or_defaults());
  return when;
}

}  // namespace penstock::sql
