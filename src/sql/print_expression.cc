// The SQL of expressions and types.
#include "sql/keywords.h"
#include "sql/limits.h"
#include "sql/printer_state.h"

namespace penstock::sql {
namespace {

constexpr Precedence kPrimary = Precedence{static_cast<uint8_t>(Precedence::kPostfix) + 1};

Precedence tighter(Precedence precedence) { return Precedence{static_cast<uint8_t>(static_cast<int>(precedence) + 1)}; }

struct PrecedenceOf {
  Precedence operator()(const Unary& node) const {
    return node.op == UnaryOperator::kNot ? Precedence::kNot : Precedence::kSign;
  }
  Precedence operator()(const Binary& node) const { return precedence_of(node.op); }
  Precedence operator()(const Chain& node) const { return precedence_of(node.op); }
  Precedence operator()(const Logical& node) const { return node.is_and ? Precedence::kAnd : Precedence::kOr; }
  Precedence operator()(const IsTest&) const { return Precedence::kIs; }
  Precedence operator()(const IsDistinctFrom&) const { return Precedence::kIs; }
  Precedence operator()(const Quantified& node) const { return precedence_of(node.op); }
  Precedence operator()(const Between&) const { return Precedence::kRange; }
  Precedence operator()(const InList&) const { return Precedence::kRange; }
  Precedence operator()(const InSubquery&) const { return Precedence::kRange; }
  Precedence operator()(const PatternMatch&) const { return Precedence::kRange; }
  Precedence operator()(const auto&) const { return kPrimary; }
};

constexpr Precedence kInsideRange = Precedence::kConcat;  // an operand of BETWEEN, LIKE, ...

}  // namespace

void Printer::print(const Expression& expression, Precedence minimum) {
  bool parentheses = std::visit(PrecedenceOf(), expression.node) < minimum;
  if (parentheses) word("(");
  std::visit([this](const auto& node) { print_node(node); }, expression.node);
  if (parentheses) word(")");
}

void Printer::name(const Identifier& identifier) { out_ += quote_identifier(identifier.text); }

void Printer::names(const std::vector<Identifier>& identifiers) {
  word("(");
  separated(identifiers, [this](const Identifier& identifier) { name(identifier); });
  word(")");
}

void Printer::list(const std::vector<Expression>& expressions) {
  separated(expressions, [this](const Expression& expression) { print(expression); });
}

void Printer::print(const QualifiedName& qualified) {
  for (const Identifier& part : qualified.parts) {
    if (&part != &qualified.parts.front()) word(".");
    name(part);
  }
}

void Printer::print_node(const Literal& node) {
  switch (node.kind) {
    case LiteralKind::kNull:
    case LiteralKind::kBoolean:
    case LiteralKind::kInteger:
    case LiteralKind::kDecimal:
    case LiteralKind::kDouble: out_ += node.text; return;
    case LiteralKind::kString: break;
    case LiteralKind::kBinary: word("X"); break;
    case LiteralKind::kDate: word("DATE "); break;
    case LiteralKind::kTime: word("TIME "); break;
    case LiteralKind::kTimestamp: word("TIMESTAMP "); break;
    case LiteralKind::kTimestampLtz: word("TIMESTAMP_LTZ "); break;
  }
  out_ += quote_string(node.text);
}

void Printer::print_node(const IntervalLiteral& node) {
  word(node.negative ? "INTERVAL -" : "INTERVAL ");
  out_ += quote_string(node.text);
  if (node.from) word(" "), word(interval_unit_name(*node.from));
  if (node.to) word(" TO "), word(interval_unit_name(*node.to));
}

void Printer::print_node(const Star& node) {
  print(node.qualifier);
  word(node.qualifier.parts.empty() ? "*" : ".*");
}

void Printer::print_node(const Parameter& node) { out_ += "$" + std::to_string(node.number); }

void Printer::print_node(const Unary& node) {
  switch (node.op) {
    case UnaryOperator::kNot: word("NOT "); break;
    case UnaryOperator::kPlus: word("+"); break;
    case UnaryOperator::kMinus: word("-"); break;
    case UnaryOperator::kBitNot: word("~ "); break;
  }
  const auto* inner = node.operand->get_if<Unary>();
  bool comment = node.op == UnaryOperator::kMinus && inner != nullptr && inner->op == UnaryOperator::kMinus;
  print(*node.operand, comment ? kPrimary : (node.op == UnaryOperator::kNot ? Precedence::kNot : Precedence::kSign));
}

void Printer::print_node(const Binary& node) {
  Precedence precedence = precedence_of(node.op);
  print(*node.left, precedence);
  word(" "), word(binary_operator_symbol(node.op)), word(" ");
  print(*node.right, tighter(precedence));
}

void Printer::print_node(const Chain& node) {
  const Precedence precedence = precedence_of(node.op);
  for (const Expression& operand : node.operands) {
    const bool first = &operand == &node.operands.front();
    if (!first) word(" "), word(binary_operator_symbol(node.op)), word(" ");
    print(operand, first ? precedence : tighter(precedence));
  }
}

void Printer::print_node(const Logical& node) {
  Precedence precedence = tighter(node.is_and ? Precedence::kAnd : Precedence::kOr);
  for (const Expression& operand : node.operands) {
    if (&operand != &node.operands.front()) word(node.is_and ? " AND " : " OR ");
    print(operand, precedence);
  }
}

void Printer::print_node(const IsTest& node) {
  print(*node.operand, Precedence::kIs);
  word(node.negated ? " IS NOT " : " IS ");
  word(truth_test_name(node.test));
}

void Printer::print_node(const IsDistinctFrom& node) {
  print(*node.left, Precedence::kIs);
  word(node.negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ");
  print(*node.right, tighter(Precedence::kIs));
}

void Printer::print_node(const Between& node) {
  print(*node.operand, Precedence::kRange);
  word(node.negated ? " NOT BETWEEN " : " BETWEEN ");
  if (node.symmetric) word("SYMMETRIC ");
  print(*node.low, kInsideRange);
  word(" AND ");
  print(*node.high, kInsideRange);
}

void Printer::print_node(const InList& node) {
  print(*node.operand, Precedence::kRange);
  word(node.negated ? " NOT IN (" : " IN (");
  list(node.values);
  word(")");
}

void Printer::print_node(const InSubquery& node) {
  print(*node.operand, Precedence::kRange);
  word(node.negated ? " NOT IN (" : " IN (");
  print(*node.query);
  word(")");
}

void Printer::print_node(const PatternMatch& node) {
  print(*node.operand, Precedence::kRange);
  if (node.negated) word(" NOT");
  switch (node.kind) {
    case PatternKind::kLike: word(" LIKE "); break;
    case PatternKind::kILike: word(" ILIKE "); break;
    case PatternKind::kSimilarTo: word(" SIMILAR TO "); break;
  }
  if (node.of != PatternMatch::Of::kOne) {
    word(node.of == PatternMatch::Of::kAny ? "ANY (" : "ALL ("), print(*node.pattern), word(")");
    return;
  }
  print(*node.pattern, kInsideRange);
  if (!node.escape) return;
  word(" ESCAPE ");
  print(*node.escape, kInsideRange);
}

void Printer::print_node(const Quantified& node) {
  print(*node.left, precedence_of(node.op));
  word(" "), word(binary_operator_symbol(node.op)), word(node.all ? " ALL (" : " ANY (");
  if (node.query) {
    print(*node.query);
  } else {
    print(*node.array);
  }
  word(")");
}

void Printer::print_node(const Exists& node) {
  word("EXISTS (");
  print(*node.query);
  word(")");
}

void Printer::print_node(const ScalarSubquery& node) {
  word("(");
  print(*node.query);
  word(")");
}

void Printer::print_node(const Case& node) {
  word("CASE");
  if (node.operand) word(" "), print(*node.operand);
  for (const WhenClause& when : node.whens) {
    word(" WHEN ");
    for (size_t i = 0; i < when.conditions.size(); ++i) {
      if (i > 0) word(", ");
      print(when.conditions[i]);
    }
    word(" THEN "), print(*when.result);
  }
  if (node.otherwise) word(" ELSE "), print(*node.otherwise);
  word(" END");
}

void Printer::print_node(const Cast& node) {
  word(node.try_cast ? "TRY_CAST(" : "CAST(");
  print(*node.operand);
  word(" AS ");
  print(*node.type);
  word(")");
}

void Printer::print_node(const TableArgument& node) {
  word("TABLE ");
  if (node.query) {
    word("("), print(*node.query), word(")");
  } else {
    print(node.name);
  }
  if (!node.partition_by.empty()) word(" PARTITION BY ("), list(node.partition_by), word(")");
  if (!node.order_by.empty()) word(" ORDER BY ("), print_order(node.order_by), word(")");
}

void Printer::print_node(const Descriptor& node) {
  word("DESCRIPTOR");
  names(node.columns);
}

void Printer::print_node(const NamedArgument& node) {
  name(node.name);
  word(" => ");
  print(*node.value);
}

void Printer::print_node(const ArrayConstructor& node) { word("ARRAY["), list(node.elements), word("]"); }
void Printer::print_node(const MapConstructor& node) { word("MAP["), list(node.elements), word("]"); }
void Printer::print_node(const RowConstructor& node) { word("ROW("), list(node.elements), word(")"); }

void Printer::print_postfix_operand(const Expression& operand) {
  bool bare = operand.get_if<FunctionCall>() != nullptr || operand.get_if<Subscript>() != nullptr ||
              operand.get_if<Slice>() != nullptr || operand.get_if<FieldAccess>() != nullptr ||
              operand.get_if<ScalarSubquery>() != nullptr || operand.get_if<Parameter>() != nullptr ||
              operand.get_if<Cast>() != nullptr;
  if (!bare) word("(");
  print(operand);
  if (!bare) word(")");
}

void Printer::print_node(const Slice& node) {
  print_subscripted(*node.operand), word("[");
  if (node.first) print(*node.first);
  word(":");
  if (node.last) print(*node.last);
  word("]");
}

void Printer::print_node(const ArraySubquery& node) { word("ARRAY("), print(*node.query), word(")"); }

void Printer::print_subscripted(const Expression& operand) {
  if (operand.get_if<ColumnReference>() != nullptr) {
    print(operand);
  } else {
    print_postfix_operand(operand);
  }
}

void Printer::print_node(const Subscript& node) {
  print_subscripted(*node.operand);
  word("["), print(*node.index), word("]");
}

void Printer::print_node(const FieldAccess& node) {
  const auto* column = node.operand->get_if<ColumnReference>();
  if (column != nullptr && column->name.parts.size() == kColumnNamePartsMax) {
    print(*node.operand);  // a path that is longer than names are
  } else {
    print_postfix_operand(*node.operand);
  }
  word(".");
  name(node.field);
}

void Printer::print(const TypeName& type) {
  out_ += quote_type_name(type.name);
  if (!type.parameters.empty()) {
    word("(");
    separated(type.parameters, [this](uint32_t parameter) { out_ += std::to_string(parameter); });
    word(")");
  }
  if (!type.elements.empty()) {
    word("<");
    separated(type.elements, [this](const TypeName& element) { print(element); });
    word(">");
  }
  if (!type.fields.empty()) {
    word("<");
    separated(type.fields, [this](const RowField& field) {
      name(field.name);
      word(" ");
      print(*field.type);
    });
    word(">");
  }
  if (type.not_null) word(" NOT NULL");
}

}  // namespace penstock::sql
