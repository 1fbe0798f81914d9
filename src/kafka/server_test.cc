// The server over a socket, with a log in memory that makes things durable when the test says so. What clients see of
// every API is tested with real ones, in tests/clients.
#include "kafka/server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "kafka/protocol/header.h"
#include "kafka/protocol/messages/all.h"
#include "kafka/testing/fake_log.h"

namespace penstock::kafka {
namespace {

using namespace protocol;
using namespace std::chrono_literals;

// A blocking client of the protocol, on the codecs' other side.
class Client {
 public:
  explicit Client(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send_bytes(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  template <class Request>
  void send_request(const Request& request, int16_t version, int32_t correlation_id) {
    send_bytes(encode_request(request, version, correlation_id, "test").joined());
  }
  // With correlation ids from `first` on, so that all of them come with one read.
  template <class Request>
  void send_together(const std::vector<Request>& requests, int16_t version, int32_t first = 0) {
    std::string bytes;
    for (const Request& request : requests) bytes += encode_request(request, version, first++, "test").joined();
    send_bytes(bytes);
  }
  // Empty when the server closed the connection.
  std::string receive_frame() {
    const std::string length = receive(4);
    if (length.size() < 4) return {};
    uint32_t size = 0;
    for (const char c : length) size = size << 8 | static_cast<uint8_t>(c);
    return receive(size);
  }
  template <class Request>
  typename Request::Response receive_response(int16_t version, int32_t correlation_id) {
    const std::string frame = receive_frame();
    std::string_view body;
    const auto got = decode_response_header(Request::kApi, version, frame, &body);
    EXPECT_TRUE(got && *got == correlation_id) << Request::kApi.name << ", " << frame.size() << " bytes";
    auto response = Codec<typename Request::Response>::decode(body, version);
    EXPECT_TRUE(response) << Request::kApi.name;
    if (!response) return {};
    kept_ = frame;  // the response's records are views
    return *Codec<typename Request::Response>::decode(
        std::string_view(kept_).substr(static_cast<size_t>(body.data() - frame.data())), version);
  }
  template <class Request>
  typename Request::Response call(const Request& request, int16_t version) {
    send_request(request, version, ++last_id_);
    return receive_response<Request>(version, last_id_);
  }
  bool closed() { return receive(1).empty(); }
  void shut_down() { shutdown(socket_, SHUT_RDWR); }

 private:
  std::string receive(size_t size) {
    std::string bytes(size, '\0');
    for (size_t at = 0; at < size;) {
      const ssize_t n = recv(socket_, bytes.data() + at, size - at, 0);
      if (n <= 0) return bytes.substr(0, at);
      at += static_cast<size_t>(n);
    }
    return bytes;
  }

  const int socket_;
  int32_t last_id_ = 1000;
  std::string kept_;
};

std::string batch_of(std::initializer_list<std::string_view> values) {
  log::RecordBatchBuilder builder;
  for (const auto value : values) builder.add(1, std::nullopt, value);
  return builder.finish();
}

ProduceRequest produce_of(const std::string& batch, int32_t partition = 0, int16_t acks = -1) {
  ProduceRequest request;
  request.acks = acks;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({.index = partition, .records = {.pieces = {{.bytes = batch, .owner = nullptr}}}});
  return request;
}

FetchRequest fetch_of(int64_t offset, int32_t min_bytes, int32_t max_wait_ms) {
  FetchRequest request;
  request.max_wait_ms = max_wait_ms;
  request.min_bytes = min_bytes;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({.index = 0, .fetch_offset = offset, .partition_max_bytes = 1 << 20});
  return request;
}

std::vector<std::string> values_of(const Records& records) {
  std::vector<std::string> values;
  const std::string bytes = records.joined();
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto batch = log::parse_record_batch(rest);
    EXPECT_TRUE(batch);
    if (!batch) break;
    log::RecordReader reader(*batch, batch->records());
    for (log::Record record; reader.next(&record);) values.emplace_back(*record.value);
    rest.remove_prefix(batch->bytes.size());
  }
  return values;
}

constexpr int16_t kProduceVersion = 9;
constexpr int16_t kFetchVersion = 12;
constexpr int32_t kLong = 250'000;  // a wait that ends only when something happens

class ServerTest : public testing::Test {
 protected:
  ServerTest() { start({}); }

  void start(KafkaServerOptions options) {
    server.reset();
    options.listen = "127.0.0.1:0";
    options.metrics = &metrics;
    server = *KafkaServer::start(log, options);
    if (!log.topic("t")) ASSERT_TRUE(log.create_topic("t", 2, {}));
  }
  void wait_for_appends(size_t n) const {
    while (log.waiting() != n) std::this_thread::yield();
  }

  // Of a metric without labels that is computed when it is read.
  double value_of(std::string_view name) const {
    const std::string text = metrics.prometheus_text();
    const size_t at = text.find(fmt::format("\n{} ", name));
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  FakeLog log;
  MetricsRegistry metrics;
  std::unique_ptr<KafkaServer> server;
};

TEST_F(ServerTest, PipelinedProducesWaitForTheDiskTogetherAndAreAnsweredInOrder) {
  log.hold();
  Client client(server->port());
  const std::string batch = batch_of({"v"});
  client.send_together(std::vector(10, produce_of(batch)), kProduceVersion);
  wait_for_appends(10);  // all of them, before the first is durable
  EXPECT_EQ(log.appends(), 1);
  log.release();
  for (int32_t i = 0; i < 10; ++i) {
    const auto response = client.receive_response<ProduceRequest>(kProduceVersion, i);
    EXPECT_EQ(response.topics[0].partitions[0].base_offset, i);
  }
}

TEST_F(ServerTest, ProducesThatComeDuringACommitAreAppendedTogetherAfterIt) {
  log.hold();
  Client client(server->port());
  client.send_request(produce_of(batch_of({"v"})), kProduceVersion, 0);
  wait_for_appends(1);
  for (int32_t i = 1; i < 10; ++i) client.send_request(produce_of(batch_of({"v"})), kProduceVersion, i);
  log.release();
  for (int32_t i = 0; i < 10; ++i) {
    const auto response = client.receive_response<ProduceRequest>(kProduceVersion, i);
    EXPECT_EQ(response.topics[0].partitions[0].base_offset, i);
  }
  EXPECT_EQ(log.appends(), 2);
  EXPECT_EQ(log.last_urgency(), log::Urgency::kWithOthers);
  // A client that waits for each answer is not made to wait for others.
  for (int i = 0; i < 2; ++i) client.call(produce_of(batch_of({"v"})), kProduceVersion);
  EXPECT_EQ(log.last_urgency(), log::Urgency::kAtOnce);
}

TEST_F(ServerTest, ProducesLargerThanTheBufferAreReadAheadOfTheDisk) {
  log.hold();
  Client client(server->port());
  const std::string batch = batch_of({std::string(50'000, 'x')});
  for (int32_t i = 0; i < 3; ++i) client.send_request(produce_of(batch), kProduceVersion, i);
  wait_for_appends(3);
  log.release();
  for (int32_t i = 0; i < 3; ++i) client.receive_response<ProduceRequest>(kProduceVersion, i);
}

TEST_F(ServerTest, OnlyWhatCannotBeAppendedIsRefusedOfWhatIsAppendedTogether) {
  log.hold();
  Client client(server->port());
  const std::string good = batch_of({"v"});
  std::string bad = good;
  bad.back() ^= 1;
  client.send_together(
      std::vector{produce_of(good), produce_of(bad), produce_of(good, 7), produce_of(""), produce_of(good)},
      kProduceVersion);
  wait_for_appends(4);
  log.release();
  const auto answer = [&](int32_t id) {
    return client.receive_response<ProduceRequest>(kProduceVersion, id).topics[0].partitions[0];
  };
  EXPECT_EQ(answer(0).base_offset, 0);
  EXPECT_EQ(answer(1).error, KafkaError::kCorruptMessage);
  EXPECT_EQ(answer(2).error, KafkaError::kUnknownTopicOrPartition);
  EXPECT_EQ(answer(3).error, KafkaError::kInvalidRecord);
  EXPECT_EQ(answer(4).base_offset, 1);
  EXPECT_EQ(log.appends(), 1);
}

TEST_F(ServerTest, AFullLogHoldsUpProducersAloneAndTakesWhatWaitsInOrder) {
  log.set_full(true);
  Client first(server->port());
  Client second(server->port());
  first.send_together(std::vector{produce_of(batch_of({"a"})), produce_of(batch_of({"b"}))}, kProduceVersion, 1);
  while (!log.waited_for()) std::this_thread::yield();
  second.send_request(produce_of(batch_of({"c"}), 1), kProduceVersion, 1);
  // The loop that both are on goes on.
  Client reader(server->port());
  EXPECT_EQ(reader.call(MetadataRequest{.topics = std::nullopt}, 9).topics.size(), 1U);
  EXPECT_EQ(reader.call(fetch_of(0, 0, 0), kFetchVersion).topics.at(0).partitions.at(0).high_watermark, 0);
  log.set_full(false);
  for (const int32_t id : {1, 2}) {
    const auto answer = first.receive_response<ProduceRequest>(kProduceVersion, id);
    EXPECT_EQ(answer.topics.at(0).partitions.at(0).error, KafkaError::kNone);
    EXPECT_EQ(answer.topics.at(0).partitions.at(0).base_offset, id - 1);
  }
  const auto answer = second.receive_response<ProduceRequest>(kProduceVersion, 1);
  EXPECT_EQ(answer.topics.at(0).partitions.at(0).error, KafkaError::kNone);
}

TEST_F(ServerTest, TheServerMayGoWhileTheLogIsFull) {
  log.set_full(true);
  Client client(server->port());
  client.send_request(produce_of(batch_of({"a"})), kProduceVersion, 1);
  while (!log.waited_for()) std::this_thread::yield();
  server.reset();
  log.set_full(false);
  EXPECT_EQ(log.high_watermark({.topic = "t", .partition = log::PartitionId(0)})->value(), 0);
}

TEST_F(ServerTest, WhatWasAnsweredIsSentBeforeABadRequestClosesTheConnection) {
  Client client(server->port());
  client.send_bytes(encode_request(ApiVersionsRequest{}, 0, 1, "test").joined() + std::string("\xff\xff\xff\xff", 4));
  client.receive_response<ApiVersionsRequest>(0, 1);
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, AnotherRequestWaitsForTheProducesBefore) {
  log.hold();
  Client client(server->port());
  client.send_request(produce_of(batch_of({"v"})), kProduceVersion, 1);
  ListOffsetsRequest latest;
  latest.topics.push_back({.name = "t", .partitions = {{.index = 0, .timestamp_ms = -1}}});
  client.send_request(latest, 1, 2);
  wait_for_appends(1);
  log.release();
  client.receive_response<ProduceRequest>(kProduceVersion, 1);
  EXPECT_EQ(client.receive_response<ListOffsetsRequest>(1, 2).topics[0].partitions[0].offset, 1);
}

TEST_F(ServerTest, PipeliningIsBounded) {
  KafkaServerOptions options;
  options.pipelined_requests_max = 3;
  start(options);
  log.hold();
  Client client(server->port());
  const std::string batch = batch_of({"v"});
  client.send_together(std::vector(8, produce_of(batch)), kProduceVersion);
  wait_for_appends(3);
  log.release();
  for (int32_t i = 0; i < 8; ++i) client.receive_response<ProduceRequest>(kProduceVersion, i);
  EXPECT_EQ(log.high_watermark({.topic = "t", .partition = log::PartitionId(0)})->value(), 8);
}

TEST_F(ServerTest, AcksZeroIsNotAnswered) {
  Client client(server->port());
  client.send_request(produce_of(batch_of({"v"}), 0, 0), kProduceVersion, 1);
  client.send_request(ApiVersionsRequest{}, 0, 2);
  client.receive_response<ApiVersionsRequest>(0, 2);
  EXPECT_EQ(log.high_watermark({.topic = "t", .partition = log::PartitionId(0)})->value(), 1);
}

TEST_F(ServerTest, WhatCannotBeAppendedIsRefusedByPartition) {
  Client client(server->port());
  const auto error_of = [&](const ProduceRequest& request) {
    return client.call(request, kProduceVersion).topics.at(0).partitions.at(0).error;
  };
  const std::string good = batch_of({"v"});
  EXPECT_EQ(error_of(produce_of(good, 7)), KafkaError::kUnknownTopicOrPartition);
  EXPECT_EQ(error_of(produce_of("")), KafkaError::kInvalidRecord);
  EXPECT_EQ(error_of(produce_of(good.substr(0, good.size() - 1))), KafkaError::kCorruptMessage);
  EXPECT_EQ(error_of(produce_of(good, 0, 5)), KafkaError::kInvalidRequiredAcks);
  std::string old_magic = good;
  old_magic[16] = 1;
  EXPECT_EQ(error_of(produce_of(old_magic)), KafkaError::kUnsupportedForMessageFormat);
  std::string bad_crc = good;
  bad_crc.back() ^= 1;
  EXPECT_EQ(error_of(produce_of(bad_crc)), KafkaError::kCorruptMessage);
  std::string transactional = good;
  transactional[22] |= 0x10;
  EXPECT_EQ(error_of(produce_of(transactional)), KafkaError::kInvalidRecord);
  std::string with_the_logs_time = good;
  with_the_logs_time[22] |= 0x08;
  EXPECT_EQ(error_of(produce_of(with_the_logs_time)), KafkaError::kInvalidTimestamp);
  EXPECT_EQ(error_of(produce_of(good)), KafkaError::kNone);
  EXPECT_EQ(metrics.counter("penstock_kafka_errors_total", "", {{"api", "Produce"}}).value(), 8);
  EXPECT_EQ(metrics.counter("penstock_kafka_records_in_total", "").value(), 1);
}

TEST_F(ServerTest, AFetchWaitsForRecordsAndHoldsUpNobody) {
  KafkaServerOptions options;
  options.threads = 1;
  start(options);
  Client consumer(server->port());
  consumer.send_request(fetch_of(0, 1, kLong), kFetchVersion, 1);
  Client producer(server->port());
  producer.call(produce_of(batch_of({"a", "b"})), kProduceVersion);
  const auto response = consumer.receive_response<FetchRequest>(kFetchVersion, 1);
  EXPECT_EQ(response.session_id, 0);
  const auto& partition = response.topics[0].partitions[0];
  EXPECT_EQ(partition.high_watermark, 2);
  EXPECT_EQ(values_of(partition.records), (std::vector<std::string>{"a", "b"}));
}

TEST_F(ServerTest, AFetchCollectsUntilThereAreEnoughBytes) {
  const std::string batch = batch_of({"a"});
  Client consumer(server->port());
  consumer.send_request(fetch_of(0, static_cast<int32_t>(3 * batch.size()), kLong), kFetchVersion, 1);
  Client producer(server->port());
  for (int i = 0; i < 3; ++i) producer.call(produce_of(batch), kProduceVersion);
  EXPECT_EQ(values_of(consumer.receive_response<FetchRequest>(kFetchVersion, 1).topics[0].partitions[0].records).size(),
            3);
}

TEST_F(ServerTest, AFetchThatFindsNothingIsAnsweredWhenItsTimeIsUp) {
  Client consumer(server->port());
  const auto response = consumer.call(fetch_of(0, 1, 20), kFetchVersion);
  EXPECT_EQ(response.topics[0].partitions[0].error, KafkaError::kNone);
  EXPECT_EQ(response.topics[0].partitions[0].records.size(), 0);
}

TEST_F(ServerTest, FetchErrorsComeAtOnce) {
  Client consumer(server->port());
  EXPECT_EQ(consumer.call(fetch_of(5, 1, kLong), kFetchVersion).topics[0].partitions[0].error,
            KafkaError::kOffsetOutOfRange);
  auto unknown = fetch_of(0, 1, kLong);
  unknown.topics[0].name = "unknown";
  EXPECT_EQ(consumer.call(unknown, kFetchVersion).topics[0].partitions[0].error, KafkaError::kUnknownTopicOrPartition);
  auto by_id = fetch_of(0, 1, kLong);
  by_id.topics[0].topic_id = {.high = 1, .low = 2};
  EXPECT_EQ(consumer.call(by_id, 13).topics[0].partitions[0].error, KafkaError::kUnknownTopicId);
  auto session = fetch_of(0, 1, kLong);
  session.session_id = 5;
  session.session_epoch = 3;
  EXPECT_EQ(consumer.call(session, kFetchVersion).error, KafkaError::kFetchSessionIdNotFound);
}

TEST_F(ServerTest, TopicIdsNameTopicsAlsoAfterTheyWereMadeAnew) {
  Client client(server->port());
  for (int round = 0; round < 2; ++round) {
    const auto id = log.topic("t")->id;
    client.call(produce_of(batch_of({"v"})), kProduceVersion);
    auto by_id = fetch_of(0, 1, kLong);
    by_id.topics[0].topic_id = {.high = id.high, .low = id.low};
    const auto response = client.call(by_id, 13);
    EXPECT_EQ(values_of(response.topics[0].partitions[0].records).size(), 1);
    ASSERT_TRUE(log.delete_topic("t"));
    EXPECT_EQ(client.call(by_id, 13).topics[0].partitions[0].error, KafkaError::kUnknownTopicId);
    ASSERT_TRUE(log.create_topic("t", 2, {}));
  }
}

TEST_F(ServerTest, AWaitingFetchSeesThatItsTopicIsDeleted) {
  Client consumer(server->port());
  consumer.send_request(fetch_of(0, 1, kLong), kFetchVersion, 1);
  Client other(server->port());
  DeleteTopicsRequest request;
  request.topic_names = {"t"};
  EXPECT_EQ(other.call(request, 3).topics[0].error, KafkaError::kNone);
  EXPECT_EQ(consumer.receive_response<FetchRequest>(kFetchVersion, 1).topics[0].partitions[0].error,
            KafkaError::kUnknownTopicOrPartition);
}

TEST_F(ServerTest, ShutdownAnswersWhatWaitsAndClosesTheRest) {
  Client idle(server->port());
  idle.call(ApiVersionsRequest{}, 0);
  Client consumer(server->port());
  consumer.call(ApiVersionsRequest{}, 0);
  consumer.send_request(fetch_of(0, 1, kLong), kFetchVersion, 1);
  Client member(server->port());
  JoinGroupRequest join;
  join.group_id = "g";
  join.session_timeout_ms = join.rebalance_timeout_ms = 60'000;
  join.protocol_type = "consumer";
  join.protocols.push_back({.name = "range", .metadata = {}});
  member.call(join, 3);
  Client second(server->port());
  second.send_request(join, 3, 9);  // waits for the first to join again
  log.hold();
  Client producer(server->port());
  producer.send_request(produce_of(batch_of({"v"})), kProduceVersion, 1);
  wait_for_appends(1);
  while (metrics.counter("penstock_kafka_requests_total", "", {{"api", "Fetch"}}).value() < 1 ||
         metrics.counter("penstock_kafka_requests_total", "", {{"api", "JoinGroup"}}).value() < 2) {
    std::this_thread::yield();
  }
  auto stopped = std::async(std::launch::async, [&] { server->shutdown(60s); });
  EXPECT_EQ(consumer.receive_response<FetchRequest>(kFetchVersion, 1).topics.size(), 1);
  EXPECT_EQ(second.receive_response<JoinGroupRequest>(3, 9).error, KafkaError::kNotCoordinator);
  log.release();
  EXPECT_EQ(producer.receive_response<ProduceRequest>(kProduceVersion, 1).topics[0].partitions[0].error,
            KafkaError::kNone);
  for (Client* client : {&idle, &consumer, &member, &second, &producer}) EXPECT_TRUE(client->closed());
  stopped.get();
}

TEST_F(ServerTest, TheServerMayGoBeforeTheLogAnswers) {
  log.hold();
  {
    Client client(server->port());
    client.send_request(produce_of(batch_of({"v"})), kProduceVersion, 1);
    wait_for_appends(1);
    server->shutdown(1ms);
    server.reset();
  }
  log.release();
}

TEST_F(ServerTest, AClientMayGoBeforeItsAnswer) {
  log.hold();
  {
    Client client(server->port());
    client.send_request(produce_of(batch_of({"v"})), kProduceVersion, 1);
    wait_for_appends(1);
  }
  log.release();
  Client client(server->port());
  EXPECT_EQ(client.call(produce_of(batch_of({"v"})), kProduceVersion).topics[0].partitions[0].base_offset, 1);
}

TEST_F(ServerTest, AFrameAboveTheLimitClosesItsConnection) {
  KafkaServerOptions options;
  options.request_bytes_max = 1000;
  start(options);
  Client client(server->port());
  client.call(produce_of(batch_of({std::string(500, 'x')})), kProduceVersion);
  client.send_request(produce_of(batch_of({std::string(2000, 'x')})), kProduceVersion, 1);
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(metrics.counter("penstock_kafka_bad_requests_total", "").value(), 1);
}

TEST_F(ServerTest, AClientThatStopsInTheMiddleOfARequestIsClosed) {
  KafkaServerOptions options;
  options.frame_timeout = 20ms;
  start(options);
  Client client(server->port());
  client.call(ApiVersionsRequest{}, 0);
  client.send_bytes(std::string("\0\0\0\x20\0\x12", 6));
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, AnIdleClientIsClosed) {
  KafkaServerOptions options;
  options.connection_idle_timeout = 20ms;
  start(options);
  Client client(server->port());
  client.call(ApiVersionsRequest{}, 0);
  EXPECT_TRUE(client.closed());
}

TEST_F(ServerTest, ALongPollIsNotIdle) {
  KafkaServerOptions options;
  options.connection_idle_timeout = options.frame_timeout = 20ms;
  start(options);
  Client client(server->port());
  EXPECT_EQ(client.call(fetch_of(0, 1, 100), kFetchVersion).topics.size(), 1);
}

TEST_F(ServerTest, LargeRequestsWaitForMemory) {
  KafkaServerOptions options;
  options.request_bytes_max = options.requests_bytes_max = 1 << 20;
  start(options);
  log.hold();
  const std::string batch = batch_of({std::string(600'000, 'x')});
  Client one(server->port());
  one.send_request(produce_of(batch), kProduceVersion, 1);
  wait_for_appends(1);
  Client two(server->port());
  auto sent = std::async(std::launch::async, [&] { two.send_request(produce_of(batch), kProduceVersion, 1); });
  Client small(server->port());
  small.call(ApiVersionsRequest{}, 0);  // goes on
  EXPECT_EQ(log.waiting(), 1);
  log.release();
  one.receive_response<ProduceRequest>(kProduceVersion, 1);
  EXPECT_EQ(two.receive_response<ProduceRequest>(kProduceVersion, 1).topics[0].partitions[0].base_offset, 1);
}

TEST_F(ServerTest, ARequestThatThereIsNeverMemoryForIsGivenUp) {
  KafkaServerOptions options;
  options.request_bytes_max = options.requests_bytes_max = 1 << 20;
  options.frame_timeout = 50ms;
  start(options);
  log.hold();
  const std::string batch = batch_of({std::string(600'000, 'x')});
  Client one(server->port());
  one.send_request(produce_of(batch), kProduceVersion, 1);
  wait_for_appends(1);
  Client two(server->port());
  auto sent = std::async(std::launch::async, [&] { two.send_request(produce_of(batch), kProduceVersion, 1); });
  EXPECT_TRUE(two.closed());
  EXPECT_EQ(metrics.counter("penstock_kafka_request_memory_waits_total", "").value(), 1);
  log.release();
  one.receive_response<ProduceRequest>(kProduceVersion, 1);
}

TEST_F(ServerTest, SmallRequestsArePipelinedOnlyWhileThereIsMemory) {
  KafkaServerOptions options;
  options.request_bytes_max = options.requests_bytes_max = 1 << 20;
  start(options);
  log.hold();
  Client large(server->port());
  large.send_request(produce_of(batch_of({std::string((1 << 20) - 4000, 'x')})), kProduceVersion, 1);
  wait_for_appends(1);
  Client client(server->port());
  const std::string batch = batch_of({std::string(5000, 'x')});
  for (int32_t i = 0; i < 3; ++i) client.send_request(produce_of(batch), kProduceVersion, i);
  wait_for_appends(2);  // one of them goes on in any case
  Client other(server->port());
  other.call(ApiVersionsRequest{}, 0);
  EXPECT_EQ(log.waiting(), 2);
  log.release();
  for (int32_t i = 0; i < 3; ++i) client.receive_response<ProduceRequest>(kProduceVersion, i);
}

TEST_F(ServerTest, ASlowReadersAnswersAreBoundedAndGoOnWhenItReads) {
  constexpr size_t kBudget = 1 << 20;
  constexpr size_t kBatch = 300'000;
  KafkaServerOptions options;
  options.responses_bytes_max = kBudget;
  start(options);
  Client producer(server->port());
  for (int i = 0; i < 8; ++i) producer.call(produce_of(batch_of({std::string(kBatch, 'x')})), kProduceVersion);

  constexpr int32_t kFetches = 60;
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(std::make_unique<Client>(server->port()));
    for (int32_t id = 0; id < kFetches; ++id) {
      FetchRequest fetch = fetch_of(0, 1, 0);
      fetch.topics[0].partitions[0].partition_max_bytes = 50 << 20;
      slow.back()->send_request(fetch, kFetchVersion, id);
    }
  }
  // However little is left, somebody else gets a batch, and memory is not taken without bound: each slow reader holds
  // one batch beyond the budget at most.
  double most = 0;
  for (int i = 0; i < 50; ++i) {
    Client innocent(server->port());
    EXPECT_GE(values_of(innocent.call(fetch_of(0, 1, 0), kFetchVersion).topics[0].partitions[0].records).size(), 1U);
    most = std::max(most, value_of("penstock_kafka_response_bytes"));
  }
  EXPECT_LT(most, kBudget + 5 * (kBatch + 1000));
  for (auto& client : slow) {
    for (int32_t id = 0; id < kFetches; ++id) {
      const auto response = client->receive_response<FetchRequest>(kFetchVersion, id);
      EXPECT_GE(values_of(response.topics[0].partitions[0].records).size(), 1U);
    }
  }
  while (value_of("penstock_kafka_response_bytes") > 0) std::this_thread::yield();
}

TEST_F(ServerTest, AClientThatTakesNothingOfItsAnswersIsClosed) {
  KafkaServerOptions options;
  options.write_timeout = 50ms;
  start(options);
  Client producer(server->port());
  for (int i = 0; i < 8; ++i) producer.call(produce_of(batch_of({std::string(1 << 20, 'x')})), kProduceVersion);
  Client slow(server->port());
  FetchRequest fetch = fetch_of(0, 1, 0);
  fetch.topics[0].partitions[0].partition_max_bytes = 50 << 20;
  for (int32_t id = 0; id < 20; ++id) slow.send_request(fetch, kFetchVersion, id);
  while (metrics.counter("penstock_kafka_slow_readers_closed_total", "").value() == 0) std::this_thread::yield();
  producer.call(ApiVersionsRequest{}, 0);
}

TEST_F(ServerTest, AddressesThatCannotBeListenedOnAreErrors) {
  for (const auto& listen : {std::string("nowhere"), std::string("127.0.0.1:99999"), server->address()}) {
    KafkaServerOptions options;
    options.listen = listen;
    EXPECT_FALSE(KafkaServer::start(log, options)) << listen;
  }
}

}  // namespace
}  // namespace penstock::kafka
