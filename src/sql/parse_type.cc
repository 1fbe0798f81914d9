// Types, under canonical names.
#include <algorithm>
#include <array>

#include "sql/keywords.h"
#include "sql/parser_state.h"

namespace penstock::sql {

Result<TypeName> Parser::parse_type() {
  Nesting nesting(*this);
  PENSTOCK_TRY(check_depth());
  TypeName type = PENSTOCK_TRY(parse_type_base());
  while (true) {
    bool brackets = cursor_.at("[") && cursor_.at("]", 1);
    bool word = cursor_.at("ARRAY") || cursor_.at("MULTISET");
    if (!brackets && !word) break;
    PENSTOCK_TRY(grow());
    TypeName collection;
    collection.name = brackets ? "ARRAY" : to_upper(cursor_.text());
    collection.position = type.position;
    collection.elements.push_back(std::move(type));
    type = std::move(collection);
    cursor_.advance();
    if (brackets) cursor_.advance();
  }
  type.not_null = cursor_.at("NOT") && cursor_.at("NULL", 1);
  if (type.not_null) cursor_.advance();
  if (cursor_.at("NULL")) cursor_.advance();
  return type;
}

Result<TypeName> Parser::parse_type_base() {
  TypeName type;
  type.position = cursor_.position();
  if (!at_name()) return cursor_.unexpected("a type");
  if (cursor_.at("pg_catalog") && cursor_.at(".", 1)) {  // PostgreSQL's clients write pg_catalog.int4
    cursor_.advance();
    cursor_.advance();
    if (!at_name()) return cursor_.unexpected("a type");
  }
  type.name = to_upper(PENSTOCK_TRY(parse_identifier()).text);
  if (type.name.find(' ') != std::string::npos) {
    return invalid_argument("'{}' is not the name of a type", type.name).at(type.position.offset);
  }
  if (type.name == "INTERVAL") {
    PENSTOCK_TRY(parse_interval_type(type));
  } else if (type.name == "ROW" && (cursor_.at("<") || cursor_.at("("))) {
    PENSTOCK_TRY(parse_row_type_fields(type));
  } else if (type.name == "ARRAY" || type.name == "MULTISET" || type.name == "MAP") {
    PENSTOCK_TRY(cursor_.expect("<"));
    type.elements.push_back(PENSTOCK_TRY(parse_type()));
    if (type.name == "MAP") {
      PENSTOCK_TRY(cursor_.expect(","));
      type.elements.push_back(PENSTOCK_TRY(parse_type()));
    }
    PENSTOCK_TRY(cursor_.expect(">"));
  } else {
    PENSTOCK_TRY(parse_type_words(type));
  }
  return type;
}

// Types whose names have several words.
Status Parser::parse_type_words(TypeName& type) {
  if (type.name == "DOUBLE") {
    cursor_.accept("PRECISION");
  } else if ((type.name == "CHARACTER" || type.name == "CHAR") && cursor_.accept("VARYING")) {
    type.name = "VARCHAR";
  } else if (type.name == "BINARY" && cursor_.accept("VARYING")) {
    type.name = "VARBINARY";
  }
  PENSTOCK_TRY(parse_type_arguments(type));
  if (type.name != "TIMESTAMP" && type.name != "TIME") return {};
  if (cursor_.at("WITHOUT") && cursor_.at("TIME", 1)) {
    cursor_.advance();
    cursor_.advance();
    return cursor_.expect("ZONE");
  }
  if (cursor_.at("WITH") && (cursor_.at("LOCAL", 1) || cursor_.at("TIME", 1))) {
    cursor_.advance();
    type.name += cursor_.accept("LOCAL") ? "_LTZ" : "_TZ";
    PENSTOCK_TRY(cursor_.expect("TIME"));
    return cursor_.expect("ZONE");
  }
  return {};
}

Status Parser::parse_type_arguments(TypeName& type) {
  if (!cursor_.accept("(")) return {};
  do {
    constexpr uint32_t kArgumentDigitsMax = 9;
    if (cursor_.kind() != TokenKind::kInteger) return cursor_.unexpected("a whole number");
    if (cursor_.text().size() > kArgumentDigitsMax) {
      return invalid_argument("{} is too large for a type's length, precision or scale", cursor_.text())
          .at(cursor_.position().offset);
    }
    type.parameters.push_back(static_cast<uint32_t>(std::stoul(std::string(cursor_.text()))));
    cursor_.advance();
  } while (cursor_.accept(","));
  return cursor_.expect(")");
}

Status Parser::parse_row_type_fields(TypeName& type) {
  std::string_view close = cursor_.at("<") ? ">" : ")";
  cursor_.advance();
  do {
    RowField field{PENSTOCK_TRY(parse_identifier()), {}};
    field.type = Box(PENSTOCK_TRY(parse_type()));
    if (cursor_.kind() == TokenKind::kString) cursor_.advance();  // a comment
    type.fields.push_back(std::move(field));
  } while (cursor_.accept(","));
  return cursor_.expect(close);
}

Status Parser::parse_interval_type(TypeName& type) {
  static constexpr std::array<std::string_view, 6> kUnits = {"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"};
  auto parse_unit = [&]() -> Status {
    auto unit = std::ranges::find_if(kUnits, [&](std::string_view candidate) { return cursor_.at(candidate); });
    if (unit == kUnits.end()) return cursor_.unexpected("a unit such as DAY or SECOND");
    type.name += " ";
    type.name += *unit;
    cursor_.advance();
    return parse_type_arguments(type);
  };
  bool at_unit = std::ranges::any_of(kUnits, [&](std::string_view unit) { return cursor_.at(unit); });
  if (!at_unit) return {};
  PENSTOCK_TRY(parse_unit());
  if (cursor_.accept("TO")) {
    type.name += " TO";
    PENSTOCK_TRY(parse_unit());
  }
  type.parameters.clear();  // how many digits a unit shows has no effect on the value
  return {};
}

}  // namespace penstock::sql
