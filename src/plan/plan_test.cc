#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catalog/catalog.h"
#include "plan/definition.h"
#include "plan/function.h"
#include "plan/modify.h"
#include "plan/planner.h"
#include "plan/rules.h"
#include "sql/parser.h"
#include "sql/statement.h"

namespace penstock::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using types::DataType;
using types::TypeKind;

// A catalog that statements can be run against.
class Planner {
 public:
  Planner() : catalog_(*catalog::Catalog::open(":memory:")) {
    context_.catalog = catalog_.get();
    context_.system_tables = {{"sys.jobs", {{"id", TypeKind::kBigInt}, {"state", TypeKind::kString}}}};
  }

  PlanContext& context() { return context_; }
  catalog::Catalog& catalog() { return *catalog_; }

  // Runs a CREATE; or gives the plan of a query, of an INSERT, or (of a CREATE MATERIALIZED VIEW or ALERT, which it
  // creates) the streaming plan.
  Result<PhysicalPtr> run(const std::string& sql) {
    sql::Statement statement = PENSTOCK_TRY(sql::parse_statement(sql));
    if (auto* table = std::get_if<sql::CreateTable>(&statement.node)) {
      PENSTOCK_TRY(catalog_->create(PENSTOCK_TRY(define_table(*table, sql, context_)).entry));
      return nullptr;
    }
    if (auto* view = std::get_if<sql::CreateView>(&statement.node)) {
      PENSTOCK_TRY(catalog_->create(PENSTOCK_TRY(define_view(*view, sql, context_))));
      return nullptr;
    }
    if (auto* function = std::get_if<sql::CreateFunction>(&statement.node)) {
      PENSTOCK_TRY(catalog_->create(PENSTOCK_TRY(define_function(*function, sql, context_))));
      return nullptr;
    }
    if (auto* view = std::get_if<sql::CreateMaterializedView>(&statement.node)) {
      PlannedDefinition defined = PENSTOCK_TRY(define_materialized_view(*view, sql, context_));
      PENSTOCK_TRY(catalog_->create(defined.entry));
      return shown(std::move(defined.plan));
    }
    if (auto* alert = std::get_if<sql::CreateAlert>(&statement.node)) {
      PlannedDefinition defined = PENSTOCK_TRY(define_alert(*alert, sql, context_));
      PENSTOCK_TRY(catalog_->create(defined.entry));
      return shown(std::move(defined.plan));
    }
    if (auto* insert = std::get_if<sql::Insert>(&statement.node)) {
      PlanContext streaming = context_;
      streaming.mode = PlanMode::kStreaming;
      return shown(PENSTOCK_TRY(plan_insert(*insert, streaming)).query);
    }
    return shown(PENSTOCK_TRY(plan_query(std::get<sql::Query>(statement.node), context_)));
  }

  // The plan's text, "ok" when there is none, or the error.
  std::string outcome(const std::string& sql) {
    Result<PhysicalPtr> plan = run(sql);
    if (plan) return *plan == nullptr ? "ok\n" : explain_text(**plan);
    const Error& error = plan.error();
    std::string text = "error";
    if (error.position()) text += " at " + std::to_string(*error.position());
    text += ": " + error.message();
    if (!error.hint().empty()) text += " (" + error.hint() + ")";
    return text + "\n";
  }

 private:
  // Of any plan, EXPLAIN can say what it means.
  static PhysicalPtr shown(PlannedQuery query) {
    PhysicalPtr root = query.root;
    const Result<std::string> text = explain_text(std::vector<ExplainedStatement>{{.query = std::move(query)}});
    EXPECT_TRUE(text) << text.error().to_string();
    return root;
  }

  std::unique_ptr<catalog::Catalog> catalog_;
  PlanContext context_;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Runs a golden file: statements on lines that begin with "> " (more lines with "| "), each followed by its outcome up
// to an empty line. All run against one catalog. With PENSTOCK_REWRITE_GOLDENS set the file is written anew.
void check_golden(const std::string& name) {
  std::string path = std::string(PENSTOCK_SOURCE_DIR) + "/src/plan/testdata/" + name;
  std::string expected = read_file(path);
  std::string actual;
  Planner planner;
  std::istringstream lines(expected);
  std::string sql;
  auto run = [&] {
    if (!sql.empty()) actual += planner.outcome(sql);
    sql.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    bool continues = line.starts_with("| ");
    if (!continues) run();
    if (line.starts_with("> ") || continues) {
      sql += (sql.empty() ? "" : "\n") + line.substr(2);
      actual += line + "\n";
    } else if (line.empty() || line.starts_with("#")) {
      actual += line + "\n";
    }
  }
  run();
  if (std::getenv("PENSTOCK_REWRITE_GOLDENS") != nullptr) {
    std::ofstream(path) << actual;
  } else {
    EXPECT_EQ(actual, expected) << path;
  }
}

TEST(PlanGoldenTest, Fraud) { check_golden("fraud.txt"); }
TEST(PlanGoldenTest, Select) { check_golden("select.txt"); }
TEST(PlanGoldenTest, Aggregate) { check_golden("aggregate.txt"); }
TEST(PlanGoldenTest, Grouping) { check_golden("grouping.txt"); }
TEST(PlanGoldenTest, Window) { check_golden("window.txt"); }
TEST(PlanGoldenTest, ProcessingTime) { check_golden("processing_time.txt"); }
TEST(PlanGoldenTest, ClockFilter) { check_golden("clock_filter.txt"); }
TEST(PlanGoldenTest, State) { check_golden("state.txt"); }
TEST(PlanGoldenTest, Join) { check_golden("join.txt"); }
TEST(PlanGoldenTest, Rank) { check_golden("rank.txt"); }
TEST(PlanGoldenTest, Nested) { check_golden("nested.txt"); }
TEST(PlanGoldenTest, Over) { check_golden("over.txt"); }
TEST(PlanGoldenTest, Match) { check_golden("match.txt"); }
TEST(PlanGoldenTest, Subquery) { check_golden("subquery.txt"); }
TEST(PlanGoldenTest, Shared) { check_golden("shared.txt"); }
TEST(PlanGoldenTest, Changelog) { check_golden("changelog.txt"); }
TEST(PlanGoldenTest, Definition) { check_golden("definition.txt"); }
TEST(PlanGoldenTest, Errors) { check_golden("errors.txt"); }

TEST(PlanTest, TheExampleScriptPlans) {
  Planner planner;
  std::string script = read_file(std::string(PENSTOCK_SOURCE_DIR) + "/examples/fraud/fraud.sql");
  for (const sql::StatementText& statement : *sql::split_statements(script)) {
    Result<PhysicalPtr> plan = planner.run(std::string(statement.text));
    EXPECT_TRUE(plan) << statement.text << "\n" << plan.error().to_string();
  }
}

const ScanTable* scan_of(const PhysicalNode& node) {
  if (const auto* scan = std::get_if<ScanTable>(&node.op)) return scan;
  return node.inputs.empty() ? nullptr : scan_of(*node.inputs.front());
}

TEST(PlanTest, ScansKnowWhereTheirWindowsEnd) {
  Planner planner;
  planner.context().mode = PlanMode::kStreaming;
  ASSERT_TRUE(
      planner.run("CREATE TABLE t (a BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka')"));
  auto ends = [&](const std::string& sql) {
    Result<PhysicalPtr> plan = planner.run(sql);
    EXPECT_TRUE(plan) << sql;
    const ScanTable* scan = scan_of(**plan);
    EXPECT_EQ(scan->time_column, static_cast<int>(scan->physical.size()) - 1);
    return scan->window_ends;
  };
  const std::string windows = "SELECT window_end, MAX(a) FROM ";
  EXPECT_EQ(
      ends(windows + "HOP(TABLE t, DESCRIPTOR(ts), INTERVAL '4' SECOND, INTERVAL '10' SECOND, INTERVAL '1' SECOND) "
                     "WHERE a > 1 GROUP BY window_end"),
      (types::WindowEnds{.step_us = 4'000'000, .offset_us = 3'000'000}));
  EXPECT_EQ(ends(windows + "SESSION(TABLE t, DESCRIPTOR(ts), INTERVAL '4' SECOND) GROUP BY window_end"),
            types::WindowEnds());
  EXPECT_EQ(ends("SELECT a, ts FROM t"), types::WindowEnds());
  EXPECT_EQ(
      ends(windows + "TUMBLE(TABLE (SELECT a, window_time FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '2' SECOND) "
                     "GROUP BY a, window_time), DESCRIPTOR(window_time), INTERVAL '8' SECOND) GROUP BY window_end"),
      (types::WindowEnds{.step_us = 2'000'000, .offset_us = 0}))
      << "the windows of windows get their rows in time";
}

TEST(PlanTest, ParametersTakeTheTypesOfTheirSurroundings) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT, s STRING, d DATE)"));
  ASSERT_TRUE(planner.run("CREATE FUNCTION f(a DATE, n INT) AS a"));
  auto types = [&](const std::string& sql) {
    sql::Statement statement = *sql::parse_statement(sql);
    if (auto* insert = std::get_if<sql::Insert>(&statement.node)) {
      return plan_insert(*insert, planner.context())->query.parameter_types;
    }
    auto planned = plan_query(std::get<sql::Query>(statement.node), planner.context());
    EXPECT_TRUE(planned) << planned.error().to_string();
    return planned ? planned->parameter_types : std::vector<DataType>();
  };
  EXPECT_THAT(types("SELECT a FROM t WHERE a = $1 AND $2 < d"), ElementsAre(TypeKind::kBigInt, TypeKind::kDate));
  EXPECT_THAT(types("SELECT f($1, $2)"), ElementsAre(TypeKind::kDate, TypeKind::kInt));
  EXPECT_THAT(types("SELECT $1"), ElementsAre(TypeKind::kString));
  EXPECT_THAT(types("SELECT $1::int, $2"), ElementsAre(TypeKind::kInt, TypeKind::kString));
  EXPECT_THAT(types("SELECT a FROM t WHERE a BETWEEN $1 AND $2 OR a IN ($3)"),
              ElementsAre(TypeKind::kBigInt, TypeKind::kBigInt, TypeKind::kBigInt));
  EXPECT_THAT(types("SELECT a FROM t LIMIT $1 OFFSET $2"), ElementsAre(TypeKind::kBigInt, TypeKind::kBigInt));
  EXPECT_THAT(types("INSERT INTO t (d, a) VALUES ($1, $2), ($3, 5)"),
              ElementsAre(TypeKind::kDate, TypeKind::kBigInt, TypeKind::kDate));
  EXPECT_THAT(types("SELECT a || $1, $2 || a, a || '-' || $3 FROM t"),
              ElementsAre(TypeKind::kString, TypeKind::kString, TypeKind::kString))
      << "what is put together with a number is text";
  EXPECT_THAT(types("SELECT a + 1e0 + $1, a + 1 + $2 FROM t"), ElementsAre(TypeKind::kDouble, TypeKind::kBigInt))
      << "that of the sum so far";
  EXPECT_THAT(types("SELECT a FROM t WHERE 1.5 < $1 AND CAST(a AS DECIMAL(38, 2)) IN ($2) AND 1.5 BETWEEN 0 AND $3"),
              ElementsAre(DataType::decimal(38, 18), DataType::decimal(38, 2), DataType::decimal(38, 18)))
      << "with more digits than what stands beside it";
  EXPECT_THAT(types("SELECT a FROM t WHERE $1 IN (a, 5) AND $2 = ANY(ARRAY[d]) AND $3 > ALL(ARRAY(SELECT a FROM t)) "
                    "AND $4 LIKE ANY(ARRAY[$5, s])"),
              ElementsAre(TypeKind::kBigInt, TypeKind::kDate, TypeKind::kBigInt, TypeKind::kString, TypeKind::kString));
  EXPECT_THAT(types("SELECT ARRAY[1, 2][$1:$2], a FROM t WHERE a <> ALL($3)"),
              ElementsAre(TypeKind::kBigInt, TypeKind::kBigInt, DataType::array(TypeKind::kBigInt)));
}

TEST(PlanTest, ParametersOfChangesTakeTheTypesOfColumns) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT PRIMARY KEY, s STRING, d DATE)"));
  auto types = [&](const std::string& sql) {
    sql::Statement statement = *sql::parse_statement(sql);
    Result<PlannedChange> planned = invalid_argument("no change");
    if (auto* update = std::get_if<sql::Update>(&statement.node)) planned = plan_update(*update, planner.context());
    if (auto* merge = std::get_if<sql::Merge>(&statement.node)) planned = plan_merge(*merge, planner.context());
    EXPECT_TRUE(planned) << planned.error().to_string();
    return planned ? planned->query.parameter_types : std::vector<DataType>();
  };
  EXPECT_THAT(types("UPDATE t SET (s, d) = ($1, $2), a = $3 WHERE a = $4 RETURNING a + $5"),
              ElementsAre(TypeKind::kString, TypeKind::kDate, TypeKind::kBigInt, TypeKind::kBigInt, TypeKind::kBigInt));
  EXPECT_THAT(types("MERGE INTO t USING (VALUES (1)) AS v(b) ON t.a = v.b + $1 WHEN MATCHED AND t.d > $2 THEN UPDATE "
                    "SET s = $3 WHEN NOT MATCHED THEN INSERT (a, d) VALUES ($4, $5)"),
              ElementsAre(TypeKind::kInt, TypeKind::kDate, TypeKind::kString, TypeKind::kBigInt, TypeKind::kDate));
}

TEST(PlanTest, ParametersBecomeTheirValues) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT)"));
  planner.context().parameter_types = {TypeKind::kBigInt};
  planner.context().parameters = {types::Value(int64_t{7})};
  EXPECT_THAT(planner.outcome("SELECT a FROM t WHERE a = $1 + 1"), HasSubstr("a = 8"));
  EXPECT_THAT(planner.outcome("SELECT a FROM t LIMIT $1"), HasSubstr("limit=7"));
  EXPECT_THAT(planner.outcome("SELECT a FROM t WHERE a = $2"), HasSubstr("there is no value for $2"));
}

// Functions that call functions twice, that call functions twice, ...
TEST(PlanTest, CallsOfFunctionsHaveABound) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE FUNCTION f0(a BIGINT) AS a + 1"));
  std::string outcome;
  for (int i = 1; i < 20; ++i) {
    outcome = planner.outcome(fmt::format("CREATE FUNCTION f{}(a BIGINT) AS f{}(a) + f{}(a)", i, i - 1, i - 1));
    if (outcome != "ok\n") break;
  }
  EXPECT_THAT(outcome, HasSubstr("calls created functions at most 1000 times"));
  ASSERT_TRUE(planner.run("CREATE FUNCTION g0(a BIGINT) AS a + 1"));
  for (int i = 1; i < 100; ++i) {
    outcome = planner.outcome(fmt::format("CREATE FUNCTION g{}(a BIGINT) AS g{}(a)", i, i - 1));
    if (outcome != "ok\n") break;
  }
  EXPECT_THAT(outcome, HasSubstr("views and functions are nested more than 50 deep"));
}

TEST(PlanTest, DependenciesAreWhatIsNamed) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT)"));
  ASSERT_TRUE(planner.run("CREATE VIEW v AS SELECT a FROM T"));
  ASSERT_TRUE(planner.run("CREATE VIEW w AS SELECT a FROM V UNION ALL SELECT a FROM t"));
  EXPECT_THAT(planner.catalog().find_relation("v")->dependencies, ElementsAre("t"));
  EXPECT_THAT(planner.catalog().find_relation("w")->dependencies, ElementsAre("v", "t"));
}

TEST(PlanTest, EndsWhenItIsCancelled) {
  Planner planner;
  std::atomic<bool> cancelled{false};
  planner.context().cancelled = &cancelled;
  EXPECT_TRUE(planner.run("SELECT 1"));
  cancelled = true;
  const Result<PhysicalPtr> plan = planner.run("SELECT 1");
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code(), ErrorCode::kCancelled);
}

// Whatever the rules do, the result has the same columns.
TEST(PlanTest, RulesKeepTheSchema) {
  Planner planner;
  ASSERT_TRUE(
      planner.run("CREATE TABLE t (a BIGINT, b STRING, ts TIMESTAMP(3), c AS a + 1, "
                  "WATERMARK FOR ts AS ts - INTERVAL '1' SECOND) WITH ('connector' = 'kafka')"));
  const std::vector<std::string> queries = {
      "SELECT * FROM t",
      "SELECT b, COUNT(*) AS n, SUM(c) FILTER (WHERE a > 1) FROM t WHERE c > 2 GROUP BY b HAVING COUNT(*) > 1",
      "SELECT DISTINCT a + 1 AS x, b FROM t ORDER BY x LIMIT 3",
      "SELECT window_start, b, MAX(a) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE) GROUP BY window_start, "
      "b",
      "SELECT a FROM (SELECT a, b FROM t UNION ALL SELECT c, b FROM t) WHERE b = 'x'",
      "SELECT 1 AS one, CURRENT_TIMESTAMP AS now FROM t",
      "SELECT x.a, y.b FROM t x, t y WHERE x.a + 1 = y.a AND x.b = 'x' AND x.c < y.c",
      "SELECT x.a, y.b FROM t x LEFT JOIN t y ON x.a = y.c AND y.b = 'x' WHERE x.b <> 'y' OR y.b IS NULL",
      "SELECT * FROM t x FULL JOIN t y USING (a, b)",
  };
  for (const std::string& query : queries) {
    planner.context().disabled_rules.clear();
    Result<PhysicalPtr> all = planner.run(query);
    ASSERT_TRUE(all) << query << all.error().to_string();
    for (const Rule& rule : rules()) {
      planner.context().disabled_rules = {std::string(rule.name)};
      Result<PhysicalPtr> without = planner.run(query);
      ASSERT_TRUE(without) << query;
      EXPECT_EQ((*all)->schema, (*without)->schema) << query << " without " << rule.name;
    }
  }
  planner.context().disabled_rules = {"prune_colums"};
  EXPECT_THAT(planner.outcome("SELECT 1"), HasSubstr("prune_columns"));
}

TEST(PlanTest, JsonHasEveryOperator) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT) WITH ('connector' = 'kafka')"));
  std::string json = explain_json(**planner.run("SELECT COUNT(*) AS n FROM t"));
  EXPECT_THAT(json, HasSubstr(R"("operator":"ScanTable")"));
  EXPECT_THAT(json, HasSubstr(R"("operator":"Exchange","to":"one task")"));
}

// A chain of views that each read the one before twice would be a plan of 2^n scans.
TEST(PlanLimitsTest, PlansThatGrowExponentiallyAreRefused) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT)"));
  std::string sql = "WITH v0 AS (SELECT * FROM t)";
  for (int i = 1; i < 40; ++i) {
    std::string before = std::to_string(i - 1);
    sql += ", v" + std::to_string(i) + " AS (SELECT * FROM v" + before + " UNION ALL SELECT * FROM v" + before + ")";
  }
  EXPECT_THAT(planner.outcome(sql + " SELECT * FROM v39"), HasSubstr("more than 20000 operators"));
}

// A limit is told by its number, at the place where it is met.
TEST(PlanLimitsTest, AreNamed) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT, b BIGINT)"));
  auto list = [](std::string_view item, int count, std::string_view between = ", ") {
    std::string result(item);
    for (int i = 1; i < count; ++i) result += std::string(between) + std::string(item);
    return result;
  };
  EXPECT_THAT(planner.outcome("SELECT " + list("a", 5'000) + " FROM t"), HasSubstr("more than 4096 columns"));
  std::string keys = "a";
  for (int i = 1; i < 13; ++i) keys += ", a + " + std::to_string(i);
  EXPECT_THAT(planner.outcome("SELECT COUNT(*) FROM t GROUP BY CUBE (" + keys + ")"),
              HasSubstr("GROUP BY has more than 4096 sets"));
  EXPECT_THAT(planner.outcome("SELECT " + list("(", 600, "") + "a" + list(")", 600, "") + " FROM t"), HasSubstr("500"));
  EXPECT_TRUE(planner.run("SELECT a FROM t WHERE a IN (" + list("7", 10'000) + ")"));
}

std::string repeat(std::string_view text, int count) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

// They are walked as trees, in which what is there for two conditions is there twice.
TEST(PlanLimitsTest, NestedOperandsOfSeveralConditionsPlanOrAreRefusedAtOnce) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT, b BOOLEAN, c STRING)"));
  const std::tuple<std::string_view, std::string_view, std::string_view> nested[] = {
      {"CAST(", "c", " LIKE ANY (ARRAY['1', '2']) AS STRING)"},
      {"CASE ", "a", " WHEN 1 THEN 2 WHEN 3 THEN 4 END"},
      {"(", "b", " BETWEEN FALSE AND TRUE)"},
      {"NULLIF(", "a", ", 1)"},
  };
  for (const auto& [before, column, behind] : nested) {
    const auto query = [&](int levels) {
      return fmt::format("SELECT {}{}{} FROM t", repeat(before, levels), column, repeat(behind, levels));
    };
    EXPECT_TRUE(planner.run(query(8))) << before;
    EXPECT_THAT(planner.outcome(query(40)), HasSubstr("an expression has at most 1000000 parts")) << before;
  }
}

TEST(PlanLimitsTest, DeepExpressionsAndQueriesPlan) {
  Planner planner;
  ASSERT_TRUE(planner.run("CREATE TABLE t (a BIGINT)"));
  EXPECT_TRUE(planner.run("SELECT a" + repeat(" + a", 490) + " FROM t"));
  EXPECT_TRUE(planner.run("SELECT " + repeat("ABS(", 400) + "a" + repeat(")", 400) + " FROM t"));
  EXPECT_TRUE(planner.run("SELECT a FROM t WHERE a = 1" + repeat(" OR a = 2", 5'000)));
  EXPECT_TRUE(planner.run("SELECT * FROM " + repeat("(SELECT a FROM ", 240) + "t" + repeat(")", 240)));
  // Each query is as deep as one may be; together they would be one expression of 8,000 levels.
  std::string sql = "WITH q0 AS (SELECT a FROM t)";
  for (int i = 1; i <= 20; ++i) {
    sql += ", q" + std::to_string(i) + " AS (SELECT a" + repeat(" + 1", 400) + " AS a FROM q" + std::to_string(i - 1) +
           ")";
  }
  EXPECT_TRUE(planner.run(sql + " SELECT a FROM q20 WHERE a > 1"));
  ASSERT_TRUE(planner.run("CREATE FUNCTION deep (x BIGINT) RETURNS BIGINT AS x" + repeat(" + 1", 400)));
  EXPECT_TRUE(planner.run("SELECT deep(deep(a)) FROM t"));
  EXPECT_THAT(planner.outcome("SELECT " + repeat("deep(", 300) + "a" + repeat(")", 300) + " FROM t"),
              HasSubstr("an expression has at most 1000 levels and 100000 parts, those of created functions included"));
  ASSERT_TRUE(planner.run("CREATE FUNCTION twice (x BIGINT) RETURNS BIGINT AS x + x"));
  EXPECT_THAT(planner.outcome("SELECT " + repeat("twice(", 60) + "a" + repeat(")", 60) + " FROM t"),
              HasSubstr("100000 parts"));
}

}  // namespace
}  // namespace penstock::plan
