#include "http/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/http_fixture_test.h"

namespace penstock::http {
namespace {

using testing::HasSubstr;

class RoutesTest : public testing::Test {
 protected:
  RoutesTest() {
    options_.api.engine = &engine_;
    options_.api.metrics = &metrics_;
    options_.api.ready = [this]() -> Status {
      if (!problem_.empty()) return make_error(ErrorCode::kUnavailable, "{}", problem_);
      return {};
    };
    options_.allowed_hosts = {"penstock.example"};
    engine_.add_view("words");
    engine_.canned("select", {"+ a 1 | + b 2"});
    engine_.statements["fails"] = {.parameters = {}, .schema = {}, .error = invalid_argument("no such thing").at(3)};
  }

  Response answer(std::string_view method, std::string_view target, std::string_view body = {},
                  std::string_view content_type = "application/json") {
    const auto session = engine_.create_session();
    return routes().answer(
        {.method = method, .target = target, .host = "localhost", .content_type = content_type, .body = body},
        session.get());
  }
  std::optional<int> refusal(const RequestView& request) {
    const auto reply = routes().refuse(request);
    if (!reply) return std::nullopt;
    return reply->status;
  }
  Routes routes() {
    api_.emplace(options_.api);
    return {*api_, options_};
  }
  static std::string sql(const std::string& script) { return R"({"sql":")" + script + "\"}"; }

  EngineWithViews engine_;
  MetricsRegistry metrics_;
  HttpServerOptions options_;
  std::optional<Api> api_;
  std::string problem_;
};

TEST_F(RoutesTest, OnlyKnownHostNamesAreAnswered) {
  for (const char* good : {"localhost", "LOCALHOST:7480", "127.0.0.1", "10.1.2.3:80", "[::1]", "[fe80::1]:7480",
                           "penstock.example", "Penstock.EXAMPLE:99"}) {
    EXPECT_EQ(refusal({.method = "GET", .target = "/", .host = good}), std::nullopt) << good;
  }
  for (const char* bad : {"", "evil.example", "localhost.evil.example", "penstock.example.evil", "xlocalhost", "[::1",
                          "[evil]", "1.2.3.4.5", "127.0.0.1.evil.example", ":80"}) {
    EXPECT_EQ(refusal({.method = "GET", .target = "/", .host = bad}), 421) << bad;
  }
}

TEST_F(RoutesTest, PagesOfOtherOriginsCanOnlyRead) {
  const auto from = [&](const char* method, const char* target, const char* origin) {
    return refusal({.method = method, .target = target, .host = "localhost:7480", .origin = origin});
  };
  for (const char* foreign : {"http://evil.example", "null", "http://localhost", "http://localhost:7480.evil.example",
                              "localhost:7480", "https://localhost:74800"}) {
    EXPECT_EQ(from("POST", "/api/v1/sql", foreign), 403) << foreign;
    EXPECT_EQ(from("GET", "/api/v1/ws", foreign), 403) << foreign;
    EXPECT_EQ(from("GET", "/api/v1/ws?x", foreign), 403) << foreign;
    EXPECT_EQ(from("GET", "/api/v1/views", foreign), std::nullopt) << foreign;
  }
  for (const char* own : {"", "http://localhost:7480", "https://LOCALHOST:7480"}) {
    EXPECT_EQ(from("POST", "/api/v1/sql", own), std::nullopt) << own;
    EXPECT_EQ(from("GET", "/api/v1/ws", own), std::nullopt) << own;
  }
}

TEST_F(RoutesTest, Methods) {
  const Response sql_get = answer("GET", "/api/v1/sql");
  EXPECT_EQ(sql_get.reply.status, 405);
  EXPECT_EQ(sql_get.allow, "POST");
  for (const char* path : {"/api/v1/views", "/api/v1/views/words", "/api/v1/status", "/api/metrics", "/", "/livez"}) {
    const Response response = answer("DELETE", path);
    EXPECT_EQ(response.reply.status, 405) << path;
    EXPECT_EQ(response.allow, "GET, HEAD") << path;
  }
}

TEST_F(RoutesTest, WhatThereIsNot) {
  for (const char* path : {"/nothing", "/api/", "/api/v1/nothing", "/api/v1/views/nothing", "/../etc/passwd", "//"}) {
    EXPECT_EQ(answer("GET", path).reply.status, 404) << path;
  }
}

TEST_F(RoutesTest, Probes) {
  EXPECT_EQ(answer("GET", "/livez").reply.status, 200);
  EXPECT_EQ(answer("GET", "/readyz").reply.status, 200);
  problem_ = "the disk is full";
  EXPECT_EQ(answer("GET", "/livez").reply.status, 200);
  const Response not_ready = answer("GET", "/readyz");
  EXPECT_EQ(not_ready.reply.status, 503);
  EXPECT_THAT(not_ready.reply.body, HasSubstr("the disk is full"));
}

TEST_F(RoutesTest, SqlTakesJsonAlone) {
  EXPECT_EQ(answer("POST", "/api/v1/sql", sql("select")).reply.body,
            R"({"results":[{"columns":[{"name":"word","type":"STRING"},{"name":"n","type":"BIGINT"}],)"
            R"("rows":[["a",1],["b",2]],"tag":"SELECT"}]})");
  EXPECT_EQ(answer("POST", "/api/v1/sql", sql("select"), "Application/JSON; charset=utf-8").reply.status, 200);
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"}) {
    EXPECT_EQ(answer("POST", "/api/v1/sql", sql("select"), type).reply.status, 415) << type;
  }
  for (const char* body : {"", "{", "[]", "7", "{}", R"({"sql":1})", R"({"sql":null})", "\xff"}) {
    EXPECT_EQ(answer("POST", "/api/v1/sql", body).reply.status, 400) << body;
  }
}

TEST_F(RoutesTest, AnErrorComesWithTheResultsBeforeIt) {
  const Response response = answer("POST", "/api/v1/sql", sql("select; fails; select"));
  EXPECT_EQ(response.reply.status, 400);
  EXPECT_TRUE(response.reply.body.ends_with(
      R"("tag":"SELECT"}],"error":{"code":"invalid_argument","message":"no such thing","position":12}})"))
      << response.reply.body;
  EXPECT_EQ(engine_.executed, (std::vector<std::string>{"select", "fails"})) << "nothing runs after it";
}

TEST_F(RoutesTest, AResultHasABoundInRowsAndInBytes) {
  engine_.canned("large", {rows_text(1000, 1), rows_text(1000, 2)});
  options_.api.sql_rows_max = 1999;
  Response response = answer("POST", "/api/v1/sql", sql("select; large"));
  EXPECT_EQ(response.reply.status, 413);
  EXPECT_THAT(response.reply.body, HasSubstr(R"(["b",2]],"tag":"SELECT"}],"error":)"));
  EXPECT_THAT(response.reply.body, HasSubstr("more than 1999 rows"));
  response = {};  // an answer is accounted by the Api that made it, so it goes first
  options_.api.sql_rows_max = 2000;
  EXPECT_EQ(answer("POST", "/api/v1/sql", sql("large")).reply.status, 200);
  options_.api.reply_bytes_max = 20'000;
  response = answer("POST", "/api/v1/sql", sql("large"));
  EXPECT_EQ(response.reply.status, 413);
  EXPECT_LT(response.reply.body.size(), 1000U);
}

TEST_F(RoutesTest, LargeAnswersAreAccountedUntilTheyAreWritten) {
  MemoryBudget memory("total", 1 << 30);
  options_.api.memory = &memory;
  options_.api.replies_bytes_max = 200'000;
  engine_.canned("large", std::vector<std::string>(8, rows_text(1000, 1)));  // about 100 KB
  {
    const Response first = answer("POST", "/api/v1/sql", sql("large"));
    EXPECT_EQ(first.reply.status, 200);
    EXPECT_GT(memory.used_bytes(), 90'000U);
    const Api& held = *api_;  // the budget is the Api's
    const auto session = engine_.create_session();
    EXPECT_EQ(held.sql("large", *session).status, 503);
    EXPECT_EQ(held.sql("select", *session).status, 200) << "small ones always go";
  }
  EXPECT_EQ(memory.used_bytes(), 0U);
}

TEST_F(RoutesTest, AViewIsReadWholeOrInPart) {
  engine_.change("words", rows_text(5, 7));
  const auto body = [&](const std::string& target) { return answer("GET", target).reply.body; };
  EXPECT_THAT(body("/api/v1/views/words"), HasSubstr(R"(["row4",7]],"truncated":false})"));
  EXPECT_THAT(body("/api/v1/views/words?limit=2"), HasSubstr(R"("truncated":true})"));
  EXPECT_THAT(body("/api/v1/views/words?limit=0"), HasSubstr(R"("rows":[],"truncated":true})"));
  EXPECT_THAT(body("/api/v1/views/words?limit=5"), HasSubstr(R"("truncated":false})"));
  EXPECT_THAT(body("/api/v1/views/w%6Frds"), HasSubstr(R"("epoch":1)"));
  for (const char* bad : {"limit=-1", "limit=", "limit=x", "limit=1x", "limit=100001", "limit=99999999999999999999",
                          "other=1", "limit=1&other=2"}) {
    EXPECT_EQ(answer("GET", std::string("/api/v1/views/words?") + bad).reply.status, 400) << bad;
  }
  for (const char* bad : {"%", "%4", "%zz", "wo%"}) {
    EXPECT_EQ(answer("GET", std::string("/api/v1/views/") + bad).reply.status, 400) << bad;
  }
}

TEST_F(RoutesTest, MetricsOfViews) {
  engine_.add_view("rate", true);
  engine_.change("rate", "+ a 1 | + b 2");
  engine_.change("words", "+ c 3");
  EXPECT_EQ(answer("GET", "/api/metrics").reply.body, R"({"rate.a":1,"rate.b":2})");
}

TEST_F(RoutesTest, WhatMayBlockIsSaid) {
  const Routes routes = this->routes();
  for (const char* path : {"/api/v1/sql", "/api/v1/views/x", "/api/metrics", "/metrics"}) {
    EXPECT_TRUE(routes.blocks({.target = path})) << path;
  }
  for (const char* path : {"/", "/livez", "/readyz", "/assets/x.js"}) EXPECT_FALSE(routes.blocks({.target = path}));
}

}  // namespace
}  // namespace penstock::http
