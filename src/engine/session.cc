// What all statements of a session share, and the ones about the session itself.
#include "engine/session.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "base/memory.h"
#include "base/quantity.h"
#include "base/suggest.h"
#include "engine/session_impl.h"
#include "plan/modify.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"
#include "types/time_zone.h"

namespace penstock::engine {

namespace {

// Hands out a cursor that the session can still cancel.
class SharedCursor : public Cursor {
 public:
  explicit SharedCursor(std::shared_ptr<CancellableCursor> cursor) : cursor_(std::move(cursor)) {}
  const std::optional<types::Schema>& schema() const override { return cursor_->schema(); }
  Result<std::optional<columnar::ChangeBatch>> next() override { return cursor_->next(); }
  std::string tag() const override { return cursor_->tag(); }

 private:
  const std::shared_ptr<CancellableCursor> cursor_;
};

}  // namespace

Result<std::vector<Session::Part>> SessionImpl::split(std::string_view sql) {
  std::vector<Part> parts;
  for (const sql::StatementText& part : PENSTOCK_TRY(sql::split_statements(sql))) {
    parts.push_back({.text = std::string(part.text), .offset = part.offset});
  }
  return parts;
}

Result<std::shared_ptr<const PreparedStatement>> SessionImpl::prepare(
    std::string_view sql, std::span<const types::DataType> parameter_types) {
  cancelled_ = false;
  auto prepared = std::make_shared<Prepared>();
  prepared->text = sql;
  if (PENSTOCK_TRY(sql::split_statements(sql)).empty()) return prepared;  // nothing to do, and no rows
  prepared->statement = PENSTOCK_TRY(sql::parse_statement(sql));
  prepared->parameters.assign(parameter_types.begin(), parameter_types.end());
  prepared->parameters.resize(std::max<size_t>(prepared->parameters.size(), prepared->statement.parameters));
  PENSTOCK_TRY(describe(*prepared));
  return prepared;
}

Result<std::unique_ptr<Cursor>> SessionImpl::execute(std::shared_ptr<const PreparedStatement> statement,
                                                     std::vector<types::Value> parameters) {
  cancelled_ = false;
  return start(*statement, std::move(parameters));
}

Result<std::unique_ptr<Cursor>> SessionImpl::start(const PreparedStatement& statement,
                                                   std::vector<types::Value> parameters) {
  const auto& prepared = static_cast<const Prepared&>(statement);
  if (parameters.size() != prepared.parameters.size()) {
    return invalid_argument("the statement has {} parameters, but {} were given", prepared.parameters.size(),
                            parameters.size());
  }
  const Call call{.prepared = prepared, .parameters = std::move(parameters)};
  if (PENSTOCK_TRY(sql::split_statements(prepared.text)).empty()) return make_tag_cursor("");
  return std::visit([&](const auto& node) { return run(call, node); }, prepared.statement.node);
}

Result<std::unique_ptr<Cursor>> SessionImpl::execute(std::string_view sql) {
  // What is cancelled while it is planned does not start.
  return start(*PENSTOCK_TRY(prepare(sql, {})), {});
}

void SessionImpl::cancel() {
  cancelled_ = true;
  const std::lock_guard lock(mutex_);
  if (cancel_running_) cancel_running_();
}

std::optional<std::string> SessionImpl::setting(std::string_view name) const {
  if (sql::equal_ignoring_case(name, "search_path")) return names_.schema;
  return settings_.get(name);
}

plan::PlanContext SessionImpl::context(plan::PlanMode mode, const Prepared& prepared,
                                       std::vector<types::Value> values) const {
  plan::PlanContext context = engine_.plan_context(mode);
  context.names = names_;
  context.parameter_types = prepared.parameters;
  context.parameters = std::move(values);
  if (Result<const types::TimeZone*> zone = types::TimeZone::find(time_zone())) context.eval.zone = *zone;
  context.recursion.steps_max = std::stoll(*settings_.get(plan::kRecursionStepsSetting));
  context.recursion.rows_max = std::stoll(*settings_.get(plan::kRecursionRowsSetting));
  context.cancelled = &cancelled_;
  context.state_ttl_us = parse_duration_us(*settings_.get(kStateTtlSetting)).value_or(0);
  return context;
}

EngineImpl::NewInsert SessionImpl::new_insert(plan::PlannedInsert plan, std::string sql) const {
  return {.plan = std::move(plan), .sql = std::move(sql), .names_schema = names_.schema, .time_zone = time_zone()};
}

catalog::Options SessionImpl::job_settings() const {
  catalog::Options kept;
  if (settings_.get(kRowErrorsSetting) == kRowErrorsFail) kept.emplace_back(kRowErrorsSetting, kRowErrorsFail);
  if (settings_.get(kNotNullSetting) == kNotNullDrop) kept.emplace_back(kNotNullSetting, kNotNullDrop);
  const std::string idle_timeout = *settings_.get(kIdleTimeoutSetting);
  if (parse_duration_us(idle_timeout).value_or(0) > 0) kept.emplace_back(kIdleTimeoutSetting, idle_timeout);
  return kept;
}

plan::PlanContext SessionImpl::insert_context(plan::PlanMode mode, const Prepared& prepared,
                                              std::vector<types::Value> values) const {
  plan::PlanContext of_insert = context(mode, prepared, std::move(values));
  of_insert.reads_system_tables = true;
  return of_insert;
}

Status SessionImpl::describe(Prepared& prepared) const {
  const auto& node = prepared.statement.node;
  if (const auto* query = std::get_if<sql::Query>(&node)) {
    const auto plan = PENSTOCK_TRY(plan::plan_query(*query, context(plan::PlanMode::kBounded, prepared)));
    prepared.parameters = plan.parameter_types;
    prepared.schema = plan.root->schema;
  } else if (const auto* insert = std::get_if<sql::Insert>(&node)) {
    const plan::PlanContext plan_context = insert_context(insert_mode(*insert), prepared);
    const auto plan = PENSTOCK_TRY(plan::plan_insert(*insert, plan_context));
    prepared.parameters = plan.query.parameter_types;
    PENSTOCK_TRY(describe_changes(*insert, prepared));
  } else if (const auto* update = std::get_if<sql::Update>(&node)) {
    describe_change(PENSTOCK_TRY(plan::plan_update(*update, context(plan::PlanMode::kBounded, prepared))), prepared);
  } else if (const auto* statement = std::get_if<sql::Delete>(&node)) {
    describe_change(PENSTOCK_TRY(plan::plan_delete(*statement, context(plan::PlanMode::kBounded, prepared))), prepared);
  } else if (const auto* merge = std::get_if<sql::Merge>(&node)) {
    describe_change(PENSTOCK_TRY(plan::plan_merge(*merge, context(plan::PlanMode::kBounded, prepared))), prepared);
  } else if (const auto* subscribe = std::get_if<sql::Subscribe>(&node)) {
    prepared.schema = subscription_schema(PENSTOCK_TRY(find_view(subscribe->name)).schema);
  } else {
    prepared.schema = show_schema(prepared.statement);
  }
  return {};
}

Result<std::string> SessionImpl::full_name(const sql::QualifiedName& name) const {
  return engine_.catalog().resolve(name, names_);
}

catalog::EntryPtr SessionImpl::find_native_table(const sql::QualifiedName& name) const {
  const Result<std::string> full = full_name(name);
  if (!full) return nullptr;
  catalog::EntryPtr entry = engine_.catalog().find(catalog::NameSpace::kRelation, *full);
  const bool native = entry != nullptr && entry->table() != nullptr && entry->table()->is_native();
  return native ? entry : nullptr;
}

plan::PlanMode SessionImpl::insert_mode(const sql::Insert& insert) const {
  return find_native_table(insert.table) ? plan::PlanMode::kBounded : plan::PlanMode::kStreaming;
}

// ON CONFLICT and RETURNING may have parameters that the rows have not.
Status SessionImpl::describe_changes(const sql::Insert& insert, Prepared& prepared) const {
  const catalog::EntryPtr entry = find_native_table(insert.table);
  if (entry == nullptr) {
    if (insert.returning.empty()) return {};
    return unsupported("RETURNING needs a table without a connector")
        .at(insert.returning.front().value.position.offset);
  }
  if (insert.on_conflict) {
    const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, prepared);
    prepared.parameters = PENSTOCK_TRY(plan::plan_on_conflict(insert, *entry, plan_context)).parameter_types;
  }
  if (!insert.returning.empty()) {
    const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, prepared);
    plan::PlannedReturning returning = PENSTOCK_TRY(plan::plan_returning(insert, *entry, plan_context));
    prepared.parameters = std::move(returning.parameter_types);
    prepared.schema = std::move(returning.schema);
  }
  return {};
}

void SessionImpl::describe_change(plan::PlannedChange change, Prepared& prepared) {
  prepared.parameters = std::move(change.query.parameter_types);
  if (!change.returning.expressions.empty()) prepared.schema = std::move(change.returning.schema);
}

Result<ViewInfo> SessionImpl::find_view(const sql::QualifiedName& name) const {
  const std::string full = PENSTOCK_TRY(full_name(name));
  std::optional<ViewInfo> info = engine_.find_view(full);
  if (info) return *std::move(info);
  PENSTOCK_TRY(engine_.catalog().get(catalog::NameSpace::kRelation, full));
  return invalid_argument("\"{}\" is not a materialized view", full).at(name.position().offset);
}

void SessionImpl::on_cancel(std::function<void()> cancel) {
  const std::lock_guard lock(mutex_);
  cancel_running_ = std::move(cancel);
  if (cancelled_) cancel_running_();
}

CursorResult SessionImpl::started(std::shared_ptr<CancellableCursor> cursor) {
  on_cancel([weak = std::weak_ptr(cursor)] {
    if (const auto running = weak.lock()) running->cancel();
  });
  return std::make_unique<SharedCursor>(std::move(cursor));
}

exec::StateLimit SessionImpl::state_limit() {
  exec::StateLimit limit = engine_.state_limit();
  const auto own = static_cast<size_t>(parse_bytes(*settings_.get(kStateSetting)).value_or(0));
  if (own == 0 || own >= limit.bytes_max) return limit;
  return {.budget = limit.budget, .bytes_max = own, .name = std::string(kStateSetting)};
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::Set& set) {
  if (set.key.empty()) return show_settings(settings_);
  PENSTOCK_TRY(settings_.set(set.key, set.value));
  return make_tag_cursor("SET");
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::Reset& reset) {
  PENSTOCK_TRY(settings_.reset(reset.key));
  return make_tag_cursor("RESET");
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::ShowSetting& show) {
  if (!show.name) return show_settings(settings_);
  return show_setting(settings_, *show.name);
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::ShowObjects& show) {
  if (!show.from) return show_objects(engine_, names_, show);
  if (show.kind == sql::ObjectKind::kSchema) {  // FROM the catalog
    PENSTOCK_TRY(check_catalog(*show.from));
    return show_objects(engine_, names_, show);
  }
  return show_objects(engine_, {.schema = PENSTOCK_TRY(find_schema(*show.from)), .temporary = {}}, show);
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::ShowColumns& show) {
  return show_columns(engine_, names_, show);
}

CursorResult SessionImpl::run(const Call& call, const sql::ShowPartitions& show) {
  return show_partitions(engine_, context(plan::PlanMode::kBounded, call.prepared), show);
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::Describe& described) {
  if (described.kind == sql::ObjectKind::kCatalog) PENSTOCK_TRY(check_catalog(described.name));
  if (described.kind == sql::ObjectKind::kSchema) PENSTOCK_TRY(find_schema(described.name));
  return describe_object(engine_, names_, described);
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::Flush& /*flush*/) {
  if (!PENSTOCK_TRY(engine_.flush(cancelled_))) {
    return Error(ErrorCode::kCancelled, "canceling statement due to user request");
  }
  return make_tag_cursor("FLUSH");
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::SessionCommand& command) {
  return make_tag_cursor(command.command);
}

CursorResult SessionImpl::run(const Call& /*call*/, const sql::Use& use) {
  if (use.catalog) {
    PENSTOCK_TRY(check_catalog(use.name));
  } else {
    names_.schema = PENSTOCK_TRY(find_schema(use.name));
  }
  return make_tag_cursor("USE");
}

Status SessionImpl::check_catalog(const sql::QualifiedName& name) {
  if (name.parts.size() == 1 && catalog::is_catalog_name(name.parts.front().text)) return {};
  return not_found("there is no catalog {}", sql::print(name))
      .at(name.position().offset)
      .hint("there is one, penstock");
}

Result<sql::Identifier> SessionImpl::schema_in_catalog(const sql::QualifiedName& name) {
  if (name.parts.size() > 2) {
    return not_found("there is no schema {}", sql::print(name)).at(name.position().offset);
  }
  if (name.parts.size() == 2) PENSTOCK_TRY(check_catalog({.parts = {name.parts.front()}}));
  return name.parts.back();
}

Result<std::string> SessionImpl::find_schema(const sql::QualifiedName& name) const {
  const sql::Identifier written = PENSTOCK_TRY(schema_in_catalog(name));
  std::optional<std::string> schema = engine_.catalog().find_schema(written.text);
  if (schema) return *std::move(schema);
  return not_found("there is no schema {}", written.text)
      .at(written.position.offset)
      .hint(did_you_mean(written.text, engine_.catalog().schemas()));
}

std::unique_ptr<Session> make_session(EngineImpl& engine) { return std::make_unique<SessionImpl>(engine); }

}  // namespace penstock::engine
