#include "catalog/catalog.h"

#include <algorithm>
#include <mutex>

#include "base/suggest.h"
#include "base/time.h"
#include "catalog/store.h"
#include "sql/expression.h"
#include "sql/keywords.h"

namespace penstock::catalog {
namespace {

bool is_system_schema(std::string_view schema) {
  return std::ranges::any_of(kSystemSchemas,
                             [&](std::string_view known) { return sql::equal_ignoring_case(known, schema); });
}

bool is_default_schema(std::string_view schema) {
  return sql::equal_ignoring_case(schema, kDefaultSchema) || sql::equal_ignoring_case(schema, kFlinkSchema);
}

std::string_view name_space_name(NameSpace name_space) {
  switch (name_space) {
    case NameSpace::kRelation: return "table or view";
    case NameSpace::kAlert: return "alert";
    case NameSpace::kJob: return "job";
    case NameSpace::kFunction: return "function";
  }
  return "";
}

Error already_exists(const Entry& entry) {
  return make_error(ErrorCode::kAlreadyExists, "there is a {} {} already", entry.kind_name(), entry.plain_name());
}

Error dependants_error(const Entry& entry, const std::vector<EntryPtr>& dependants) {
  constexpr size_t kNamesShown = 10;
  std::string names;
  for (size_t i = 0; i < std::min(dependants.size(), kNamesShown); ++i) {
    if (i > 0) names += ", ";
    names += fmt::format("{} {}", dependants[i]->kind_name(), dependants[i]->plain_name());
  }
  if (dependants.size() > kNamesShown) names += fmt::format(" and {} more", dependants.size() - kNamesShown);
  return invalid_argument("{} {} is used by {}", entry.kind_name(), entry.plain_name(), names)
      .hint("drop them first, or use DROP ... CASCADE");
}

}  // namespace

const std::string* find_option(const Options& options, std::string_view key) {
  auto found = std::ranges::find(options, key, &Options::value_type::first);
  return found == options.end() ? nullptr : &found->second;
}

NameSpace Entry::name_space() const {
  if (alert() != nullptr) return NameSpace::kAlert;
  if (function() != nullptr) return NameSpace::kFunction;
  return job() != nullptr ? NameSpace::kJob : NameSpace::kRelation;
}

std::string_view Entry::kind_name() const {
  static constexpr std::string_view kNames[] = {"table", "view", "materialized view", "alert", "job", "function"};
  static_assert(std::size(kNames) == std::variant_size_v<Definition>);
  return kNames[definition.index()];
}

std::string_view Entry::unqualified_name() const {
  const std::string_view whole = name;
  // A temporary job is of a session, and like others in no schema.
  return schema_name == kDefaultSchema || job() != nullptr ? whole : whole.substr(schema_name.size() + 1);
}

const std::vector<Column>& Entry::columns() const {
  static const std::vector<Column> kNone;
  if (table() != nullptr) return table()->columns;
  if (view() != nullptr) return view()->columns;
  if (function() != nullptr) return function()->parameters;
  return materialized_view() != nullptr ? materialized_view()->columns : kNone;
}

types::Schema Entry::schema() const {
  types::Schema schema;
  for (const Column& column : columns()) schema.push_back({column.name, column.type});
  return schema;
}

types::Schema Table::physical_schema() const {
  types::Schema schema;
  for (const Column& column : columns) {
    if (column.is_physical()) schema.push_back({column.name, column.type});
  }
  return schema;
}

std::vector<int> Table::physical_key() const {
  std::vector<int> key;
  for (int column : primary_key) {
    key.push_back(static_cast<int>(std::count_if(columns.begin(), columns.begin() + column,
                                                 [](const Column& before) { return before.is_physical(); })));
  }
  return key;
}

bool is_catalog_name(std::string_view name) {
  return sql::equal_ignoring_case(name, kDefaultCatalog) || sql::equal_ignoring_case(name, kFlinkCatalog);
}

Result<std::string> full_name(const sql::QualifiedName& name) {
  const std::string& object = name.parts.back().text;
  if (name.parts.size() == 1) return object;
  const std::string& schema = name.parts[name.parts.size() - 2].text;
  const bool known_catalog = name.parts.size() == 2 || is_catalog_name(name.parts[0].text);
  if (known_catalog && is_default_schema(schema)) return object;
  if (known_catalog && is_system_schema(schema)) return sql::to_lower(schema) + "." + object;
  std::string prefix = name.parts.size() == 2 ? schema : name.parts[0].text + "." + schema;
  return not_found("there is no schema {}", prefix)
      .at(name.position().offset)
      .hint("SHOW SCHEMAS lists them; public is the one to begin with");
}

bool is_system_name(std::string_view full_name) {
  size_t dot = full_name.find('.');
  return dot != std::string_view::npos && is_system_schema(full_name.substr(0, dot));
}

bool is_visible(const Entry& entry, const NameScope& scope) {
  return !entry.temporary || entry.schema_name == scope.temporary;
}

Catalog::Catalog(std::unique_ptr<Store> store) : store_(std::move(store)) {}
Catalog::~Catalog() = default;

Result<std::unique_ptr<Catalog>> Catalog::open(const std::string& path) {
  std::unique_ptr<Store> store = PENSTOCK_TRY(Store::open(path));
  std::unique_ptr<Catalog> catalog(new Catalog(std::move(store)));
  Store::Content content = PENSTOCK_TRY(catalog->store_->load());
  for (Entry& entry : content.entries) {
    Key key(entry.name_space(), sql::to_lower(entry.name));
    catalog->entries_[std::move(key)] = std::make_shared<const Entry>(std::move(entry));
  }
  for (const std::string& schema : content.schemas) catalog->schemas_[sql::to_lower(schema)] = schema;
  catalog->settings_ = std::move(content.settings);
  catalog->next_id_ = content.next_id;
  return catalog;
}

uint64_t Catalog::version() const {
  std::shared_lock lock(mutex_);
  return version_;
}

EntryPtr Catalog::find(NameSpace name_space, std::string_view name) const {
  std::shared_lock lock(mutex_);
  auto found = entries_.find({name_space, sql::to_lower(name)});
  return found == entries_.end() ? nullptr : found->second;
}

Result<EntryPtr> Catalog::get(NameSpace name_space, std::string_view name) const {
  if (EntryPtr entry = find(name_space, name)) return entry;
  std::vector<std::string> known;
  for (const EntryPtr& entry : entries()) {
    if (entry->name_space() == name_space) known.push_back(entry->name);
  }
  return not_found("there is no {} {}", name_space_name(name_space), name).hint(did_you_mean(name, known));
}

Result<std::string> Catalog::resolve_function(const sql::QualifiedName& name, const NameScope& scope) const {
  if (name.parts.size() > 1) {
    return invalid_argument("functions are in no schema: their names have one part").at(name.position().offset);
  }
  if (!scope.temporary.empty()) {
    std::string temporary = scope.temporary + "." + name.parts.front().text;
    if (find(NameSpace::kFunction, temporary) != nullptr) return temporary;
  }
  return name.parts.front().text;
}

std::vector<std::string> Catalog::schemas() const {
  std::shared_lock lock(mutex_);
  std::vector<std::string> names{std::string(kDefaultSchema)};
  for (const auto& [key, name] : schemas_) names.push_back(name);
  return names;
}

std::optional<std::string> Catalog::find_schema(std::string_view name) const {
  if (is_default_schema(name)) return std::string(kDefaultSchema);
  const std::shared_lock lock(mutex_);
  const auto found = schemas_.find(sql::to_lower(name));
  if (found == schemas_.end()) return std::nullopt;
  return found->second;
}

Status Catalog::create_schema(const std::string& name) {
  const std::string key = sql::to_lower(name);
  if (find_schema(name)) return make_error(ErrorCode::kAlreadyExists, "there is a schema {} already", name);
  if (is_system_schema(name) || key.starts_with("pg_")) {
    return invalid_argument("{} cannot be created: the schema belongs to the program", name);
  }
  if (name.find('.') != std::string::npos) return invalid_argument("the name of a schema cannot have a dot");
  std::unique_lock lock(mutex_);
  for (const auto& [other, entry] : entries_) {
    if (other.first != NameSpace::kRelation || !other.second.starts_with(key + ".")) continue;
    return make_error(ErrorCode::kAlreadyExists, "there is a {} {}, which would be taken for one in the schema",
                      entry->kind_name(), entry->name);
  }
  if (schemas_.size() >= kSchemasMax) {
    return make_error(ErrorCode::kResourceExhausted, "there are {} schemas already, which is the limit", kSchemasMax);
  }
  PENSTOCK_TRY(store_->add_schema(name));
  schemas_[key] = name;
  ++version_;
  return {};
}

Status Catalog::drop_schema(std::string_view name) {
  std::unique_lock lock(mutex_);
  const std::string key = sql::to_lower(name);
  const auto found = schemas_.find(key);
  if (found == schemas_.end()) return not_found("there is no schema {}", name);
  const bool empty = std::ranges::none_of(entries_, [&](const auto& entry) {
    return entry.first.first == NameSpace::kRelation && entry.first.second.starts_with(key + ".");
  });
  if (!empty) return invalid_argument("schema {} is not empty", found->second);
  PENSTOCK_TRY(store_->remove_schema(found->second));
  schemas_.erase(found);
  ++version_;
  return {};
}

std::string Catalog::schema_of(std::string_view full_name) const {
  const size_t dot = full_name.find('.');
  const std::optional<std::string> schema =
      dot == std::string_view::npos ? std::nullopt : find_schema(full_name.substr(0, dot));
  return schema.value_or(std::string(kDefaultSchema));
}

Result<std::string> Catalog::resolve(const sql::QualifiedName& name, const NameScope& scope) const {
  const std::string& object = name.parts.back().text;
  if (name.parts.size() == 1) {
    if (!scope.temporary.empty()) {
      std::string temporary = scope.temporary + "." + object;
      if (find_relation(temporary) != nullptr) return temporary;
    }
    if (sql::to_lower(object).starts_with(kTemporarySchemaPrefix)) {
      return invalid_argument("{}: names that begin with {} are of temporary objects", object, kTemporarySchemaPrefix);
    }
    return scope.schema == kDefaultSchema ? object : scope.schema + "." + object;
  }
  const std::string& schema = name.parts[name.parts.size() - 2].text;
  const bool in_catalog = name.parts.size() == 2 || is_catalog_name(name.parts[0].text);
  const std::optional<std::string> known = in_catalog ? find_schema(schema) : std::nullopt;
  if (known && *known != kDefaultSchema) return *known + "." + object;
  Result<std::string> full = full_name(name);
  if (full) return full;
  const std::string suggestion = did_you_mean(schema, schemas());
  return suggestion.empty() ? std::move(full) : Error(full.error()).hint(suggestion);
}

std::vector<std::string> Catalog::names_in(const NameScope& scope) const {
  std::vector<std::string> names;
  for (const EntryPtr& entry : entries()) {
    if (entry->name_space() != NameSpace::kRelation) continue;
    if (entry->schema_name != scope.schema && entry->schema_name != scope.temporary) continue;
    names.emplace_back(entry->unqualified_name());
  }
  return names;
}

std::vector<EntryPtr> Catalog::entries() const {
  std::vector<EntryPtr> entries;
  {
    std::shared_lock lock(mutex_);
    for (const auto& [key, entry] : entries_) entries.push_back(entry);
  }
  std::ranges::sort(entries, {}, [](const EntryPtr& entry) { return entry->id; });
  return entries;
}

// With the lock held.
Status Catalog::check_new(const Entry& entry) const {
  if (is_system_name(entry.name)) {
    return invalid_argument("{} cannot be created: the schema belongs to the program", entry.name);
  }
  if (!entry.temporary && sql::to_lower(entry.name).starts_with(kTemporarySchemaPrefix)) {
    return invalid_argument("{}: names that begin with {} are of temporary objects", entry.name,
                            kTemporarySchemaPrefix);
  }
  const size_t dot = entry.schema_name == kDefaultSchema ? entry.name.find('.') : std::string::npos;
  if (dot != std::string::npos && schemas_.contains(sql::to_lower(entry.name.substr(0, dot)))) {
    return invalid_argument("the name {} would be taken for one in a schema", entry.name);
  }
  for (const std::string& dependency : entry.dependencies) {
    bool known = is_system_name(dependency) || entries_.contains({NameSpace::kRelation, sql::to_lower(dependency)});
    if (!known) return not_found("there is no table or view {} any more", dependency);
    if (!entry.temporary) PENSTOCK_TRY(check_outlived(entry, NameSpace::kRelation, dependency));
  }
  for (const std::string& function : entry.functions) {
    if (!entries_.contains({NameSpace::kFunction, sql::to_lower(function)})) {
      return not_found("there is no function {} any more", function);
    }
    if (!entry.temporary) PENSTOCK_TRY(check_outlived(entry, NameSpace::kFunction, function));
  }
  return {};
}

// What stays cannot need what goes with a session. With the lock held.
Status Catalog::check_outlived(const Entry& entry, NameSpace name_space, const std::string& dependency) const {
  const auto found = entries_.find({name_space, sql::to_lower(dependency)});
  if (found == entries_.end() || !found->second->temporary) return {};
  const std::string user = entry.job() != nullptr ? std::string("a running INSERT")
                                                  : fmt::format("{} {}", entry.kind_name(), entry.plain_name());
  return invalid_argument("{} would outlive the temporary {} {} that it uses", user, found->second->kind_name(),
                          found->second->plain_name())
      .hint("a temporary object ends with its session: create it without TEMPORARY");
}

Result<EntryPtr> Catalog::create(Entry entry) {
  std::vector<Entry> entries;
  entries.push_back(std::move(entry));
  return PENSTOCK_TRY(create_all(std::move(entries))).front();
}

Result<EntryPtr> Catalog::create_or_replace(Entry entry) {
  std::vector<Entry> entries;
  entries.push_back(std::move(entry));
  return PENSTOCK_TRY(create_all(std::move(entries), true)).front();
}

Result<std::vector<EntryPtr>> Catalog::create_all(std::vector<Entry> entries, bool or_replace) {
  std::unique_lock lock(mutex_);
  const std::unique_ptr<Catalog> after = copy();
  std::vector<EntryPtr> created;
  std::vector<int64_t> replaced;
  std::vector<const Entry*> durable;
  int64_t id = next_id_;
  for (Entry& entry : entries) {
    const Key key(entry.name_space(), sql::to_lower(entry.name));
    const auto found = after->entries_.find(key);
    if (found != after->entries_.end() && found->second->id >= next_id_) {
      return make_error(ErrorCode::kAlreadyExists, "{} {} would be created twice", entry.kind_name(), entry.name);
    }
    PENSTOCK_TRY(after->check_place(entry, or_replace));
    if (found != after->entries_.end()) replaced.push_back(found->second->id);
    entry.id = id++;
    if (entry.created_at_us == 0) entry.created_at_us = wall_time_us();
    created.push_back(std::make_shared<const Entry>(std::move(entry)));
    after->entries_[key] = created.back();
    if (!created.back()->temporary) durable.push_back(created.back().get());
  }
  if (after->entries_.size() > kEntriesMax) {
    return make_error(ErrorCode::kResourceExhausted, "there are {} objects already; there can be {}", entries_.size(),
                      kEntriesMax);
  }
  if (!durable.empty()) PENSTOCK_TRY(store_->change(replaced, durable));
  entries_ = std::move(after->entries_);
  next_id_ = id;
  ++version_;
  return created;
}

Status Catalog::check_create(const Entry& entry, bool or_replace) const {
  std::shared_lock lock(mutex_);
  return check_place(entry, or_replace);
}

// With the lock held.
Status Catalog::check_place(const Entry& entry, bool or_replace) const {
  PENSTOCK_TRY(check_new(entry));
  const Key key(entry.name_space(), sql::to_lower(entry.name));
  const auto found = entries_.find(key);
  if (found == entries_.end()) return {};
  const Entry& old = *found->second;
  if (!or_replace) return already_exists(old);
  if (old.definition.index() != entry.definition.index()) {
    return make_error(ErrorCode::kAlreadyExists, "{} is a {}", old.name, old.kind_name());
  }
  std::vector<EntryPtr> users;
  collect_dependants(key, users);
  if (!users.empty()) return dependants_error(old, users);
  return {};
}

Status Catalog::undo_create(const std::vector<EntryPtr>& created, const std::vector<EntryPtr>& replaced) {
  std::unique_lock lock(mutex_);
  std::vector<int64_t> removed;
  std::vector<const Entry*> durable;
  for (const EntryPtr& entry : created) {
    if (!entry->temporary) removed.push_back(entry->id);
  }
  for (const EntryPtr& entry : replaced) {
    if (!entry->temporary) durable.push_back(entry.get());
  }
  if (!removed.empty()) PENSTOCK_TRY(store_->change(removed, durable));
  for (const EntryPtr& entry : created) entries_.erase({entry->name_space(), sql::to_lower(entry->name)});
  for (const EntryPtr& entry : replaced) entries_[{entry->name_space(), sql::to_lower(entry->name)}] = entry;
  ++version_;
  return {};
}

int64_t Catalog::next_id() const {
  std::shared_lock lock(mutex_);
  return next_id_;
}

// Of the entries and schemas. With the lock held.
std::unique_ptr<Catalog> Catalog::copy() const {
  std::unique_ptr<Catalog> copy(new Catalog(nullptr));
  copy->entries_ = entries_;
  copy->schemas_ = schemas_;
  return copy;
}

Result<std::unique_ptr<const Catalog>> Catalog::with_changed(const std::vector<Entry>& changed) const {
  std::shared_lock lock(mutex_);
  return std::unique_ptr<const Catalog>(PENSTOCK_TRY(changed_copy(changed)));
}

// With the lock held.
Result<std::unique_ptr<Catalog>> Catalog::changed_copy(const std::vector<Entry>& changed) const {
  std::unique_ptr<Catalog> copy = this->copy();
  for (const Entry& entry : changed) {
    const size_t erased = std::erase_if(copy->entries_, [&](const auto& old) { return old.second->id == entry.id; });
    if (erased == 0) return not_found("there is no {} {} any more", entry.kind_name(), entry.plain_name());
  }
  for (const Entry& entry : changed) {
    const auto [at, fresh] = copy->entries_.emplace(Key(entry.name_space(), sql::to_lower(entry.name)),
                                                    std::make_shared<const Entry>(entry));
    if (!fresh) return already_exists(*at->second);
  }
  for (const Entry& entry : changed) PENSTOCK_TRY(copy->check_new(entry));
  return copy;
}

Status Catalog::change_all(const std::vector<Entry>& changed) {
  std::unique_lock lock(mutex_);
  const std::unique_ptr<Catalog> copy = PENSTOCK_TRY(changed_copy(changed));
  std::vector<int64_t> removed;
  std::vector<const Entry*> durable;
  for (const Entry& entry : changed) {
    if (entry.temporary) continue;
    removed.push_back(entry.id);
    durable.push_back(&entry);
  }
  if (!durable.empty()) PENSTOCK_TRY(store_->change(removed, durable));
  entries_ = std::move(copy->entries_);
  ++version_;
  return {};
}

// Depth first: an entry is added after everything that depends on it. With the lock held. An entry exists before what
// depends on it does, so there are no cycles.
void Catalog::collect_dependants(const Key& used, std::vector<EntryPtr>& found) const {
  if (used.first != NameSpace::kRelation && used.first != NameSpace::kFunction) return;  // nothing is made of others
  for (const auto& [key, entry] : entries_) {
    const auto& names = used.first == NameSpace::kFunction ? entry->functions : entry->dependencies;
    bool depends = std::ranges::any_of(
        names, [&](const std::string& name) { return sql::equal_ignoring_case(name, used.second); });
    if (!depends || std::ranges::find(found, entry) != found.end()) continue;
    collect_dependants(key, found);
    found.push_back(entry);
  }
}

std::vector<EntryPtr> Catalog::dependants(std::string_view relation) const {
  std::shared_lock lock(mutex_);
  std::vector<EntryPtr> found;
  collect_dependants({NameSpace::kRelation, std::string(relation)}, found);
  return found;
}

Result<std::vector<EntryPtr>> Catalog::drop(NameSpace name_space, std::string_view name, bool cascade) {
  PENSTOCK_TRY(get(name_space, name));  // the error with a suggestion
  std::unique_lock lock(mutex_);
  auto found = entries_.find({name_space, sql::to_lower(name)});
  if (found == entries_.end()) return not_found("there is no {} {}", name_space_name(name_space), name);
  EntryPtr entry = found->second;
  std::vector<EntryPtr> dropped;
  collect_dependants(found->first, dropped);
  if (!dropped.empty() && !cascade) return dependants_error(*entry, dropped);
  dropped.push_back(entry);
  std::vector<int64_t> ids;
  for (const EntryPtr& one : dropped) {
    if (!one->temporary) ids.push_back(one->id);
  }
  if (!ids.empty()) PENSTOCK_TRY(store_->change(ids, {}));
  for (const EntryPtr& one : dropped) entries_.erase({one->name_space(), sql::to_lower(one->name)});
  ++version_;
  return dropped;
}

std::optional<std::string> Catalog::setting(std::string_view key) const {
  std::shared_lock lock(mutex_);
  auto found = settings_.find(std::string(key));
  if (found == settings_.end()) return std::nullopt;
  return found->second;
}

std::map<std::string, std::string> Catalog::settings() const {
  std::shared_lock lock(mutex_);
  return settings_;
}

Status Catalog::set_setting(std::string_view key, std::string_view value) {
  std::unique_lock lock(mutex_);
  PENSTOCK_TRY(store_->set_setting(key, value));
  settings_[std::string(key)] = value;
  return {};
}

Status Catalog::reset_setting(std::string_view key) {
  std::unique_lock lock(mutex_);
  PENSTOCK_TRY(store_->remove_setting(key));
  settings_.erase(std::string(key));
  return {};
}

}  // namespace penstock::catalog
