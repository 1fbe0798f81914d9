// The tables, views, materialized views, functions, alerts and jobs of a data directory, and its settings. Durable in
// SQLite.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/entry.h"
#include "catalog/name_scope.h"

namespace penstock::sql {
struct QualifiedName;
}

namespace penstock::catalog {

class Store;

// The schemas of PostgreSQL and of the program itself; no object can be created in them.
inline constexpr std::string_view kSystemSchemas[] = {"sys", "penstock", "information_schema", "pg_catalog"};
// The schema that is there from the start, and the one catalog; neither needs to be written.
inline constexpr std::string_view kDefaultSchema = "public";
inline constexpr std::string_view kDefaultCatalog = "penstock";

// Flink's names of the two, by which its scripts call them.
inline constexpr std::string_view kFlinkSchema = "default_database";
inline constexpr std::string_view kFlinkCatalog = "default_catalog";

// Whether it is a name of the one catalog.
bool is_catalog_name(std::string_view name);

// How many objects there may be; a create() beyond it fails with kResourceExhausted.
inline constexpr size_t kEntriesMax = 10'000;
// The same of schemas.
inline constexpr size_t kSchemasMax = 1'000;

// The full name of what is in the default schema or one of the program: "orders" for orders, public.orders,
// penstock.public.orders and default_catalog.default_database.orders; "sys.jobs" for what is in a system schema.
// kNotFound, with the position, for other schemas.
Result<std::string> full_name(const sql::QualifiedName& name);
bool is_system_name(std::string_view full_name);
// Whether the scope's session sees the entry: it is not of another session.
bool is_visible(const Entry& entry, const NameScope& scope);

// Thread-safe. What it hands out never changes; an entry is durable when create() returns.
class Catalog {
 public:
  // Opens or creates the file; ":memory:" keeps everything in memory. kCorruption when the file is no catalog, or one
  // that a later version wrote.
  static Result<std::unique_ptr<Catalog>> open(const std::string& path);
  ~Catalog();

  // Counts changes of entries; anything derived from the catalog is valid while it stays the same.
  uint64_t version() const;

  // The entry of that full name, in any case; null when there is none.
  EntryPtr find(NameSpace name_space, std::string_view name) const;
  EntryPtr find_relation(std::string_view name) const { return find(NameSpace::kRelation, name); }
  // kNotFound with "did you mean", unless it is there.
  Result<EntryPtr> get(NameSpace name_space, std::string_view name) const;
  // Schemas beside that of the program; the default one is there always. A name is found in any case.
  std::vector<std::string> schemas() const;
  // The schema as it is written, or nullopt. Flink's name is that of the default one.
  std::optional<std::string> find_schema(std::string_view name) const;
  // kAlreadyExists when there is one, or something whose name begins like those in it would.
  Status create_schema(const std::string& name);
  // Of a schema with nothing in it.
  Status drop_schema(std::string_view name);
  // The schema of a full name that is not that of a temporary object.
  std::string schema_of(std::string_view full_name) const;

  // The full name of the table or view that a name stands for, or would: "orders" in the default schema, "sales.orders"
  // in others. kNotFound, with the position, where there is no such schema.
  Result<std::string> resolve(const sql::QualifiedName& name, const NameScope& scope) const;
  // The same of a function.
  Result<std::string> resolve_function(const sql::QualifiedName& name, const NameScope& scope) const;
  // The tables and views that can be named without a schema, by what they are called then.
  std::vector<std::string> names_in(const NameScope& scope) const;
  // All entries, in the order of their creation.
  std::vector<EntryPtr> entries() const;

  // Adds an entry, whose id and, when 0, created_at_us it sets. kAlreadyExists when the name is taken, kNotFound when
  // a dependency does not exist, kInvalidArgument when one is temporary and the entry is not.
  Result<EntryPtr> create(Entry entry);
  // All of them, or none; each may depend on those before it. With `or_replace` those that have the names and kinds of
  // others take their places: see create_or_replace().
  Result<std::vector<EntryPtr>> create_all(std::vector<Entry> entries, bool or_replace = false);
  // Whether create(), or create_or_replace(), would fail.
  Status check_create(const Entry& entry, bool or_replace) const;
  // Takes back what create_all() has made, and puts back what that has replaced.
  Status undo_create(const std::vector<EntryPtr>& created, const std::vector<EntryPtr>& replaced);
  // The id that the next entry gets.
  int64_t next_id() const;
  // Puts these in the place of the entries of their ids, which may get other names; all of them, or none.
  // kAlreadyExists when a name is taken, kNotFound when there is no entry of an id; and errors as of create().
  Status change_all(const std::vector<Entry>& changed);
  // What change_all() would make of it, to be looked at before; it fails as that would. It has no file and no settings,
  // and nothing can be changed in it.
  Result<std::unique_ptr<const Catalog>> with_changed(const std::vector<Entry>& changed) const;
  // One, in the place of an entry of that name and kind. Fails while others depend on it, or when there is
  // another kind of object of that name.
  Result<EntryPtr> create_or_replace(Entry entry);

  // What depends on the relation, directly or through others: each after everything that depends on it.
  std::vector<EntryPtr> dependants(std::string_view relation) const;

  // Removes the entry, and with `cascade` its dependants; returns what was removed, dependants first. Without cascade
  // and with dependants it fails and names them.
  Result<std::vector<EntryPtr>> drop(NameSpace name_space, std::string_view name, bool cascade);

  // Settings of the data directory, by exact key.
  std::optional<std::string> setting(std::string_view key) const;
  std::map<std::string, std::string> settings() const;
  Status set_setting(std::string_view key, std::string_view value);
  Status reset_setting(std::string_view key);

 private:
  using Key = std::pair<NameSpace, std::string>;  // the name in lower case

  explicit Catalog(std::unique_ptr<Store> store);
  std::unique_ptr<Catalog> copy() const;
  Result<std::unique_ptr<Catalog>> changed_copy(const std::vector<Entry>& changed) const;
  Status check_new(const Entry& entry) const;
  Status check_place(const Entry& entry, bool or_replace) const;
  Status check_outlived(const Entry& entry, NameSpace name_space, const std::string& dependency) const;
  void collect_dependants(const Key& used, std::vector<EntryPtr>& found) const;

  mutable std::shared_mutex mutex_;
  std::unique_ptr<Store> store_;
  std::map<Key, EntryPtr> entries_;
  std::map<std::string, std::string> schemas_;  // as they are written, by lower-case name; without the default one
  std::map<std::string, std::string> settings_;
  uint64_t version_ = 0;
  int64_t next_id_ = 1;
};

}  // namespace penstock::catalog
