// Any statement is planned, or refused at a place within it; planning it again gives the same.
//
// Seeds: a statement each, over the tables below.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "catalog/catalog.h"
#include "plan/definition.h"
#include "plan/function.h"
#include "plan/planner.h"
#include "sql/parser.h"
#include "sql/statement.h"

namespace penstock::plan {
namespace {

constexpr std::string_view kTables[] = {
    "CREATE TABLE a (id BIGINT, k STRING, v INT, d DECIMAL(10, 2), x DOUBLE, b BOOLEAN, ts TIMESTAMP(3), "
    "l ARRAY<INT>, m MAP<STRING, DOUBLE>, r ROW<f INT, g STRING>, p AS PROCTIME(), "
    "WATERMARK FOR ts AS ts - INTERVAL '5' SECOND) "
    "WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json')",
    "CREATE TABLE c (id BIGINT, k STRING, w INT, ts TIMESTAMP(3), PRIMARY KEY (k) NOT ENFORCED, "
    "WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', 'topic' = 'c', 'format' = 'json')",
    "CREATE TABLE t (id BIGINT PRIMARY KEY, k STRING, v INT, day DATE)",
    "CREATE VIEW o AS SELECT k, SUM(v) AS total, COUNT(*) AS n FROM a GROUP BY k",
};

class Planner {
 public:
  Planner() : catalog_(*catalog::Catalog::open(":memory:")) {
    context_.catalog = catalog_.get();
    context_.system_tables = {{"sys.jobs", {{"id", types::TypeKind::kBigInt}, {"state", types::TypeKind::kString}}}};
    for (const std::string_view sql : kTables) {
      const auto statement = sql::parse_statement(sql);
      PENSTOCK_CHECK(statement, "the tables of the fuzzer parse");
      PENSTOCK_CHECK(create(*statement, std::string(sql)), "the tables of the fuzzer are made");
    }
  }

  // The plan of a statement as text; nothing of one that has none.
  Result<std::string> plan(const sql::Statement& statement, const std::string& text, PlanMode mode) const {
    PlanContext context = context_;
    context.mode = mode;
    if (const auto* query = std::get_if<sql::Query>(&statement.node)) {
      return shown(PENSTOCK_TRY(plan_query(*query, context)));
    }
    if (const auto* insert = std::get_if<sql::Insert>(&statement.node)) {
      return shown(PENSTOCK_TRY(plan_insert(*insert, context)).query);
    }
    if (const auto* view = std::get_if<sql::CreateMaterializedView>(&statement.node)) {
      return shown(PENSTOCK_TRY(define_materialized_view(*view, text, context)).plan);
    }
    if (const auto* alert = std::get_if<sql::CreateAlert>(&statement.node)) {
      return shown(PENSTOCK_TRY(define_alert(*alert, text, context)).plan);
    }
    if (const auto* table = std::get_if<sql::CreateTable>(&statement.node)) {
      PENSTOCK_TRY(define_table(*table, text, context));
    } else if (const auto* plain = std::get_if<sql::CreateView>(&statement.node)) {
      PENSTOCK_TRY(define_view(*plain, text, context));
    } else if (const auto* function = std::get_if<sql::CreateFunction>(&statement.node)) {
      PENSTOCK_TRY(define_function(*function, text, context));
    }
    return std::string();
  }

 private:
  Status create(const sql::Statement& statement, const std::string& text) {
    if (const auto* view = std::get_if<sql::CreateView>(&statement.node)) {
      PENSTOCK_TRY(catalog_->create(PENSTOCK_TRY(define_view(*view, text, context_))));
      return {};
    }
    const auto& table = std::get<sql::CreateTable>(statement.node);
    PENSTOCK_TRY(catalog_->create(PENSTOCK_TRY(define_table(table, text, context_)).entry));
    return {};
  }
  static std::string shown(const PlannedQuery& query) {
    const Result<std::string> text = explain_text(std::vector<ExplainedStatement>{{.query = query}});
    PENSTOCK_CHECK(text, "EXPLAIN shows every plan");
    return *text + explain_json(*query.root);
  }

  std::unique_ptr<catalog::Catalog> catalog_;
  PlanContext context_;
};

}  // namespace
}  // namespace penstock::plan

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::plan;
  static const Planner planner;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto statement = penstock::sql::parse_statement(text);
  if (!statement) return 0;
  for (const PlanMode mode : {PlanMode::kBounded, PlanMode::kStreaming}) {
    const auto planned = planner.plan(*statement, text, mode);
    const auto again = planner.plan(*statement, text, mode);
    PENSTOCK_CHECK(static_cast<bool>(planned) == static_cast<bool>(again), "planning again gives the same");
    if (planned) {
      PENSTOCK_CHECK(*planned == *again, "planning again gives the same plan");
      continue;
    }
    PENSTOCK_CHECK(planned.error().to_string() == again.error().to_string(), "planning again gives the same error");
    PENSTOCK_CHECK(planned.error().position().value_or(0) <= text.size(), "an error is at a place in the statement");
    PENSTOCK_CHECK(!planned.error().message().empty(), "an error says something");
  }
  return 0;
}
