// The names that expressions can use: the columns of what stands after FROM.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/expr.h"
#include "sql/expression.h"
#include "types/type.h"

namespace penstock::plan {

// Column i of the scope is column i of the input.
class Scope {
 public:
  Scope() = default;
  // Every column of `schema`, under one table's name (empty when it has none).
  Scope(std::string_view table, const types::Schema& schema);
  // The columns of `left`, then those of `right`.
  Scope(const Scope& left, const Scope& right);

  // The columns of another table behind these.
  void append(std::string_view table, const types::Schema& schema);

  // The column is found by this name too, where no other is called so.
  void add_name(size_t column, std::string_view name) { columns_[column].second_name = name; }

  size_t size() const { return columns_.size(); }
  const types::DataType& type(size_t column) const { return columns_[column].type; }
  const std::string& name(size_t column) const { return columns_[column].name; }
  expr::ExprPtr column(size_t column) const;

  // Finds a column by [[schema.]table.]name, in any case; where several differ by case only, the one that is spelt so.
  // Errors have the name's position: kNotFound with "did you mean", kInvalidArgument when it is ambiguous.
  Result<size_t> resolve(const sql::QualifiedName& name) const;
  // The same for a name that may go on with fields of the column: how many parts of it name the column.
  struct Resolved {
    size_t column;
    size_t parts;
  };
  Result<Resolved> resolve_path(const sql::QualifiedName& name) const;
  // The column of that unqualified name, when there is exactly one.
  std::optional<size_t> find(std::string_view name) const;

  // Whether what is behind the column in the name can be fields of it: nothing is, or it is a ROW.
  bool has_fields(const Resolved& found, const sql::QualifiedName& name) const;
  // Whether a name that is not found here for this reason may be one of a query around this one: it does not begin
  // with a table's name, and is not that of several columns.
  bool may_be_outside(const sql::QualifiedName& name, const Error& reason) const;

  // The columns of `*`, or of `table.*`.
  Result<std::vector<size_t>> expand(const sql::QualifiedName& qualifier, sql::Position position) const;
  // Those that an unqualified name can find.
  std::vector<size_t> plain_columns() const;

  // --- what joins do to columns ---
  // The columns get these types.
  void set_types(const types::Schema& schema);
  // All columns may be NULL.
  void make_nullable();
  // An outer join gives rows without any of the tables that these columns, up to but without `end`, are of.
  void set_missing(size_t begin, size_t end);
  bool may_be_missing(size_t column) const { return columns_[column].missing; }
  // A column of USING stands for this one: from now on it is found only by its table's name, and is no part of `*`.
  void merge(size_t column) { columns_[column].merged = true; }
  // The name of a table that both scopes have.
  std::optional<std::string> shared_table(const Scope& other) const;

 private:
  struct Column {
    std::string table;
    std::string name;
    types::DataType type;
    std::string second_name;
    bool merged = false;
    bool missing = false;  // see set_missing()
  };
  std::vector<size_t> candidates(std::string_view table, std::string_view name) const;
  // Of the first `parts` parts of the name.
  std::vector<size_t> candidates(const sql::QualifiedName& name, size_t parts) const;
  Error not_one_column(const sql::QualifiedName& name, bool ambiguous) const;
  Error unknown_column(const sql::QualifiedName& name, std::string_view table, std::string_view column) const;

  std::vector<Column> columns_;
};

}  // namespace penstock::plan
