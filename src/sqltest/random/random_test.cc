// Random queries give the same rows as views, from scratch and in SQLite; and what the tester itself must do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/logging.h"
#include "sqltest/random/run.h"
#include "sqltest/random/shrink.h"

namespace penstock::sqltest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kSeeds = 60;
// Less means that the generator writes what the engine does not take, or tables without rows.
constexpr int kAcceptedPercentMin = 97;
constexpr int kRowsOfComparisonMin = 3;

TEST(RandomQueriesTest, GiveTheSameRowsEverywhere) {
  logging::configure(logging::Level::kError, logging::Format::kLogfmt);
  int queries = 0;
  int accepted = 0;
  int comparisons = 0;
  int rows = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Scenario scenario = Scenario::make(seed);
    const RandomOutcome outcome = run_isolated(scenario);
    EXPECT_EQ(outcome.verdict, Verdict::kSame)
        << name_of(outcome.verdict) << "\n"
        << outcome.what << "\nmade small by: sql_random_runner --first " << seed << " --count 1";
    queries += outcome.queries;
    accepted += outcome.accepted;
    comparisons += outcome.comparisons;
    rows += outcome.rows;
  }
  EXPECT_GE(accepted * 100, queries * kAcceptedPercentMin) << accepted << " of " << queries;
  EXPECT_GE(rows, comparisons * kRowsOfComparisonMin) << rows << " rows in " << comparisons << " comparisons";
}

TEST(RandomScenarioTest, ComesOfItsSeedAlone) {
  RandomOutcome whole;
  whole.step = SIZE_MAX - 1;
  const Scenario scenario = Scenario::make(7);
  const std::string text = test_file_of(scenario, whole);
  EXPECT_EQ(text, test_file_of(Scenario::make(7), whole));
  EXPECT_NE(text, test_file_of(Scenario::make(8), whole));
  EXPECT_THAT(text, HasSubstr("stream v"));
}

// So that a change of the generator loses nothing.
TEST(RandomScenarioTest, HaveEveryKindOfClauseSomewhere) {
  constexpr uint64_t kScenarios = 200;
  std::string all;
  for (uint64_t seed = 1; seed <= kScenarios; ++seed) {
    const Scenario scenario = Scenario::make(seed);
    const auto queries = scenario.queries();
    ASSERT_TRUE(queries);
    for (const auto& [view, query] : *queries) all += query.text.engine + query.emit + "\n";
  }
  for (const char* clause : {"MATCH_RECOGNIZE",
                             "ALL ROWS PER MATCH",
                             "WITHIN INTERVAL",
                             "PERMUTE",
                             "NATURAL",
                             "USING",
                             "ASOF JOIN",
                             "_versions FOR SYSTEM_TIME AS OF",
                             "_last FOR SYSTEM_TIME AS OF",
                             "FOR SYSTEM_TIME AS OF PROCTIME()",
                             "WITH RECURSIVE",
                             "DEDUPLICATE",
                             "SESSION(",
                             "SESSION(TABLE u",
                             "CUMULATE(",
                             "HOP(",
                             "TUMBLE(",
                             "GROUPING SETS",
                             "ROLLUP",
                             "CUBE",
                             "EXCLUDE",
                             "IGNORE NULLS",
                             "INTERSECT ALL",
                             "EXCEPT ALL",
                             "LATERAL",
                             "UNNEST",
                             "WITH ORDINALITY",
                             "CARDINALITY",
                             "QUALIFY",
                             "DISTINCT ON",
                             "NOT EXISTS",
                             "NOT IN (SELECT",
                             "EMIT ON"}) {
    EXPECT_THAT(all.find(clause), testing::Ne(std::string::npos)) << clause;
  }
}

// One table and the simplest view of it; SQLite is told of one row less.
Scenario with_a_row_that_sqlite_has_not() {
  Scenario scenario;
  const Type number = {.kind = ValueKind::kInt, .wide = true, .bound = 100};
  scenario.tables.push_back({.name = "t0", .columns = {{.name = "k", .type = number}}});
  scenario.views.push_back({.name = "v0", .choices = {}});
  NewRows rows;
  rows.rows = {{.engine = "(1), (2)", .sqlite = "(1)"}};
  scenario.steps = {CreateRandomView{.view = 0}, rows, Compare{}};
  return scenario;
}

TEST(RunScenarioTest, FindsRowsThatDiffer) {
  const Scenario scenario = with_a_row_that_sqlite_has_not();
  const RandomOutcome outcome = run_isolated(scenario);
  EXPECT_EQ(outcome.verdict, Verdict::kQueryWrong) << name_of(outcome.verdict) << outcome.what;
  EXPECT_THAT(outcome.what, HasSubstr("the view and SQLite (-)\n  + 2\n"));
  EXPECT_THAT(test_file_of(scenario, outcome), HasSubstr("INSERT INTO t0 VALUES (1), (2);\n\nresult v0\n1\n"));
}

// A fault that is known: whatever the scenario is, only an INSERT into its first table and one view are needed.
TEST(ShrinkTest, LeavesWhatTheFaultNeeds) {
  const auto fails = [](const Scenario& scenario) {
    RandomOutcome outcome;
    const auto queries = scenario.queries();
    bool inserted = false;
    bool grouped = false;
    for (const RandomStep& step : scenario.steps) {
      if (std::holds_alternative<NewRows>(step)) inserted = true;
      const auto* create = std::get_if<CreateRandomView>(&step);
      if (create == nullptr || !queries) continue;
      grouped = grouped || queries->at(create->view).text.engine.contains("GROUP BY");
    }
    outcome.step = scenario.steps.size();
    if (inserted && grouped) outcome.verdict = Verdict::kViewWrong;
    return outcome;
  };
  const Scenario scenario = Scenario::make(3);
  const RandomOutcome outcome = fails(scenario);
  ASSERT_EQ(outcome.verdict, Verdict::kViewWrong);
  const Shrunk shrunk = shrink(scenario, outcome, fails, 2000);
  EXPECT_LE(shrunk.scenario.steps.size(), 3U);
  const std::string text = test_file_of(shrunk.scenario, shrunk.outcome);
  EXPECT_THAT(text, HasSubstr("GROUP BY"));
  EXPECT_THAT(text, Not(HasSubstr("UPDATE")));
}

}  // namespace
}  // namespace penstock::sqltest
