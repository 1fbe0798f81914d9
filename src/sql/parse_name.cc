// Names, strings, options and hints.
#include "sql/keywords.h"
#include "sql/limits.h"
#include "sql/parser_state.h"

namespace penstock::sql {

Status Parser::check_depth() const {
  if (depth_ + height_ <= kNestingDepthMax) return {};
  return make_error(ErrorCode::kResourceExhausted, "the statement is nested more than {} levels deep here",
                    kNestingDepthMax)
      .at(cursor_.position().offset)
      .hint("split it into several statements or views");
}

Status Parser::grow() {
  ++height_;
  return check_depth();
}

Status Parser::expect_end() {
  cursor_.accept(";");
  if (cursor_.at_end()) return {};
  return cursor_.unexpected("the end of the statement");
}

bool Parser::at_name(size_t ahead) const {
  TokenKind kind = cursor_.kind(ahead);
  if (ahead == 0 && at_emit()) return false;
  return kind == TokenKind::kQuotedName || (kind == TokenKind::kWord && !is_reserved(cursor_.text(ahead)));
}

std::optional<Identifier> Parser::accept_identifier() {
  if (!at_name()) {
    cursor_.note_expected("a name");
    return std::nullopt;
  }
  bool quoted = cursor_.kind() == TokenKind::kQuotedName;
  Identifier name{quoted ? unquote(cursor_.text()) : std::string(cursor_.text()), cursor_.position()};
  cursor_.advance();
  return name;
}

Result<Identifier> Parser::parse_identifier() {
  std::optional<Identifier> name = accept_identifier();
  if (!name) return cursor_.unexpected();
  return *std::move(name);
}

Result<Identifier> Parser::parse_label() {
  if (cursor_.kind() != TokenKind::kWord) return parse_identifier();
  Identifier name{std::string(cursor_.text()), cursor_.position()};
  cursor_.advance();
  return name;
}

Result<QualifiedName> Parser::parse_qualified_name() {
  QualifiedName name;
  name.parts.push_back(PENSTOCK_TRY(parse_identifier()));
  while (cursor_.accept(".")) {
    if (name.parts.size() == kNamePartsMax) {
      return invalid_argument("this name has more than {} parts", kNamePartsMax)
          .at(name.position().offset)
          .hint("write catalog.schema.name");
    }
    name.parts.push_back(PENSTOCK_TRY(parse_label()));
  }
  return name;
}

Result<std::vector<Identifier>> Parser::parse_identifier_list() {
  std::vector<Identifier> names;
  PENSTOCK_TRY(cursor_.expect("("));
  do {
    names.push_back(PENSTOCK_TRY(parse_identifier()));
  } while (cursor_.accept(","));
  PENSTOCK_TRY(cursor_.expect(")"));
  return names;
}

Result<std::string> Parser::parse_string(std::string_view what) {
  if (cursor_.kind() != TokenKind::kString) return cursor_.unexpected(what);
  std::string text = unquote(cursor_.text());
  cursor_.advance();
  return text;
}

Result<std::string> Parser::parse_option_key() {
  if (cursor_.kind() == TokenKind::kString) return parse_string("an option");
  cursor_.note_expected("an option such as 'connector'");
  std::string key = PENSTOCK_TRY(parse_label()).text;
  while (cursor_.accept(".")) key += "." + PENSTOCK_TRY(parse_label()).text;
  return key;
}

Result<std::string> Parser::parse_option_value() {
  std::string sign = cursor_.accept("-") ? "-" : "";
  switch (cursor_.kind()) {
    case TokenKind::kInteger:
    case TokenKind::kDecimal:
    case TokenKind::kDouble:
    case TokenKind::kWord: break;
    default: return parse_string("a string");
  }
  std::string value = sign + std::string(cursor_.text());
  cursor_.advance();
  return value;
}

Result<std::vector<Option>> Parser::parse_options() {
  std::vector<Option> options;
  PENSTOCK_TRY(cursor_.expect("("));
  do {
    Option option;
    option.position = cursor_.position();
    option.key = PENSTOCK_TRY(parse_option_key());
    PENSTOCK_TRY(cursor_.expect("="));
    option.value = PENSTOCK_TRY(parse_option_value());
    options.push_back(std::move(option));
  } while (cursor_.accept(","));
  PENSTOCK_TRY(cursor_.expect(")"));
  return options;
}

Result<std::vector<Hint>> Parser::parse_hints() {
  std::vector<Hint> hints;
  if (cursor_.kind() != TokenKind::kHintBegin) return hints;
  cursor_.advance();
  do {
    Hint hint{PENSTOCK_TRY(parse_identifier()), {}};
    PENSTOCK_TRY(cursor_.expect("("));
    do {
      Option argument;
      argument.position = cursor_.position();
      argument.key = PENSTOCK_TRY(parse_option_key());
      if (cursor_.accept("=")) argument.value = PENSTOCK_TRY(parse_option_value());
      hint.arguments.push_back(std::move(argument));
    } while (cursor_.accept(","));
    PENSTOCK_TRY(cursor_.expect(")"));
    hints.push_back(std::move(hint));
    cursor_.accept(",");
  } while (cursor_.kind() != TokenKind::kHintEnd);
  cursor_.advance();
  return hints;
}

}  // namespace penstock::sql
