// CREATE TABLE, VIEW, MATERIALIZED VIEW, FUNCTION, SCHEMA and ALERT.
#include <algorithm>

#include "sql/keywords.h"
#include "sql/parser_state.h"

namespace penstock::sql {

Result<Statement::Node> Parser::parse_create() {
  bool or_replace = cursor_.accept("OR", "REPLACE");
  bool temporary = cursor_.accept("TEMPORARY") || cursor_.accept("TEMP");
  if (cursor_.accept("TABLE")) {
    CreateTable table = PENSTOCK_TRY(parse_create_table());
    table.or_replace = or_replace;
    table.temporary = temporary;
    return Statement::Node(std::move(table));
  }
  if (cursor_.accept("VIEW")) {
    CreateView view = PENSTOCK_TRY(parse_create_view());
    view.or_replace = or_replace;
    view.temporary = temporary;
    return Statement::Node(std::move(view));
  }
  if (cursor_.accept("FUNCTION")) {
    CreateFunction function = PENSTOCK_TRY(parse_create_function());
    function.or_replace = or_replace;
    function.temporary = temporary;
    return Statement::Node(std::move(function));
  }
  if (!or_replace && !temporary) {
    if (cursor_.accept("MATERIALIZED", "VIEW")) {
      return Statement::Node(PENSTOCK_TRY(parse_create_materialized_view()));
    }
    if (cursor_.accept("SCHEMA") || cursor_.accept("DATABASE")) {
      return Statement::Node(PENSTOCK_TRY(parse_create_schema()));
    }
    if (cursor_.accept("ALERT")) return Statement::Node(PENSTOCK_TRY(parse_create_alert()));
  }
  return cursor_.unexpected();
}

Result<bool> Parser::parse_if_not_exists() {
  if (!cursor_.at("IF") || !cursor_.at("NOT", 1)) {
    cursor_.note_expected("IF NOT EXISTS");
    return false;
  }
  cursor_.advance();
  cursor_.advance();
  PENSTOCK_TRY(cursor_.expect("EXISTS"));
  return true;
}

Result<std::optional<std::string>> Parser::parse_comment() {
  if (!cursor_.accept("COMMENT")) return std::nullopt;
  return PENSTOCK_TRY(parse_string("a string"));
}

Result<CreateTable> Parser::parse_create_table() {
  CreateTable table{.if_not_exists = PENSTOCK_TRY(parse_if_not_exists())};
  table.name = PENSTOCK_TRY(parse_qualified_name());
  if (cursor_.at("(") && at_name(1) && (cursor_.at(",", 2) || cursor_.at(")", 2))) {
    table.column_order = PENSTOCK_TRY(parse_identifier_list());
  } else if (cursor_.accept("(")) {
    do {
      PENSTOCK_TRY(parse_table_element(table));
    } while (cursor_.accept(","));
    PENSTOCK_TRY(cursor_.expect(")"));
  }
  table.comment = PENSTOCK_TRY(parse_comment());
  if (cursor_.accept("PARTITIONED", "BY")) table.partitioned_by = PENSTOCK_TRY(parse_identifier_list());
  if (cursor_.accept("WITH")) table.options = PENSTOCK_TRY(parse_options());
  if (!table.column_order.empty()) {
    if (!cursor_.accept("AS")) {
      const Identifier& first = table.column_order.front();
      return invalid_argument("column {} has no type", first.text)
          .at(first.position.offset)
          .hint("names alone are for CREATE TABLE ... AS, whose query gives the types");
    }
    table.query = PENSTOCK_TRY(parse_boxed_statement_query());
  } else if (cursor_.accept("LIKE")) {
    table.like = PENSTOCK_TRY(parse_like());
  } else if (cursor_.accept("AS")) {
    table.query = PENSTOCK_TRY(parse_boxed_statement_query());
  } else if (table.columns.empty()) {
    return cursor_.unexpected("(");
  }
  return table;
}

// source [(INCLUDING GENERATED EXCLUDING OPTIONS ...)], from behind LIKE; there may be commas between the options.
Result<LikeClause> Parser::parse_like() {
  LikeClause like{.source = PENSTOCK_TRY(parse_qualified_name()), .options = {}};
  if (!cursor_.accept("(")) return like;
  do {
    like.options.push_back(PENSTOCK_TRY(parse_like_option()));
    const LikeOption& added = like.options.back();
    const auto same = [&](const LikeOption& option) { return option.feature == added.feature; };
    if (std::ranges::count_if(like.options, same) > 1) {
      return invalid_argument("{} is said twice", like_feature_name(added.feature)).at(added.position.offset);
    }
    cursor_.accept(",");
  } while (!cursor_.accept(")"));
  return like;
}

Result<LikeOption> Parser::parse_like_option() {
  LikeOption option{.position = cursor_.position()};
  if (cursor_.accept("INCLUDING")) {
    option.strategy = LikeStrategy::kIncluding;
  } else if (cursor_.accept("EXCLUDING")) {
    option.strategy = LikeStrategy::kExcluding;
  } else {
    PENSTOCK_TRY(cursor_.expect("OVERWRITING"));
    option.strategy = LikeStrategy::kOverwriting;
  }
  using enum LikeFeature;
  for (LikeFeature feature : {kAll, kConstraints, kGenerated, kMetadata, kOptions, kPartitions, kWatermarks}) {
    option.feature = feature;
    if (!cursor_.accept(like_feature_name(feature))) continue;
    if (option.strategy == LikeStrategy::kOverwriting &&
        (feature == kAll || feature == kConstraints || feature == kPartitions)) {
      return invalid_argument("{} cannot be overwritten, only included or excluded", like_feature_name(feature))
          .at(option.position.offset);
    }
    return option;
  }
  return cursor_.unexpected();
}

// A column, WATERMARK FOR ..., or [CONSTRAINT name] PRIMARY KEY (...).
Status Parser::parse_table_element(CreateTable& table) {
  Position position = cursor_.position();
  if (cursor_.at("WATERMARK") && cursor_.at("FOR", 1)) {
    if (table.watermark) return invalid_argument("a table has at most one watermark").at(position.offset);
    cursor_.advance();
    cursor_.advance();
    WatermarkDefinition watermark{PENSTOCK_TRY(parse_identifier()), {}};
    PENSTOCK_TRY(cursor_.expect("AS"));
    watermark.expression = PENSTOCK_TRY(parse_boxed_expression());
    table.watermark = std::move(watermark);
    return {};
  }
  PENSTOCK_TRY(parse_constraint_name());
  if (cursor_.at("PRIMARY") && cursor_.at("KEY", 1)) {
    if (!table.primary_key.empty()) return invalid_argument("a table has at most one primary key").at(position.offset);
    cursor_.advance();
    cursor_.advance();
    table.primary_key = PENSTOCK_TRY(parse_identifier_list());
    return parse_not_enforced();
  }
  cursor_.note_expected("WATERMARK FOR");
  cursor_.note_expected("PRIMARY KEY");
  table.columns.push_back(PENSTOCK_TRY(parse_column_definition()));
  return {};
}

// [CONSTRAINT name]: a primary key is all that can have one, so that nothing asks for the name.
Status Parser::parse_constraint_name() {
  const size_t ahead = cursor_.at("CONSTRAINT") && at_name(1) ? 2 : 0;
  const bool other = (cursor_.at("UNIQUE", ahead) && cursor_.at("(", ahead + 1)) ||
                     (cursor_.at("CHECK", ahead) && cursor_.at("(", ahead + 1)) ||
                     (cursor_.at("FOREIGN", ahead) && cursor_.at("KEY", ahead + 1));
  if (other) return unsupported("the only constraint of a table is PRIMARY KEY").at(cursor_.position().offset);
  if (ahead == 0 || !cursor_.at("PRIMARY", ahead)) return {};
  cursor_.advance();
  PENSTOCK_TRY(parse_identifier());
  return {};
}

Result<ColumnDefinition> Parser::parse_column_definition() {
  ColumnDefinition column{.name = PENSTOCK_TRY(parse_identifier())};
  if (cursor_.accept("AS")) {
    column.computed = PENSTOCK_TRY(parse_boxed_expression());
  } else {
    column.type = Box(PENSTOCK_TRY(parse_type()));
    if (cursor_.accept("METADATA")) {
      column.metadata.emplace();
      if (cursor_.accept("FROM")) column.metadata->key = PENSTOCK_TRY(parse_string("a metadata key such as 'offset'"));
      column.metadata->is_virtual = cursor_.accept("VIRTUAL");
    }
  }
  PENSTOCK_TRY(parse_column_constraints(column));
  return column;
}

Status Parser::parse_column_constraints(ColumnDefinition& column) {
  while (true) {
    if (column.type) PENSTOCK_TRY(parse_constraint_name());
    if (column.type && cursor_.accept("PRIMARY", "KEY")) {
      column.primary_key = true;
      PENSTOCK_TRY(parse_not_enforced());
    } else if (column.type && cursor_.accept("NOT", "NULL")) {
      column.type->not_null = true;
    } else if (column.type && !column.metadata && cursor_.accept("DEFAULT")) {
      column.default_value = PENSTOCK_TRY(parse_boxed_expression(Precedence::kNot));
    } else if (cursor_.at("COMMENT")) {
      column.comment = PENSTOCK_TRY(parse_comment());
    } else {
      cursor_.note_expected("COMMENT");
      return {};
    }
  }
}

// [[NOT] ENFORCED]
Status Parser::parse_not_enforced() {
  if (cursor_.accept("NOT", "ENFORCED")) return {};
  cursor_.accept("ENFORCED");
  return {};
}

Result<CreateView> Parser::parse_create_view() {
  CreateView view{.if_not_exists = PENSTOCK_TRY(parse_if_not_exists())};
  view.name = PENSTOCK_TRY(parse_qualified_name());
  if (cursor_.at("(")) view.columns = PENSTOCK_TRY(parse_identifier_list());
  view.comment = PENSTOCK_TRY(parse_comment());
  PENSTOCK_TRY(cursor_.expect("AS"));
  view.query = PENSTOCK_TRY(parse_boxed_statement_query());
  return view;
}

Result<CreateMaterializedView> Parser::parse_create_materialized_view() {
  CreateMaterializedView view{.if_not_exists = PENSTOCK_TRY(parse_if_not_exists())};
  view.name = PENSTOCK_TRY(parse_qualified_name());
  if (cursor_.at("(")) view.columns = PENSTOCK_TRY(parse_identifier_list());
  view.comment = PENSTOCK_TRY(parse_comment());
  if (cursor_.accept("WITH")) view.options = PENSTOCK_TRY(parse_options());
  PENSTOCK_TRY(cursor_.expect("AS"));
  view.query = PENSTOCK_TRY(parse_boxed_statement_query());
  return view;
}

Result<CreateSchema> Parser::parse_create_schema() {
  CreateSchema schema{.if_not_exists = PENSTOCK_TRY(parse_if_not_exists())};
  schema.name = PENSTOCK_TRY(parse_qualified_name());
  schema.comment = PENSTOCK_TRY(parse_comment());
  if (cursor_.accept("WITH")) schema.options = PENSTOCK_TRY(parse_options());
  return schema;
}

Result<CreateFunction> Parser::parse_create_function() {
  CreateFunction function{.if_not_exists = PENSTOCK_TRY(parse_if_not_exists())};
  function.name = PENSTOCK_TRY(parse_qualified_name());
  if (cursor_.accept("(")) {
    function.parameters.emplace();
    while (!cursor_.accept(")")) {
      if (!function.parameters->empty()) PENSTOCK_TRY(cursor_.expect(","));
      Identifier name = PENSTOCK_TRY(parse_identifier());
      function.parameters->push_back({std::move(name), PENSTOCK_TRY(parse_type())});
    }
  }
  if (cursor_.accept("RETURNS")) function.returns = Box(PENSTOCK_TRY(parse_type()));
  // PostgreSQL's form of an expression, too: RETURN ...
  if (!cursor_.accept("RETURN")) PENSTOCK_TRY(cursor_.expect("AS"));
  function.body = cursor_.position();
  // A string alone is an identifier; in parentheses it is an expression.
  if (cursor_.kind() == TokenKind::kString && (cursor_.at(";", 1) || cursor_.kind(1) == TokenKind::kEnd ||
                                               cursor_.at("LANGUAGE", 1) || cursor_.at("USING", 1))) {
    function.identifier = PENSTOCK_TRY(parse_string("an identifier"));
    if (cursor_.at("LANGUAGE") || cursor_.at("USING")) {
      return unsupported("functions in other languages are not supported")
          .at(cursor_.position().offset)
          .hint("a function is an SQL expression, or AS 'NAME' of one that the program has");
    }
    return function;
  }
  function.expression = PENSTOCK_TRY(parse_boxed_expression());
  return function;
}

Result<CreateAlert> Parser::parse_create_alert() {
  CreateAlert alert{.if_not_exists = PENSTOCK_TRY(parse_if_not_exists())};
  alert.name = PENSTOCK_TRY(parse_qualified_name());
  if (cursor_.accept("SEVERITY")) alert.severity = PENSTOCK_TRY(parse_string("a string such as 'HIGH'"));
  PENSTOCK_TRY(cursor_.expect("NOTIFY"));
  do {
    AlertChannel channel{PENSTOCK_TRY(parse_identifier()), std::nullopt};
    if (cursor_.kind() == TokenKind::kString) channel.argument = PENSTOCK_TRY(parse_string("a string"));
    alert.channels.push_back(std::move(channel));
  } while (cursor_.accept(","));
  if (cursor_.accept("WITH")) alert.options = PENSTOCK_TRY(parse_options());
  PENSTOCK_TRY(cursor_.expect("AS"));
  alert.query = PENSTOCK_TRY(parse_boxed_statement_query());
  return alert;
}

}  // namespace penstock::sql
