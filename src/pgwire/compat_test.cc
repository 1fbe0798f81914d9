#include "pgwire/compat.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pgwire/settings.h"

namespace penstock::pgwire {
namespace {

TEST(CompatTest, TransactionsInEverySpelling) {
  for (const char* sql : {"BEGIN", "begin work", "BEGIN ISOLATION LEVEL SERIALIZABLE", " /* x */ begin;", "-- x\nBEGIN",
                          "start transaction read only"}) {
    const auto statement = recognise_local(sql);
    ASSERT_TRUE(statement) << sql;
    EXPECT_EQ(statement->kind, LocalKind::kBegin) << sql;
  }
  EXPECT_FALSE(recognise_local("BEGIN STATEMENT SET; INSERT INTO a SELECT 1; END"));
  EXPECT_EQ(recognise_local("END")->kind, LocalKind::kCommit);
  EXPECT_EQ(recognise_local("abort")->kind, LocalKind::kRollback);
  EXPECT_EQ(recognise_local("ROLLBACK TO SAVEPOINT x")->kind, LocalKind::kRollbackTo);
  EXPECT_EQ(recognise_local("rollback work to x")->kind, LocalKind::kRollbackTo);
}

TEST(CompatTest, SettingsOfPostgres) {
  const auto set = [](const char* sql) {
    const auto statement = recognise_local(sql);
    return statement ? statement->name + "=" + statement->value.value_or("(default)") : "(engine)";
  };
  EXPECT_EQ(set("SET extra_float_digits = 3"), "extra_float_digits=3");
  EXPECT_EQ(set("SET SESSION datestyle TO 'ISO'"), "datestyle=ISO");
  EXPECT_EQ(set("set datestyle to iso, dmy"), "datestyle=iso, dmy");
  EXPECT_EQ(set("SET TIME ZONE 'Europe/Berlin'"), "timezone=Europe/Berlin");
  EXPECT_EQ(set("SET TIME ZONE LOCAL"), "timezone=(default)");
  EXPECT_EQ(set("SET statement_timeout TO DEFAULT"), "statement_timeout=(default)");
  EXPECT_EQ(set("RESET application_name"), "application_name=(default)");
  EXPECT_EQ(set("SET NAMES 'UTF8'"), "client_encoding=UTF8");
  EXPECT_EQ(set("SET application_name = 'it''s'"), "application_name=it's");
  EXPECT_EQ(set("SET 'table.local-time-zone' = 'UTC'"), "(engine)");
  EXPECT_EQ(set("SET some_flink_option = 'x'"), "(engine)");
  EXPECT_EQ(set("SET"), "(engine)");
}

TEST(CompatTest, SelectsOfItsFunctionsAlone) {
  const auto two = recognise_local("select pg_catalog.version() AS v, current_user;");
  ASSERT_TRUE(two);
  ASSERT_EQ(two->functions.size(), 2U);
  EXPECT_EQ(two->functions[0].name, "version");
  EXPECT_EQ(two->functions[0].column, "v");
  EXPECT_EQ(recognise_local("select set_config('search_path', '', false)")->functions[0].arguments.size(), 3U);
  for (const char* sql : {"select version() from t", "select version", "select current_user, a from t", "select 1",
                          "select version(", "select current_setting()", "select", "select user = 'x'"}) {
    EXPECT_FALSE(recognise_local(sql)) << sql;
  }
}

TEST(CompatTest, LeavesTheRestToTheEngine) {
  for (const char* sql : {"", ";", "SHOW TABLES", "SHOW CREATE TABLE t", "INSERT INTO t VALUES (1)", "beginning",
                          "'begin'", "\"begin\"", "START", "/* begin", "DESCRIBE t", "RESET pipeline.name"}) {
    EXPECT_FALSE(recognise_local(sql)) << sql;
  }
}

TEST(SettingsTest, KnowsWhatItCanDo) {
  Settings settings("15.0 (Penstock 1)", "me");
  EXPECT_EQ(settings.get("SERVER_VERSION"), "15.0 (Penstock 1)");
  EXPECT_EQ(settings.get("session_authorization"), "me");
  EXPECT_EQ(settings.get("nothing"), std::nullopt);

  EXPECT_EQ(*settings.set("Client_Encoding", "utf-8"), "UTF8");
  EXPECT_EQ(settings.set("client_encoding", "LATIN1").error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(settings.set("DateStyle", "German").error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(*settings.set("DateStyle", "ISO, DMY"), "ISO, DMY");
  EXPECT_FALSE(settings.set("server_version", "16"));
  EXPECT_FALSE(settings.set("standard_conforming_strings", "off"));

  EXPECT_TRUE(settings.set("statement_timeout", "2s"));
  EXPECT_EQ(settings.statement_timeout_ms(), 2000);
  EXPECT_FALSE(settings.set("statement_timeout", "soon"));
  EXPECT_FALSE(settings.set("statement_timeout", "-1"));
  EXPECT_FALSE(settings.set("statement_timeout", "9999999999999999999"));
  EXPECT_EQ(settings.statement_timeout_ms(), 2000);
  settings.reset_all();
  EXPECT_EQ(settings.statement_timeout_ms(), 0);
}

}  // namespace
}  // namespace penstock::pgwire
