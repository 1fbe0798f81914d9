#include "sql/parser.h"

#include <algorithm>

#include "sql/limits.h"
#include "sql/parser_state.h"
#include "sql/statement_block.h"

namespace penstock::sql {

Result<Statement> parse_statement(std::string_view sql) {
  return Parser(PENSTOCK_TRY(TokenCursor::open(sql))).parse_whole_statement();
}

Result<Query> parse_query(std::string_view sql) {
  return Parser(PENSTOCK_TRY(TokenCursor::open(sql))).parse_whole_query();
}

Result<Expression> parse_expression(std::string_view sql) {
  return Parser(PENSTOCK_TRY(TokenCursor::open(sql))).parse_whole_expression();
}

Result<TypeName> parse_type(std::string_view sql) {
  return Parser(PENSTOCK_TRY(TokenCursor::open(sql))).parse_whole_type();
}

Result<std::vector<StatementText>> split_statements(std::string_view sql) {
  if (sql.size() > kScriptBytesMax) {
    return make_error(ErrorCode::kResourceExhausted, "the script is {} bytes long; a script has at most {}", sql.size(),
                      kScriptBytesMax);
  }
  std::vector<StatementText> statements;
  Lexer lexer(sql);
  uint32_t begin = 0;
  uint32_t end = 0;  // of the statement that is open; `begin` when it has no token yet
  StatementBlock block;
  while (true) {
    Token token = PENSTOCK_TRY(lexer.next());
    bool separator = token.kind == TokenKind::kSymbol && sql[token.offset] == ';' && !block.open();
    if (separator || token.kind == TokenKind::kEnd) {
      if (end > begin) statements.push_back({sql.substr(begin, end - begin), begin});
      if (!separator) return statements;
      begin = end = token.offset + token.length;
      block = {};
      continue;
    }
    block.add(token.kind == TokenKind::kWord ? sql.substr(token.offset, token.length) : sql.substr(token.offset, 1));
    if (end == begin) begin = token.offset;
    end = token.offset + token.length;
  }
}

LineAndColumn line_and_column(std::string_view sql, uint32_t offset) {
  LineAndColumn place;
  for (char c : sql.substr(0, offset)) {
    bool continues_character = (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
    if (c == '\n') {
      ++place.line;
      place.column = 1;
    } else if (!continues_character) {
      ++place.column;
    }
  }
  return place;
}

std::string describe_error(std::string_view sql, const Error& error) {
  constexpr size_t kLineBytesShown = 200;
  std::string text = "error: " + error.message();
  if (error.position() && *error.position() <= sql.size()) {
    uint32_t offset = *error.position();
    LineAndColumn place = line_and_column(sql, offset);
    size_t line_begin = offset == 0 ? std::string_view::npos : sql.rfind('\n', offset - 1);
    line_begin = line_begin == std::string_view::npos ? 0 : line_begin + 1;
    std::string_view line = sql.substr(line_begin, sql.find('\n', line_begin) - line_begin);
    text += fmt::format("\n  line {}, column {}", place.line, place.column);
    if (line.size() <= kLineBytesShown) text += fmt::format("\n  {}\n  {:>{}}", line, '^', place.column);
  }
  if (!error.hint().empty()) text += "\nhint: " + error.hint();
  return text;
}

}  // namespace penstock::sql
