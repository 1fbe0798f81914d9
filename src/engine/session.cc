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
#include "engine/cursor.h"
#include "engine/engine_impl.h"
#include "engine/modify.h"
#include "engine/settings.h"
#include "engine/show.h"
#include "expr/time_zone.h"
#include "plan/definition.h"
#include "plan/function.h"
#include "plan/modify.h"
#include "plan/planner.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"
#include "sql/statement.h"

namespace penstock::engine {

namespace {

using types::DataType;
using types::Value;

struct Prepared : PreparedStatement {
  std::string text;
  sql::Statement statement;
  std::vector<DataType> parameters;
  std::optional<types::Schema> schema;

  const std::string& sql() const override { return text; }
  const std::vector<DataType>& parameter_types() const override { return parameters; }
  const std::optional<types::Schema>& result_schema() const override { return schema; }
};

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

class SessionImpl : public Session {
 public:
  explicit SessionImpl(EngineImpl& engine) : engine_(engine), names_(engine.begin_names()) {}
  ~SessionImpl() override {
    if (has_temporary_) engine_.end_names(names_);
  }
  SessionImpl(const SessionImpl&) = delete;
  SessionImpl& operator=(const SessionImpl&) = delete;

  Result<std::vector<Part>> split(std::string_view sql) override {
    std::vector<Part> parts;
    for (const sql::StatementText& part : PENSTOCK_TRY(sql::split_statements(sql))) {
      parts.push_back({.text = std::string(part.text), .offset = part.offset});
    }
    return parts;
  }

  Result<std::shared_ptr<const PreparedStatement>> prepare(std::string_view sql,
                                                           std::span<const DataType> parameter_types) override {
    auto prepared = std::make_shared<Prepared>();
    prepared->text = sql;
    if (PENSTOCK_TRY(sql::split_statements(sql)).empty()) return prepared;  // nothing to do, and no rows
    prepared->statement = PENSTOCK_TRY(sql::parse_statement(sql));
    prepared->parameters.assign(parameter_types.begin(), parameter_types.end());
    prepared->parameters.resize(std::max<size_t>(prepared->parameters.size(), prepared->statement.parameters));
    PENSTOCK_TRY(describe(*prepared));
    return prepared;
  }

  Result<std::unique_ptr<Cursor>> execute(std::shared_ptr<const PreparedStatement> statement,
                                          std::vector<Value> parameters) override {
    const auto& prepared = static_cast<const Prepared&>(*statement);
    cancelled_ = false;
    if (parameters.size() != prepared.parameters.size()) {
      return invalid_argument("the statement has {} parameters, but {} were given", prepared.parameters.size(),
                              parameters.size());
    }
    const Call call{.prepared = prepared, .parameters = std::move(parameters)};
    if (PENSTOCK_TRY(sql::split_statements(prepared.text)).empty()) return make_tag_cursor("");
    return std::visit([&](const auto& node) { return run(call, node); }, prepared.statement.node);
  }

  Result<std::unique_ptr<Cursor>> execute(std::string_view sql) override {
    return execute(PENSTOCK_TRY(prepare(sql, {})), {});
  }

  void cancel() override {
    cancelled_ = true;
    const std::lock_guard lock(mutex_);
    if (cancel_running_) cancel_running_();
  }

  std::optional<std::string> setting(std::string_view name) const override {
    if (sql::equal_ignoring_case(name, "search_path")) return names_.schema;
    return settings_.get(name);
  }
  Status set(std::string_view name, std::string_view value) override { return settings_.set(name, value); }

 private:
  using CursorPtr = std::unique_ptr<Cursor>;
  using CursorResult = Result<CursorPtr>;

  struct Call {
    const Prepared& prepared;
    std::vector<Value> parameters;
  };

  plan::PlanContext context(plan::PlanMode mode, const Prepared& prepared, std::vector<Value> values = {}) const {
    plan::PlanContext context = engine_.plan_context(mode);
    context.names = names_;
    context.parameter_types = prepared.parameters;
    context.parameters = std::move(values);
    if (Result<const expr::TimeZone*> zone = expr::TimeZone::find(time_zone())) context.eval.zone = *zone;
    context.recursion.steps_max = std::stoll(*settings_.get(plan::kRecursionStepsSetting));
    context.recursion.rows_max = std::stoll(*settings_.get(plan::kRecursionRowsSetting));
    context.state_ttl_us = parse_duration_us(*settings_.get(kStateTtlSetting)).value_or(0);
    return context;
  }

  // An INSERT that goes on, with what the session gives its names and times to mean.
  EngineImpl::NewInsert new_insert(plan::PlannedInsert plan, std::string sql) const {
    return {.plan = std::move(plan), .sql = std::move(sql), .names_schema = names_.schema, .time_zone = time_zone()};
  }

  // What a job that this session creates keeps of its settings.
  catalog::Options job_settings() const {
    catalog::Options kept;
    if (settings_.get(kRowErrorsSetting) == kRowErrorsFail) kept.emplace_back(kRowErrorsSetting, kRowErrorsFail);
    return kept;
  }

  // Of an INSERT, which may end.
  plan::PlanContext insert_context(plan::PlanMode mode, const Prepared& prepared,
                                   std::vector<Value> values = {}) const {
    plan::PlanContext of_insert = context(mode, prepared, std::move(values));
    of_insert.reads_system_tables = true;
    return of_insert;
  }

  // SET checks that there is such a zone.
  std::string time_zone() const { return settings_.get("timezone").value_or("UTC"); }

  // Sets the result's columns, and the types of parameters that were left open.
  Status describe(Prepared& prepared) const {
    const auto& node = prepared.statement.node;
    if (const auto* query = std::get_if<sql::Query>(&node)) {
      const auto plan = PENSTOCK_TRY(plan::plan_query(*query, context(plan::PlanMode::kBounded, prepared)));
      prepared.parameters = plan.parameter_types;
      prepared.schema = plan.root->schema;
    } else if (const auto* insert = std::get_if<sql::Insert>(&node)) {
      const plan::PlanContext plan_context = insert_context(insert_mode(*insert), prepared);
      const auto plan = PENSTOCK_TRY(plan::plan_insert(*insert, plan_context));
      prepared.parameters = plan.query.parameter_types;
      prepared.schema = PENSTOCK_TRY(returning_schema(insert->table, insert->returning, plan_context));
    } else if (const auto* update = std::get_if<sql::Update>(&node)) {
      const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, prepared);
      prepared.parameters = PENSTOCK_TRY(plan::plan_update(*update, plan_context)).query.parameter_types;
      prepared.schema = PENSTOCK_TRY(returning_schema(update->table, update->returning, plan_context));
    } else if (const auto* statement = std::get_if<sql::Delete>(&node)) {
      const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, prepared);
      prepared.parameters = PENSTOCK_TRY(plan::plan_delete(*statement, plan_context)).query.parameter_types;
      prepared.schema = PENSTOCK_TRY(returning_schema(statement->table, statement->returning, plan_context));
    } else if (const auto* subscribe = std::get_if<sql::Subscribe>(&node)) {
      prepared.schema = subscription_schema(PENSTOCK_TRY(find_view(subscribe->name)).schema);
    } else {
      prepared.schema = show_schema(prepared.statement);
    }
    return {};
  }

  // Of a table or view.
  Result<std::string> full_name(const sql::QualifiedName& name) const {
    return engine_.catalog().resolve(name, names_);
  }

  // The native table of that name; null for other objects, and where there is none.
  catalog::EntryPtr find_native_table(const sql::QualifiedName& name) const {
    const Result<std::string> full = full_name(name);
    if (!full) return nullptr;
    catalog::EntryPtr entry = engine_.catalog().find(catalog::NameSpace::kRelation, *full);
    const bool native = entry != nullptr && entry->table() != nullptr && entry->table()->is_native();
    return native ? entry : nullptr;
  }

  // What is inserted into a native table is what there is now; into another one, what comes as well.
  plan::PlanMode insert_mode(const sql::Insert& insert) const {
    return find_native_table(insert.table) ? plan::PlanMode::kBounded : plan::PlanMode::kStreaming;
  }

  Result<std::optional<types::Schema>> returning_schema(const sql::QualifiedName& table,
                                                        const std::vector<sql::SelectItem>& items,
                                                        const plan::PlanContext& context) const {
    if (items.empty()) return std::nullopt;
    const catalog::EntryPtr entry = find_native_table(table);
    if (entry == nullptr) {
      return unsupported("RETURNING needs a table without a connector").at(items.front().value.position.offset);
    }
    return PENSTOCK_TRY(plan::plan_returning(items, *entry, context)).schema;
  }

  Result<ViewInfo> find_view(const sql::QualifiedName& name) const {
    const std::string full = PENSTOCK_TRY(full_name(name));
    std::optional<ViewInfo> info = engine_.find_view(full);
    if (info) return *std::move(info);
    PENSTOCK_TRY(engine_.catalog().get(catalog::NameSpace::kRelation, full));
    return invalid_argument("\"{}\" is not a materialized view", full).at(name.position().offset);
  }

  // `cancel` stops what runs now; called at once when the statement has been cancelled meanwhile.
  void on_cancel(std::function<void()> cancel) {
    const std::lock_guard lock(mutex_);
    cancel_running_ = std::move(cancel);
    if (cancelled_) cancel_running_();
  }

  CursorResult started(std::shared_ptr<CancellableCursor> cursor) {
    on_cancel([weak = std::weak_ptr(cursor)] {
      if (const auto running = weak.lock()) running->cancel();
    });
    return std::make_unique<SharedCursor>(std::move(cursor));
  }

  // Of a statement that runs to its end: the session may allow it less than the server does.
  exec::StateLimit state_limit() {
    exec::StateLimit limit = engine_.state_limit();
    const auto own = static_cast<size_t>(parse_bytes(*settings_.get(kStateSetting)).value_or(0));
    if (own == 0 || own >= limit.bytes_max) return limit;
    return {.budget = limit.budget, .bytes_max = own, .name = std::string(kStateSetting)};
  }

  // --- queries ---

  CursorResult run(const Call& call, const sql::Query& query) {
    const auto plan =
        PENSTOCK_TRY(plan::plan_query(query, context(plan::PlanMode::kBounded, call.prepared, call.parameters)));
    return started(make_cursor(plan.root));
  }

  // The rows of a bounded plan, computed as they are pulled.
  std::shared_ptr<CancellableCursor> make_cursor(const plan::PhysicalPtr& root) {
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

  CursorResult run(const Call& /*call*/, const sql::Subscribe& subscribe) {
    return started(make_subscription_cursor(PENSTOCK_TRY(find_view(subscribe.name)).view));
  }

  // All rows of a bounded plan.
  Result<std::vector<columnar::ChangeBatch>> collect(const plan::PhysicalPtr& root) {
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

  // --- changes of native tables ---

  Result<Modification> modification(const Call& call, const catalog::Entry& entry,
                                    const std::shared_ptr<NativeTable>& table,
                                    const std::vector<sql::SelectItem>& returning) {
    const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, call.prepared, call.parameters);
    return Modification{.table = *table,
                        .collect = [this](const plan::PhysicalPtr& root) { return collect(root); },
                        .eval = plan_context.eval,
                        .returning = PENSTOCK_TRY(plan::plan_returning(returning, entry, plan_context))};
  }

  CursorResult insert_into_native(const Call& call, const sql::Insert& insert, const catalog::Entry& entry) {
    const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, call.prepared, call.parameters);
    const auto plan = PENSTOCK_TRY(plan::plan_insert(insert, plan_context));
    ConflictPolicy policy;
    if (insert.on_conflict) {
      policy.new_row = PENSTOCK_TRY(plan::plan_on_conflict(*insert.on_conflict, entry, plan_context));
      policy.kind = policy.new_row.empty() ? ConflictPolicy::Kind::kNothing : ConflictPolicy::Kind::kUpdate;
    }
    const std::shared_ptr<NativeTable> table = PENSTOCK_TRY(engine_.native_table(entry.name));
    return insert_rows(PENSTOCK_TRY(modification(call, entry, table, insert.returning)), plan.query.root, policy);
  }

  using ChangeRows = CursorResult (*)(const Modification& change, const plan::PhysicalPtr& rows);

  CursorResult change_native(const Call& call, const plan::PlannedChange& plan,
                             const std::vector<sql::SelectItem>& returning, ChangeRows change_rows) {
    const catalog::EntryPtr entry = PENSTOCK_TRY(engine_.catalog().get(catalog::NameSpace::kRelation, plan.target));
    const std::shared_ptr<NativeTable> table = PENSTOCK_TRY(engine_.native_table(plan.target));
    return change_rows(PENSTOCK_TRY(modification(call, *entry, table, returning)), plan.query.root);
  }

  CursorResult run(const Call& call, const sql::Update& update) {
    const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, call.prepared, call.parameters);
    return change_native(call, PENSTOCK_TRY(plan::plan_update(update, plan_context)), update.returning, update_rows);
  }

  CursorResult run(const Call& call, const sql::Delete& statement) {
    const plan::PlanContext plan_context = context(plan::PlanMode::kBounded, call.prepared, call.parameters);
    return change_native(call, PENSTOCK_TRY(plan::plan_delete(statement, plan_context)), statement.returning,
                         delete_rows);
  }

  CursorResult run(const Call& call, const sql::Insert& insert) {
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
    if (!call.parameters.empty()) return unsupported("an INSERT that goes on cannot have parameters");
    PENSTOCK_TRY(engine_.create_inserts({new_insert(plan, call.prepared.text)}, job_settings()));
    return make_tag_cursor("INSERT 0 0");
  }

  // What goes on is started as a whole, after everything has been checked and what has an end has run to it.
  CursorResult run(const Call& call, const sql::StatementSet& set) {
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

  static Error located(Error error, sql::Position position) {
    return error.position() ? error : std::move(error).at(position.offset);
  }

  // An INSERT of a statement set: the job that it becomes; nullopt for one that ends.
  Result<std::optional<EngineImpl::NewInsert>> check_part(const Call& call, const sql::Insert& insert) const {
    if (!insert.returning.empty()) {
      return unsupported("RETURNING has no place in a statement set")
          .at(insert.returning.front().value.position.offset);
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
    PENSTOCK_TRY(engine_.check_sink(job.plan));
    return job;
  }

  static Error on_conflict_needs_native(const sql::OnConflict& conflict) {
    return unsupported("ON CONFLICT needs a table without a connector").at(conflict.position.offset);
  }

  // Whether an INSERT of these rows runs to their end, and does not become a job.
  Result<bool> ends_with_statement(const plan::PhysicalNode& query) const {
    const std::string mode = settings_.get("execution.runtime-mode").value_or("automatic");
    const bool values = query.traits.bounded;
    if (mode == "streaming" && !values) return false;
    const bool ends = values || PENSTOCK_TRY(has_end(query, engine_.catalog()));
    if (mode != "batch" || ends) return ends;
    return unsupported("in the runtime mode batch the whole input must have an end")
        .hint("SET 'execution.runtime-mode' = 'automatic', or give the tables an end, as by 'scan.bounded.mode'");
  }

  // An INSERT with an end runs to it with the statement. Rows that are only passed on are written as they come, on all
  // workers; an aggregate is computed over everything first (by the plan of `plan_bounded`), and written as a whole.
  CursorResult insert_to_end(const plan::PlannedInsert& streaming,
                             const std::function<Result<plan::PlannedInsert>()>& plan_bounded) {
    const bool values = streaming.query.root->traits.bounded;
    if (!values && !has_state(*streaming.query.root)) return run_to_end(streaming, false);
    return run_to_end(PENSTOCK_TRY(plan_bounded()), true);
  }

  // Its rows are durable when this returns.
  CursorResult run_to_end(const plan::PlannedInsert& plan, bool as_a_whole) {
    const auto sink = PENSTOCK_TRY(engine_.make_sink(plan, ""));
    JobGraph graph = PENSTOCK_TRY(build_graph(*plan.query.root, engine_.graph_context(as_a_whole)));
    exec::JobSpec spec;
    spec.name = "insert";
    spec.fragments = std::move(graph.fragments);
    spec.one_epoch = as_a_whole;
    spec.state = state_limit();
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
    return make_tag_cursor("INSERT 0 " + std::to_string(sink->rows_written()));
  }

  CursorResult run(const Call& call, const sql::Explain& explain) {
    const sql::Statement::Node& node = explain.statement->node;
    if (const auto* set = std::get_if<sql::StatementSet>(&node)) return explain_set(call, *set, explain.json);
    plan::PhysicalPtr root;
    if (const auto* query = std::get_if<sql::Query>(&node)) {
      root = PENSTOCK_TRY(plan::plan_query(*query, context(plan::PlanMode::kBounded, call.prepared))).root;
    } else if (const auto* insert = std::get_if<sql::Insert>(&node)) {
      root = PENSTOCK_TRY(plan::plan_insert(*insert, insert_context(plan::PlanMode::kStreaming, call.prepared)))
                 .query.root;
    } else if (const auto* create = std::get_if<sql::CreateMaterializedView>(&node)) {
      root = PENSTOCK_TRY(plan::plan_query(*create->query, context(plan::PlanMode::kStreaming, call.prepared))).root;
    } else if (const auto* alert = std::get_if<sql::CreateAlert>(&node)) {
      root = PENSTOCK_TRY(plan::plan_query(*alert->query, context(plan::PlanMode::kStreaming, call.prepared))).root;
    } else {
      return unsupported("EXPLAIN shows the plans of SELECT, INSERT, CREATE MATERIALIZED VIEW and CREATE ALERT");
    }
    return explain_rows(explain.json ? plan::explain_json(*root) : plan::explain_text(*root));
  }

  // The plans of a statement set, one after another.
  CursorResult explain_set(const Call& call, const sql::StatementSet& set, bool json) const {
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

  // --- definitions ---

  template <class Node>
  bool exists_already(const Node& node, catalog::NameSpace name_space) const {
    const Result<std::string> name = full_name(node.name);
    return node.if_not_exists && name && engine_.catalog().find(name_space, *name) != nullptr;
  }

  CursorResult run(const Call& call, const sql::CreateTable& create) {
    if (exists_already(create, catalog::NameSpace::kRelation)) return make_tag_cursor("CREATE TABLE");
    has_temporary_ = has_temporary_ || create.temporary;
    catalog::Entry entry = PENSTOCK_TRY(
        plan::define_table(create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
    const std::string name = entry.name;
    PENSTOCK_TRY(engine_.create_table(std::move(entry), create.or_replace));
    if (!create.query) return make_tag_cursor("CREATE TABLE");
    Result<std::unique_ptr<Cursor>> filled = fill(call, create, name);
    if (!filled) static_cast<void>(engine_.drop(catalog::NameSpace::kRelation, name, false));
    return filled;
  }

  // CREATE TABLE ... AS: the rows of the query into the table that was just made.
  CursorResult fill(const Call& call, const sql::CreateTable& create, const std::string& name) {
    const catalog::EntryPtr entry = PENSTOCK_TRY(engine_.catalog().get(catalog::NameSpace::kRelation, name));
    // It is an INSERT of its own, and what the catalog keeps of a job is that.
    const std::string sql = "INSERT INTO " + sql::print(create.name) + " " + sql::print(*create.query);
    const sql::Statement insert = PENSTOCK_TRY(sql::parse_statement(sql));
    const auto plan_in = [&](plan::PlanMode mode) {
      return plan::plan_insert(std::get<sql::Insert>(insert.node), context(mode, call.prepared));
    };
    if (!entry->table()->is_native()) {
      const plan::PlannedInsert plan = PENSTOCK_TRY(plan_in(plan::PlanMode::kStreaming));
      if (PENSTOCK_TRY(ends_with_statement(*plan.query.root))) {
        return insert_to_end(plan, [&] { return plan_in(plan::PlanMode::kBounded); });
      }
      PENSTOCK_TRY(engine_.create_inserts({new_insert(plan, sql)}, job_settings()));
      return make_tag_cursor("CREATE TABLE AS");
    }
    const plan::PlannedInsert plan = PENSTOCK_TRY(plan_in(plan::PlanMode::kBounded));
    const std::shared_ptr<NativeTable> table = PENSTOCK_TRY(engine_.native_table(name));
    const CursorPtr cursor =
        PENSTOCK_TRY(insert_rows(PENSTOCK_TRY(modification(call, *entry, table, {})), plan.query.root, {}));
    const std::string tag = cursor->tag();
    return make_tag_cursor("SELECT" + tag.substr(tag.rfind(' ')));
  }

  CursorResult run(const Call& call, const sql::CreateView& create) {
    if (!exists_already(create, catalog::NameSpace::kRelation)) {
      has_temporary_ = has_temporary_ || create.temporary;
      catalog::Entry entry = PENSTOCK_TRY(
          plan::define_view(create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
      PENSTOCK_TRY(engine_.create_definition(std::move(entry), create.or_replace));
    }
    return make_tag_cursor("CREATE VIEW");
  }

  CursorResult run(const Call& call, const sql::CreateMaterializedView& create) {
    if (!exists_already(create, catalog::NameSpace::kRelation)) {
      auto definition = PENSTOCK_TRY(plan::define_materialized_view(
          create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
      PENSTOCK_TRY(engine_.create_materialized_view(std::move(definition), job_settings()));
    }
    return make_tag_cursor("CREATE MATERIALIZED VIEW");
  }

  CursorResult run(const Call& call, const sql::CreateFunction& create) {
    if (call.prepared.statement.parameters > 0) {
      return invalid_argument("parameters cannot be used in a definition").at(create.body.offset);
    }
    const std::string name = PENSTOCK_TRY(engine_.catalog().resolve_function(create.name, names_));
    if (!create.if_not_exists || engine_.catalog().find(catalog::NameSpace::kFunction, name) == nullptr) {
      has_temporary_ = has_temporary_ || create.temporary;
      catalog::Entry entry = PENSTOCK_TRY(
          plan::define_function(create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
      PENSTOCK_TRY(engine_.create_definition(std::move(entry), create.or_replace));
    }
    return make_tag_cursor("CREATE FUNCTION");
  }

  CursorResult run(const Call& call, const sql::CreateAlert& create) {
    if (!exists_already(create, catalog::NameSpace::kAlert)) {
      auto definition = PENSTOCK_TRY(
          plan::define_alert(create, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
      PENSTOCK_TRY(engine_.create_alert(std::move(definition), job_settings()));
    }
    return make_tag_cursor("CREATE ALERT");
  }

  CursorResult run(const Call& /*call*/, const sql::Drop& drop) {
    using sql::ObjectKind;
    const std::string tag = "DROP " + std::string(sql::object_kind_name(drop.kind));
    if (drop.kind == ObjectKind::kSchema) return drop_schema(drop);
    if (drop.kind == ObjectKind::kCatalog) {
      return unsupported("there is one catalog, penstock, which stays").at(drop.name.position().offset);
    }
    if (drop.kind == ObjectKind::kTopic) {
      const std::string name = PENSTOCK_TRY(catalog::full_name(drop.name));
      if (drop.if_exists && !engine_.log().topic(name)) return make_tag_cursor(tag);
      if (log::is_reserved_name(name)) {
        return Error(ErrorCode::kPermissionDenied, "topic \"" + name + "\" is reserved for Penstock itself")
            .hint("DROP TABLE and DROP JOB remove the topics of tables and jobs")
            .at(drop.name.position().offset);
      }
      PENSTOCK_TRY(engine_.log().delete_topic(name));
      return make_tag_cursor(tag);
    }
    const catalog::NameSpace name_space = name_space_of(drop.kind);
    const std::string name = PENSTOCK_TRY(full_name_in(name_space, drop.name, engine_.catalog(), names_));
    const catalog::EntryPtr entry = engine_.catalog().find(name_space, name);
    if (entry == nullptr) {
      if (drop.if_exists) return make_tag_cursor(tag);
      Result<catalog::EntryPtr> missing = engine_.catalog().get(name_space, name);
      return Error(missing.error()).at(drop.name.position().offset);
    }
    PENSTOCK_TRY(check_kind(drop.kind, drop.name, *entry));
    PENSTOCK_TRY(check_temporary(drop, *entry));
    PENSTOCK_TRY(engine_.drop(name_space, name, drop.cascade));
    return make_tag_cursor(tag);
  }

  static Status check_kind(sql::ObjectKind kind, const sql::QualifiedName& name, const catalog::Entry& entry) {
    using sql::ObjectKind;
    const bool right = kind == ObjectKind::kTable              ? entry.table() != nullptr
                       : kind == ObjectKind::kView             ? entry.view() != nullptr
                       : kind == ObjectKind::kMaterializedView ? entry.materialized_view() != nullptr
                                                               : true;
    if (right) return {};
    return invalid_argument("\"{}\" is a {}", entry.plain_name(), entry.kind_name()).at(name.position().offset);
  }

  static Status check_temporary(const sql::Drop& drop, const catalog::Entry& entry) {
    const uint32_t at = drop.name.position().offset;
    if (drop.temporary && !entry.temporary) {
      return invalid_argument("{} {} is not temporary", entry.kind_name(), entry.name)
          .at(at)
          .hint("leave TEMPORARY out to drop it");
    }
    return {};
  }

  // The table or view that is to be altered; null where there is none and the statement allows that.
  Result<catalog::EntryPtr> find_to_alter(sql::ObjectKind kind, const sql::QualifiedName& name, bool if_exists) const {
    const std::string full = PENSTOCK_TRY(full_name(name));
    Result<catalog::EntryPtr> entry = engine_.catalog().get(catalog::NameSpace::kRelation, full);
    if (!entry && if_exists) return catalog::EntryPtr();
    if (!entry) return std::move(entry).error().at(name.position().offset);
    PENSTOCK_TRY(check_kind(kind, name, **entry));
    return entry;
  }

  CursorResult run(const Call& call, const sql::AlterRename& alter) {
    const std::string tag = "ALTER " + std::string(sql::object_kind_name(alter.kind));
    const catalog::EntryPtr entry = PENSTOCK_TRY(find_to_alter(alter.kind, alter.name, alter.if_exists));
    if (entry == nullptr) return make_tag_cursor(tag);
    catalog::Entry new_entry =
        PENSTOCK_TRY(plan::define_renamed(*entry, alter.new_name, context(plan::PlanMode::kBounded, call.prepared)));
    Status renamed = engine_.rename(entry, std::move(new_entry));
    if (!renamed) return located(renamed.error(), alter.new_name.position());
    return make_tag_cursor(tag);
  }

  CursorResult run(const Call& /*call*/, const sql::AlterOptions& alter) {
    const catalog::EntryPtr entry = PENSTOCK_TRY(find_to_alter(sql::ObjectKind::kTable, alter.name, alter.if_exists));
    if (entry == nullptr) return make_tag_cursor("ALTER TABLE");
    catalog::Options options = entry->table()->options;
    for (const sql::Option& option : alter.set) {
      const auto known = std::ranges::find(options, option.key, &catalog::Options::value_type::first);
      if (known == options.end()) {
        options.emplace_back(option.key, option.value);
      } else {
        known->second = option.value;
      }
    }
    for (const sql::Option& option : alter.reset) {
      if (option.key == "connector") {
        return invalid_argument("the connector of a table cannot be reset").at(option.position.offset);
      }
      std::erase_if(options, [&](const auto& known) { return known.first == option.key; });
    }
    Status changed = engine_.change_options(entry, std::move(options));
    if (!changed) return located(changed.error(), alter.name.position());
    return make_tag_cursor("ALTER TABLE");
  }

  CursorResult run(const Call& call, const sql::AlterColumns& alter) {
    const catalog::EntryPtr entry = PENSTOCK_TRY(find_to_alter(sql::ObjectKind::kTable, alter.name, alter.if_exists));
    if (entry == nullptr) return make_tag_cursor("ALTER TABLE");
    if (entry->table()->is_native()) {
      return unsupported("the columns of {}, a table without a connector, cannot be changed: its rows have them",
                         entry->plain_name())
          .at(alter.name.position().offset)
          .hint("CREATE TABLE ... AS SELECT makes another one with its rows; DROP this one, and RENAME that");
    }
    catalog::Entry changed = PENSTOCK_TRY(
        plan::define_changed_table(*entry, call.prepared.text, context(plan::PlanMode::kStreaming, call.prepared)));
    Status done = engine_.change_columns(entry, std::move(changed));
    if (!done) return located(done.error(), alter.name.position());
    return make_tag_cursor("ALTER TABLE");
  }

  CursorResult run(const Call& call, const sql::AlterView& alter) {
    const catalog::EntryPtr entry = PENSTOCK_TRY(find_to_alter(sql::ObjectKind::kView, alter.name, false));
    catalog::Entry changed =
        PENSTOCK_TRY(plan::define_changed_view(*entry, alter, context(plan::PlanMode::kBounded, call.prepared)));
    Status done = engine_.change_view(entry, std::move(changed));
    if (!done) return located(done.error(), alter.name.position());
    return make_tag_cursor("ALTER VIEW");
  }

  // --- settings and others ---

  CursorResult run(const Call& /*call*/, const sql::Set& set) {
    if (set.key.empty()) return show_settings(settings_);
    PENSTOCK_TRY(settings_.set(set.key, set.value));
    return make_tag_cursor("SET");
  }

  CursorResult run(const Call& /*call*/, const sql::Reset& reset) {
    PENSTOCK_TRY(settings_.reset(reset.key));
    return make_tag_cursor("RESET");
  }

  CursorResult run(const Call& /*call*/, const sql::ShowSetting& show) {
    if (!show.name) return show_settings(settings_);
    return show_setting(settings_, *show.name);
  }
  CursorResult run(const Call& /*call*/, const sql::ShowObjects& show) {
    if (!show.schema) return show_objects(engine_, names_, show);
    return show_objects(engine_, {.schema = PENSTOCK_TRY(find_schema(*show.schema)), .temporary = {}}, show);
  }
  CursorResult run(const Call& /*call*/, const sql::ShowCreate& show) { return show_create(engine_, names_, show); }
  CursorResult run(const Call& /*call*/, const sql::Describe& describe) {
    return show_columns(engine_, names_, describe);
  }

  CursorResult run(const Call& /*call*/, const sql::Flush& /*flush*/) {
    if (!PENSTOCK_TRY(engine_.flush(cancelled_))) {
      return Error(ErrorCode::kCancelled, "canceling statement due to user request");
    }
    return make_tag_cursor("FLUSH");
  }

  // There are no transactions yet: each statement stands for itself, and what clients send around them is taken.
  CursorResult run(const Call& /*call*/, const sql::SessionCommand& command) {
    return make_tag_cursor(command.command);
  }

  CursorResult run(const Call& /*call*/, const sql::Use& use) {
    const uint32_t at = use.name.position().offset;
    const std::string& in_catalog = use.name.parts.front().text;
    if ((use.catalog || use.name.parts.size() > 1) &&
        (use.name.parts.size() > 2 || !sql::equal_ignoring_case(in_catalog, catalog::kDefaultCatalog))) {
      return not_found("there is no catalog {}", in_catalog).at(at).hint("there is one, penstock");
    }
    if (use.catalog) return make_tag_cursor("USE");
    names_.schema = PENSTOCK_TRY(find_schema(use.name));
    return make_tag_cursor("USE");
  }

  // The schema as it is written where it was created.
  Result<std::string> find_schema(const sql::QualifiedName& name) const {
    std::optional<std::string> schema = engine_.catalog().find_schema(name.parts.back().text);
    if (schema) return *std::move(schema);
    return not_found("there is no schema {}", name.parts.back().text)
        .at(name.parts.back().position.offset)
        .hint(did_you_mean(name.parts.back().text, engine_.catalog().schemas()));
  }

  CursorResult run(const Call& /*call*/, const sql::CreateSchema& create) {
    const std::string& name = create.name.parts.back().text;
    if (create.if_not_exists && engine_.catalog().find_schema(name)) return make_tag_cursor("CREATE SCHEMA");
    Status created = engine_.create_schema(name);
    if (!created) return located(created.error(), create.name.position());
    return make_tag_cursor("CREATE SCHEMA");
  }

  CursorResult drop_schema(const sql::Drop& drop) {
    const std::string& name = drop.name.parts.back().text;
    if (drop.if_exists && !engine_.catalog().find_schema(name)) return make_tag_cursor("DROP SCHEMA");
    const std::string schema = PENSTOCK_TRY(find_schema(drop.name));
    if (schema == catalog::kDefaultSchema || schema == names_.schema) {
      return invalid_argument("schema {} cannot be dropped: it is {}", schema,
                              schema == names_.schema ? "the one in use" : "the one to begin with")
          .at(drop.name.position().offset);
    }
    Status dropped = engine_.drop_schema(schema, drop.cascade);
    if (!dropped) return located(dropped.error(), drop.name.position());
    return make_tag_cursor("DROP SCHEMA");
  }

  CursorResult run(const Call& /*call*/, const sql::ShowCurrent& show) { return show_current(show, names_); }

  EngineImpl& engine_;
  catalog::NameScope names_;
  bool has_temporary_ = false;  // or had: something is named in the session's own schema
  SessionSettings settings_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::function<void()> cancel_running_;
};

}  // namespace

std::unique_ptr<Session> make_session(EngineImpl& engine) { return std::make_unique<SessionImpl>(engine); }

}  // namespace penstock::engine
