// The demo's check finds what is wrong with each of the demo's views.
#include "app/demo/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/client/kafka_client.h"
#include "app/config.h"
#include "app/demo/fraud_sql.h"
#include "app/demo/transactions.h"
#include "app/server.h"
#include "engine/engine.h"

namespace penstock::app {
namespace {

using testing::HasSubstr;

constexpr int kFlushTimeoutMs = 60'000;

// A server with the demo's statements, and some minutes of transactions.
class DemoCheckTest : public testing::Test {
 protected:
  DemoCheckTest() {
    directory_ = testing::TempDir() + "/demo-check-XXXXXX";
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    const std::vector<std::string> flags = {"--data-dir=" + directory_ + "/data", "--kafka-listen=127.0.0.1:0",
                                            "--pg-listen=127.0.0.1:0", "--http-listen=127.0.0.1:0"};
    auto server = Server::start(load_config({.name = "serve", .summary = ""}, flags, {}).value().config);
    EXPECT_TRUE(server) << server.error().to_string();
    server_ = std::move(*server);
    EXPECT_TRUE(create_topic(server_->kafka_address(), "transactions", 2));
    run(kFraudSql);
    TransactionGenerator generator(7);
    producer_ = KafkaProducer::make(server_->kafka_address(), {}).value();
    for (int64_t ms = 0; ms < 300'000; ms += 100) {
      const Transaction transaction = generator.next(1'780'000'000'000 + ms);
      EXPECT_TRUE(producer_->produce("transactions", transaction.user_key(), transaction.to_json()));
    }
    EXPECT_TRUE(producer_->flush(kFlushTimeoutMs));
  }
  ~DemoCheckTest() override {
    producer_.reset();
    EXPECT_TRUE(server_->stop());
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void run(std::string_view script) {
    const auto session = server_->engine().create_session();
    const auto parts = session->split(script);
    ASSERT_TRUE(parts);
    for (const engine::Session::Part& part : *parts) {
      const auto cursor = session->execute(part.text);
      EXPECT_TRUE(cursor) << part.text << ": " << cursor.error().to_string();
    }
  }
  // The error, or what was compared.
  std::string check() {
    const Result<std::string> checked = check_demo(server_->kafka_address(), server_->engine());
    return checked ? *checked : checked.error().message();
  }

  std::string directory_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<KafkaProducer> producer_;
};

TEST_F(DemoCheckTest, WhatIsRightPasses) { EXPECT_THAT(check(), HasSubstr("check passed: 3000 transactions, 22 mer")); }

TEST_F(DemoCheckTest, TotalsThatCountFailedTransactionsAreFound) {
  run("DROP MATERIALIZED VIEW merchant_totals;"
      "CREATE MATERIALIZED VIEW merchant_totals AS SELECT merchant, COUNT(*) AS transactions, SUM(amount) AS total,"
      " MAX(amount) AS largest FROM transactions GROUP BY merchant");
  EXPECT_THAT(check(), HasSubstr("merchant_totals is wrong for"));
}

TEST_F(DemoCheckTest, WindowsOfOtherTransactionsAreFound) {
  run("DROP MATERIALIZED VIEW spend_per_minute;"
      "CREATE MATERIALIZED VIEW spend_per_minute AS"
      " SELECT window_start, window_end, category, SUM(amount) AS total, COUNT(*) AS transactions"
      " FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(`timestamp`), INTERVAL '1' MINUTE))"
      " WHERE amount > 1200 GROUP BY window_start, window_end, category");
  EXPECT_THAT(check(), HasSubstr("spend_per_minute"));
}

TEST_F(DemoCheckTest, AWrongErrorRateIsFound) {
  run("DROP MATERIALIZED VIEW error_rate CASCADE;"
      "CREATE MATERIALIZED VIEW error_rate AS SELECT LAST_VALUE(failed / total) AS error_rate FROM ("
      " SELECT CAST(COUNT(*) FILTER (WHERE amount <= 30) AS DOUBLE) AS failed, COUNT(*) AS total"
      " FROM TABLE(TUMBLE(TABLE transactions, DESCRIPTOR(`timestamp`), INTERVAL '10' SECOND))"
      " GROUP BY window_start, window_end)");
  EXPECT_THAT(check(), HasSubstr("error_rate is wrong"));
}

TEST_F(DemoCheckTest, ASuspiciousTransactionThatIsThereTwiceIsFound) {
  EXPECT_TRUE(producer_->produce("alerts", "u-1", R"({"transaction_id":"t-1"})"));
  EXPECT_TRUE(producer_->flush(kFlushTimeoutMs));
  EXPECT_THAT(check(), HasSubstr("the topic alerts has"));
}

}  // namespace
}  // namespace penstock::app
