// Calls of the SQL standard's JSON functions, whose clauses become keywords behind the arguments.
#include <algorithm>
#include <array>

#include "sql/parser_state.h"
#include "sql/printer.h"

namespace penstock::sql {
namespace {

constexpr std::array<std::string_view, 7> kJsonFunctions = {
    "JSON_VALUE", "JSON_QUERY", "JSON_EXISTS", "JSON_OBJECT", "JSON_ARRAY", "JSON_OBJECTAGG", "JSON_ARRAYAGG",
};

}  // namespace

bool Parser::is_json_function(std::string_view name) { return std::ranges::count(kJsonFunctions, name) > 0; }

Status Parser::parse_json_arguments(FunctionCall& call, std::string_view name) {
  const bool aggregate = name.ends_with("AGG");
  if (aggregate && cursor_.at("DISTINCT")) {
    cursor_.advance();
    call.distinct = true;
  }
  if (name.starts_with("JSON_OBJECT")) {
    PENSTOCK_TRY(parse_json_pairs(call));
  } else if (!cursor_.at(")") && !at_json_null_clause()) {
    do {
      call.arguments.push_back(PENSTOCK_TRY(parse_expression()));
    } while (cursor_.accept(","));
  }
  if (name == "JSON_VALUE" || name == "JSON_QUERY" || name == "JSON_EXISTS") return parse_json_behaviors(call);
  // The standard has the order before the clause.
  if (aggregate) PENSTOCK_TRY(parse_argument_order(call));
  accept_json_null_clause(call);
  return aggregate && call.order_by.empty() ? parse_argument_order(call) : Status();
}

// [KEY] name VALUE value, or name : value, or name, value; separated by commas.
Status Parser::parse_json_pairs(FunctionCall& call) {
  if (cursor_.at(")") || at_json_null_clause()) return {};
  do {
    const bool key = cursor_.at("KEY") && !cursor_.at("VALUE", 1) && !cursor_.at(",", 1) && !cursor_.at(":", 1) &&
                     !cursor_.at(".", 1) && !cursor_.at(")", 1);
    if (key) cursor_.advance();
    call.arguments.push_back(PENSTOCK_TRY(parse_expression()));
    if (!cursor_.accept("VALUE") && !cursor_.accept(":")) PENSTOCK_TRY(cursor_.expect(","));
    call.arguments.push_back(PENSTOCK_TRY(parse_expression()));
  } while (cursor_.accept(","));
  return {};
}

bool Parser::at_json_null_clause() const {
  return (cursor_.at("NULL") || cursor_.at("ABSENT")) && cursor_.at("ON", 1) && cursor_.at("NULL", 2);
}

// [NULL | ABSENT ON NULL]
void Parser::accept_json_null_clause(FunctionCall& call) {
  if (!at_json_null_clause()) return;
  call.arguments.emplace_back(Keyword{cursor_.at("NULL") ? "NULL ON NULL" : "ABSENT ON NULL"}, cursor_.position());
  for (int word = 0; word < 3; ++word) cursor_.advance();
}

// [RETURNING type] [... WRAPPER] [... ON EMPTY] [... ON ERROR]
Status Parser::parse_json_behaviors(FunctionCall& call) {
  const auto add = [&](std::string text, Position position) {
    call.arguments.emplace_back(Keyword{std::move(text)}, position);
  };
  Position position = cursor_.position();
  if (cursor_.accept("RETURNING")) add("RETURNING " + print(PENSTOCK_TRY(parse_type_base())), position);
  position = cursor_.position();
  const bool without = cursor_.accept("WITHOUT");
  if (without || cursor_.accept("WITH")) {
    const bool conditional = cursor_.accept("CONDITIONAL");
    if (!conditional) cursor_.accept("UNCONDITIONAL");
    cursor_.accept("ARRAY");
    PENSTOCK_TRY(cursor_.expect("WRAPPER"));
    add(without       ? "WITHOUT WRAPPER"
        : conditional ? "WITH CONDITIONAL WRAPPER"
                      : "WITH UNCONDITIONAL WRAPPER",
        position);
  }
  while (!cursor_.at(")")) {
    position = cursor_.position();
    if (cursor_.accept("DEFAULT")) {
      add("DEFAULT", position);
      call.arguments.push_back(PENSTOCK_TRY(parse_expression()));
      position = cursor_.position();
      PENSTOCK_TRY(cursor_.expect("ON"));
      const bool empty = cursor_.accept("EMPTY");
      if (!empty) PENSTOCK_TRY(cursor_.expect("ERROR"));
      add(empty ? "ON EMPTY" : "ON ERROR", position);
      continue;
    }
    std::string text;
    for (std::string_view word : {"NULL", "ERROR", "TRUE", "FALSE", "UNKNOWN", "EMPTY"}) {
      if (text.empty() && cursor_.accept(word)) text = word;
    }
    if (text.empty()) return cursor_.unexpected("a clause such as NULL ON EMPTY");
    if (text == "EMPTY") text += cursor_.accept("OBJECT") ? " OBJECT" : (cursor_.accept("ARRAY"), " ARRAY");
    PENSTOCK_TRY(cursor_.expect("ON"));
    const bool empty = cursor_.accept("EMPTY");
    if (!empty) PENSTOCK_TRY(cursor_.expect("ERROR"));
    add(text + (empty ? " ON EMPTY" : " ON ERROR"), position);
  }
  return {};
}

}  // namespace penstock::sql
