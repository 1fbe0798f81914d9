// Queries: set operations, WITH, ORDER BY, SELECT, VALUES.
#include "sql/keywords.h"
#include "sql/limits.h"
#include "sql/parser_state.h"

namespace penstock::sql {
namespace {

// Set operators by how tightly they bind.
constexpr int kUnionLevel = 0;
constexpr int kIntersectLevel = 1;
constexpr int kOperandLevel = 2;

bool is_plain_select_or_values(const Query& query) {
  return query.with.empty() && query.order_by.empty() && !query.limit && !query.offset;
}

}  // namespace

// Whether a query begins here. Behind parentheses it may also be an expression that begins with a subquery, as in
// ((SELECT 1) + 1): what follows the closing parenthesis decides.
bool Parser::at_query() const {
  size_t opened = 0;
  while (opened <= kNestingDepthMax && cursor_.at("(", opened)) ++opened;
  bool begins = cursor_.at("SELECT", opened) || cursor_.at("WITH", opened) || cursor_.at("VALUES", opened);
  if (!begins || opened == 0) return begins;
  size_t after = cursor_.behind_parenthesis();
  for (std::string_view word : {")", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET", "FETCH", ";"}) {
    if (cursor_.at(word, after)) return true;
  }
  if (at_emit(after)) return true;
  return cursor_.kind(after) == TokenKind::kEnd;
}

Result<Box<Query>> Parser::parse_boxed_query() { return Box(PENSTOCK_TRY(parse_query())); }

Result<Box<Query>> Parser::parse_boxed_statement_query() { return Box(PENSTOCK_TRY(parse_statement_query())); }

Result<Query> Parser::parse_statement_query() {
  Query query = PENSTOCK_TRY(parse_query());
  if (at_emit()) query.emit = PENSTOCK_TRY(parse_emit());
  return query;
}

// EMIT is no reserved word: a column or table may be called so.
bool Parser::at_emit(size_t ahead) const {
  if (!cursor_.at("EMIT", ahead)) return false;
  if (cursor_.at("ON", ahead + 1)) return cursor_.at("UPDATE", ahead + 2) || cursor_.at("WINDOW", ahead + 2);
  return cursor_.at("EVERY", ahead + 1) || cursor_.at("COMPLETE", ahead + 1);
}

Result<Emit> Parser::parse_emit() {
  Emit emit{.kind = EmitKind::kOnUpdate, .interval = {}, .position = cursor_.position()};
  PENSTOCK_TRY(cursor_.expect("EMIT"));
  if (cursor_.accept("ON", "UPDATE")) return emit;
  if (cursor_.accept("ON", "WINDOW")) {
    PENSTOCK_TRY(cursor_.expect("CLOSE"));
    emit.kind = EmitKind::kOnWindowClose;
    return emit;
  }
  emit.kind = cursor_.accept("COMPLETE") ? EmitKind::kComplete : EmitKind::kEvery;
  if (emit.kind == EmitKind::kComplete && !cursor_.at("EVERY")) {
    cursor_.note_expected("EVERY");
    return emit;
  }
  PENSTOCK_TRY(cursor_.expect("EVERY"));
  emit.interval = PENSTOCK_TRY(parse_boxed_expression(Precedence::kSum));
  return emit;
}

Result<Query> Parser::parse_query() {
  Nesting nesting(*this);
  PENSTOCK_TRY(check_depth());
  Position position = cursor_.position();
  Query head;
  if (cursor_.at("WITH")) PENSTOCK_TRY(parse_with(head));
  return parse_query_behind_with(std::move(head), position);
}

Result<Query> Parser::parse_query_behind_with(Query head, Position position) {
  Query query = PENSTOCK_TRY(parse_set_operation(kUnionLevel));
  bool has_tail = cursor_.at("ORDER") || cursor_.at("LIMIT") || cursor_.at("OFFSET") || cursor_.at("FETCH");
  // (SELECT ... LIMIT 5) LIMIT 3, or WITH before parentheses: the inner query stays a query of its own.
  bool wrap = !is_plain_select_or_values(query) && (has_tail || !head.with.empty());
  if (wrap) {
    PENSTOCK_TRY(grow());
    Select select;
    select.items.push_back({Expression(Star{}, query.position), std::nullopt});
    Position inner_position = query.position;
    select.from.push_back({DerivedTable{false, Box(std::move(query))}, std::nullopt, inner_position});
    query = Query{.body = std::move(select)};
  }
  query.with = std::move(head.with);
  query.recursive = head.recursive;
  query.position = position;
  PENSTOCK_TRY(parse_order_and_limit(query));
  return query;
}

Status Parser::parse_with(Query& query) {
  cursor_.advance();
  query.recursive = cursor_.at("RECURSIVE") && !cursor_.at("AS", 1) && !cursor_.at("(", 1);
  if (query.recursive) cursor_.advance();
  do {
    CommonTableExpression cte{.name = PENSTOCK_TRY(parse_identifier())};
    if (cursor_.at("(")) cte.columns = PENSTOCK_TRY(parse_identifier_list());
    PENSTOCK_TRY(cursor_.expect("AS"));
    PENSTOCK_TRY(cursor_.expect("("));
    cte.query = PENSTOCK_TRY(parse_boxed_query());
    PENSTOCK_TRY(cursor_.expect(")"));
    query.with.push_back(std::move(cte));
  } while (cursor_.accept(","));
  return {};
}

// UNION and EXCEPT bind alike; INTERSECT binds tighter.
Result<Query> Parser::parse_set_operation(int level) {
  if (level == kOperandLevel) return parse_query_operand();
  Query left = PENSTOCK_TRY(parse_set_operation(level + 1));
  bool own = false;  // whether `left` is a chain made here, which more inputs can join
  while (true) {
    SetOperation node;
    if (level == kIntersectLevel) {
      if (!cursor_.accept("INTERSECT")) break;
      node.op = SetOperator::kIntersect;
    } else {
      node.op = cursor_.at("EXCEPT") ? SetOperator::kExcept : SetOperator::kUnion;
      if (!cursor_.accept("UNION") && !cursor_.accept("EXCEPT")) break;
    }
    node.all = cursor_.accept("ALL");
    if (!node.all) cursor_.accept("DISTINCT");
    Query right = PENSTOCK_TRY(parse_set_operation(level + 1));
    auto* chain = own ? std::get_if<SetOperation>(&left.body) : nullptr;
    if (chain != nullptr && chain->op == node.op && chain->all == node.all) {
      chain->inputs.push_back(std::move(right));
      continue;
    }
    PENSTOCK_TRY(grow());
    Position position = left.position;
    node.inputs.push_back(std::move(left));
    node.inputs.push_back(std::move(right));
    left = Query{.body = std::move(node), .position = position};
    own = true;
  }
  return left;
}

Result<Query> Parser::parse_query_operand() {
  Query query{.position = cursor_.position()};
  if (cursor_.accept("(")) {
    Query inner = PENSTOCK_TRY(parse_query());
    PENSTOCK_TRY(cursor_.expect(")"));
    return inner;
  }
  if (cursor_.accept("SELECT")) {
    query.body = PENSTOCK_TRY(parse_select());
    return query;
  }
  if (cursor_.accept("VALUES")) {
    query.body = PENSTOCK_TRY(parse_values());
    return query;
  }
  return cursor_.unexpected();
}

Status Parser::parse_order_and_limit(Query& query) {
  if (cursor_.accept("ORDER", "BY")) query.order_by = PENSTOCK_TRY(parse_order_items());
  while (true) {
    if (!query.limit && cursor_.accept("LIMIT")) {
      if (!cursor_.accept("ALL")) query.limit = PENSTOCK_TRY(parse_boxed_expression());
    } else if (!query.offset && cursor_.accept("OFFSET")) {
      query.offset = PENSTOCK_TRY(parse_boxed_expression());
      if (!cursor_.accept("ROWS")) cursor_.accept("ROW");
    } else if (!query.limit && cursor_.accept("FETCH")) {
      if (!cursor_.accept("FIRST")) PENSTOCK_TRY(cursor_.expect("NEXT"));
      bool one = cursor_.at("ROW") || cursor_.at("ROWS");
      query.limit = one ? Box(Expression(Literal{LiteralKind::kInteger, "1"}, cursor_.position()))
                        : PENSTOCK_TRY(parse_boxed_expression(Precedence::kSum));
      if (!cursor_.accept("ROWS")) PENSTOCK_TRY(cursor_.expect("ROW"));
      PENSTOCK_TRY(cursor_.expect("ONLY"));
    } else {
      return {};
    }
  }
}

Result<Select> Parser::parse_select() {
  Select select;
  select.hints = PENSTOCK_TRY(parse_hints());
  if (cursor_.at("DISTINCT")) {
    cursor_.advance();
    select.distinct = true;
    if (cursor_.accept("ON")) {
      PENSTOCK_TRY(cursor_.expect("("));
      select.distinct_on = PENSTOCK_TRY(parse_expression_list());
      PENSTOCK_TRY(cursor_.expect(")"));
    }
  } else if (cursor_.at("ALL")) {
    cursor_.advance();
  }
  select.items = PENSTOCK_TRY(parse_select_items());
  if (cursor_.accept("FROM")) {
    do {
      select.from.push_back(PENSTOCK_TRY(parse_table_reference()));
    } while (cursor_.accept(","));
  }
  if (cursor_.accept("WHERE")) select.where = PENSTOCK_TRY(parse_boxed_expression());
  if (cursor_.accept("GROUP")) select.group_by = PENSTOCK_TRY(parse_group_by());
  if (cursor_.accept("HAVING")) select.having = PENSTOCK_TRY(parse_boxed_expression());
  if (cursor_.accept("WINDOW")) {
    do {
      NamedWindow window{PENSTOCK_TRY(parse_identifier()), {}};
      PENSTOCK_TRY(cursor_.expect("AS"));
      window.specification = PENSTOCK_TRY(parse_window_specification());
      select.windows.push_back(std::move(window));
    } while (cursor_.accept(","));
  }
  if (cursor_.accept("QUALIFY")) select.qualify = PENSTOCK_TRY(parse_boxed_expression());
  return select;
}

Result<std::vector<SelectItem>> Parser::parse_select_items() {
  std::vector<SelectItem> items;
  do {
    items.push_back(PENSTOCK_TRY(parse_select_item()));
  } while (cursor_.accept(","));
  return items;
}

Result<SelectItem> Parser::parse_select_item() {
  SelectItem item{PENSTOCK_TRY(parse_expression()), std::nullopt};
  if (cursor_.accept("AS")) {
    item.alias = PENSTOCK_TRY(parse_label());
  } else if (at_name()) {
    cursor_.note_expected("FROM");
    item.alias = PENSTOCK_TRY(parse_identifier());
  }
  return item;
}

Result<Values> Parser::parse_values() {
  Values values;
  do {
    if (!cursor_.accept("(")) {  // VALUES 1, 2: rows of one column
      std::vector<Expression> row;
      row.push_back(PENSTOCK_TRY(parse_expression()));
      values.rows.push_back(std::move(row));
      continue;
    }
    std::vector<Expression>& row = values.rows.emplace_back();
    do {
      row.push_back(PENSTOCK_TRY(parse_row_value()));
    } while (cursor_.accept(","));
    PENSTOCK_TRY(cursor_.expect(")"));
  } while (cursor_.accept(","));
  return values;
}

// An expression, or DEFAULT: what that is, the table says that the rows are for.
Result<Expression> Parser::parse_row_value() {
  const Position position = cursor_.position();
  if (!cursor_.at("DEFAULT") || (!cursor_.at(",", 1) && !cursor_.at(")", 1))) return parse_expression();
  cursor_.advance();
  return Expression(Keyword{"DEFAULT"}, position);
}

Result<std::vector<GroupingElement>> Parser::parse_group_by() {
  PENSTOCK_TRY(cursor_.expect("BY"));
  std::vector<GroupingElement> elements;
  do {
    elements.push_back(PENSTOCK_TRY(parse_grouping_element()));
  } while (cursor_.accept(","));
  return elements;
}

// expression, (), GROUPING SETS (...), ROLLUP (...), CUBE (...)
Result<GroupingElement> Parser::parse_grouping_element() {
  GroupingElement element;
  if (cursor_.at("(") && cursor_.at(")", 1)) {
    cursor_.advance();
    cursor_.advance();
    element.sets.emplace_back();
    return element;
  }
  bool grouping_sets = cursor_.at("GROUPING") && cursor_.at("SETS", 1);
  bool rollup = cursor_.at("ROLLUP") && cursor_.at("(", 1);
  bool cube = cursor_.at("CUBE") && cursor_.at("(", 1);
  if (!grouping_sets && !rollup && !cube) {
    element.sets.emplace_back();
    element.sets.back().push_back(PENSTOCK_TRY(parse_expression()));
    return element;
  }
  element.kind = rollup ? GroupingKind::kRollup : (cube ? GroupingKind::kCube : GroupingKind::kGroupingSets);
  cursor_.advance();
  if (grouping_sets) cursor_.advance();
  PENSTOCK_TRY(cursor_.expect("("));
  do {
    element.sets.emplace_back();
    if (!cursor_.at("(")) {
      element.sets.back().push_back(PENSTOCK_TRY(parse_expression()));
      continue;
    }
    cursor_.advance();
    if (!cursor_.at(")")) element.sets.back() = PENSTOCK_TRY(parse_expression_list());
    PENSTOCK_TRY(cursor_.expect(")"));
  } while (cursor_.accept(","));
  PENSTOCK_TRY(cursor_.expect(")"));
  return element;
}

}  // namespace penstock::sql
