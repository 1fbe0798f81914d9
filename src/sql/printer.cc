// The SQL of statements.
#include "sql/printer.h"

#include <utility>

#include "sql/keywords.h"
#include "sql/printer_state.h"

namespace penstock::sql {
namespace {

template <class Node>
std::string print_with_printer(const Node& node) {
  Printer printer;
  printer.print(node);
  return printer.take();
}

}  // namespace

std::string print(const Statement& statement) { return print_with_printer(statement); }
std::string print(const Query& query) { return print_with_printer(query); }
std::string print(const Insert& insert) { return print_with_printer(insert); }
std::string print(const Expression& expression) { return print_with_printer(expression); }
std::string print(const TypeName& type) { return print_with_printer(type); }
std::string print(const QualifiedName& name) { return print_with_printer(name); }
std::string print_pattern(const PatternTerm& pattern) {
  Printer printer;
  printer.print_pattern(pattern, true);
  return printer.take();
}

void Printer::print(const Statement& statement) {
  std::visit([this](const auto& node) { print_node(node); }, statement.node);
}

void Printer::print_options(const std::vector<Option>& options) {
  if (options.empty()) return;
  word(" WITH ("), print_settings(options), word(")");
}

void Printer::print_settings(const std::vector<Option>& options) {
  separated(options,
            [this](const Option& option) { out_ += quote_string(option.key) + " = " + quote_string(option.value); });
}

void Printer::print_comment(const std::optional<std::string>& comment) {
  if (comment) word(" COMMENT "), word(quote_string(*comment));
}

void Printer::print_column(const ColumnDefinition& column) {
  name(column.name);
  if (column.computed) word(" AS "), print(*column.computed);
  if (column.type) word(" "), print(*column.type);
  if (column.metadata) {
    word(" METADATA");
    if (column.metadata->key) word(" FROM "), word(quote_string(*column.metadata->key));
    if (column.metadata->is_virtual) word(" VIRTUAL");
  }
  if (column.primary_key) word(" PRIMARY KEY NOT ENFORCED");
  if (column.default_value) word(" DEFAULT "), print(*column.default_value, Precedence::kNot);
  print_comment(column.comment);
}

void Printer::print_constraints(const CreateTable& node, std::string_view& separator) {
  if (node.watermark) {
    word(std::exchange(separator, ", ")), word("WATERMARK FOR "), name(node.watermark->column);
    word(" AS "), print(*node.watermark->expression);
  }
  if (node.primary_key.empty()) return;
  word(std::exchange(separator, ", ")), word("PRIMARY KEY "), names(node.primary_key), word(" NOT ENFORCED");
}

void Printer::print_node(const CreateTable& node) {
  word("CREATE ");
  if (node.or_replace) word("OR REPLACE ");
  if (node.temporary) word("TEMPORARY ");
  word("TABLE ");
  if (node.if_not_exists) word("IF NOT EXISTS ");
  print(node.name);
  if (!node.column_order.empty()) word(" "), names(node.column_order);
  std::string_view separator = " (";
  for (const ColumnDefinition& column : node.columns) word(std::exchange(separator, ", ")), print_column(column);
  print_constraints(node, separator);
  if (separator == ", ") word(")");
  print_comment(node.comment);
  if (!node.partitioned_by.empty()) word(" PARTITIONED BY "), names(node.partitioned_by);
  print_options(node.options);
  if (node.like) print_like(*node.like);
  if (node.query) word(" AS "), print(*node.query);
}

void Printer::print_like(const LikeClause& like) {
  word(" LIKE "), print(like.source);
  if (like.options.empty()) return;
  std::string_view before = " (";
  for (const LikeOption& option : like.options) {
    word(before), word(like_strategy_name(option.strategy)), word(" "), word(like_feature_name(option.feature));
    before = " ";
  }
  word(")");
}

void Printer::print_node(const CreateView& node) {
  word("CREATE ");
  if (node.or_replace) word("OR REPLACE ");
  if (node.temporary) word("TEMPORARY ");
  word("VIEW ");
  if (node.if_not_exists) word("IF NOT EXISTS ");
  print(node.name);
  if (!node.columns.empty()) word(" "), names(node.columns);
  print_comment(node.comment);
  word(" AS "), print(*node.query);
}

void Printer::print_node(const CreateMaterializedView& node) {
  word("CREATE MATERIALIZED VIEW ");
  if (node.if_not_exists) word("IF NOT EXISTS ");
  print(node.name);
  if (!node.columns.empty()) word(" "), names(node.columns);
  print_comment(node.comment);
  print_options(node.options);
  word(" AS "), print(*node.query);
}

void Printer::print_node(const CreateFunction& node) {
  word("CREATE ");
  if (node.or_replace) word("OR REPLACE ");
  if (node.temporary) word("TEMPORARY ");
  word("FUNCTION ");
  if (node.if_not_exists) word("IF NOT EXISTS ");
  print(node.name);
  if (node.parameters) {
    word("(");
    separated(*node.parameters,
              [this](const FunctionParameter& parameter) { name(parameter.name), word(" "), print(parameter.type); });
    word(")");
  }
  if (node.returns) word(" RETURNS "), print(*node.returns);
  word(" AS ");
  if (node.identifier) return word(quote_string(*node.identifier));
  const auto* literal = node.expression->get_if<Literal>();
  const bool string = literal != nullptr && literal->kind == LiteralKind::kString;
  word(string ? "(" : ""), print(*node.expression), word(string ? ")" : "");
}

void Printer::print_node(const CreateAlert& node) {
  word("CREATE ALERT ");
  if (node.if_not_exists) word("IF NOT EXISTS ");
  print(node.name);
  if (node.severity) word(" SEVERITY "), word(quote_string(*node.severity));
  word(" NOTIFY ");
  separated(node.channels, [this](const AlertChannel& channel) {
    name(channel.name);
    if (channel.argument) word(" "), word(quote_string(*channel.argument));
  });
  print_options(node.options);
  word(" AS "), print(*node.query);
}

void Printer::print_node(const Drop& node) {
  word(node.temporary ? "DROP TEMPORARY " : "DROP "), word(object_kind_name(node.kind));
  word(node.if_exists ? " IF EXISTS " : " ");
  print(node.name);
  if (node.cascade) word(" CASCADE");
}

void Printer::print_node(const AlterRename& node) {
  word("ALTER "), word(object_kind_name(node.kind)), word(node.if_exists ? " IF EXISTS " : " ");
  print(node.name), word(" RENAME TO "), print(node.new_name);
}

void Printer::print_node(const AlterColumns& node) {
  constexpr std::string_view kVerbs[] = {" ADD ", " MODIFY ", " DROP ", " RENAME "};
  word("ALTER TABLE "), word(node.if_exists ? "IF EXISTS " : ""), print(node.name);
  word(kVerbs[static_cast<size_t>(node.change)]);
  if (node.change == ColumnChange::kRename) {
    return name(node.columns[0]), word(" TO "), name(node.columns[1]);
  }
  if (node.change == ColumnChange::kDrop) {
    if (node.watermark) return word("WATERMARK");
    return node.primary_key ? word("PRIMARY KEY") : names(node.columns);
  }
  std::string_view separator = "(";
  for (size_t i = 0; i < node.definition.columns.size(); ++i) {
    word(std::exchange(separator, ", ")), print_column(node.definition.columns[i]);
    if (node.places[i].first) word(" FIRST");
    if (node.places[i].after) word(" AFTER "), name(*node.places[i].after);
  }
  print_constraints(node.definition, separator);
  word(")");
}

void Printer::print_node(const AlterOptions& node) {
  word(node.if_exists ? "ALTER TABLE IF EXISTS " : "ALTER TABLE "), print(node.name);
  word(node.set.empty() ? " RESET (" : " SET (");
  print_settings(node.set);
  separated(node.reset, [this](const Option& option) { out_ += quote_string(option.key); });
  word(")");
}

void Printer::print_node(const AlterView& node) {
  word("ALTER VIEW "), print(node.name), word(" AS "), print(*node.query);
}

void Printer::print_node(const ShowObjects& node) {
  word(node.user ? "SHOW USER " : "SHOW "), word(object_kind_name(node.kind)), word("S");
  if (node.from) word(" FROM "), print(*node.from);
  print_show_pattern(node.like);
}

void Printer::print_show_pattern(const std::optional<ShowPattern>& like) {
  if (!like) return;
  word(like->negated ? " NOT LIKE " : " LIKE "), word(quote_string(like->pattern));
}

void Printer::print_node(const ShowColumns& node) {
  word("SHOW COLUMNS FROM "), print(node.name), print_show_pattern(node.like);
}

void Printer::print_node(const ShowPartitions& node) {
  word("SHOW PARTITIONS "), print(node.table), print_partition(node.partition);
}

void Printer::print_node(const ShowCreate& node) {
  word("SHOW CREATE "), word(object_kind_name(node.kind)), word(" ");
  print(node.name);
}

void Printer::print_node(const ShowSetting& node) {
  word("SHOW ");
  word(node.name ? quote_string(*node.name) : "ALL");
}

void Printer::print_node(const Describe& node) {
  word("DESCRIBE ");
  if (node.kind != ObjectKind::kTable) word(object_kind_name(node.kind)), word(" ");
  if (node.kind == ObjectKind::kFunction) return word(quote_string(node.name.parts.front().text));
  word(node.extended ? "EXTENDED " : ""), print(node.name);
}

void Printer::print_node(const Set& node) {
  word("SET");
  if (!node.key.empty()) word(" " + quote_string(node.key) + " = " + quote_string(node.value));
}

void Printer::print_node(const Reset& node) {
  word("RESET");
  if (node.key) word(" " + quote_string(*node.key));
}

void Printer::print_node(const Explain& node) {
  word("EXPLAIN ");
  if (node.json) {
    word(node.analyze ? "(ANALYZE, FORMAT JSON) " : "(FORMAT JSON) ");
  } else if (node.analyze) {
    word("ANALYZE ");
  }
  print(*node.statement);
}

void Printer::print_node(const ShowCurrent& node) { word("SHOW CURRENT "), word(object_kind_name(node.kind)); }

void Printer::print_node(const CreateSchema& node) {
  word("CREATE SCHEMA ");
  if (node.if_not_exists) word("IF NOT EXISTS ");
  print(node.name);
  print_comment(node.comment);
  print_options(node.options);
}

void Printer::print_node(const AlterSchema& node) {
  word("ALTER SCHEMA "), print(node.name), word(" SET ("), print_settings(node.options), word(")");
}

void Printer::print_node(const Flush&) { word("FLUSH"); }

void Printer::print_node(const Subscribe& node) {
  word("SUBSCRIBE TO ");
  print(node.name);
}

void Printer::print_node(const SessionCommand& node) {
  word(node.command);
  if (!node.arguments.empty()) word(" "), word(node.arguments);
}

void Printer::print_node(const Use& node) {
  word(node.catalog ? "USE CATALOG " : "USE ");
  print(node.name);
}

}  // namespace penstock::sql
