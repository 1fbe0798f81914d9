// Statements of a session that write: INSERT, statement sets, UPDATE, DELETE.
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/session_impl.h"
#include "plan/modify.h"
#include "sql/printer.h"

namespace penstock::engine {

Modification SessionImpl::modification(const Call& call, NativeTable& table, plan::PlannedReturning returning) {
  return Modification{.table = table,
                      .collect = [this](const plan::PhysicalPtr& root) { return collect(root); },
                      .eval = context(plan::PlanMode::kBounded, call.prepared, call.parameters).eval,
                      .returning = std::move(returning)};
}

CursorResult SessionImpl::insert_into_native(const Call& call, const sql::Insert& insert, const catalog::Entry& entry) {
  const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, call.prepared, call.parameters);
  const auto plan = PENSTOCK_TRY(plan::plan_insert(insert, plan_context));
  ConflictPolicy policy;
  if (insert.on_conflict && insert.overwrite) {
    return invalid_argument("ON CONFLICT has no place in INSERT OVERWRITE: no row stays that it could meet")
        .at(insert.on_conflict->position.offset);
  }
  if (insert.on_conflict) {
    policy.update = PENSTOCK_TRY(plan::plan_on_conflict(insert, entry, plan_context));
    policy.kind = policy.update.new_row.empty() ? ConflictPolicy::Kind::kNothing : ConflictPolicy::Kind::kUpdate;
  }
  const std::shared_ptr<NativeTable> table = PENSTOCK_TRY(engine_.native_table(entry.name));
  plan::PlannedReturning returning = PENSTOCK_TRY(plan::plan_returning(insert, entry, plan_context));
  const Modification change = modification(call, *table, std::move(returning));
  if (!insert.overwrite) return insert_rows(change, plan.query.root, policy);
  return replace_rows(change, plan.query.root,
                      PENSTOCK_TRY(plan::plan_delete({.table = {.name = insert.table}}, plan_context)));
}

CursorResult SessionImpl::change_native(const Call& call, plan::PlannedChange plan, ChangeRows change_rows) {
  const std::shared_ptr<NativeTable> table = PENSTOCK_TRY(engine_.native_table(plan.target));
  plan::PlannedReturning returning = std::move(plan.returning);
  return change_rows(modification(call, *table, std::move(returning)), plan);
}

CursorResult SessionImpl::run(const Call& call, const sql::Update& update) {
  const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, call.prepared, call.parameters);
  return change_native(call, PENSTOCK_TRY(plan::plan_update(update, plan_context)), update_rows);
}

CursorResult SessionImpl::run(const Call& call, const sql::Delete& statement) {
  const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, call.prepared, call.parameters);
  return change_native(call, PENSTOCK_TRY(plan::plan_delete(statement, plan_context)), delete_rows);
}

CursorResult SessionImpl::run(const Call& call, const sql::Merge& merge) {
  const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, call.prepared, call.parameters);
  return change_native(call, PENSTOCK_TRY(plan::plan_merge(merge, plan_context)), merge_rows);
}

CursorResult SessionImpl::run(const Call& call, const sql::Insert& insert) {
  if (const catalog::EntryPtr entry = find_native_table(insert.table)) {
    return insert_into_native(call, insert, *entry);
  }
  if (insert.on_conflict) return on_conflict_needs_native(*insert.on_conflict);
  const auto plan = PENSTOCK_TRY(
      plan::plan_insert(insert, insert_context(plan::PlanMode::kStreaming, call.prepared, call.parameters)));
  if (PENSTOCK_TRY(ends_with_statement(*plan.query.root))) {
    return insert_to_end(plan, [&] {
      return plan::plan_insert(insert, context(plan::PlanMode::kBounded, call.prepared, call.parameters));
    });
  }
  if (insert.overwrite) return overwrite_needs_end(insert);
  if (!call.parameters.empty()) return unsupported("an INSERT that goes on cannot have parameters");
  PENSTOCK_TRY(engine_.create_inserts({new_insert(plan, call.prepared.text)}, job_settings()));
  return make_tag_cursor("INSERT 0 0");
}

CursorResult SessionImpl::run(const Call& call, const sql::StatementSet& set) {
  if (!call.parameters.empty()) return unsupported("a statement set cannot have parameters");
  std::vector<EngineImpl::NewInsert> going_on;
  std::vector<const sql::Insert*> ending;
  for (const sql::StatementSet::Part& part : set.parts) {
    const Result<std::optional<EngineImpl::NewInsert>> checked = check_part(call, part.insert);
    if (!checked) return located(checked.error(), part.position);
    if (*checked) going_on.push_back(**checked);
    if (!*checked) ending.push_back(&part.insert);
  }
  for (const sql::Insert* insert : ending) {
    const CursorPtr ended = PENSTOCK_TRY(run(call, *insert));
    while (PENSTOCK_TRY(ended->next())) {
    }
  }
  if (!going_on.empty()) PENSTOCK_TRY(engine_.create_inserts(going_on, job_settings()));
  return make_tag_cursor("EXECUTE STATEMENT SET");
}

Error SessionImpl::located(Error error, sql::Position position) {
  return error.position() ? error : std::move(error).at(position.offset);
}

Error SessionImpl::relocated(const Error& error, sql::Position position) {
  return Error(error.code(), error.message()).hint(error.hint()).at(position.offset);
}

Result<std::optional<EngineImpl::NewInsert>> SessionImpl::check_part(const Call& call,
                                                                     const sql::Insert& insert) const {
  if (!insert.returning.empty()) {
    return unsupported("RETURNING has no place in a statement set").at(insert.returning.front().value.position.offset);
  }
  if (find_native_table(insert.table) != nullptr) {
    PENSTOCK_TRY(plan::plan_insert(insert, context(plan::PlanMode::kBounded, call.prepared)));
    return std::nullopt;
  }
  if (insert.on_conflict) return on_conflict_needs_native(*insert.on_conflict);
  EngineImpl::NewInsert job =
      new_insert(PENSTOCK_TRY(plan::plan_insert(insert, insert_context(plan::PlanMode::kStreaming, call.prepared))),
                 sql::print(insert));
  if (PENSTOCK_TRY(ends_with_statement(*job.plan.query.root))) {
    PENSTOCK_TRY(engine_.check_sink(
        PENSTOCK_TRY(plan::plan_insert(insert, insert_context(plan::PlanMode::kBounded, call.prepared)))));
    return std::nullopt;
  }
  if (insert.overwrite) return overwrite_needs_end(insert);
  PENSTOCK_TRY(engine_.check_sink(job.plan));
  return job;
}

Error SessionImpl::overwrite_needs_end(const sql::Insert& insert) {
  return unsupported("INSERT OVERWRITE writes rows that come to an end, and those of the query go on")
      .at(insert.query->position.offset)
      .hint("give the tables that it reads an end, as by 'scan.bounded.mode'");
}

Error SessionImpl::on_conflict_needs_native(const sql::OnConflict& conflict) {
  return unsupported("ON CONFLICT needs a table without a connector").at(conflict.position.offset);
}

Result<bool> SessionImpl::ends_with_statement(const plan::PhysicalNode& query) const {
  const std::string mode = settings_.get("execution.runtime-mode").value_or("automatic");
  const bool values = query.traits.bounded;
  if (mode == "streaming" && !values) return false;
  const bool ends = values || PENSTOCK_TRY(has_end(query, engine_.catalog(), mode == "batch"));
  if (mode != "batch" || ends) return ends;
  return unsupported("in the runtime mode batch the whole input must have an end")
      .hint("SET 'execution.runtime-mode' = 'automatic', or give the tables an end, as by 'scan.bounded.mode'");
}

CursorResult SessionImpl::insert_to_end(const plan::PlannedInsert& streaming,
                                        const std::function<Result<plan::PlannedInsert>()>& plan_bounded) {
  const bool values = streaming.query.root->traits.bounded;
  const plan::PhysicalNode& root = *streaming.query.root;
  if (!values && !has_state(root) && !reads_view(root)) return run_to_end(streaming, false);
  return run_to_end(PENSTOCK_TRY(plan_bounded()), true);
}

CursorResult SessionImpl::run_to_end(const plan::PlannedInsert& plan, bool as_a_whole) {
  const auto sink = PENSTOCK_TRY(engine_.make_sink(plan, ""));
  JobGraph graph = PENSTOCK_TRY(build_graph(*plan.query.root, engine_.graph_context(as_a_whole)));
  exec::JobSpec spec;
  spec.name = "insert";
  spec.fragments = std::move(graph.fragments);
  spec.one_epoch = as_a_whole;
  spec.state = state_limit();
  const bool drops = settings_.get(kNotNullSetting) == kNotNullDrop;
  append_not_null(spec.fragments.back(), PENSTOCK_TRY(engine_.not_null_columns(plan, drops)));
  const int parallelism = spec.fragments.back().parallelism;
  spec.fragments.back().append(
      [sink, parallelism](int instance) {
        return sink->make_operator({.number = instance, .parallelism = parallelism});
      },
      {});
  spec.on_epoch = [sink](Epoch epoch) { return sink->commit(epoch, {}); };
  const std::shared_ptr<exec::Job> job = PENSTOCK_TRY(engine_.executor().start(std::move(spec)));
  on_cancel([weak = std::weak_ptr(job)] {
    if (const auto running = weak.lock()) running->stop();
  });
  const Status ended = job->wait();
  PENSTOCK_TRY(sink->close());
  if (cancelled_ && !ended) return Error(ErrorCode::kCancelled, "canceling statement due to user request");
  if (!ended) return ended.error();
  PENSTOCK_TRY(sink->replace());
  return make_tag_cursor("INSERT 0 " + std::to_string(sink->rows_written()));
}

}  // namespace penstock::engine
