// Statements of a session that read: SELECT, SUBSCRIBE, EXPLAIN.
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/job_graph.h"
#include "engine/session_impl.h"
#include "exec/operators/result_queue.h"
#include "plan/definition.h"
#include "plan/modify.h"

namespace penstock::engine {

CursorResult SessionImpl::run(const Call& call, const sql::Query& query) {
  const auto plan =
      PENSTOCK_TRY(plan::plan_query(query, context(plan::PlanMode::kBounded, call.prepared, call.parameters)));
  return started(make_cursor(plan.root));
}

std::shared_ptr<CancellableCursor> SessionImpl::make_cursor(const plan::PhysicalPtr& root) {
  const auto queue = std::make_shared<exec::ResultQueue>();
  auto start = [this, queue, root]() -> Result<std::unique_ptr<exec::Job>> {
    JobGraph graph = PENSTOCK_TRY(build_graph(*root, engine_.graph_context(true)));
    exec::JobSpec spec;
    spec.name = "select";
    spec.fragments = std::move(graph.fragments);
    spec.one_epoch = true;
    spec.state = state_limit();
    spec.fragments.back().append(
        [queue](int /*instance*/) -> Result<std::unique_ptr<exec::Operator>> { return queue->make_operator(); }, {});
    spec.on_finished = [queue](Status status) { queue->finish(std::move(status)); };
    return engine_.executor().start(std::move(spec));
  };
  return make_query_cursor(root->schema, queue, std::move(start));
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::Subscribe& subscribe) {
  return started(make_subscription_cursor(PENSTOCK_TRY(find_view(subscribe.name)).view));
}

Result<std::vector<columnar::ChangeBatch>> SessionImpl::collect(const plan::PhysicalPtr& root) {
  const CursorPtr cursor = PENSTOCK_TRY(started(make_cursor(root)));
  std::vector<columnar::ChangeBatch> batches;
  size_t bytes = 0;
  while (std::optional<columnar::ChangeBatch> batch = PENSTOCK_TRY(cursor->next())) {
    bytes += batch->bytes_with_texts();
    if (bytes > kStatementBytesMax) {
      return make_error(ErrorCode::kResourceExhausted, "the statement changes more than {} bytes of rows",
                        kStatementBytesMax)
          .hint("change the rows in several statements");
    }
    batches.push_back(*std::move(batch));
  }
  return batches;
}

Result<plan::ExplainedStatement> SessionImpl::explained_insert(
    bool native, const std::function<Result<plan::PlannedInsert>(plan::PlanMode)>& plan_in) const {
  plan::PlannedInsert plan = PENSTOCK_TRY(plan_in(native ? plan::PlanMode::kBounded : plan::PlanMode::kStreaming));
  const plan::PhysicalNode& streaming = *plan.query.root;
  const bool as_a_whole = !native && !streaming.traits.bounded && (has_state(streaming) || reads_view(streaming));
  if (as_a_whole && PENSTOCK_TRY(ends_with_statement(streaming))) {
    plan = PENSTOCK_TRY(plan_in(plan::PlanMode::kBounded));
  }
  plan::ExplainedStatement out{.query = plan.query, .operation = "Insert", .target = plan.target};
  if (plan.overwrite) out.operation = "Overwrite";
  for (const types::Field& field : plan.query.root->schema) out.columns.push_back(field.name);
  return out;
}

Result<plan::ExplainedStatement> SessionImpl::explained_insert(const Call& call, const sql::Insert& insert) const {
  return explained_insert(find_native_table(insert.table) != nullptr, [&](plan::PlanMode mode) {
    return plan::plan_insert(insert, insert_context(mode, call.prepared));
  });
}

Result<std::vector<plan::ExplainedStatement>> SessionImpl::explained(const Call& call,
                                                                     const sql::Statement::Node& node) const {
  const plan::PlanContext bounded = context(plan::PlanMode::kBounded, call.prepared);
  const plan::PlanContext streaming = context(plan::PlanMode::kStreaming, call.prepared);
  std::vector<plan::ExplainedStatement> out;
  if (const auto* query = std::get_if<sql::Query>(&node)) {
    out.push_back({.query = PENSTOCK_TRY(plan::plan_query(*query, bounded))});
  } else if (const auto* insert = std::get_if<sql::Insert>(&node)) {
    out.push_back(PENSTOCK_TRY(explained_insert(call, *insert)));
  } else if (const auto* set = std::get_if<sql::StatementSet>(&node)) {
    for (const sql::StatementSet::Part& part : set->parts) {
      Result<plan::ExplainedStatement> one = explained_insert(call, part.insert);
      if (!one) return located(one.error(), part.position);
      out.push_back(*std::move(one));
    }
  } else if (const auto* update = std::get_if<sql::Update>(&node)) {
    plan::PlannedChange change = PENSTOCK_TRY(plan::plan_update(*update, bounded));
    out.push_back({.query = std::move(change.query), .operation = "Update", .target = std::move(change.target)});
    for (const sql::Assignment& set : update->assignments) {
      for (const sql::Identifier& column : set.columns) out.front().columns.push_back(column.text);
    }
  } else if (const auto* statement = std::get_if<sql::Delete>(&node)) {
    plan::PlannedChange change = PENSTOCK_TRY(plan::plan_delete(*statement, bounded));
    out.push_back({.query = std::move(change.query), .operation = "Delete", .target = std::move(change.target)});
  } else if (const auto* merge = std::get_if<sql::Merge>(&node)) {
    plan::PlannedChange change = PENSTOCK_TRY(plan::plan_merge(*merge, bounded));
    out.push_back({.query = std::move(change.query), .operation = "Merge", .target = std::move(change.target)});
  } else if (const auto* create = std::get_if<sql::CreateTable>(&node); create != nullptr && create->query) {
    const plan::DefinedTable table = PENSTOCK_TRY(
        plan::define_table(*create, call.prepared.text, insert_context(plan::PlanMode::kStreaming, call.prepared)));
    const auto plan_in = [&](plan::PlanMode mode) { return plan_filling(call, *create, table, mode); };
    out.push_back(PENSTOCK_TRY(explained_insert(table.entry.table()->is_native(), plan_in)));
  } else if (const auto* view = std::get_if<sql::CreateMaterializedView>(&node)) {
    out.push_back({.query = PENSTOCK_TRY(plan::plan_query(*view->query, streaming))});
  } else if (const auto* alert = std::get_if<sql::CreateAlert>(&node)) {
    out.push_back({.query = PENSTOCK_TRY(plan::plan_query(*alert->query, streaming))});
  } else {
    return unsupported("EXPLAIN shows the plans of queries, of statements that write tables, and of views and alerts")
        .hint("CREATE MATERIALIZED VIEW and CREATE TABLE ... AS are such statements too");
  }
  return out;
}

CursorResult SessionImpl::run(const Call& call, const sql::Explain& explain) {
  const sql::Statement::Node& node = explain.statement->node;
  const std::vector<plan::ExplainedStatement> statements = PENSTOCK_TRY(explained(call, node));
  if (!explain.json) return explain_rows(PENSTOCK_TRY(plan::explain_text(statements)));
  if (!std::holds_alternative<sql::StatementSet>(node)) return explain_rows(plan::explain_json(statements.front()));
  std::string text;
  for (const plan::ExplainedStatement& one : statements) {
    text += (text.empty() ? "[" : ",\n") + plan::explain_json(one);
  }
  return explain_rows(text + "]");
}

}  // namespace penstock::engine
