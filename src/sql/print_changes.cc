// Printing of statements that change the rows of tables.
#include "sql/printer_state.h"

namespace penstock::sql {

void Printer::print(const Insert& node) {
  word(node.overwrite ? "INSERT OVERWRITE " : "INSERT INTO "), print(node.table);
  if (!node.hints.empty()) word(" "), print_hints(node.hints);
  if (node.alias) word(" AS "), name(*node.alias);
  print_partition(node.partition);
  if (!node.columns.empty()) word(" "), names(node.columns);
  if (node.default_values) {
    word(" DEFAULT VALUES");
  } else {
    word(" "), print(*node.query);
  }
  if (node.on_conflict) print_on_conflict(*node.on_conflict);
  print_returning(node.returning);
}

void Printer::print_partition(const std::vector<Assignment>& partition) {
  if (partition.empty()) return;
  word(" PARTITION ("), print_assignments(partition), word(")");
}

void Printer::print_node(const StatementSet& node) {
  word("EXECUTE STATEMENT SET BEGIN");
  for (const StatementSet::Part& part : node.parts) word(" "), print(part.insert), word(";");
  word(" END");
}

void Printer::print_on_conflict(const OnConflict& conflict) {
  word(" ON CONFLICT");
  if (!conflict.columns.empty()) word(" "), names(conflict.columns);
  if (conflict.constraint) word(" ON CONSTRAINT "), name(*conflict.constraint);
  if (conflict.assignments.empty()) {
    word(" DO NOTHING");
    return;
  }
  word(" DO UPDATE SET "), print_assignments(conflict.assignments);
  if (conflict.where) word(" WHERE "), print(*conflict.where);
}

void Printer::print_value_or_default(const Box<Expression>& value) {
  if (value) {
    print(*value);
  } else {
    word("DEFAULT");
  }
}

void Printer::print_assignments(const std::vector<Assignment>& assignments) {
  separated(assignments, [this](const Assignment& assignment) {
    if (assignment.columns.size() == 1) {
      name(assignment.columns.front());
    } else {
      names(assignment.columns);
    }
    word(" = ");
    print_value_or_default(assignment.value);
  });
}

void Printer::print_returning(const std::vector<SelectItem>& items) {
  if (!items.empty()) word(" RETURNING "), print_select_items(items);
}

void Printer::print(const TargetTable& table) {
  print(table.name);
  if (table.alias) word(" AS "), name(*table.alias);
}

void Printer::print_with(const WithClause& with) { print_common_tables(with.tables, with.recursive); }

void Printer::print_tables(std::string_view word_before, const std::vector<TableReference>& tables) {
  if (tables.empty()) return;
  word(word_before);
  separated(tables, [this](const TableReference& table) { print(table); });
}

void Printer::print_node(const Update& node) {
  print_with(node.with);
  word("UPDATE "), print(node.table), word(" SET "), print_assignments(node.assignments);
  print_tables(" FROM ", node.from);
  if (node.where) word(" WHERE "), print(*node.where);
  print_returning(node.returning);
}

void Printer::print_node(const Delete& node) {
  print_with(node.with);
  word("DELETE FROM "), print(node.table);
  print_tables(" USING ", node.from);
  if (node.where) word(" WHERE "), print(*node.where);
  print_returning(node.returning);
}

void Printer::print_node(const Merge& node) {
  print_with(node.with);
  word("MERGE INTO "), print(node.table), word(" USING "), print(node.source), word(" ON "), print(*node.on);
  for (const MergeWhen& when : node.whens) word(" "), print(when);
}

void Printer::print(const MergeWhen& when) {
  word(when.matched ? "WHEN MATCHED" : "WHEN NOT MATCHED");
  if (when.condition) word(" AND "), print(*when.condition);
  word(" THEN ");
  switch (when.action) {
    case MergeWhen::Action::kNothing: word("DO NOTHING"); return;
    case MergeWhen::Action::kDelete: word("DELETE"); return;
    case MergeWhen::Action::kUpdate: word("UPDATE SET "), print_assignments(when.assignments); return;
    case MergeWhen::Action::kInsert: break;
  }
  word("INSERT ");
  if (!when.columns.empty()) names(when.columns), word(" ");
  if (when.values.empty()) {
    word("DEFAULT VALUES");
    return;
  }
  word("VALUES (");
  separated(when.values, [this](const Box<Expression>& value) { print_value_or_default(value); });
  word(")");
}

}  // namespace penstock::sql
