#include "plan/scope.h"

#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "sql/keywords.h"
#include "sql/printer.h"

namespace penstock::plan {

using sql::equal_ignoring_case;

Scope::Scope(std::string_view table, const types::Schema& schema) { append(table, schema); }

void Scope::append(std::string_view table, const types::Schema& schema) {
  for (const types::Field& field : schema)
    columns_.push_back({std::string(table), field.name, field.type, "", false, false});
}

Scope::Scope(const Scope& left, const Scope& right) : columns_(left.columns_) {
  columns_.insert(columns_.end(), right.columns_.begin(), right.columns_.end());
}

expr::ExprPtr Scope::column(size_t column) const {
  return expr::Expr::column(column, columns_[column].type, columns_[column].name);
}

std::vector<size_t> Scope::candidates(std::string_view table, std::string_view name) const {
  std::vector<size_t> found;
  std::vector<size_t> exact;
  std::vector<size_t> second;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (table.empty() ? columns_[i].merged : !equal_ignoring_case(columns_[i].table, table)) continue;
    if (!columns_[i].second_name.empty() && equal_ignoring_case(columns_[i].second_name, name)) second.push_back(i);
    if (!equal_ignoring_case(columns_[i].name, name)) continue;
    found.push_back(i);
    if (columns_[i].name == name) exact.push_back(i);
  }
  if (found.empty()) return second;
  return exact.size() == 1 ? exact : found;
}

std::optional<size_t> Scope::find(std::string_view name) const {
  std::vector<size_t> found = candidates("", name);
  if (found.size() != 1) return std::nullopt;
  return found.front();
}

std::vector<size_t> Scope::candidates(const sql::QualifiedName& name, size_t parts) const {
  return candidates(parts > 1 ? std::string_view(name.parts[parts - 2].text) : "", name.parts[parts - 1].text);
}

Error Scope::not_one_column(const sql::QualifiedName& name, bool ambiguous) const {
  size_t parts = name.parts.size();
  if (!ambiguous) return unknown_column(name, parts > 1 ? name.parts[parts - 2].text : "", name.parts.back().text);
  return invalid_argument("column {} is ambiguous", sql::print(name))
      .at(name.position().offset)
      .hint("give the columns different names, or write the table before the name");
}

Result<size_t> Scope::resolve(const sql::QualifiedName& name) const {
  std::vector<size_t> found = candidates(name, name.parts.size());
  if (found.size() == 1) return found.front();
  return not_one_column(name, !found.empty());
}

// A table's name goes before a column's: of a table b and a column b, b.x is the table's column where it has one.
Result<Scope::Resolved> Scope::resolve_path(const sql::QualifiedName& name) const {
  for (size_t parts = name.parts.size(); parts > 0; --parts) {
    std::vector<size_t> found = candidates(name, parts);
    if (found.size() == 1) return Resolved{found.front(), parts};
    if (found.size() > 1) return not_one_column(name, true);
  }
  return not_one_column(name, false);
}

Error Scope::unknown_column(const sql::QualifiedName& name, std::string_view table, std::string_view column) const {
  std::vector<std::string> tables;
  std::vector<std::string> names;
  bool table_known = table.empty();
  for (const Column& known : columns_) {
    if (std::ranges::find(tables, known.table) == tables.end()) tables.push_back(known.table);
    bool in_table = table.empty() || equal_ignoring_case(known.table, table);
    table_known = table_known || in_table;
    if (in_table) names.push_back(known.name);
  }
  if (!table_known) {
    return not_found("there is no table {} here", table).at(name.position().offset).hint(did_you_mean(table, tables));
  }
  return not_found("there is no column {}", sql::print(name))
      .at(name.position().offset)
      .hint(did_you_mean(column, names));
}

Result<std::vector<size_t>> Scope::expand(const sql::QualifiedName& qualifier, sql::Position position) const {
  std::string_view table;
  if (!qualifier.parts.empty()) table = qualifier.parts.back().text;
  std::vector<size_t> found;
  if (table.empty()) found = plain_columns();
  for (size_t i = 0; !table.empty() && i < columns_.size(); ++i) {
    if (equal_ignoring_case(columns_[i].table, table)) found.push_back(i);
  }
  if (!found.empty()) return found;
  if (table.empty())
    return invalid_argument("* has no columns to stand for").at(position.offset).hint("add a FROM clause");
  return not_found("there is no table {} here", table).at(position.offset);
}

bool Scope::has_fields(const Resolved& found, const sql::QualifiedName& name) const {
  return found.parts == name.parts.size() || columns_[found.column].type.kind() == types::TypeKind::kRow;
}

bool Scope::may_be_outside(const sql::QualifiedName& name, const Error& reason) const {
  // Of several parts the first ones may be a table elsewhere, even if there are columns of that name here.
  if (name.parts.size() == 1) return reason.code() == ErrorCode::kNotFound;
  for (size_t i = 0; i + 1 < name.parts.size(); ++i) {
    auto named = [&](const Column& known) { return equal_ignoring_case(known.table, name.parts[i].text); };
    if (std::ranges::any_of(columns_, named)) return false;
  }
  return true;
}

std::vector<size_t> Scope::plain_columns() const {
  std::vector<size_t> found;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (!columns_[i].merged) found.push_back(i);
  }
  return found;
}

void Scope::set_types(const types::Schema& schema) {
  for (size_t i = 0; i < columns_.size(); ++i) columns_[i].type = schema[i].type;
}

void Scope::make_nullable() {
  for (Column& column : columns_) column.type = column.type.with_nullable(true);
}

void Scope::set_missing(size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) columns_[i].missing = true;
}

std::optional<std::string> Scope::shared_table(const Scope& other) const {
  std::set<std::string> names;
  for (const Column& column : columns_) names.insert(sql::to_lower(column.table));
  for (const Column& column : other.columns_) {
    if (!column.table.empty() && names.contains(sql::to_lower(column.table))) return column.table;
  }
  return std::nullopt;
}

}  // namespace penstock::plan
