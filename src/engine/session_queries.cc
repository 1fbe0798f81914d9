// Statements of a session that read: SELECT, SUBSCRIBE, EXPLAIN.
#include <memory>
#include <utility>
#include <variant>

#include "engine/session_impl.h"
#include "exec/operators/result_queue.h"
#include "sql/printer.h"

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

CursorResult SessionImpl::run(const Call& call, const sql::Explain& explain) {
  const sql::Statement::Node& node = explain.statement->node;
  if (const auto* set = std::get_if<sql::StatementSet>(&node)) return explain_set(call, *set, explain.json);
  plan::PhysicalPtr root;
  if (const auto* query = std::get_if<sql::Query>(&node)) {
    root = PENSTOCK_TRY(plan::plan_query(*query, context(plan::PlanMode::kBounded, call.prepared))).root;
  } else if (const auto* insert = std::get_if<sql::Insert>(&node)) {
    root =
        PENSTOCK_TRY(plan::plan_insert(*insert, insert_context(plan::PlanMode::kStreaming, call.prepared))).query.root;
  } else if (const auto* update = std::get_if<sql::Update>(&node)) {
    root = PENSTOCK_TRY(plan::plan_update(*update, context(plan::PlanMode::kBounded, call.prepared))).query.root;
  } else if (const auto* removal = std::get_if<sql::Delete>(&node)) {
    root = PENSTOCK_TRY(plan::plan_delete(*removal, context(plan::PlanMode::kBounded, call.prepared))).query.root;
  } else if (const auto* merge = std::get_if<sql::Merge>(&node)) {
    root = PENSTOCK_TRY(plan::plan_merge(*merge, context(plan::PlanMode::kBounded, call.prepared))).query.root;
  } else if (const auto* create = std::get_if<sql::CreateMaterializedView>(&node)) {
    root = PENSTOCK_TRY(plan::plan_query(*create->query, context(plan::PlanMode::kStreaming, call.prepared))).root;
  } else if (const auto* alert = std::get_if<sql::CreateAlert>(&node)) {
    root = PENSTOCK_TRY(plan::plan_query(*alert->query, context(plan::PlanMode::kStreaming, call.prepared))).root;
  } else {
    return unsupported(
        "EXPLAIN shows the plans of SELECT, INSERT, UPDATE, DELETE, MERGE, CREATE MATERIALIZED VIEW and CREATE ALERT");
  }
  return explain_rows(explain.json ? plan::explain_json(*root) : plan::explain_text(*root));
}

CursorResult SessionImpl::explain_set(const Call& call, const sql::StatementSet& set, bool json) const {
  std::string text;
  for (const sql::StatementSet::Part& part : set.parts) {
    const auto plan =
        PENSTOCK_TRY(plan::plan_insert(part.insert, insert_context(plan::PlanMode::kStreaming, call.prepared)));
    const plan::PhysicalNode& root = *plan.query.root;
    if (json) {
      text += (text.empty() ? "[" : ",\n") + plan::explain_json(root);
    } else {
      text += (text.empty() ? "" : "\n") + sql::print(part.insert) + "\n" + plan::explain_text(root);
    }
  }
  return explain_rows(json ? text + "]" : text);
}

}  // namespace penstock::engine
