#include "kafka/protocol/header.h"

#include <gtest/gtest.h>

#include "kafka/protocol/messages/cluster.h"
#include "kafka/protocol/messages/fetch.h"
#include "kafka/protocol/messages/membership.h"

namespace penstock::kafka::protocol {
namespace {

std::string without_length(const Encoded& encoded) {
  const std::string frame = encoded.joined();
  const auto* p = reinterpret_cast<const unsigned char*>(frame.data());
  EXPECT_EQ(frame.size(), 4U + (p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]));
  return frame.substr(4);
}

TEST(HeaderTest, RequestsCarryTheirHeader) {
  const HeartbeatRequest request{.group_id = "g", .generation_id = 1, .member_id = "m", .group_instance_id = {}};
  for (const int16_t version : {0, 3, 4}) {
    const std::string frame = without_length(encode_request(request, version, 77, "client"));
    std::string_view body;
    const auto header = decode_request_header(frame, kHeartbeat.is_flexible(version), &body);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->prefix.api_key, 12);
    EXPECT_EQ(header->prefix.api_version, version);
    EXPECT_EQ(header->prefix.correlation_id, 77);
    EXPECT_EQ(header->client_id, "client");
    EXPECT_TRUE(*Codec<HeartbeatRequest>::decode(body, version) == request);
  }
}

TEST(HeaderTest, ANullClientIdIsEmpty) {
  std::string_view body;
  const auto header = decode_request_header(std::string_view("\0\x12\0\0\0\0\0\1\xff\xff", 10), false, &body);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->client_id, "");
  EXPECT_EQ(body, "");
}

TEST(HeaderTest, EveryTruncationIsAnError) {
  const std::string frame("\0\x12\0\3\0\0\0\1\0\2ab\1\5\1x", 16);
  std::string_view body;
  ASSERT_TRUE(decode_request_header(frame, true, &body));
  for (size_t size = 0; size < frame.size(); ++size) {
    EXPECT_FALSE(decode_request_header(std::string_view(frame).substr(0, size), true, &body)) << size;
  }
}

TEST(HeaderTest, ResponsesOfApiVersionsHaveTheClassicHeaderInEveryVersion) {
  for (const int16_t version : {0, 3, 4}) {
    const std::string frame = without_length(encode_response(ApiVersionsResponse{}, version, 5));
    EXPECT_EQ(frame.substr(0, 6), std::string("\0\0\0\5\0\0", 6)) << version;  // no tags between
  }
  const std::string flexible = without_length(encode_response(HeartbeatResponse{}, 4, 5));
  EXPECT_EQ(flexible.substr(0, 5), std::string("\0\0\0\5\0", 5));
  std::string_view body;
  EXPECT_EQ(*decode_response_header(kHeartbeat, 4, flexible, &body), 5);
  EXPECT_TRUE(*Codec<HeartbeatResponse>::decode(body, 4) == HeartbeatResponse{});
}

TEST(HeaderTest, RecordsAreNotCopiedIntoTheFrame) {
  auto bytes = std::make_shared<std::string>(1000, 'r');
  FetchResponse response;
  response.topics.resize(1);
  response.topics[0].partitions.resize(2);
  for (auto& partition : response.topics[0].partitions) {
    partition.records.pieces = {{.bytes = *bytes, .owner = bytes}, {.bytes = *bytes, .owner = bytes}};
  }
  const Encoded encoded = encode_response(response, 12, 1);
  ASSERT_EQ(encoded.inserts.size(), 4);
  EXPECT_EQ(encoded.inserts[0].piece.bytes.data(), bytes->data());
  EXPECT_EQ(encoded.size(), encoded.bytes.size() + 4000);
  const std::string frame = without_length(encoded);
  std::string_view body;
  ASSERT_TRUE(decode_response_header(kFetch, 12, frame, &body));
  EXPECT_TRUE(*Codec<FetchResponse>::decode(body, 12) == response);
}

}  // namespace
}  // namespace penstock::kafka::protocol
