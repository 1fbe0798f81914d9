// What stands after FROM.
#include "sql/keywords.h"
#include "sql/parser_state.h"

namespace penstock::sql {

// One element of the comma list: a table with its joins, grouped from the left.
Result<TableReference> Parser::parse_table_reference() {
  Nesting nesting(*this);
  PENSTOCK_TRY(check_depth());
  TableReference left = PENSTOCK_TRY(parse_table_factor());
  while (true) {
    bool natural = cursor_.at("NATURAL");
    if (natural) cursor_.advance();
    if (!natural && at_asof_join()) {
      PENSTOCK_TRY(grow());
      PENSTOCK_TRY(parse_asof_join(left));
      continue;
    }
    std::optional<JoinKind> kind = PENSTOCK_TRY(accept_join_kind());
    if (!kind) {
      if (natural) return cursor_.unexpected();
      return left;
    }
    PENSTOCK_TRY(grow());
    PENSTOCK_TRY(parse_join(left, *kind, natural));
  }
}

Result<std::optional<JoinKind>> Parser::accept_join_kind() {
  std::optional<JoinKind> kind;
  if (cursor_.accept("JOIN")) return JoinKind::kInner;
  if (cursor_.accept("INNER")) {
    kind = JoinKind::kInner;
  } else if (cursor_.accept("CROSS")) {
    kind = JoinKind::kCross;
  } else if (at_semi_join() || (cursor_.at("LEFT") && at_semi_join(1))) {
    cursor_.accept("LEFT");
    kind = cursor_.at("SEMI") ? JoinKind::kSemi : JoinKind::kAnti;
    cursor_.advance();
  } else {
    if (cursor_.accept("LEFT")) kind = JoinKind::kLeft;
    if (!kind && cursor_.accept("RIGHT")) kind = JoinKind::kRight;
    if (!kind && cursor_.accept("FULL")) kind = JoinKind::kFull;
    if (kind) cursor_.accept("OUTER");
  }
  if (kind) PENSTOCK_TRY(cursor_.expect("JOIN"));
  return kind;
}

Status Parser::parse_join(TableReference& left, JoinKind kind, bool natural) {
  Join join{.kind = kind, .natural = natural};
  join.right = Box(PENSTOCK_TRY(parse_table_factor()));
  if (kind != JoinKind::kCross && !natural) {
    if (cursor_.accept("USING")) {
      join.using_columns = PENSTOCK_TRY(parse_identifier_list());
    } else {
      PENSTOCK_TRY(cursor_.expect("ON"));
      join.on = PENSTOCK_TRY(parse_boxed_expression());
    }
  }
  Position position = left.position;
  join.left = Box(std::move(left));
  left = TableReference{std::move(join), std::nullopt, position};
  return {};
}

// ASOF JOIN b MATCH_CONDITION (a.ts >= b.ts) ON ...
Status Parser::parse_asof_join(TableReference& left) {
  cursor_.advance();
  cursor_.advance();
  Join join{.kind = JoinKind::kLeft};
  join.right = Box(PENSTOCK_TRY(parse_table_factor()));
  PENSTOCK_TRY(cursor_.expect("MATCH_CONDITION"));
  PENSTOCK_TRY(cursor_.expect("("));
  join.match_condition = PENSTOCK_TRY(parse_boxed_expression());
  PENSTOCK_TRY(cursor_.expect(")"));
  if (cursor_.accept("ON")) join.on = PENSTOCK_TRY(parse_boxed_expression());
  Position position = left.position;
  join.left = Box(std::move(left));
  left = TableReference{std::move(join), std::nullopt, position};
  return {};
}

Result<TableReference> Parser::parse_table_factor() {
  TableReference table = PENSTOCK_TRY(parse_plain_table());
  while (at_match_recognize()) {
    PENSTOCK_TRY(grow());
    PENSTOCK_TRY(parse_match_recognize(table));
    PENSTOCK_TRY(parse_table_alias(table));
  }
  return table;
}

Result<TableReference> Parser::parse_plain_table() {
  if (cursor_.at("(")) {
    cursor_.advance();
    if (!at_query()) return parse_parenthesized_table();
    return parse_derived_table(false);
  }
  if (cursor_.at("LATERAL") && cursor_.at("(", 1)) {
    cursor_.advance();
    cursor_.advance();
    return parse_derived_table(true);
  }
  TableReference table = PENSTOCK_TRY(parse_table_factor_body());
  if (auto* named = std::get_if<NamedTable>(&table.node)) {
    named->hints = PENSTOCK_TRY(parse_hints());
    if (cursor_.accept("FOR")) {
      PENSTOCK_TRY(cursor_.expect("SYSTEM_TIME"));
      PENSTOCK_TRY(cursor_.expect("AS"));
      PENSTOCK_TRY(cursor_.expect("OF"));
      named->as_of = PENSTOCK_TRY(parse_boxed_expression());
    }
  } else if (auto* function = std::get_if<TableFunction>(&table.node)) {
    if (cursor_.accept("WITH")) {
      PENSTOCK_TRY(cursor_.expect("ORDINALITY"));
      function->with_ordinality = true;
    }
  }
  PENSTOCK_TRY(parse_table_alias(table));
  return table;
}

Status Parser::parse_table_alias(TableReference& table) {
  if (at_match_recognize() || at_asof_join() || at_semi_join() || at_match_condition()) return {};
  bool as = cursor_.accept("AS");
  if (!as) {
    if (!at_name()) return {};
    // What else may stand here, for the suggestion when the name is a misspelt keyword.
    for (std::string_view word : {"WHERE", "GROUP BY", "ORDER BY", "JOIN", "LEFT", "LIMIT", "UNION", "HAVING"}) {
      cursor_.note_expected(word);
    }
  }
  TableAlias alias{PENSTOCK_TRY(parse_identifier()), {}};
  if (cursor_.at("(")) alias.columns = PENSTOCK_TRY(parse_identifier_list());
  table.alias = std::move(alias);
  return {};
}

// A table or join in parentheses, from behind the opening one. It keeps the names inside and takes none outside.
Result<TableReference> Parser::parse_parenthesized_table() {
  cursor_.note_expected("SELECT");
  TableReference inner = PENSTOCK_TRY(parse_table_reference());
  PENSTOCK_TRY(cursor_.expect(")"));
  if (at_match_recognize()) {
    return unsupported("MATCH_RECOGNIZE of a table in parentheses is not supported")
        .at(cursor_.position().offset)
        .hint("write it behind a table, or behind a query: (SELECT * FROM ...) MATCH_RECOGNIZE (...)");
  }
  if (cursor_.at("AS") || at_name()) {
    return unsupported("tables in parentheses cannot be given a name").at(cursor_.position().offset);
  }
  return inner;
}

// (query) [AS] name, from behind the opening parenthesis.
Result<TableReference> Parser::parse_derived_table(bool lateral) {
  TableReference table{.position = cursor_.position()};
  table.node = DerivedTable{lateral, PENSTOCK_TRY(parse_boxed_query())};
  PENSTOCK_TRY(cursor_.expect(")"));
  PENSTOCK_TRY(parse_table_alias(table));
  return table;
}

// name, f(...) or TABLE(f(...)), LATERAL before functions and queries; without what may follow.
Result<TableReference> Parser::parse_table_factor_body() {
  Position position = cursor_.position();
  bool lateral = cursor_.accept("LATERAL");
  bool wrapped = cursor_.accept("TABLE");
  if (wrapped) PENSTOCK_TRY(cursor_.expect("("));
  QualifiedName name = PENSTOCK_TRY(parse_qualified_name());
  if (!wrapped && !lateral && !cursor_.at("(")) {
    return TableReference{NamedTable{std::move(name), {}, {}}, std::nullopt, position};
  }
  TableFunction function{.lateral = lateral, .call = PENSTOCK_TRY(parse_call(std::move(name)))};
  if (wrapped) PENSTOCK_TRY(cursor_.expect(")"));
  return TableReference{std::move(function), std::nullopt, position};
}

}  // namespace penstock::sql
