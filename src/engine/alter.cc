// ALTER: what is in the catalog under another name, with other options, or with another query.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "catalog/create_text.h"
#include "engine/engine_impl.h"
#include "engine/settings.h"
#include "sql/keywords.h"
#include "sql/parser.h"
#include "sql/printer.h"
#include "sql/table_names.h"
#include "types/time_zone.h"

namespace penstock::engine {

namespace {

// What the names in the statement of an entry stand for.
catalog::NameScope names_of(const catalog::Entry& entry) {
  return {.schema = entry.names_schema, .temporary = entry.temporary ? entry.schema_name : ""};
}

struct Renaming {
  const catalog::Entry& from;
  const catalog::Entry& to;
};

// Puts the new name where texts of an entry name the old one. What was called by its own name keeps it, as an alias:
// columns may be qualified by it.
class Renamer {
 public:
  Renamer(const catalog::Catalog& catalog, const Renaming& renaming, catalog::NameScope names)
      : catalog_(catalog), renaming_(renaming), names_(std::move(names)) {}

  Result<std::string> query(const std::string& text) const { return renamed(sql::parse_query, text); }
  Result<std::string> statement(const std::string& text) const { return renamed(sql::parse_statement, text); }

 private:
  template <class Parse>
  Result<std::string> renamed(const Parse& parse, const std::string& text) const {
    auto tree = PENSTOCK_TRY(parse(text));
    int uses = 0;
    sql::for_each_table(tree, [&](const sql::TableUse& use) {
      if (!is(use, renaming_.from)) return;
      rename(use);
      ++uses;
    });
    std::string printed = sql::print(tree);
    // The new name may be that of a common table expression around it.
    auto again = PENSTOCK_TRY(parse(printed));
    sql::for_each_table(again, [&](const sql::TableUse& use) { uses -= is(use, renaming_.to) ? 1 : 0; });
    if (uses == 0 || renaming_.to.temporary) return printed;
    return invalid_argument("the name {} would be taken for another one in: {}", renaming_.to.plain_name(), text);
  }

  bool is(const sql::TableUse& use, const catalog::Entry& entry) const {
    const Result<std::string> full = catalog_.resolve(*use.name, names_);
    return full && sql::equal_ignoring_case(*full, entry.name);
  }

  void rename(const sql::TableUse& use) const {
    const sql::Identifier old = use.name->parts.back();
    *use.name = catalog::written_name(renaming_.to, names_.schema);
    if (use.alias != nullptr && !*use.alias) *use.alias = sql::TableAlias{.name = old, .columns = {}};
  }

  const catalog::Catalog& catalog_;
  const Renaming& renaming_;
  const catalog::NameScope names_;
};

// The statement that creates the entry, whose name it did not have.
Result<std::string> renamed_statement(const catalog::Entry& entry) {
  sql::Statement statement = PENSTOCK_TRY(sql::parse_statement(entry.sql));
  std::visit(
      [&](auto& node) {
        if constexpr (requires { node.if_not_exists, node.name; }) {
          node.name = catalog::written_name(entry, entry.names_schema);
        }
      },
      statement.node);
  return sql::print(statement);
}

// What uses a table or view, with the new name in all that it says.
Result<catalog::Entry> user_of_renamed(catalog::Entry entry, const catalog::Catalog& catalog,
                                       const Renaming& renaming) {
  for (std::string& dependency : entry.dependencies) {
    if (sql::equal_ignoring_case(dependency, renaming.from.name)) dependency = renaming.to.name;
  }
  const Renamer renamer(catalog, renaming, names_of(entry));
  entry.sql = PENSTOCK_TRY(renamer.statement(entry.sql));
  if (auto* view = std::get_if<catalog::View>(&entry.definition))
    view->query = PENSTOCK_TRY(renamer.query(view->query));
  if (auto* view = std::get_if<catalog::MaterializedView>(&entry.definition)) {
    view->query = PENSTOCK_TRY(renamer.query(view->query));
  }
  if (auto* alert = std::get_if<catalog::Alert>(&entry.definition)) {
    alert->query = PENSTOCK_TRY(renamer.query(alert->query));
  }
  if (auto* job = std::get_if<catalog::Job>(&entry.definition)) {
    job->query = entry.sql;
    if (sql::equal_ignoring_case(job->target, renaming.from.name)) job->target = renaming.to.name;
  }
  return entry;
}

// But for whether they may be NULL.
bool same_types(const types::Schema& a, const types::Schema& b) {
  return std::ranges::equal(a, b, [](const types::Field& one, const types::Field& other) {
    return one.type.with_nullable(true) == other.type.with_nullable(true);
  });
}

// But for whether they may be NULL.
bool same_columns(const types::Schema& a, const types::Schema& b) {
  return std::ranges::equal(a, b, [](const types::Field& one, const types::Field& other) {
    return one.name == other.name && one.type.with_nullable(true) == other.type.with_nullable(true);
  });
}

// What runs and reads or writes the table or view, directly or through views: "materialized view totals, job x".
std::string running_users(const std::vector<catalog::EntryPtr>& dependants) {
  std::string names;
  for (const catalog::EntryPtr& entry : dependants) {
    if (entry->view() != nullptr || entry->table() != nullptr) continue;
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ", entry->kind_name(), entry->plain_name());
  }
  return names;
}

Status check_nothing_runs(const catalog::Entry& table, const std::vector<catalog::EntryPtr>& users) {
  const std::string running = running_users(users);
  if (running.empty()) return {};
  return invalid_argument("table {} is used by {}, which would go on with the old columns", table.plain_name(), running)
      .hint("drop what runs, change the table, and create it again");
}

// An INSERT knows how far it has read by what it reads: a topic, a path, or, where a connector has no such thing, as a
// generator, the table. Null when there is none that knows it by the table's name.
catalog::EntryPtr job_that_knows_by_name(const catalog::Entry& entry,
                                         const std::vector<catalog::EntryPtr>& dependants) {
  if (entry.table() == nullptr || entry.table()->is_native()) return nullptr;
  const catalog::Options& options = entry.table()->options;
  if (!connector::input_of("", {options.begin(), options.end()}).name.empty()) return nullptr;
  const auto job = std::ranges::find_if(dependants, [](const auto& user) { return user->job() != nullptr; });
  return job == dependants.end() ? nullptr : *job;
}

// Whether a name stands for another column than before. (A column that is called otherwise keeps its place.)
bool has_moved(const types::Schema& before, const types::Schema& after) {
  for (size_t i = 0; i < after.size(); ++i) {
    const auto known = std::ranges::find(before, after[i].name, &types::Field::name);
    if (known != before.end() && before[i].name != after[i].name) return true;
  }
  return false;
}

}  // namespace

// What the statement of an entry gives, over what is in that catalog; nothing for what is no query.
Result<types::Schema> EngineImpl::plan_entry(const catalog::Entry& entry, const catalog::Catalog& catalog) const {
  plan::PlanContext context = plan_context(plan::PlanMode::kStreaming);
  context.catalog = &catalog;
  context.names = names_of(entry);
  context.eval.zone = PENSTOCK_TRY(types::TimeZone::find(entry.time_zone));
  if (entry.job() != nullptr) {
    const sql::Statement insert = PENSTOCK_TRY(sql::parse_statement(entry.sql));
    PENSTOCK_TRY(plan::plan_insert(std::get<sql::Insert>(insert.node), context));
    return types::Schema();
  }
  const std::string* query = nullptr;
  if (entry.view() != nullptr) query = &entry.view()->query;
  if (entry.materialized_view() != nullptr) query = &entry.materialized_view()->query;
  if (entry.alert() != nullptr) query = &entry.alert()->query;
  if (query == nullptr) return types::Schema();
  if (entry.view() != nullptr) context.mode = plan::PlanMode::kBounded;
  return PENSTOCK_TRY(plan::plan_query(PENSTOCK_TRY(sql::parse_query(*query)), context)).root->schema;
}

// Puts changed entries in the place of those that they were, when each of `users` still has a plan then. That is found
// out before anything is changed, so that neither another session nor a restart meets what could not stay.
Status EngineImpl::change_entries(const std::vector<catalog::Entry>& changed,
                                  const std::vector<catalog::EntryPtr>& users) {
  const std::unique_ptr<const catalog::Catalog> after = PENSTOCK_TRY(catalog_->with_changed(changed));
  for (const catalog::EntryPtr& user : users) {
    const Status usable = check_user(*user, *after);
    if (usable) continue;
    return invalid_argument("{} {} could not go on with it: {}", user->kind_name(), user->plain_name(),
                            usable.error().message())
        .hint("drop or change it first");
  }
  return catalog_->change_all(changed);
}

// Whether the statement of an entry still has a plan after a change, and a view its columns: it keeps those that it
// had, by their places, whatever SELECT * gives then.
Status EngineImpl::check_user(const catalog::Entry& user, const catalog::Catalog& after) const {
  const catalog::EntryPtr changed = after.find(user.name_space(), user.name);
  const types::Schema then = PENSTOCK_TRY(plan_entry(*changed, after));
  if (user.view() == nullptr) return {};
  const types::Schema now = plan_entry(user, *catalog_).value_or(types::Schema());
  if (same_types(then, user.schema()) && !has_moved(now, then)) return {};
  return invalid_argument("its columns would be others");
}

// An entry that was looked at before the lock was taken may have been changed since.
Status EngineImpl::check_unchanged(const catalog::EntryPtr& entry) const {
  if (catalog_->find(entry->name_space(), entry->name) == entry) return {};
  return make_error(ErrorCode::kUnavailable, "{} {} has been changed by another session meanwhile", entry->kind_name(),
                    entry->plain_name())
      .hint("try again");
}

Status EngineImpl::rename(const catalog::EntryPtr& entry, catalog::Entry renamed) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(check_unchanged(entry));
  if (const catalog::EntryPtr job = job_that_knows_by_name(*entry, catalog_->dependants(entry->name))) {
    return invalid_argument("table {} cannot be renamed: job {} would not know any more how far it has read",
                            entry->plain_name(), job->plain_name())
        .hint("drop the job, rename the table, and create it again");
  }
  renamed.sql = PENSTOCK_TRY(renamed_statement(renamed));
  const Renaming renaming{.from = *entry, .to = renamed};
  std::vector<catalog::Entry> changed;
  std::vector<catalog::EntryPtr> users;
  changed.push_back(renamed);
  for (const catalog::EntryPtr& user : catalog_->entries()) {
    const bool uses = std::ranges::any_of(
        user->dependencies, [&](const std::string& name) { return sql::equal_ignoring_case(name, entry->name); });
    if (!uses) continue;
    users.push_back(user);
    changed.push_back(PENSTOCK_TRY(user_of_renamed(*user, *catalog_, renaming)));
  }
  PENSTOCK_TRY(change_entries(changed, users));
  rename_running(*entry, renamed.name);
  tell_catalog_changed();
  return {};
}

// What runs goes on under the new name; only the dead letters of its rows keep the old one until the next start.
void EngineImpl::rename_running(const catalog::Entry& entry, const std::string& name) {
  const std::lock_guard lock(mutex_);
  const std::string old_key = sql::to_lower(entry.name);
  const std::string new_key = sql::to_lower(name);
  if (auto node = views_.extract(old_key)) {
    node.key() = new_key;
    views_.insert(std::move(node));
  }
  if (auto node = native_tables_.extract(old_key)) {
    node.key() = new_key;
    native_tables_.insert(std::move(node));
  }
  if (const auto job = jobs_.find(entry.id); job != jobs_.end()) {
    remove_late_rows(entry.name);
    job->second->rename(name);
    add_late_rows(*job->second);
  }
}

Status EngineImpl::change_columns(const catalog::EntryPtr& old, catalog::Entry changed) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(check_unchanged(old));
  const std::vector<catalog::EntryPtr> users = catalog_->dependants(old->name);
  PENSTOCK_TRY(check_nothing_runs(*old, users));
  PENSTOCK_TRY(connector::validate_table(graph_context(false).connectors, definition_of(changed)));
  PENSTOCK_TRY(change_entries({std::move(changed)}, users));
  tell_catalog_changed();
  return {};
}

// The rows are written anew, into another topic; that the catalog names it is the moment of the change. What a crash
// leaves of either topic is removed at the next start.
Status EngineImpl::change_native_columns(const catalog::EntryPtr& old, catalog::Entry changed,
                                         const ReadRows& read_rows) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(check_unchanged(old));
  const std::vector<catalog::EntryPtr> users = catalog_->dependants(old->name);
  PENSTOCK_TRY(check_nothing_runs(*old, users));
  const std::shared_ptr<NativeTable> table = PENSTOCK_TRY(native_table(old->name));
  const auto lock = table->lock_for_writing();
  const std::string topic = NativeTable::next_topic_of(*old, *options_.log);
  std::erase_if(changed.scan_options, [](const auto& option) { return option.first == kTopicSetting; });
  changed.scan_options.emplace_back(kTopicSetting, topic);
  const auto rewrite = [&]() -> Result<std::shared_ptr<NativeTable>> {
    const std::vector<columnar::ChangeBatch> rows = PENSTOCK_TRY(read_rows());
    std::shared_ptr<NativeTable> rewritten =
        PENSTOCK_TRY(NativeTable::open(changed, *options_.log, *options_.env, options_.memory));
    const auto rewritten_lock = rewritten->lock_for_writing();
    PENSTOCK_TRY(rewritten->change({}, rows));
    PENSTOCK_TRY(change_entries({changed}, users));
    return rewritten;
  };
  Result<std::shared_ptr<NativeTable>> rewritten = rewrite();
  if (!rewritten) {
    if (options_.log->topic(topic)) remove_topic(topic, changed.name);
    return rewritten.error();
  }
  table->retire();
  {
    const std::lock_guard running(mutex_);
    native_tables_[sql::to_lower(old->name)] = *std::move(rewritten);
  }
  table->view()->drop();
  remove_topic(table->topic(), old->name);
  tell_catalog_changed();
  return {};
}

Status EngineImpl::change_options(const catalog::EntryPtr& entry, catalog::Options options) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(check_unchanged(entry));
  if (entry->table()->is_native()) {
    return invalid_argument("{} is a table without a connector, which has no options", entry->plain_name());
  }
  const std::string users = running_users(catalog_->dependants(entry->name));
  if (!users.empty()) {
    return invalid_argument("table {} is used by {}, which would go on with the old options", entry->plain_name(),
                            users)
        .hint("drop what runs, change the options, and create it again");
  }
  catalog::Entry changed = *entry;
  std::get<catalog::Table>(changed.definition).options = std::move(options);
  changed.sql = PENSTOCK_TRY(catalog::create_table_text(changed));
  PENSTOCK_TRY(connector::validate_table(graph_context(false).connectors, definition_of(changed)));
  PENSTOCK_TRY(change_entries({std::move(changed)}, catalog_->dependants(entry->name)));
  tell_catalog_changed();
  return {};
}

Status EngineImpl::change_view(const catalog::EntryPtr& old, catalog::Entry changed) {
  const std::lock_guard ddl_lock(ddl_mutex_);
  PENSTOCK_TRY(check_unchanged(old));
  const std::vector<catalog::EntryPtr> users = catalog_->dependants(old->name);
  // A view knows the columns of those that it reads by their places.
  const auto view_user = std::ranges::find_if(users, [](const auto& user) { return user->view() != nullptr; });
  if (view_user != users.end() && !same_columns(changed.schema(), old->schema())) {
    return invalid_argument("view {} is used by view {}, whose columns would be others", old->plain_name(),
                            (*view_user)->plain_name())
        .hint("drop that view, change this one, and create it again; or give this one the same columns");
  }
  const auto reads = [&](const std::string& name) {
    return std::ranges::any_of(changed.dependencies,
                               [&](const std::string& read) { return sql::equal_ignoring_case(read, name); });
  };
  if (reads(old->name) || std::ranges::any_of(users, [&](const auto& user) { return reads(user->name); })) {
    return invalid_argument("view {} would read itself", old->plain_name());
  }
  const std::string running = running_users(users);
  if (!running.empty()) {
    return invalid_argument("view {} is used by {}, which would go on with the old query", old->plain_name(), running)
        .hint("drop what runs, change the view, and create it again");
  }
  changed.id = old->id;
  changed.created_at_us = old->created_at_us;
  PENSTOCK_TRY(change_entries({std::move(changed)}, users));
  tell_catalog_changed();
  return {};
}

}  // namespace penstock::engine
