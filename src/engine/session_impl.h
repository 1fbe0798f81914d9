// The session behind engine.h: what runs each kind of statement, in a file for each.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cursor.h"
#include "engine/engine_impl.h"
#include "engine/modify.h"
#include "engine/settings.h"
#include "engine/show.h"
#include "plan/definition.h"
#include "plan/planner.h"
#include "sql/statement.h"

namespace penstock::engine {

using CursorPtr = std::unique_ptr<Cursor>;
using CursorResult = Result<CursorPtr>;

struct Prepared : PreparedStatement {
  std::string text;
  sql::Statement statement;
  std::vector<types::DataType> parameters;
  std::optional<types::Schema> schema;

  const std::string& sql() const override { return text; }
  const std::vector<types::DataType>& parameter_types() const override { return parameters; }
  const std::optional<types::Schema>& result_schema() const override { return schema; }
};

class SessionImpl : public Session {
 public:
  explicit SessionImpl(EngineImpl& engine) : engine_(engine), names_(engine.begin_names()) {}
  ~SessionImpl() override {
    if (has_temporary_) engine_.end_names(names_);
  }
  SessionImpl(const SessionImpl&) = delete;
  SessionImpl& operator=(const SessionImpl&) = delete;

  Result<std::vector<Part>> split(std::string_view sql) override;
  Result<std::shared_ptr<const PreparedStatement>> prepare(std::string_view sql,
                                                           std::span<const types::DataType> parameter_types) override;
  Result<std::unique_ptr<Cursor>> execute(std::shared_ptr<const PreparedStatement> statement,
                                          std::vector<types::Value> parameters) override;
  Result<std::unique_ptr<Cursor>> execute(std::string_view sql) override;
  void cancel() override;
  std::optional<std::string> setting(std::string_view name) const override;
  Status set(std::string_view name, std::string_view value) override { return settings_.set(name, value); }

 private:
  struct Call {
    const Prepared& prepared;
    std::vector<types::Value> parameters;
  };

  // Runs a statement, unless it has been cancelled while it was prepared.
  Result<std::unique_ptr<Cursor>> start(const PreparedStatement& statement, std::vector<types::Value> parameters);
  // What statements are planned with.
  plan::PlanContext context(plan::PlanMode mode, const Prepared& prepared, std::vector<types::Value> values = {}) const;
  // An INSERT that goes on, with what the session gives its names and times to mean.
  EngineImpl::NewInsert new_insert(plan::PlannedInsert plan, std::string sql) const;
  // What a job that this session creates keeps of its settings.
  catalog::Options job_settings() const;
  // Of an INSERT, which may end.
  plan::PlanContext insert_context(plan::PlanMode mode, const Prepared& prepared,
                                   std::vector<types::Value> values = {}) const;
  // SET checks that there is such a zone.
  std::string time_zone() const { return settings_.get("timezone").value_or("UTC"); }
  // Sets the result's columns, and the types of parameters that were left open.
  Status describe(Prepared& prepared) const;
  // Of a table or view.
  Result<std::string> full_name(const sql::QualifiedName& name) const;
  // The native table of that name; null for other objects, and where there is none.
  catalog::EntryPtr find_native_table(const sql::QualifiedName& name) const;
  // What is inserted into a native table is what there is now; into another one, what comes as well.
  plan::PlanMode insert_mode(const sql::Insert& insert) const;
  // What describe() finds of ON CONFLICT and RETURNING.
  Status describe_changes(const sql::Insert& insert, Prepared& prepared) const;
  static void describe_change(plan::PlannedChange change, Prepared& prepared);
  Result<ViewInfo> find_view(const sql::QualifiedName& name) const;
  // `cancel` stops what runs now; called at once when the statement has been cancelled meanwhile.
  void on_cancel(std::function<void()> cancel);
  CursorResult started(std::shared_ptr<CancellableCursor> cursor);
  // Of a statement that runs to its end: the session may allow it less than the server does.
  exec::StateLimit state_limit();

  // --- queries, in session_queries.cc ---
  CursorResult run(const Call& call, const sql::Query& query);
  // The rows of a bounded plan, computed as they are pulled.
  std::shared_ptr<CancellableCursor> make_cursor(const plan::PhysicalPtr& root);
  CursorResult run(const Call& call, const sql::Subscribe& subscribe);
  // All rows of a bounded plan.
  Result<std::vector<columnar::ChangeBatch>> collect(const plan::PhysicalPtr& root);
  CursorResult run(const Call& call, const sql::Explain& explain);
  // The plan of each part of a statement, as it would run.
  Result<std::vector<plan::ExplainedStatement>> explained(const Call& call, const sql::Statement::Node& node) const;
  Result<plan::ExplainedStatement> explained_insert(const Call& call, const sql::Insert& insert) const;
  Result<plan::ExplainedStatement> explained_insert(
      bool native, const std::function<Result<plan::PlannedInsert>(plan::PlanMode)>& plan_in) const;

  // --- what changes tables, in session_changes.cc ---
  Modification modification(const Call& call, NativeTable& table, plan::PlannedReturning returning);
  CursorResult insert_into_native(const Call& call, const sql::Insert& insert, const catalog::Entry& entry);
  using ChangeRows = CursorResult (*)(const Modification& change, const plan::PlannedChange& plan);
  CursorResult change_native(const Call& call, plan::PlannedChange plan, ChangeRows change_rows);
  CursorResult run(const Call& call, const sql::Update& update);
  CursorResult run(const Call& call, const sql::Delete& statement);
  CursorResult run(const Call& call, const sql::Merge& merge);
  CursorResult run(const Call& call, const sql::Insert& insert);
  // What goes on is started as a whole, after everything has been checked and what has an end has run to it.
  CursorResult run(const Call& call, const sql::StatementSet& set);
  // The error at that place, unless it says another one.
  static Error located(Error error, sql::Position position);
  // The error at that place, whatever it says: it is of another text.
  static Error relocated(const Error& error, sql::Position position);
  // An INSERT of a statement set: the job that it becomes; nullopt for one that ends.
  Result<std::optional<EngineImpl::NewInsert>> check_part(const Call& call, const sql::Insert& insert) const;
  static Error on_conflict_needs_native(const sql::OnConflict& conflict);
  static Error overwrite_needs_end(const sql::Insert& insert);
  // Whether an INSERT of these rows runs to their end, and does not become a job.
  Result<bool> ends_with_statement(const plan::PhysicalNode& query) const;
  // An INSERT with an end runs to it with the statement. Rows that are only passed on are written as they come, on all
  // workers; an aggregate is computed over everything first (by the plan of `plan_bounded`), and written as a whole.
  CursorResult insert_to_end(const plan::PlannedInsert& streaming,
                             const std::function<Result<plan::PlannedInsert>()>& plan_bounded);
  // Its rows are durable when this returns.
  CursorResult run_to_end(const plan::PlannedInsert& plan, bool as_a_whole);

  // --- definitions, in session_definitions.cc ---
  template <class Node>
  bool exists_already(const Node& node, catalog::NameSpace name_space) const;
  CursorResult run(const Call& call, const sql::CreateTable& create);
  // CREATE TABLE ... AS: makes the table and fills it, or does neither; and the INSERT of the query's rows that it is.
  CursorResult create_filled(const Call& call, const sql::CreateTable& create, const plan::DefinedTable& table);
  CursorResult create_filled_native(const Call& call, const sql::CreateTable& create, const plan::DefinedTable& table);
  static std::string filling(const sql::CreateTable& create, const plan::DefinedTable& table);
  Result<plan::PlannedInsert> plan_filling(const Call& call, const sql::CreateTable& create,
                                           const plan::DefinedTable& table, plan::PlanMode mode) const;
  CursorResult run(const Call& call, const sql::CreateView& create);
  CursorResult run(const Call& call, const sql::CreateMaterializedView& create);
  CursorResult run(const Call& call, const sql::CreateFunction& create);
  CursorResult run(const Call& call, const sql::CreateAlert& create);
  CursorResult run(const Call& call, const sql::CreateSchema& create);
  CursorResult run(const Call& call, const sql::AlterSchema& alter);
  CursorResult run(const Call& call, const sql::Drop& drop);
  CursorResult drop_schema(const sql::Drop& drop);
  static Status check_kind(sql::ObjectKind kind, const sql::QualifiedName& name, const catalog::Entry& entry);
  static Status check_temporary(const sql::Drop& drop, const catalog::Entry& entry);
  // The table or view that is to be altered; null where there is none and the statement allows that.
  Result<catalog::EntryPtr> find_to_alter(sql::ObjectKind kind, const sql::QualifiedName& name, bool if_exists) const;
  CursorResult run(const Call& call, const sql::AlterRename& alter);
  CursorResult run(const Call& call, const sql::AlterOptions& alter);
  CursorResult run(const Call& call, const sql::AlterColumns& alter);
  CursorResult run(const Call& call, const sql::AlterView& alter);

  // --- settings and others, in session.cc ---
  CursorResult run(const Call& call, const sql::Set& set);
  CursorResult run(const Call& call, const sql::Reset& reset);
  CursorResult run(const Call& call, const sql::ShowSetting& show);
  CursorResult run(const Call& call, const sql::ShowObjects& show);
  CursorResult run(const Call& call, const sql::ShowColumns& show);
  CursorResult run(const Call& call, const sql::ShowPartitions& show);
  CursorResult run(const Call& /*call*/, const sql::ShowCreate& show) { return show_create(engine_, names_, show); }
  CursorResult run(const Call& call, const sql::Describe& described);
  CursorResult run(const Call& call, const sql::Flush& /*flush*/);
  // There are no transactions yet: each statement stands for itself, and what clients send around them is taken.
  CursorResult run(const Call& call, const sql::SessionCommand& command);
  CursorResult run(const Call& call, const sql::Use& use);
  static Status check_catalog(const sql::QualifiedName& name);
  // What stands behind the name of the catalog, where that is written; there may be no such schema.
  static Result<sql::Identifier> schema_in_catalog(const sql::QualifiedName& name);
  // The schema as it is written where it was created.
  Result<std::string> find_schema(const sql::QualifiedName& name) const;
  CursorResult run(const Call& /*call*/, const sql::ShowCurrent& show) { return show_current(show, names_); }

  EngineImpl& engine_;
  catalog::NameScope names_;
  bool has_temporary_ = false;  // or had: something is named in the session's own schema
  SessionSettings settings_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::function<void()> cancel_running_;
};

}  // namespace penstock::engine
