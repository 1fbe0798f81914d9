// Function calls, with the standard's special argument forms, FILTER and OVER.
#include <array>

#include "sql/keywords.h"
#include "sql/parser_state.h"

namespace penstock::sql {

Result<FunctionCall> Parser::parse_call(QualifiedName name) {
  FunctionCall call{.name = std::move(name)};
  PENSTOCK_TRY(cursor_.expect("("));
  bool special = call.name.parts.size() == 1 && PENSTOCK_TRY(parse_special_arguments(call));
  if (!special) PENSTOCK_TRY(parse_call_arguments(call));
  PENSTOCK_TRY(cursor_.expect(")"));
  PENSTOCK_TRY(parse_call_suffixes(call));
  return call;
}

Status Parser::parse_call_arguments(FunctionCall& call) {
  if (cursor_.at(")")) return {};
  if (cursor_.at("DISTINCT")) {
    cursor_.advance();
    call.distinct = true;
  } else if (cursor_.at("ALL")) {
    cursor_.advance();
  }
  if (!cursor_.at("ORDER")) {
    do {
      call.arguments.push_back(PENSTOCK_TRY(parse_argument()));
    } while (cursor_.accept(","));
  }
  accept_null_treatment(call);
  return parse_argument_order(call);
}

// [IGNORE NULLS | RESPECT NULLS], behind the arguments or the parentheses around them
void Parser::accept_null_treatment(FunctionCall& call) {
  const bool ignore = cursor_.at("IGNORE");
  if ((!ignore && !cursor_.at("RESPECT")) || !cursor_.at("NULLS", 1)) return;
  call.null_treatment = ignore ? NullTreatment::kIgnoreNulls : NullTreatment::kRespectNulls;
  cursor_.advance();
  cursor_.advance();
}

// [ORDER BY ...] behind the arguments
Status Parser::parse_argument_order(FunctionCall& call) {
  if (!cursor_.at("ORDER")) return {};
  cursor_.advance();
  PENSTOCK_TRY(cursor_.expect("BY"));
  call.order_by = PENSTOCK_TRY(parse_order_items());
  return {};
}

Result<Expression> Parser::parse_argument() {
  // Reserved words are names here: OFFSET => ...
  if ((!at_name() && cursor_.kind() != TokenKind::kWord) || !cursor_.at("=>", 1)) return parse_expression();
  Position position = cursor_.position();
  NamedArgument node;
  if (at_name()) {
    node.name = PENSTOCK_TRY(parse_identifier());
  } else {
    node.name = {std::string(cursor_.text()), position};
    cursor_.advance();
  }
  cursor_.advance();
  node.value = PENSTOCK_TRY(parse_boxed_expression());
  return Expression(std::move(node), position);
}

Result<Expression> Parser::parse_keyword_argument(std::string_view what) {
  if (cursor_.kind() != TokenKind::kWord) return cursor_.unexpected(what);
  Expression keyword(Keyword{to_upper(cursor_.text())}, cursor_.position());
  cursor_.advance();
  return keyword;
}

// Reads the arguments of the functions whose arguments are set apart by words; false when they are ordinary.
Result<bool> Parser::parse_special_arguments(FunctionCall& call) {
  std::string name = to_upper(call.name.parts.front().text);
  std::vector<Expression>& arguments = call.arguments;
  auto add = [&](Precedence minimum = Precedence::kLowest) -> Status {
    arguments.push_back(PENSTOCK_TRY(parse_expression(minimum)));
    return {};
  };
  if (name == "EXTRACT" || name == "TIMESTAMPADD" || name == "TIMESTAMPDIFF") {
    arguments.push_back(PENSTOCK_TRY(parse_keyword_argument("a unit such as DAY")));
    PENSTOCK_TRY(cursor_.expect(name == "EXTRACT" ? "FROM" : ","));
    PENSTOCK_TRY(add());
    while (name != "EXTRACT" && cursor_.accept(",")) PENSTOCK_TRY(add());
  } else if (name == "TRIM") {
    PENSTOCK_TRY(parse_trim_arguments(call));
  } else if (name == "POSITION") {
    PENSTOCK_TRY(add(Precedence::kRange));
    if (!cursor_.accept("IN")) PENSTOCK_TRY(cursor_.expect(","));
    PENSTOCK_TRY(add());
  } else if (name == "CEIL" || name == "CEILING" || name == "FLOOR") {
    PENSTOCK_TRY(add());
    if (cursor_.accept("TO")) arguments.push_back(PENSTOCK_TRY(parse_keyword_argument("a unit such as DAY")));
    while (cursor_.accept(",")) PENSTOCK_TRY(add());
  } else if (name == "SUBSTRING" || name == "OVERLAY") {
    PENSTOCK_TRY(add());
    if (name == "OVERLAY" && cursor_.accept("PLACING")) PENSTOCK_TRY(add());
    if (cursor_.accept("FROM")) {
      PENSTOCK_TRY(add());
      if (cursor_.accept("FOR")) PENSTOCK_TRY(add());
    }
    while (cursor_.accept(",")) PENSTOCK_TRY(add());
  } else if (is_json_function(name)) {
    PENSTOCK_TRY(parse_json_arguments(call, name));
  } else {
    return false;
  }
  call.name.parts.front().text = std::move(name);
  return true;
}

// TRIM(x), or TRIM([BOTH | LEADING | TRAILING] [characters] FROM x).
Status Parser::parse_trim_arguments(FunctionCall& call) {
  Position position = cursor_.position();
  std::string side;
  for (std::string_view word : {"BOTH", "LEADING", "TRAILING"}) {
    if (cursor_.at(word) && !cursor_.at(")", 1) && !cursor_.at(",", 1)) side = word;
  }
  if (!side.empty()) cursor_.advance();
  if (!cursor_.at("FROM")) {
    call.arguments.push_back(PENSTOCK_TRY(parse_expression()));
    while (side.empty() && cursor_.accept(",")) call.arguments.push_back(PENSTOCK_TRY(parse_expression()));
    if (call.arguments.size() > 1 || (side.empty() && !cursor_.at("FROM"))) return {};
  } else {
    call.arguments.emplace_back(Literal{LiteralKind::kString, " "}, cursor_.position());
  }
  PENSTOCK_TRY(cursor_.expect("FROM"));
  call.arguments.push_back(PENSTOCK_TRY(parse_expression()));
  call.arguments.emplace(call.arguments.begin(), Keyword{side.empty() ? "BOTH" : side}, position);
  return {};
}

Status Parser::parse_call_suffixes(FunctionCall& call) {
  if (cursor_.at("WITHIN") && cursor_.at("GROUP", 1)) {
    cursor_.advance();
    cursor_.advance();
    PENSTOCK_TRY(cursor_.expect("("));
    PENSTOCK_TRY(cursor_.expect("ORDER"));
    PENSTOCK_TRY(cursor_.expect("BY"));
    call.order_by = PENSTOCK_TRY(parse_order_items());
    PENSTOCK_TRY(cursor_.expect(")"));
  }
  accept_null_treatment(call);
  if (cursor_.at("FILTER") && cursor_.at("(", 1)) {
    cursor_.advance();
    cursor_.advance();
    PENSTOCK_TRY(cursor_.expect("WHERE"));
    call.filter = PENSTOCK_TRY(parse_boxed_expression());
    PENSTOCK_TRY(cursor_.expect(")"));
  }
  if (cursor_.at("OVER")) {
    cursor_.advance();
    call.over = Box(PENSTOCK_TRY(parse_window_specification()));
  }
  return {};
}

// name, or ([name] [PARTITION BY ...] [ORDER BY ...] [ROWS | RANGE | GROUPS ...]).
Result<WindowSpecification> Parser::parse_window_specification() {
  WindowSpecification window;
  if (!cursor_.accept("(")) {
    window.base = PENSTOCK_TRY(parse_identifier());
    return window;
  }
  bool part = cursor_.at("PARTITION") || at_window_frame();
  if (at_name() && !part) window.base = PENSTOCK_TRY(parse_identifier());
  if (cursor_.accept("PARTITION")) {
    PENSTOCK_TRY(cursor_.expect("BY"));
    window.partition_by = PENSTOCK_TRY(parse_expression_list());
  }
  if (cursor_.accept("ORDER")) {
    PENSTOCK_TRY(cursor_.expect("BY"));
    window.order_by = PENSTOCK_TRY(parse_order_items());
  }
  if (at_window_frame()) window.frame = PENSTOCK_TRY(parse_window_frame());
  PENSTOCK_TRY(cursor_.expect(")"));
  return window;
}

bool Parser::at_window_frame() const { return cursor_.at("ROWS") || cursor_.at("RANGE") || cursor_.at("GROUPS"); }

Result<WindowFrame> Parser::parse_window_frame() {
  WindowFrame frame{.position = cursor_.position()};
  if (cursor_.at("RANGE")) frame.unit = FrameUnit::kRange;
  if (cursor_.at("GROUPS")) frame.unit = FrameUnit::kGroups;
  cursor_.advance();
  bool between = cursor_.accept("BETWEEN");
  frame.start = PENSTOCK_TRY(parse_frame_bound());
  if (between) {
    PENSTOCK_TRY(cursor_.expect("AND"));
    frame.end = PENSTOCK_TRY(parse_frame_bound());
  }
  if (!cursor_.accept("EXCLUDE")) return frame;
  if (cursor_.accept("CURRENT", "ROW")) {
    frame.exclusion = FrameExclusion::kCurrentRow;
  } else if (cursor_.accept("GROUP")) {
    frame.exclusion = FrameExclusion::kGroup;
  } else if (cursor_.accept("TIES")) {
    frame.exclusion = FrameExclusion::kTies;
  } else {
    PENSTOCK_TRY(cursor_.expect("NO"));
    PENSTOCK_TRY(cursor_.expect("OTHERS"));
  }
  return frame;
}

Result<FrameBound> Parser::parse_frame_bound() {
  FrameBound bound;
  if (cursor_.accept("CURRENT", "ROW")) return bound;
  bool unbounded = cursor_.accept("UNBOUNDED");
  if (!unbounded) bound.distance = PENSTOCK_TRY(parse_boxed_expression(Precedence::kRange));
  if (cursor_.accept("PRECEDING")) {
    bound.kind = unbounded ? FrameBoundKind::kUnboundedPreceding : FrameBoundKind::kPreceding;
    return bound;
  }
  PENSTOCK_TRY(cursor_.expect("FOLLOWING"));
  bound.kind = unbounded ? FrameBoundKind::kUnboundedFollowing : FrameBoundKind::kFollowing;
  return bound;
}

// TABLE name or TABLE (query), [PARTITION BY ...] [ORDER BY ...]
Result<Expression> Parser::parse_table_argument() {
  Position position = cursor_.position();
  cursor_.advance();
  TableArgument node;
  if (cursor_.accept("(")) {
    node.query = PENSTOCK_TRY(parse_boxed_query());
    PENSTOCK_TRY(cursor_.expect(")"));
  } else {
    node.name = PENSTOCK_TRY(parse_qualified_name());
  }
  if (cursor_.accept("PARTITION", "BY")) {
    bool parenthesized = cursor_.accept("(");
    if (parenthesized) {
      node.partition_by = PENSTOCK_TRY(parse_expression_list());
      PENSTOCK_TRY(cursor_.expect(")"));
    } else {
      node.partition_by.push_back(PENSTOCK_TRY(parse_expression()));
    }
  }
  if (cursor_.accept("ORDER", "BY")) {
    bool parenthesized = cursor_.accept("(");
    node.order_by = PENSTOCK_TRY(parse_order_items());
    if (parenthesized) PENSTOCK_TRY(cursor_.expect(")"));
  }
  return Expression(std::move(node), position);
}

Result<std::vector<OrderItem>> Parser::parse_order_items() {
  std::vector<OrderItem> items;
  do {
    OrderItem item{.value = PENSTOCK_TRY(parse_boxed_expression())};
    if (cursor_.accept("DESC")) {
      item.descending = true;
    } else {
      cursor_.accept("ASC");
    }
    if (cursor_.accept("NULLS")) {
      item.nulls_first = cursor_.accept("FIRST");
      if (!*item.nulls_first) PENSTOCK_TRY(cursor_.expect("LAST"));
    }
    items.push_back(std::move(item));
  } while (cursor_.accept(","));
  return items;
}

}  // namespace penstock::sql
