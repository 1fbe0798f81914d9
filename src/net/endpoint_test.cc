#include "net/endpoint.h"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(EndpointTest, ReadsWhatUsersWrite) {
  EXPECT_EQ(*parse_endpoint("127.0.0.1:9092"), (Endpoint{.host = "127.0.0.1", .port = 9092}));
  EXPECT_EQ(*parse_endpoint("localhost:0"), (Endpoint{.host = "localhost", .port = 0}));
  EXPECT_EQ(*parse_endpoint("[::1]:65535"), (Endpoint{.host = "::1", .port = 65535}));
  EXPECT_EQ(*parse_endpoint(":80"), (Endpoint{.host = "", .port = 80}));
  EXPECT_EQ(*parse_endpoint("*:80"), (Endpoint{.host = "", .port = 80}));
}

TEST(EndpointTest, PrintsWhatItReads) {
  for (const char* text : {"127.0.0.1:9092", "[::1]:1", "*:0", "example.org:443"}) {
    EXPECT_EQ(to_string(*parse_endpoint(text)), text);
  }
}

TEST(EndpointTest, RefusesTheRestAndSaysWhy) {
  for (const char* text : {"", "localhost", "localhost:", "localhost:x", "localhost:65536", "localhost:-1",
                           "localhost:80x", "::1:80", "[::1:80", "[]:80", "localhost: 80"}) {
    const auto parsed = parse_endpoint(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().hint(), "") << text;
  }
}

}  // namespace
}  // namespace penstock::net
