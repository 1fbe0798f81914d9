// Turns SQL text into syntax trees.
//
//   Statement statement = PENSTOCK_TRY(parse_statement("SELECT a FROM t"));
//
// Errors have the byte offset of the token that does not fit (Error::position) and say what could stand there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sql/expression.h"
#include "sql/query.h"
#include "sql/statement.h"

namespace penstock::sql {

// Exactly one statement, with or without a semicolon.
Result<Statement> parse_statement(std::string_view sql);
Result<Query> parse_query(std::string_view sql);
// One expression, as the catalog keeps computed columns.
Result<Expression> parse_expression(std::string_view sql);
Result<TypeName> parse_type(std::string_view sql);

// A statement of a script, without its semicolon, and where it begins in the script.
struct StatementText {
  std::string_view text;
  uint32_t offset = 0;
};

// Cuts a script at its semicolons, leaving out empty statements; those inside a statement set cut nothing. The texts
// are views of `sql`.
Result<std::vector<StatementText>> split_statements(std::string_view sql);

// Line and column of a byte offset, both from 1; columns count characters.
struct LineAndColumn {
  uint32_t line = 1;
  uint32_t column = 1;
};
LineAndColumn line_and_column(std::string_view sql, uint32_t offset);

// The error for people: message, then the line of SQL with a caret below the place, then the hint.
std::string describe_error(std::string_view sql, const Error& error);

}  // namespace penstock::sql
