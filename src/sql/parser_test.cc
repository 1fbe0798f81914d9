#include "sql/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "sql/keywords.h"
#include "sql/limits.h"
#include "sql/printer.h"

namespace penstock::sql {
namespace {

using ::testing::HasSubstr;

std::string repeat(std::string_view text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

// What the parser makes of `sql`: the printed tree, or "error at <offset>: message" and its hint.
std::string outcome(std::string_view sql) {
  Result<Statement> statement = parse_statement(sql);
  if (statement) return print(*statement);
  const Error& error = statement.error();
  std::string text = "error";
  if (error.position()) text += " at " + std::to_string(*error.position());
  text += ": " + error.message();
  if (!error.hint().empty()) text += " (" + error.hint() + ")";
  return text;
}

struct Case {
  std::string file;
  int line = 0;
  std::string sql;
  std::string expected;
};

// Cases as text: statements on lines that begin with "> " (more lines with "| "), then the expected outcome on one
// line; "=" stands for the statement itself. Lines that begin with # are comments.
std::vector<Case> read_cases(const std::string& name) {
  std::string path = std::string(PENSTOCK_SOURCE_DIR) + "/src/sql/testdata/" + name;
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<Case> cases;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.starts_with("> ")) {
      cases.push_back({name, number, line.substr(2), ""});
    } else if (line.starts_with("| ")) {
      cases.back().sql += "\n" + line.substr(2);
    } else if (!line.empty() && !line.starts_with("#")) {
      cases.back().expected = line == "=" ? cases.back().sql : line;
    }
  }
  return cases;
}

void check_cases(const std::string& name) {
  std::vector<Case> cases = read_cases(name);
  EXPECT_GT(cases.size(), 10);
  for (const Case& c : cases) {
    SCOPED_TRACE(c.file + ":" + std::to_string(c.line));
    EXPECT_EQ(outcome(c.sql), c.expected) << c.sql;
  }
}

TEST(ParserTest, Expressions) { check_cases("expressions.txt"); }
TEST(ParserTest, Queries) { check_cases("queries.txt"); }
TEST(ParserTest, Statements) { check_cases("statements.txt"); }
TEST(ParserTest, Errors) { check_cases("errors.txt"); }

TEST(ParserTest, PrintedSqlReadsBackAsTheSameTree) {
  for (const char* file : {"expressions.txt", "queries.txt", "statements.txt"}) {
    for (const Case& c : read_cases(file)) {
      SCOPED_TRACE(c.file + ":" + std::to_string(c.line));
      Result<Statement> first = parse_statement(c.sql);
      if (!first) continue;
      Result<Statement> second = parse_statement(print(*first));
      ASSERT_TRUE(second) << print(*first) << "\n" << second.error().to_string();
      EXPECT_TRUE(*first == *second) << print(*first);
    }
  }
}

TEST(ParserTest, TreesThatDifferCompareUnequal) {
  auto parse = [](std::string_view sql) { return *parse_statement(sql); };
  EXPECT_TRUE(parse("SELECT a + b * c") == parse("select  a + (b * c)"));
  EXPECT_FALSE(parse("SELECT a + b * c") == parse("SELECT (a + b) * c"));
  EXPECT_FALSE(parse("SELECT a") == parse("SELECT A"));
  EXPECT_FALSE(parse("SELECT 1 UNION SELECT 2") == parse("SELECT 1 UNION ALL SELECT 2"));
  EXPECT_FALSE(parse("SELECT a FROM t") == parse("SELECT a FROM t WHERE TRUE"));
}

TEST(ParserTest, PositionsAreThoseOfTheText) {
  Result<Query> query = parse_query("SELECT a,\n  bb + ccc FROM t");
  ASSERT_TRUE(query);
  const auto& select = std::get<Select>(query->body);
  EXPECT_EQ(select.items[0].value.position.offset, 7);
  EXPECT_EQ(select.items[1].value.position.offset, 15);
  const auto* sum = select.items[1].value.get_if<Binary>();
  EXPECT_EQ(sum->left->position.offset, 12);
  EXPECT_EQ(sum->right->position.offset, 17);
}

TEST(ParserTest, ChainsOfOneOperatorAreFlat) {
  EXPECT_EQ(outcome("SELECT (a + b) + (c + d) + e"), "SELECT a + b + (c + d) + e");
  EXPECT_EQ(outcome("SELECT a - b + c + d - e"), "SELECT a - b + c + d - e");
  Result<Expression> sum = parse_expression("(a + b + c) + d");
  ASSERT_TRUE(sum);
  const auto* chain = sum->get_if<Chain>();
  ASSERT_NE(chain, nullptr);
  EXPECT_EQ(chain->operands.size(), 4);
  EXPECT_EQ(chain->operators[2].offset, 12);
}

TEST(ParserTest, CountsParameters) {
  EXPECT_EQ(parse_statement("SELECT $3, $1")->parameters, 3);
  EXPECT_EQ(parse_statement("SELECT ?, ?")->parameters, 2);
  EXPECT_EQ(parse_statement("SELECT 1")->parameters, 0);
}

// --- limits ---

TEST(ParserLimitsTest, DeepNestingIsAnError) {
  constexpr size_t kDeep = 100'000;
  const std::vector<std::string> deep = {
      "SELECT " + repeat("(", kDeep) + "1" + repeat(")", kDeep),
      "SELECT " + repeat("(", kDeep),
      "SELECT " + repeat("- ", kDeep) + "1",
      "SELECT " + repeat("NOT ", kDeep) + "TRUE",
      "SELECT 1" + repeat(" - 1", kDeep),
      "SELECT 1" + repeat(" -> a", kDeep),
      "SELECT a" + repeat(" IS NULL", kDeep),
      "SELECT a" + repeat("[1]", kDeep),
      "SELECT a" + repeat("::int", kDeep),
      "SELECT a" + repeat(".b", kDeep),
      "SELECT " + repeat("f(", kDeep),
      "SELECT " + repeat("CASE WHEN ", kDeep),
      "SELECT " + repeat("ARRAY[", kDeep),
      "SELECT CAST(a AS " + repeat("ARRAY<", kDeep),
      "SELECT CAST(a AS INT" + repeat(" ARRAY", kDeep),
      "SELECT CAST(a AS " + repeat("ROW<a ", kDeep),
      repeat("(", kDeep) + "SELECT 1" + repeat(")", kDeep),
      "SELECT * FROM " + repeat("(", kDeep) + "t",
      "SELECT * FROM " + repeat("(SELECT * FROM ", kDeep),
      "SELECT * FROM t" + repeat(" CROSS JOIN t", kDeep),
      "SELECT * FROM t" + repeat(" JOIN (t", kDeep),
      "SELECT 1" + repeat(" UNION SELECT 1 EXCEPT SELECT 2", kDeep),
      repeat("WITH a AS (", kDeep),
      repeat("EXPLAIN ", kDeep) + "SELECT 1",
      "SELECT a IN " + repeat("((", kDeep),
      "SELECT EXISTS " + repeat("(SELECT EXISTS ", kDeep),
      "SELECT " + repeat("x = ANY (", kDeep),
      "SELECT f() OVER " + repeat("(ORDER BY f() OVER ", kDeep),
      "SELECT " + repeat("a BETWEEN ", kDeep),
      "SELECT " + repeat("(a AND ", kDeep),
      "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (" + repeat("(", kDeep),
      "SELECT * FROM t MATCH_RECOGNIZE (PATTERN (" + repeat("PERMUTE(", kDeep),
      "SELECT * FROM t" + repeat(" MATCH_RECOGNIZE (PATTERN (a))", kDeep),
  };
  for (const std::string& sql : deep) {
    Result<Statement> statement = parse_statement(sql);
    EXPECT_FALSE(statement) << sql.substr(0, 60);
  }
}

// The product of two bounds must stay below the bound as well: a chain in every one of many parentheses.
TEST(ParserLimitsTest, ChainsInsideNestingCountTogether) {
  std::string sql = repeat("(", 400) + "1";
  for (int i = 0; i < 400; ++i) sql += repeat(" - 1", 400) + ")";
  EXPECT_THAT(outcome("SELECT " + sql), HasSubstr("nested more than 500 levels deep"));
}

TEST(ParserLimitsTest, WhatIsJustAllowedWorks) {
  EXPECT_TRUE(parse_statement("SELECT " + repeat("(", 490) + "1" + repeat(")", 490)));
  std::string sum = "SELECT 1" + repeat(" + 1", 490);
  EXPECT_EQ(outcome(sum), sum);
  std::string nested = "SELECT " + repeat("f(", 480) + "x" + repeat(")", 480);
  EXPECT_EQ(outcome(nested), nested);
  std::string queries = "SELECT * FROM " + repeat("(SELECT * FROM ", 200) + "t" + repeat(")", 200);
  EXPECT_EQ(outcome(queries), queries);
}

TEST(ParserLimitsTest, LongFlatListsAreFine) {
  EXPECT_TRUE(parse_statement("SELECT a = 1" + repeat(" OR a = 2", 50'000)));
  EXPECT_TRUE(parse_statement("SELECT a = 1" + repeat(" AND a = 2", 50'000)));
  EXPECT_TRUE(parse_statement("SELECT a IN (1" + repeat(", 2", 50'000) + ")"));
  for (std::string_view more : {" + 1", " || 'a'"}) {
    const std::string chain = "SELECT a" + repeat(more, 50'000);
    EXPECT_EQ(outcome(chain), chain);
  }
  EXPECT_TRUE(parse_statement("SELECT 1" + repeat(" UNION ALL SELECT 1", 5'000)));
  EXPECT_TRUE(parse_statement("INSERT INTO t VALUES (1, 'a')" + repeat(", (2, 'b')", 20'000)));
}

TEST(ParserLimitsTest, SizesHaveBounds) {
  EXPECT_THAT(outcome("SELECT " + repeat("x", 1'000'000)), HasSubstr("a name has at most 255"));
  EXPECT_THAT(outcome("SELECT \"" + repeat("x", 256) + "\""), HasSubstr("a name has at most 255"));
  EXPECT_TRUE(parse_statement("SELECT \"" + repeat("x", 255) + "\", " + repeat("y", 255)));
  EXPECT_TRUE(parse_statement("SELECT `" + repeat("``", 255) + "`"));
  EXPECT_THAT(outcome("SELECT 1 --" + repeat("x", kStatementBytesMax)), HasSubstr("a statement has at most 4194304"));
  EXPECT_THAT(outcome("SELECT $65536"), HasSubstr("$65535"));
  EXPECT_THAT(outcome("SELECT $99999999999999999999"), HasSubstr("$65535"));
}

// --- texts of several statements ---

TEST(SplitStatementsTest, CutsAtSemicolonsOutsideOfStringsAndComments) {
  std::string_view script = "SELECT 1; -- a; b\n;;\n  SELECT ';', \"a;b\" /* ; */ ;SELECT 2";
  Result<std::vector<StatementText>> statements = split_statements(script);
  ASSERT_TRUE(statements);
  ASSERT_EQ(statements->size(), 3);
  EXPECT_EQ((*statements)[0].text, "SELECT 1");
  EXPECT_EQ((*statements)[1].text, "SELECT ';', \"a;b\"");
  EXPECT_EQ((*statements)[2].text, "SELECT 2");
  for (const StatementText& statement : *statements) {
    EXPECT_EQ(script.substr(statement.offset, statement.text.size()), statement.text);
  }
}

TEST(SplitStatementsTest, AStatementSetIsOneStatement) {
  for (const std::string set :
       {"EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE WHEN x THEN 1 END AS end FROM s; "
        "INSERT INTO b SELECT s.end, 'END;' FROM s; END",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a /*+ OPTIONS(end = case, case = end) */ SELECT x AS "
        "case FROM s; INSERT INTO b SELECT * FROM s MATCH_RECOGNIZE (ORDER BY ts MEASURES A.x AS x "
        "PATTERN (A) DEFINE A AS CASE x WHEN 1 THEN TRUE END); END",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT CASE CASE WHEN x THEN 1 END WHEN 1 THEN 2 "
        "ELSE CASE (1) WHEN 1 THEN 2 END END FROM s; INSERT INTO a SELECT 1; END",
        "begin statement set; insert into a select 1; end", "EXPLAIN STATEMENT SET BEGIN INSERT INTO a SELECT 1; END",
        "EXPLAIN PLAN FOR EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END"}) {
    const std::string script = set + "; BEGIN; SELECT 1; END";
    Result<std::vector<StatementText>> statements = split_statements(script);
    ASSERT_TRUE(statements);
    ASSERT_EQ(statements->size(), 4) << set;
    EXPECT_EQ((*statements)[0].text, set);
    EXPECT_EQ((*statements)[1].text, "BEGIN");
  }
}

TEST(SplitStatementsTest, EmptyScriptsHaveNoStatements) {
  EXPECT_TRUE(split_statements("")->empty());
  EXPECT_TRUE(split_statements(" ; /* nothing */ ; -- end")->empty());
  EXPECT_FALSE(split_statements("SELECT 'open"));
}

TEST(SplitStatementsTest, TheExampleScriptParses) {
  std::ifstream file(std::string(PENSTOCK_SOURCE_DIR) + "/examples/fraud/fraud.sql");
  std::stringstream script;
  script << file.rdbuf();
  std::string text = script.str();
  Result<std::vector<StatementText>> statements = split_statements(text);
  ASSERT_TRUE(statements);
  EXPECT_GT(statements->size(), 0);
  for (const StatementText& statement : *statements) {
    Result<Statement> parsed = parse_statement(statement.text);
    EXPECT_TRUE(parsed) << describe_error(statement.text, parsed.error());
  }
}

TEST(DescribeErrorTest, ShowsTheLineAndACaret) {
  std::string sql = "SELECT a,\n  f(ä b)\nFROM t";
  Result<Statement> statement = parse_statement(sql);
  ASSERT_FALSE(statement);
  EXPECT_EQ(describe_error(sql, statement.error()),
            "error: expected ',' or ')' but found 'b'\n"
            "  line 2, column 7\n"
            "    f(ä b)\n"
            "        ^");
}

TEST(DescribeErrorTest, LineAndColumnCountCharactersFromOne) {
  EXPECT_EQ(line_and_column("äb\nc", 0).column, 1);
  EXPECT_EQ(line_and_column("äb\nc", 2).column, 2);
  EXPECT_EQ(line_and_column("äb\nc", 4).line, 2);
  EXPECT_EQ(line_and_column("äb\nc", 4).column, 1);
  EXPECT_EQ(line_and_column("ab", 99).column, 3);
}

TEST(QuoteIdentifierTest, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(quote_identifier("amount"), "amount");
  EXPECT_EQ(quote_identifier("Select"), "`Select`");
  EXPECT_EQ(quote_identifier("a b"), "`a b`");
  EXPECT_EQ(quote_identifier("a`b"), "`a``b`");
  EXPECT_EQ(quote_identifier("1a"), "`1a`");
}

}  // namespace
}  // namespace penstock::sql
