#include "connector/kafka/own_address.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::connector {
namespace {

bool is_own(std::string_view servers, const std::vector<std::string>& own) { return is_own_address(servers, own); }

TEST(OwnAddress, IsWhereClientsConnect) {
  const std::vector<std::string> own = {"127.0.0.1:9092", "Kafka.example:29092"};
  EXPECT_TRUE(is_own("127.0.0.1:9092", own));
  EXPECT_TRUE(is_own("kafka.example:29092", own));
  EXPECT_TRUE(is_own("PLAINTEXT://KAFKA.example:29092", own));
  EXPECT_TRUE(is_own("other:9092, kafka.example:29092", own)) << "one of the list is enough";
  EXPECT_FALSE(is_own("kafka.example:9092", own));
  EXPECT_FALSE(is_own("kafka:29092", own));
}

TEST(OwnAddress, TheNamesOfTheMachineAreOne) {
  for (const char* own : {"127.0.0.1:9092", "localhost:9092", "*:9092", "0.0.0.0:9092", "[::]:9092"}) {
    EXPECT_TRUE(is_own("localhost:9092", {own})) << own;
    EXPECT_TRUE(is_own("[::1]:9092", {own})) << own;
    EXPECT_FALSE(is_own("localhost:9093", {own})) << own;
    EXPECT_FALSE(is_own("kafka:9092", {own})) << own;
  }
  EXPECT_FALSE(is_own("localhost:9092", {"10.0.0.1:9092"})) << "another server may listen there";
}

TEST(OwnAddress, WhatIsNoAddressIsNotOwn) {
  for (const char* servers : {"", ",", "localhost", ":9092", "localhost:", "://", "[]:9092"}) {
    EXPECT_FALSE(is_own(servers, {"127.0.0.1:9092", "*:9092"})) << servers;
  }
  EXPECT_FALSE(is_own("localhost:9092", {}));
}

}  // namespace
}  // namespace penstock::connector
