// Statements that look at things or at the session: SHOW, DESCRIBE, EXPLAIN, SET, and what clients send around theirs.
#include <algorithm>
#include <array>

#include "sql/keywords.h"
#include "sql/parser_state.h"

namespace penstock::sql {

Result<Statement::Node> Parser::parse_show() {
  if (cursor_.accept("ALL")) return Statement::Node(ShowSetting{});
  if (cursor_.accept("CREATE")) {
    std::optional<ObjectKind> kind = accept_object_kind(false);
    if (!kind) return cursor_.unexpected();
    return Statement::Node(ShowCreate{*kind, PENSTOCK_TRY(parse_qualified_name())});
  }
  const bool user = cursor_.accept("USER", "FUNCTIONS");
  if (std::optional<ObjectKind> kind = user ? ObjectKind::kFunction : accept_object_kind(true)) {
    ShowObjects show{.kind = *kind, .user = user};
    static constexpr std::array<ObjectKind, 5> kWithFrom = {ObjectKind::kTable, ObjectKind::kView,
                                                            ObjectKind::kMaterializedView, ObjectKind::kFunction,
                                                            ObjectKind::kSchema};
    const bool takes_from = std::ranges::find(kWithFrom, show.kind) != kWithFrom.end();
    if (takes_from && (cursor_.accept("FROM") || cursor_.accept("IN"))) {
      show.from = PENSTOCK_TRY(parse_qualified_name());
    }
    show.like = PENSTOCK_TRY(parse_show_pattern());
    return Statement::Node(std::move(show));
  }
  if (cursor_.at("COLUMNS") && (cursor_.at("FROM", 1) || cursor_.at("IN", 1))) {
    cursor_.advance();
    cursor_.advance();
    ShowColumns show{.name = PENSTOCK_TRY(parse_qualified_name()), .like = {}};
    show.like = PENSTOCK_TRY(parse_show_pattern());
    return Statement::Node(std::move(show));
  }
  if (cursor_.at("PARTITIONS") && at_name(1)) {
    cursor_.advance();
    ShowPartitions show{.table = PENSTOCK_TRY(parse_qualified_name()), .partition = {}};
    if (cursor_.accept("PARTITION")) show.partition = PENSTOCK_TRY(parse_partition());
    return Statement::Node(std::move(show));
  }
  if (cursor_.at("CURRENT") && !cursor_.at(".", 1)) {
    cursor_.advance();
    if (cursor_.accept("CATALOG")) return Statement::Node(ShowCurrent{ObjectKind::kCatalog});
    if (!cursor_.accept("DATABASE")) PENSTOCK_TRY(cursor_.expect("SCHEMA"));
    return Statement::Node(ShowCurrent{});
  }
  if (cursor_.accept("TIME", "ZONE")) return Statement::Node(ShowSetting{"timezone"});
  if (cursor_.accept("TRANSACTION", "ISOLATION")) {
    PENSTOCK_TRY(cursor_.expect("LEVEL"));
    return Statement::Node(ShowSetting{"transaction_isolation"});
  }
  cursor_.note_expected("CREATE TABLE");
  return Statement::Node(ShowSetting{PENSTOCK_TRY(parse_setting_name())});
}

// [[NOT] LIKE | ILIKE 'pattern']
Result<std::optional<ShowPattern>> Parser::parse_show_pattern() {
  const bool negated = cursor_.accept("NOT");
  if (!cursor_.accept("ILIKE") && !cursor_.accept("LIKE")) {
    if (negated) return cursor_.unexpected("LIKE");
    return std::nullopt;
  }
  return ShowPattern{PENSTOCK_TRY(parse_string("a pattern")), negated};
}

Result<Describe> Parser::parse_describe() {
  Describe describe;
  const auto more = [&](size_t ahead) {
    return !cursor_.at(";", ahead) && cursor_.kind(ahead) != TokenKind::kEnd && !cursor_.at(".", ahead);
  };
  static constexpr std::array<std::pair<std::string_view, ObjectKind>, 5> kKinds = {{
      {"FUNCTION", ObjectKind::kFunction},
      {"JOB", ObjectKind::kJob},
      {"SCHEMA", ObjectKind::kSchema},
      {"DATABASE", ObjectKind::kSchema},
      {"CATALOG", ObjectKind::kCatalog},
  }};
  for (const auto& [word, kind] : kKinds) {
    if (!cursor_.at(word) || !more(1)) continue;
    cursor_.advance();
    describe.kind = kind;
    break;
  }
  if (cursor_.at("EXTENDED") && more(1)) {
    cursor_.advance();
    describe.extended = true;
  }
  // A function may be an operator, and the name of a job a string, as of DROP JOB.
  const bool function = describe.kind == ObjectKind::kFunction;
  if (function || describe.kind == ObjectKind::kJob) {
    describe.extended = false;  // there is no more to say
    const Position position = cursor_.position();
    if (cursor_.kind() == TokenKind::kString) {
      describe.name.parts.push_back({PENSTOCK_TRY(parse_string("a name")), position});
      return describe;
    }
    if (function) {
      describe.name.parts.push_back(PENSTOCK_TRY(parse_label()));
      return describe;
    }
  }
  describe.name = PENSTOCK_TRY(parse_qualified_name());
  return describe;
}

// A string, or names with dots.
Result<std::string> Parser::parse_setting_name() {
  if (cursor_.kind() == TokenKind::kString) return parse_string("a setting");
  cursor_.note_expected("a setting");
  std::string name = PENSTOCK_TRY(parse_identifier()).text;
  while (cursor_.accept(".")) name += "." + PENSTOCK_TRY(parse_label()).text;
  return name;
}

// A string, number or word, or a list of them.
Result<std::string> Parser::parse_setting_value() {
  std::string value;
  do {
    if (!value.empty()) value += ", ";
    if (cursor_.kind() == TokenKind::kQuotedName) {
      value += PENSTOCK_TRY(parse_identifier()).text;
    } else {
      value += PENSTOCK_TRY(parse_option_value());
    }
  } while (cursor_.accept(","));
  return value;
}

Result<Statement::Node> Parser::parse_set() {
  if (cursor_.at_end() || cursor_.at(";")) return Statement::Node(Set{});
  if (cursor_.at("TRANSACTION") || (cursor_.at("SESSION") && cursor_.at("CHARACTERISTICS", 1))) {
    return Statement::Node(SessionCommand{"SET", take_rest()});
  }
  bool scoped = (cursor_.at("SESSION") || cursor_.at("LOCAL")) && !cursor_.at("=", 1) && !cursor_.at("TO", 1);
  if (scoped) cursor_.advance();
  Set set;
  if (cursor_.accept("TIME", "ZONE")) {
    set.key = "timezone";
  } else {
    set.key = PENSTOCK_TRY(parse_setting_name());
    if (!cursor_.accept("=")) PENSTOCK_TRY(cursor_.expect("TO"));
  }
  if (cursor_.at("DEFAULT")) {
    cursor_.advance();
    return Statement::Node(Reset{std::move(set.key)});
  }
  set.value = PENSTOCK_TRY(parse_setting_value());
  return Statement::Node(std::move(set));
}

Result<Reset> Parser::parse_reset() {
  if (cursor_.at_end() || cursor_.at(";") || cursor_.accept("ALL")) return Reset{};
  return Reset{PENSTOCK_TRY(parse_setting_name())};
}

// EXPLAIN [PLAN FOR | ANALYZE | (options) | <Flink's details> [FOR]] statement
Result<Explain> Parser::parse_explain() {
  Explain explain;
  bool is_query = cursor_.at("(") &&
                  (cursor_.at("(", 1) || cursor_.at("SELECT", 1) || cursor_.at("WITH", 1) || cursor_.at("VALUES", 1));
  if (cursor_.at("(") && !is_query) {
    PENSTOCK_TRY(parse_explain_options(explain));
  } else if (cursor_.accept("PLAN")) {
    PENSTOCK_TRY(cursor_.expect("FOR"));
  } else if (cursor_.accept("ANALYZE")) {
    explain.analyze = true;
  } else {
    static constexpr std::array<std::string_view, 4> kDetails = {"ESTIMATED_COST", "CHANGELOG_MODE", "PLAN_ADVICE",
                                                                 "JSON_EXECUTION_PLAN"};
    auto at_detail = [&] {
      return std::ranges::any_of(kDetails, [&](std::string_view word) { return cursor_.at(word); });
    };
    bool details = at_detail();
    while (at_detail()) {
      explain.json = explain.json || cursor_.at("JSON_EXECUTION_PLAN");
      cursor_.advance();
      if (!cursor_.accept(",")) break;
    }
    if (details) cursor_.accept("FOR");
  }
  if (cursor_.at("EXPLAIN")) return invalid_argument("EXPLAIN cannot explain itself").at(cursor_.position().offset);
  Position position = cursor_.position();
  Statement::Node node = at_statement_set() ? Statement::Node(PENSTOCK_TRY(parse_statement_set("BEGIN")))
                                            : PENSTOCK_TRY(parse_statement());
  explain.statement = Box(Statement{std::move(node), position, parameters_});
  return explain;
}

// (ANALYZE [TRUE | FALSE], FORMAT TEXT | JSON, ...)
Status Parser::parse_explain_options(Explain& explain) {
  PENSTOCK_TRY(cursor_.expect("("));
  do {
    if (cursor_.accept("FORMAT")) {
      explain.json = cursor_.accept("JSON");
      if (!explain.json) PENSTOCK_TRY(cursor_.expect("TEXT"));
    } else if (cursor_.accept("ANALYZE")) {
      explain.analyze = !cursor_.at("FALSE") && !cursor_.at("OFF");
      if (!cursor_.at(",") && !cursor_.at(")")) PENSTOCK_TRY(parse_option_value());
    } else {
      return cursor_.unexpected();
    }
  } while (cursor_.accept(","));
  return cursor_.expect(")");
}

bool Parser::at_session_command() const {
  static constexpr std::array<std::string_view, 13> kCommands = {
      "BEGIN",   "START",      "COMMIT",  "END",   "ROLLBACK", "ABORT",    "SAVEPOINT",
      "RELEASE", "DEALLOCATE", "DISCARD", "CLOSE", "LISTEN",   "UNLISTEN",
  };
  return std::ranges::any_of(kCommands, [&](std::string_view command) { return cursor_.at(command); });
}

Result<SessionCommand> Parser::parse_session_command() {
  SessionCommand command{.command = to_upper(cursor_.text())};
  cursor_.advance();
  command.arguments = take_rest();
  return command;
}

// The tokens up to the end of the statement as they are written, one space between them.
std::string Parser::take_rest() {
  std::string rest;
  while (!cursor_.at_end() && !cursor_.at(";")) {
    if (!rest.empty()) rest += " ";
    rest += cursor_.text();
    cursor_.advance();
  }
  return rest;
}

}  // namespace penstock::sql
