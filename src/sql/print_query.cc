// The SQL of queries.
#include "sql/keywords.h"
#include "sql/printer_state.h"

namespace penstock::sql {

void Printer::print_common_tables(const std::vector<CommonTableExpression>& tables, bool recursive) {
  if (tables.empty()) return;
  word(recursive ? "WITH RECURSIVE " : "WITH ");
  separated(tables, [this](const CommonTableExpression& cte) {
    name(cte.name);
    if (!cte.columns.empty()) word(" "), names(cte.columns);
    word(" AS ("), print(*cte.query), word(")");
  });
  word(" ");
}

void Printer::print(const Query& query) {
  print_common_tables(query.with, query.recursive);
  std::visit([this](const auto& node) { print_node(node); }, query.body);
  if (!query.order_by.empty()) word(" ORDER BY "), print_order(query.order_by);
  if (query.limit) word(" LIMIT "), print(*query.limit);
  if (query.offset) word(" OFFSET "), print(*query.offset);
  if (query.emit) print(*query.emit);
}

void Printer::print(const Emit& emit) {
  switch (emit.kind) {
    case EmitKind::kOnUpdate: return word(" EMIT ON UPDATE");
    case EmitKind::kOnWindowClose: return word(" EMIT ON WINDOW CLOSE");
    case EmitKind::kEvery: word(" EMIT"); break;
    case EmitKind::kComplete: word(" EMIT COMPLETE"); break;
  }
  if (emit.interval) word(" EVERY "), print(*emit.interval);
}

void Printer::print_node(const SetOperation& node) {
  for (const Query& input : node.inputs) {
    if (&input != &node.inputs.front()) {
      switch (node.op) {
        case SetOperator::kUnion: word(" UNION "); break;
        case SetOperator::kIntersect: word(" INTERSECT "); break;
        case SetOperator::kExcept: word(" EXCEPT "); break;
      }
      if (node.all) word("ALL ");
    }
    bool bare = input.with.empty() && input.order_by.empty() && !input.limit && !input.offset &&
                !std::holds_alternative<SetOperation>(input.body);
    if (!bare) word("(");
    print(input);
    if (!bare) word(")");
  }
}

void Printer::print_node(const Values& node) {
  word("VALUES ");
  separated(node.rows, [this](const std::vector<Expression>& row) { word("("), list(row), word(")"); });
}

void Printer::print_select_items(const std::vector<SelectItem>& items) {
  separated(items, [this](const SelectItem& item) {
    print(item.value);
    if (item.alias) word(" AS "), name(*item.alias);
  });
}

void Printer::print_node(const Select& node) {
  word("SELECT ");
  if (!node.hints.empty()) print_hints(node.hints), word(" ");
  if (node.distinct) word("DISTINCT ");
  if (!node.distinct_on.empty()) word("ON ("), list(node.distinct_on), word(") ");
  print_select_items(node.items);
  if (!node.from.empty()) {
    word(" FROM ");
    separated(node.from, [this](const TableReference& table) { print(table); });
  }
  if (node.where) word(" WHERE "), print(*node.where);
  if (!node.group_by.empty()) print_group_by(node.group_by);
  if (node.having) word(" HAVING "), print(*node.having);
  if (!node.windows.empty()) word(" WINDOW ");
  separated(node.windows, [this](const NamedWindow& window) {
    name(window.name);
    word(" AS ");
    print_window(window.specification);
  });
  if (node.qualify) word(" QUALIFY "), print(*node.qualify);
}

void Printer::print_group_by(const std::vector<GroupingElement>& elements) {
  word(" GROUP BY ");
  separated(elements, [this](const GroupingElement& element) {
    switch (element.kind) {
      case GroupingKind::kSimple:
        if (element.sets.front().empty()) return word("()");
        return print(element.sets.front().front());
      case GroupingKind::kGroupingSets: word("GROUPING SETS ("); break;
      case GroupingKind::kRollup: word("ROLLUP ("); break;
      case GroupingKind::kCube: word("CUBE ("); break;
    }
    separated(element.sets, [this](const std::vector<Expression>& set) { word("("), list(set), word(")"); });
    word(")");
  });
}

void Printer::print_hints(const std::vector<Hint>& hints) {
  word("/*+ ");
  separated(hints, [this](const Hint& hint) {
    name(hint.name);
    word("(");
    separated(hint.arguments, [this](const Option& argument) {
      out_ += quote_string(argument.key);
      if (!argument.value.empty()) word(" = "), word(quote_string(argument.value));
    });
    word(")");
  });
  word(" */");
}

void Printer::print(const TableReference& table) {
  std::visit([this](const auto& node) { print_node(node); }, table.node);
  if (!table.alias) return;
  word(" AS ");
  name(table.alias->name);
  if (!table.alias->columns.empty()) word(" "), names(table.alias->columns);
}

void Printer::print_node(const NamedTable& node) {
  print(node.name);
  if (!node.hints.empty()) word(" "), print_hints(node.hints);
  if (node.as_of) word(" FOR SYSTEM_TIME AS OF "), print(*node.as_of);
}

void Printer::print_node(const DerivedTable& node) {
  word(node.lateral ? "LATERAL (" : "(");
  print(*node.query);
  word(")");
}

void Printer::print_node(const TableFunction& node) {
  bool unnest = node.call.name.parts.size() == 1 && equal_ignoring_case(node.call.name.parts.front().text, "UNNEST");
  if (node.lateral) word("LATERAL ");
  if (!unnest) word("TABLE(");
  print_node(node.call);
  if (!unnest) word(")");
  if (node.with_ordinality) word(" WITH ORDINALITY");
}

void Printer::print_node(const Join& node) {
  print(*node.left);
  if (node.natural) word(" NATURAL");
  switch (node.kind) {
    case JoinKind::kInner: word(" JOIN "); break;
    case JoinKind::kLeft: word(node.match_condition ? " ASOF JOIN " : " LEFT JOIN "); break;
    case JoinKind::kRight: word(" RIGHT JOIN "); break;
    case JoinKind::kFull: word(" FULL JOIN "); break;
    case JoinKind::kCross: word(" CROSS JOIN "); break;
    case JoinKind::kSemi: word(" LEFT SEMI JOIN "); break;
    case JoinKind::kAnti: word(" LEFT ANTI JOIN "); break;
  }
  bool nested = std::holds_alternative<Join>(node.right->node);
  if (nested) word("(");
  print(*node.right);
  if (nested) word(")");
  if (node.match_condition) word(" MATCH_CONDITION ("), print(*node.match_condition), word(")");
  if (node.on) word(" ON "), print(*node.on);
  if (!node.using_columns.empty()) word(" USING "), names(node.using_columns);
}

}  // namespace penstock::sql
