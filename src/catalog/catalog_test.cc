#include "catalog/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "catalog/create_text.h"
#include "catalog/sqlite.h"
#include "sql/expression.h"

namespace penstock::catalog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A catalog file of its own for each test.
class CatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "catalog_test_XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    reopen();
  }
  void TearDown() override {
    catalog_.reset();
    std::filesystem::remove_all(directory_);
  }
  std::string path() const { return directory_ + "/catalog.sqlite"; }
  void reopen() {
    catalog_.reset();
    auto opened = Catalog::open(path());
    ASSERT_TRUE(opened) << opened.error().to_string();
    catalog_ = std::move(*opened);
  }

  static Entry table(std::string name) {
    Table table;
    table.columns.push_back({.name = "id", .type = types::DataType(types::TypeKind::kBigInt).with_nullable(false)});
    table.columns.push_back({.name = "ts", .type = types::DataType::timestamp_ltz(3), .comment = "when"});
    table.columns.push_back({.name = "twice", .type = types::DataType::decimal(12, 2), .computed = "id * 2"});
    table.columns.push_back(
        {.name = "where", .type = types::TypeKind::kBigInt, .metadata = MetadataColumn{"offset", true}});
    table.watermark = Watermark{1, "ts - INTERVAL '5' SECOND"};
    table.primary_key = {0};
    table.options = {{"topic", "x'y"}, {"connector", "kafka"}};
    return {.name = std::move(name), .sql = "CREATE TABLE ...", .comment = "a table", .definition = std::move(table)};
  }
  static Entry view(std::string name, std::vector<std::string> dependencies) {
    return {.name = std::move(name),
            .sql = "CREATE VIEW ...",
            .dependencies = std::move(dependencies),
            .definition = View{{{.name = "a", .type = types::TypeKind::kInt}}, "SELECT 1"}};
  }
  static Entry alert(std::string name, std::vector<std::string> dependencies) {
    return {.name = std::move(name),
            .sql = "CREATE ALERT ...",
            .dependencies = std::move(dependencies),
            .definition = Alert{"SELECT 1", "HIGH", {{"log", ""}, {"webhook", "http://x"}}, {{"k", "v"}}}};
  }
  static std::vector<std::string> names(const std::vector<EntryPtr>& entries) {
    std::vector<std::string> names;
    for (const EntryPtr& entry : entries) names.push_back(entry->name);
    return names;
  }

  std::string directory_;
  std::unique_ptr<Catalog> catalog_;
};

TEST_F(CatalogTest, EntriesSurviveReopeningWhole) {
  std::vector<Entry> created;
  auto create = [&](Entry entry) {
    auto result = catalog_->create(std::move(entry));
    ASSERT_TRUE(result) << result.error().to_string();
    created.push_back(**result);
  };
  create(table("Orders"));
  create(view("v", {"Orders"}));
  create({.name = "m",
          .sql = "CREATE MATERIALIZED VIEW ...",
          .dependencies = {"v"},
          .definition = MaterializedView{{{.name = "a", .type = types::TypeKind::kString}},
                                         "SELECT 2",
                                         {{"metric", "true"}},
                                         true,
                                         std::vector<int>{0}}});
  create(alert("a", {"m"}));
  create({.name = "j",
          .sql = "INSERT ...",
          .dependencies = {"Orders"},
          .scan_options = {{"0.mode", "x"}, {"1.mode", ""}},
          .definition = Job{"Orders", "SELECT 3"}});
  reopen();
  std::vector<EntryPtr> entries = catalog_->entries();
  ASSERT_EQ(entries.size(), created.size());
  for (size_t i = 0; i < created.size(); ++i) EXPECT_TRUE(*entries[i] == created[i]) << created[i].name;
}

TEST_F(CatalogTest, NamesKeepTheirCaseAndAreFoundInAny) {
  ASSERT_TRUE(catalog_->create(table("Orders")));
  EXPECT_EQ(catalog_->find_relation("ORDERS")->name, "Orders");
  EXPECT_EQ(catalog_->find_relation("order"), nullptr);
  auto again = catalog_->create(view("oRDERS", {}));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_THAT(again.error().message(), HasSubstr("table Orders"));
}

TEST_F(CatalogTest, UnknownNamesAreSuggested) {
  ASSERT_TRUE(catalog_->create(table("orders")));
  auto missing = catalog_->get(NameSpace::kRelation, "ordrs");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().hint(), HasSubstr("orders"));
}

TEST_F(CatalogTest, AlertsAndJobsHaveNameSpacesOfTheirOwn) {
  ASSERT_TRUE(catalog_->create(table("x")));
  ASSERT_TRUE(catalog_->create(alert("x", {"x"})));
  EXPECT_NE(catalog_->find(NameSpace::kAlert, "X"), nullptr);
  EXPECT_EQ(catalog_->find(NameSpace::kJob, "x"), nullptr);
}

TEST_F(CatalogTest, DropNamesTheDependants) {
  ASSERT_TRUE(catalog_->create(table("t")));
  ASSERT_TRUE(catalog_->create(view("v", {"T"})));
  ASSERT_TRUE(catalog_->create(alert("a", {"v"})));
  auto restricted = catalog_->drop(NameSpace::kRelation, "t", false);
  ASSERT_FALSE(restricted);
  EXPECT_THAT(restricted.error().message(), HasSubstr("alert a, view v"));
  EXPECT_NE(catalog_->find_relation("t"), nullptr);
  EXPECT_TRUE(catalog_->drop(NameSpace::kAlert, "a", false));
  EXPECT_TRUE(catalog_->drop(NameSpace::kRelation, "v", false));
  EXPECT_TRUE(catalog_->drop(NameSpace::kRelation, "t", false));
  reopen();
  EXPECT_THAT(catalog_->entries(), IsEmpty());
}

TEST_F(CatalogTest, CascadeDropsDependantsFirst) {
  ASSERT_TRUE(catalog_->create(table("t")));
  ASSERT_TRUE(catalog_->create(view("z", {"t"})));
  ASSERT_TRUE(catalog_->create(view("b", {"z", "t"})));
  ASSERT_TRUE(catalog_->create(alert("q", {"b"})));
  ASSERT_TRUE(catalog_->create(table("other")));
  EXPECT_THAT(names(catalog_->dependants("T")), ElementsAre("q", "b", "z"));
  auto dropped = catalog_->drop(NameSpace::kRelation, "T", true);
  ASSERT_TRUE(dropped);
  EXPECT_THAT(names(*dropped), ElementsAre("q", "b", "z", "t"));
  reopen();
  EXPECT_THAT(names(catalog_->entries()), ElementsAre("other"));
}

TEST_F(CatalogTest, DependenciesMustExist) {
  auto created = catalog_->create(view("v", {"nothing"}));
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(catalog_->create(view("w", {"sys.jobs"})));
}

TEST_F(CatalogTest, ReplacingKeepsTheNameAndChecksUse) {
  ASSERT_TRUE(catalog_->create_or_replace(table("t")));
  Entry other = table("t");
  other.comment = "new";
  ASSERT_TRUE(catalog_->create_or_replace(other));
  reopen();
  EXPECT_EQ(catalog_->find_relation("t")->comment, "new");
  EXPECT_FALSE(catalog_->create_or_replace(view("t", {})));
  ASSERT_TRUE(catalog_->create(view("v", {"t"})));
  EXPECT_FALSE(catalog_->create_or_replace(table("t")));
}

TEST_F(CatalogTest, IdsAreNeverUsedAgain) {
  int64_t first = (*catalog_->create(table("t")))->id;
  ASSERT_TRUE(catalog_->drop(NameSpace::kRelation, "t", false));
  reopen();
  EXPECT_GT((*catalog_->create(table("t")))->id, first);
}

TEST_F(CatalogTest, TemporaryEntriesAreForgotten) {
  Entry temporary = table("t");
  temporary.temporary = true;
  ASSERT_TRUE(catalog_->create(std::move(temporary)));
  EXPECT_NE(catalog_->find_relation("t"), nullptr);
  reopen();
  EXPECT_EQ(catalog_->find_relation("t"), nullptr);
}

TEST_F(CatalogTest, ASessionSeesItsOwnTemporaryEntries) {
  Entry temporary = table("pg_temp_1.t");
  temporary.temporary = true;
  temporary.schema_name = "pg_temp_1";
  ASSERT_TRUE(catalog_->create(temporary));
  ASSERT_TRUE(catalog_->create(table("u")));
  sql::QualifiedName name;
  name.parts.push_back({"T", {}});
  EXPECT_EQ(*catalog_->resolve(name, {.temporary = "pg_temp_1"}), "pg_temp_1.T");
  EXPECT_EQ(*catalog_->resolve(name, {.temporary = "pg_temp_11"}), "T");
  EXPECT_THAT(catalog_->names_in({.temporary = "pg_temp_1"}), ElementsAre("t", "u"));
  EXPECT_THAT(catalog_->names_in({.temporary = "pg_temp_11"}), ElementsAre("u"));
  EXPECT_FALSE(catalog_->create(view("v", {"pg_temp_1.t"})));  // it would stay
}

TEST_F(CatalogTest, SchemasSurviveAndAreEmptyWhenTheyGo) {
  const auto named = [](std::vector<std::string> parts) {
    sql::QualifiedName name;
    for (std::string& part : parts) name.parts.push_back({std::move(part), {}});
    return name;
  };
  ASSERT_TRUE(catalog_->create_schema("Sales"));
  for (const char* taken : {"sales", "PUBLIC", "sys", "pg_temp_1", "a.b"}) EXPECT_FALSE(catalog_->create_schema(taken));
  ASSERT_TRUE(catalog_->create(table("other.t")));
  EXPECT_FALSE(catalog_->create_schema("other"));  // the table would seem to be in it
  EXPECT_FALSE(catalog_->create(table("sales.t")));
  Entry entry = table("Sales.t");
  entry.schema_name = "Sales";
  entry.names_schema = "Sales";
  ASSERT_TRUE(catalog_->create(entry));
  reopen();
  EXPECT_THAT(catalog_->schemas(), ElementsAre("public", "Sales"));
  EXPECT_EQ(catalog_->find_relation("sales.T")->names_schema, "Sales");
  EXPECT_EQ(*catalog_->resolve(named({"SALES", "t"}), {}), "Sales.t");
  EXPECT_EQ(*catalog_->resolve(named({"penstock", "sales", "t"}), {}), "Sales.t");
  EXPECT_EQ(*catalog_->resolve(named({"t"}), {.schema = "Sales"}), "Sales.t");
  EXPECT_EQ(*catalog_->resolve(named({"public", "t"}), {.schema = "Sales"}), "t");
  EXPECT_FALSE(catalog_->resolve(named({"sale", "t"}), {}));
  EXPECT_FALSE(catalog_->resolve(named({"other", "sales", "t"}), {}));
  EXPECT_THAT(catalog_->names_in({.schema = "Sales"}), ElementsAre("t"));
  EXPECT_FALSE(catalog_->drop_schema("SALES"));
  ASSERT_TRUE(catalog_->drop(NameSpace::kRelation, "sales.t", false));
  ASSERT_TRUE(catalog_->drop_schema("SALES"));
  EXPECT_FALSE(catalog_->drop_schema("sales"));
  reopen();
  EXPECT_THAT(catalog_->schemas(), ElementsAre("public"));
}

TEST_F(CatalogTest, FunctionsSurviveAndAreInUse) {
  const Entry function{.name = "f",
                       .sql = "CREATE FUNCTION ...",
                       .definition = Function{.parameters = {{.name = "a", .type = types::TypeKind::kInt}},
                                              .returns = types::DataType(types::TypeKind::kBigInt),
                                              .expression = "a + 1"}};
  const Entry alias{.name = "t", .sql = "", .definition = Function{.any_arguments = true, .identifier = "UPPER"}};
  ASSERT_TRUE(catalog_->create(function));
  ASSERT_TRUE(catalog_->create(alias));
  ASSERT_TRUE(catalog_->create(table("t")));  // in a name space of its own
  Entry user = view("v", {"t"});
  user.functions = {"F"};
  ASSERT_TRUE(catalog_->create(user));
  reopen();
  EXPECT_EQ(catalog_->find(NameSpace::kFunction, "F")->definition, function.definition);
  EXPECT_EQ(catalog_->find(NameSpace::kFunction, "T")->definition, alias.definition);
  EXPECT_EQ(catalog_->find_relation("v")->functions, user.functions);
  EXPECT_FALSE(catalog_->drop(NameSpace::kFunction, "f", false));
  EXPECT_FALSE(catalog_->create_or_replace(function));
  EXPECT_TRUE(catalog_->drop(NameSpace::kFunction, "t", false));
  EXPECT_THAT(names(*catalog_->drop(NameSpace::kFunction, "f", true)), ElementsAre("v", "f"));
  user.functions = {"g"};
  EXPECT_FALSE(catalog_->create(user));
}

TEST_F(CatalogTest, SeveralEntriesAreCreatedOrNone) {
  ASSERT_TRUE(catalog_->create(table("c")));
  EXPECT_FALSE(catalog_->create_all({table("a"), table("b"), table("C")}));
  EXPECT_FALSE(catalog_->create_all({table("a"), table("A")}));
  EXPECT_FALSE(catalog_->create_all({table("a"), view("b", {"nothing"})}));
  EXPECT_THAT(names(catalog_->entries()), ElementsAre("c"));
  ASSERT_TRUE(catalog_->create_all({table("b"), table("a")}));
  reopen();
  EXPECT_THAT(names(catalog_->entries()), ElementsAre("c", "b", "a"));
}

TEST_F(CatalogTest, WhatIsCreatedTogetherReplacesAndIsTakenBackTogether) {
  const EntryPtr old = *catalog_->create(table("t"));
  EXPECT_FALSE(catalog_->check_create(table("T"), false));
  EXPECT_TRUE(catalog_->check_create(table("T"), true));
  EXPECT_FALSE(catalog_->create_all({table("t"), view("v", {"t"})}));
  const int64_t id = catalog_->next_id();
  const auto created = catalog_->create_all({table("T"), view("v", {"t"})}, true);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->front()->id, id);
  EXPECT_FALSE(catalog_->check_create(table("t"), true)) << "it is used";
  reopen();
  EXPECT_THAT(names(catalog_->entries()), ElementsAre("T", "v"));
  ASSERT_TRUE(catalog_->undo_create(*created, {old}));
  reopen();
  EXPECT_THAT(names(catalog_->entries()), ElementsAre("t"));
  EXPECT_EQ(catalog_->find_relation("t")->id, old->id);
}

TEST_F(CatalogTest, EntriesChangeTogetherOrNotAtAll) {
  Entry t = **catalog_->create(table("t"));
  Entry v = **catalog_->create(view("v", {"t"}));
  ASSERT_TRUE(catalog_->create(table("taken")));
  t.name = "u";
  v.dependencies = {"u"};
  Entry bad = v;
  bad.name = "Taken";
  EXPECT_EQ(catalog_->change_all({t, bad}).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_NE(catalog_->find_relation("t"), nullptr);
  ASSERT_TRUE(catalog_->change_all({t, v}));
  reopen();
  EXPECT_EQ(catalog_->find_relation("t"), nullptr);
  EXPECT_EQ(*catalog_->find_relation("u"), t);
  EXPECT_THAT(names(catalog_->dependants("u")), ElementsAre("v"));
  v.dependencies = {"nothing"};
  EXPECT_EQ(catalog_->change_all({v}).error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(names(catalog_->dependants("u")), ElementsAre("v"));
  t.id = 99;
  EXPECT_EQ(catalog_->change_all({t}).error().code(), ErrorCode::kNotFound);
}

TEST_F(CatalogTest, AChangeIsLookedAtBeforeItIsMade) {
  Entry t = **catalog_->create(table("t"));
  Entry v = **catalog_->create(view("v", {"t"}));
  const uint64_t version = catalog_->version();
  t.name = "u";
  v.dependencies = {"u"};
  const auto changed = catalog_->with_changed({t, v});
  ASSERT_TRUE(changed) << changed.error().to_string();
  EXPECT_EQ(*(*changed)->find_relation("u"), t);
  EXPECT_EQ((*changed)->find_relation("t"), nullptr);
  EXPECT_THAT(names((*changed)->dependants("u")), ElementsAre("v"));
  v.dependencies = {"nothing"};
  EXPECT_EQ(catalog_->with_changed({t, v}).error().code(), ErrorCode::kNotFound);
  EXPECT_NE(catalog_->find_relation("t"), nullptr);
  EXPECT_EQ(catalog_->version(), version);
  reopen();
  EXPECT_THAT(names(catalog_->dependants("t")), ElementsAre("v"));
}

TEST_F(CatalogTest, ATableIsWrittenAsItsStatement) {
  Entry entry = table("of it");
  auto& definition = std::get<Table>(entry.definition);
  definition.columns.push_back({.name = "d", .type = types::TypeKind::kBoolean, .default_value = "TRUE OR FALSE"});
  EXPECT_EQ(*create_table_text(entry),
            "CREATE TABLE `of it` (id BIGINT NOT NULL, ts TIMESTAMP_LTZ(3) COMMENT 'when', twice AS id * 2, `where` "
            "BIGINT METADATA FROM 'offset' VIRTUAL, d BOOLEAN DEFAULT (TRUE OR FALSE), WATERMARK FOR ts AS ts - "
            "INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED) COMMENT 'a table' WITH ('topic' = 'x''y', "
            "'connector' = 'kafka')");
  definition.columns[2].computed = "id *";
  EXPECT_EQ(create_table_text(entry).error().code(), ErrorCode::kCorruption);
}

TEST_F(CatalogTest, TheVersionCountsChanges) {
  uint64_t before = catalog_->version();
  ASSERT_TRUE(catalog_->create(table("t")));
  EXPECT_NE(catalog_->version(), before);
  before = catalog_->version();
  EXPECT_FALSE(catalog_->create(table("t")));
  EXPECT_EQ(catalog_->version(), before);
  ASSERT_TRUE(catalog_->drop(NameSpace::kRelation, "t", false));
  EXPECT_NE(catalog_->version(), before);
}

TEST_F(CatalogTest, SettingsSurvive) {
  ASSERT_TRUE(catalog_->set_setting("a", "1"));
  ASSERT_TRUE(catalog_->set_setting("a", "2"));
  ASSERT_TRUE(catalog_->set_setting("b", "3"));
  ASSERT_TRUE(catalog_->reset_setting("b"));
  reopen();
  EXPECT_EQ(catalog_->setting("a"), "2");
  EXPECT_EQ(catalog_->setting("b"), std::nullopt);
}

TEST_F(CatalogTest, SystemSchemasAreReserved) {
  EXPECT_FALSE(catalog_->create(table("sys.jobs")));
  EXPECT_TRUE(is_system_name("pg_catalog.pg_class"));
  EXPECT_FALSE(is_system_name("orders"));
}

TEST_F(CatalogTest, AFileThatIsNoCatalogIsRefused) {
  catalog_.reset();
  std::ofstream(path(), std::ios::trunc) << std::string(4096, 'x');
  auto opened = Catalog::open(path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
}

TEST(FullNameTest, LeavesOutTheDefaultSchema) {
  auto name = [](std::vector<std::string> parts) {
    sql::QualifiedName name;
    for (std::string& part : parts) name.parts.push_back({std::move(part), {}});
    return full_name(name);
  };
  EXPECT_EQ(*name({"Orders"}), "Orders");
  EXPECT_EQ(*name({"PUBLIC", "Orders"}), "Orders");
  EXPECT_EQ(*name({"penstock", "public", "Orders"}), "Orders");
  EXPECT_EQ(*name({"default_catalog", "default_database", "Orders"}), "Orders");
  EXPECT_EQ(*name({"Default_Database", "Orders"}), "Orders");
  EXPECT_EQ(*name({"SYS", "jobs"}), "sys.jobs");
  EXPECT_FALSE(name({"other", "t"}));
  EXPECT_FALSE(name({"other", "public", "t"}));
}

TEST_F(CatalogTest, AnEntryKeepsItsTimeZone) {
  Entry entry = view("v", {});
  entry.time_zone = "Europe/Berlin";
  ASSERT_TRUE(catalog_->create(entry));
  reopen();
  EXPECT_EQ(catalog_->find_relation("v")->time_zone, "Europe/Berlin");
}

// Before format 3 there was only UTC.
TEST_F(CatalogTest, EntriesOfFormat2AreInUtc) {
  ASSERT_TRUE(catalog_->create(view("v", {})));
  catalog_.reset();
  {
    auto database = SqliteDatabase::open(path());
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute(
        "ALTER TABLE entries DROP COLUMN time_zone; DROP TABLE scan_options; DROP TABLE functions; "
        "ALTER TABLE entries DROP COLUMN returns; ALTER TABLE entries DROP COLUMN any_arguments; "
        "DROP TABLE schemas; ALTER TABLE entries DROP COLUMN schema; ALTER TABLE entries DROP COLUMN names_schema; "
        "PRAGMA user_version = 2"));
  }
  reopen();
  EXPECT_EQ(catalog_->find_relation("v")->time_zone, "UTC");
  EXPECT_TRUE(catalog_->create(view("w", {})));
}

}  // namespace
}  // namespace penstock::catalog
