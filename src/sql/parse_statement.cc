// Statements that define or remove something, and the entry points for each kind of text.
#include <array>

#include "sql/keywords.h"
#include "sql/parser_state.h"

namespace penstock::sql {

Result<Statement> Parser::parse_whole_statement() {
  Position position = cursor_.position();
  Statement::Node node = PENSTOCK_TRY(parse_statement());
  PENSTOCK_TRY(expect_end());
  return Statement{std::move(node), position, parameters_};
}

Result<Query> Parser::parse_whole_query() {
  Query query = PENSTOCK_TRY(parse_statement_query());
  PENSTOCK_TRY(expect_end());
  return query;
}

Result<Expression> Parser::parse_whole_expression() {
  Expression expression = PENSTOCK_TRY(parse_expression());
  PENSTOCK_TRY(expect_end());
  return expression;
}

Result<TypeName> Parser::parse_whole_type() {
  TypeName type = PENSTOCK_TRY(parse_type());
  PENSTOCK_TRY(expect_end());
  return type;
}

Result<Statement::Node> Parser::parse_statement() {
  if (cursor_.at("WITH")) return parse_statement_with();
  if (cursor_.at("(") || at_query()) return Statement::Node(PENSTOCK_TRY(parse_statement_query()));
  if (cursor_.at("BEGIN") && cursor_.at("STATEMENT", 1) && cursor_.at("SET", 2)) {
    cursor_.advance();
    return Statement::Node(PENSTOCK_TRY(parse_statement_set(";")));
  }
  if (at_session_command()) return Statement::Node(PENSTOCK_TRY(parse_session_command()));
  for (std::string_view verb : {"INSERT", "UPDATE", "DELETE", "MERGE"}) {
    if (cursor_.at(verb)) return parse_change({});
  }
  cursor_.note_expected("SELECT");
  cursor_.note_expected("INSERT");
  if (cursor_.accept("EXECUTE")) {
    if (!at_statement_set()) return cursor_.unexpected("STATEMENT SET");
    return Statement::Node(PENSTOCK_TRY(parse_statement_set("BEGIN")));
  }
  if (cursor_.accept("CREATE")) return parse_create();
  if (cursor_.accept("DROP")) return Statement::Node(PENSTOCK_TRY(parse_drop()));
  if (cursor_.accept("ALTER")) return parse_alter();
  for (std::string_view verb : {"UPDATE", "DELETE", "MERGE"}) cursor_.note_expected(verb);
  if (cursor_.accept("TRUNCATE")) return Statement::Node(PENSTOCK_TRY(parse_truncate()));
  if (cursor_.accept("EXPLAIN")) return Statement::Node(PENSTOCK_TRY(parse_explain()));
  if (cursor_.accept("SHOW")) return parse_show();
  if (cursor_.accept("DESCRIBE") || cursor_.accept("DESC")) return Statement::Node(PENSTOCK_TRY(parse_describe()));
  if (cursor_.accept("SET")) return parse_set();
  if (cursor_.accept("RESET")) return Statement::Node(PENSTOCK_TRY(parse_reset()));
  if (cursor_.accept("SUBSCRIBE")) {
    cursor_.accept("TO");
    return Statement::Node(Subscribe{PENSTOCK_TRY(parse_qualified_name())});
  }
  if (cursor_.accept("FLUSH")) return Statement::Node(Flush{});
  if (cursor_.accept("USE")) return Statement::Node(PENSTOCK_TRY(parse_use()));
  for (std::string_view word : {"WITH", "VALUES", "BEGIN", "COMMIT", "ROLLBACK"}) cursor_.note_expected(word);
  return cursor_.unexpected();
}

// A schema may be called CATALOG.
Result<Use> Parser::parse_use() {
  const bool catalog = cursor_.at("CATALOG") && at_name(1);
  if (catalog) cursor_.advance();
  return Use{catalog, PENSTOCK_TRY(parse_qualified_name())};
}

Result<StatementSet> Parser::parse_statement_set(std::string_view separator) {
  cursor_.advance();
  cursor_.advance();
  if (cursor_.at_end()) {  // as clients send it that cut a script at every semicolon
    return cursor_.unexpected(separator).hint("send the whole set as one statement, to its END");
  }
  PENSTOCK_TRY(cursor_.expect(separator));
  StatementSet set;
  do {
    const Position position = cursor_.position();
    PENSTOCK_TRY(cursor_.expect("INSERT"));
    set.parts.push_back({PENSTOCK_TRY(parse_insert()), position});
    PENSTOCK_TRY(cursor_.expect(";"));
  } while (!cursor_.accept("END"));
  return set;
}

// ALTER SCHEMA ... SET; ALTER TABLE ... RENAME, SET or RESET; ALTER VIEW ... RENAME or AS; ALTER MATERIALIZED VIEW ...
// RENAME.
Result<Statement::Node> Parser::parse_alter() {
  if (cursor_.accept("SCHEMA") || cursor_.accept("DATABASE")) {
    AlterSchema alter{.name = PENSTOCK_TRY(parse_qualified_name()), .options = {}};
    PENSTOCK_TRY(cursor_.expect("SET"));
    alter.options = PENSTOCK_TRY(parse_options());
    return Statement::Node(std::move(alter));
  }
  ObjectKind kind = ObjectKind::kMaterializedView;
  if (cursor_.accept("TABLE")) {
    kind = ObjectKind::kTable;
  } else if (cursor_.accept("VIEW")) {
    kind = ObjectKind::kView;
  } else if (!cursor_.accept("MATERIALIZED", "VIEW")) {
    return cursor_.unexpected();
  }
  const bool if_exists = cursor_.accept("IF", "EXISTS");
  QualifiedName name = PENSTOCK_TRY(parse_qualified_name());
  if (kind == ObjectKind::kTable) {
    for (std::string_view verb : {"ADD", "MODIFY", "DROP", "RENAME"}) {
      if (!cursor_.at(verb) || (verb == "RENAME" && cursor_.at("TO", 1))) continue;
      return parse_alter_columns({.if_exists = if_exists, .name = std::move(name)});
    }
    cursor_.note_expected("ADD");
    cursor_.note_expected("MODIFY");
    cursor_.note_expected("DROP");
  }
  if (cursor_.accept("RENAME")) {
    PENSTOCK_TRY(cursor_.expect("TO"));
    return Statement::Node(AlterRename{kind, if_exists, std::move(name), PENSTOCK_TRY(parse_qualified_name())});
  }
  const bool set = kind == ObjectKind::kTable && cursor_.accept("SET");
  if (set || (kind == ObjectKind::kTable && cursor_.accept("RESET"))) {
    return parse_alter_options({.if_exists = if_exists, .name = std::move(name), .set = {}, .reset = {}}, set);
  }
  if (kind == ObjectKind::kView && !if_exists && cursor_.accept("AS")) {
    return Statement::Node(AlterView{std::move(name), PENSTOCK_TRY(parse_boxed_statement_query())});
  }
  return cursor_.unexpected();
}

// The options of SET, or the keys of RESET.
Result<Statement::Node> Parser::parse_alter_options(AlterOptions alter, bool set) {
  if (set) {
    alter.set = PENSTOCK_TRY(parse_options());
    return Statement::Node(std::move(alter));
  }
  PENSTOCK_TRY(cursor_.expect("("));
  do {
    const Position position = cursor_.position();
    alter.reset.push_back({.key = PENSTOCK_TRY(parse_option_key()), .value = "", .position = position});
  } while (cursor_.accept(","));
  PENSTOCK_TRY(cursor_.expect(")"));
  return Statement::Node(std::move(alter));
}

// From ADD, MODIFY, DROP or RENAME on. PostgreSQL has the word COLUMN behind them, which may be a name here.
Result<Statement::Node> Parser::parse_alter_columns(AlterColumns alter) {
  const bool add = cursor_.accept("ADD");
  const bool modify = !add && cursor_.accept("MODIFY");
  alter.position = cursor_.position();
  const auto at_name = [&](size_t ahead) {
    const TokenKind kind = cursor_.token(ahead).kind;
    return kind == TokenKind::kWord || kind == TokenKind::kQuotedName;
  };
  if (add || modify) {
    const bool is_word = cursor_.at("COLUMN") && at_name(1) && at_name(2) && !cursor_.at("FIRST", 2) &&
                         !cursor_.at("AFTER", 2) && !cursor_.at("COMMENT", 2) && !cursor_.at("NOT", 2);
    if (is_word) cursor_.advance();
    alter.change = add ? ColumnChange::kAdd : ColumnChange::kModify;
    const bool list = cursor_.accept("(");
    do {
      PENSTOCK_TRY(parse_changed_element(alter));
    } while (list && cursor_.accept(","));
    if (list) PENSTOCK_TRY(cursor_.expect(")"));
    return Statement::Node(std::move(alter));
  }
  const bool drop = cursor_.accept("DROP");
  if (!drop) PENSTOCK_TRY(cursor_.expect("RENAME"));
  alter.position = cursor_.position();
  alter.change = drop ? ColumnChange::kDrop : ColumnChange::kRename;
  if (cursor_.at("COLUMN") && at_name(1) && !cursor_.at("TO", 1)) cursor_.advance();
  if (drop) {
    PENSTOCK_TRY(parse_dropped(alter));
    return Statement::Node(std::move(alter));
  }
  alter.columns.push_back(PENSTOCK_TRY(parse_identifier()));
  PENSTOCK_TRY(cursor_.expect("TO"));
  alter.columns.push_back(PENSTOCK_TRY(parse_identifier()));
  return Statement::Node(std::move(alter));
}

Status Parser::parse_changed_element(AlterColumns& alter) {
  const size_t before = alter.definition.columns.size();
  PENSTOCK_TRY(parse_table_element(alter.definition));
  if (alter.definition.columns.size() == before) return {};
  ColumnPlace& place = alter.places.emplace_back();
  place.first = cursor_.accept("FIRST");
  if (!place.first && cursor_.accept("AFTER")) place.after = PENSTOCK_TRY(parse_identifier());
  return {};
}

Status Parser::parse_dropped(AlterColumns& alter) {
  alter.watermark = cursor_.accept("WATERMARK");
  alter.primary_key = !alter.watermark && cursor_.accept("PRIMARY", "KEY");
  if (alter.watermark || alter.primary_key) return {};
  if (cursor_.at("(")) {
    alter.columns = PENSTOCK_TRY(parse_identifier_list());
  } else {
    alter.columns.push_back(PENSTOCK_TRY(parse_identifier()));
  }
  return {};
}

std::optional<ObjectKind> Parser::accept_object_kind(bool plural) {
  struct Spelling {
    std::string_view singular;
    std::string_view plural;
    ObjectKind kind;
  };
  static constexpr std::array<Spelling, 9> kSpellings = {{
      {"TABLE", "TABLES", ObjectKind::kTable},
      {"VIEW", "VIEWS", ObjectKind::kView},
      {"ALERT", "ALERTS", ObjectKind::kAlert},
      {"JOB", "JOBS", ObjectKind::kJob},
      {"FUNCTION", "FUNCTIONS", ObjectKind::kFunction},
      {"TOPIC", "TOPICS", ObjectKind::kTopic},
      {"SCHEMA", "SCHEMAS", ObjectKind::kSchema},
      {"DATABASE", "DATABASES", ObjectKind::kSchema},
      {"CATALOG", "CATALOGS", ObjectKind::kCatalog},
  }};
  if (cursor_.accept("MATERIALIZED", plural ? "VIEWS" : "VIEW")) return ObjectKind::kMaterializedView;
  for (const Spelling& spelling : kSpellings) {
    if (cursor_.accept(plural ? spelling.plural : spelling.singular)) return spelling.kind;
  }
  return std::nullopt;
}

Result<Drop> Parser::parse_drop() {
  const bool temporary = cursor_.accept("TEMPORARY") || cursor_.accept("TEMP");
  std::optional<ObjectKind> kind = accept_object_kind(false);
  if (!kind) return cursor_.unexpected();
  Drop drop{.kind = *kind, .temporary = temporary};
  if (cursor_.accept("IF", "EXISTS")) drop.if_exists = true;
  if (drop.kind == ObjectKind::kJob && cursor_.kind() == TokenKind::kString) {
    Position position = cursor_.position();
    drop.name.parts.push_back({PENSTOCK_TRY(parse_string("a name")), position});
  } else {
    drop.name = PENSTOCK_TRY(parse_qualified_name());
  }
  drop.cascade = cursor_.accept("CASCADE");
  if (!drop.cascade) cursor_.accept("RESTRICT");
  return drop;
}

}  // namespace penstock::sql
