#include "catalog/create_text.h"

#include <map>
#include <vector>

#include "catalog/partition.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"

namespace penstock::catalog {
namespace {

std::string column_text(const Column& column) {
  std::string text = sql::quote_identifier(column.name);
  if (!column.computed.empty()) {
    text += " AS (" + column.computed + ")";
  } else {
    text += " " + column.type.to_string();
  }
  if (column.metadata && !partition_level(column)) {
    text += " METADATA FROM " + sql::quote_string(column.metadata->key);
    if (column.metadata->is_virtual) text += " VIRTUAL";
  }
  if (!column.default_value.empty()) text += " DEFAULT (" + column.default_value + ")";
  if (!column.comment.empty()) text += " COMMENT " + sql::quote_string(column.comment);
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ", ";
    text += part;
  }
  return text;
}

}  // namespace

sql::QualifiedName written_name(const Entry& entry, std::string_view names_schema) {
  sql::QualifiedName name;
  if (!entry.temporary && entry.schema_name != names_schema) name.parts.push_back({entry.schema_name, {}});
  name.parts.push_back({std::string(entry.unqualified_name()), {}});
  return name;
}

Result<std::string> create_table_text(const Entry& entry) {
  const Table& table = *entry.table();
  std::vector<std::string> elements;
  for (const Column& column : table.columns) elements.push_back(column_text(column));
  if (table.watermark) {
    elements.push_back("WATERMARK FOR " + sql::quote_identifier(table.columns[table.watermark->column].name) + " AS " +
                       table.watermark->expression);
  }
  std::vector<std::string> key;
  for (const int column : table.primary_key) key.push_back(sql::quote_identifier(table.columns[column].name));
  if (!key.empty()) elements.push_back("PRIMARY KEY (" + joined(key) + ") NOT ENFORCED");
  std::vector<std::string> options;
  for (const auto& [name, value] : table.options) {
    options.push_back(sql::quote_string(name) + " = " + sql::quote_string(value));
  }
  std::string text = entry.temporary ? "CREATE TEMPORARY TABLE " : "CREATE TABLE ";
  text += sql::print(written_name(entry, "public")) + " (" + joined(elements) + ")";
  if (!entry.comment.empty()) text += " COMMENT " + sql::quote_string(entry.comment);
  std::map<size_t, std::string> partitioned_by;
  for (const Column& column : table.columns) {
    if (const auto level = partition_level(column)) partitioned_by[*level] = sql::quote_identifier(column.name);
  }
  std::vector<std::string> partitions;
  for (const auto& [level, column] : partitioned_by) partitions.push_back(column);
  if (!partitions.empty()) text += " PARTITIONED BY (" + joined(partitions) + ")";
  if (!options.empty()) text += " WITH (" + joined(options) + ")";
  const Result<sql::Statement> statement = sql::parse_statement(text);
  if (!statement) {
    return make_error(ErrorCode::kCorruption, "the catalog: table {} cannot be written as a statement: {}", entry.name,
                      statement.error().message());
  }
  return sql::print(*statement);
}

}  // namespace penstock::catalog
