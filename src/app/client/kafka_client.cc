#include "app/client/kafka_client.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "base/time.h"

namespace penstock::app {

namespace {

constexpr int kRequestTimeoutMs = 10'000;
constexpr size_t kConsumeBatch = 4096;
constexpr int kBatchedInFlightMax = 200'000;  // records; well below what librdkafka queues (1,000,000 asked for)

struct Deleter {
  void operator()(rd_kafka_t* p) const { rd_kafka_destroy(p); }
  void operator()(rd_kafka_conf_t* p) const { rd_kafka_conf_destroy(p); }
  void operator()(rd_kafka_topic_t* p) const { rd_kafka_topic_destroy(p); }
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
  void operator()(rd_kafka_NewTopic_t* p) const { rd_kafka_NewTopic_destroy(p); }
  void operator()(rd_kafka_event_t* p) const { rd_kafka_event_destroy(p); }
};
template <class T>
using Handle = std::unique_ptr<T, Deleter>;

Error kafka_error(std::string_view what, rd_kafka_resp_err_t code) {
  return make_error(ErrorCode::kUnavailable, "kafka: {}: {}", what, rd_kafka_err2str(code));
}

Result<Handle<rd_kafka_conf_t>> make_config(const std::string& bootstrap, const ClientConfig& config) {
  Handle<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  std::array<char, 512> message{};
  const auto set = [&](const std::string& key, const std::string& value) -> Status {
    if (rd_kafka_conf_set(conf.get(), key.c_str(), value.c_str(), message.data(), message.size()) != RD_KAFKA_CONF_OK) {
      return invalid_argument("kafka client: {}", message.data());
    }
    return {};
  };
  PENSTOCK_TRY(set("bootstrap.servers", bootstrap));
  PENSTOCK_TRY(set("log_level", "3"));
  for (const auto& [key, value] : config) PENSTOCK_TRY(set(key, value));
  return conf;
}

Result<Handle<rd_kafka_t>> make_client(rd_kafka_type_t type, Handle<rd_kafka_conf_t> conf) {
  std::array<char, 512> message{};
  Handle<rd_kafka_t> client(rd_kafka_new(type, conf.get(), message.data(), message.size()));
  if (client == nullptr) return make_error(ErrorCode::kUnavailable, "kafka client: {}", message.data());
  static_cast<void>(conf.release());  // the client owns it now
  return client;
}

Result<int> partition_count(rd_kafka_t* client, const std::string& topic) {
  const Handle<rd_kafka_topic_t> handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
  const struct rd_kafka_metadata* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, handle.get(), &metadata, kRequestTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error("metadata of " + topic, error);
  const rd_kafka_resp_err_t topic_error = metadata->topics[0].err;
  const int count = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  if (topic_error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error("topic " + topic, topic_error);
  return count;
}

}  // namespace

struct KafkaProducer::State {
  DeliveryCallback callback;
  std::atomic<uint64_t> delivered{0};
  std::atomic<uint64_t> failed{0};
  Handle<rd_kafka_t> client;
  std::map<std::string, Handle<rd_kafka_topic_t>, std::less<>> topics;
  std::vector<rd_kafka_message_t> batch;

  static void on_message(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
    auto& self = *static_cast<State*>(opaque);
    const bool ok = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    (ok ? self.delivered : self.failed).fetch_add(1, std::memory_order_relaxed);
    if (self.callback) {
      self.callback(reinterpret_cast<uint64_t>(message->_private), ok ? "" : rd_kafka_err2str(message->err));
    }
  }

  Result<rd_kafka_topic_t*> topic(const std::string& name) {
    if (const auto it = topics.find(name); it != topics.end()) return it->second.get();
    Handle<rd_kafka_topic_t> handle(rd_kafka_topic_new(client.get(), name.c_str(), nullptr));
    if (handle == nullptr) return kafka_error("topic " + name, rd_kafka_last_error());
    return topics.emplace(name, std::move(handle)).first->second.get();
  }

  ~State() {
    if (client != nullptr) rd_kafka_purge(client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  }
};

KafkaProducer::KafkaProducer() : state_(std::make_unique<State>()) {}
KafkaProducer::~KafkaProducer() = default;

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::make(const std::string& bootstrap, const ClientConfig& config) {
  auto producer = std::unique_ptr<KafkaProducer>(new KafkaProducer());
  Handle<rd_kafka_conf_t> conf = PENSTOCK_TRY(make_config(bootstrap, config));
  rd_kafka_conf_set_opaque(conf.get(), producer->state_.get());
  rd_kafka_conf_set_dr_msg_cb(conf.get(), &State::on_message);
  producer->state_->client = PENSTOCK_TRY(make_client(RD_KAFKA_PRODUCER, std::move(conf)));
  return producer;
}

void KafkaProducer::on_delivery(DeliveryCallback callback) { state_->callback = std::move(callback); }

Status KafkaProducer::produce(const std::string& topic, std::string_view key, std::string_view value, int32_t partition,
                              uint64_t tag) {
  rd_kafka_topic_t* handle = PENSTOCK_TRY(state_->topic(topic));
  while (rd_kafka_produce(handle, partition < 0 ? RD_KAFKA_PARTITION_UA : partition, RD_KAFKA_MSG_F_COPY,
                          const_cast<char*>(value.data()), value.size(), key.empty() ? nullptr : key.data(), key.size(),
                          reinterpret_cast<void*>(tag)) != 0) {
    const rd_kafka_resp_err_t error = rd_kafka_last_error();
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) return kafka_error("produce to " + topic, error);
    poll(10);
  }
  return {};
}

Status KafkaProducer::produce_batch(const std::string& topic, int32_t partition,
                                    std::span<const std::string_view> values) {
  rd_kafka_topic_t* handle = PENSTOCK_TRY(state_->topic(topic));
  // A full queue would refuse some of a batch and take later ones, out of order; so it is never let become full.
  while (rd_kafka_outq_len(state_->client.get()) > kBatchedInFlightMax) poll(1);
  std::vector<rd_kafka_message_t>& batch = state_->batch;
  batch.assign(values.size(), {});
  for (size_t i = 0; i < values.size(); ++i) {
    batch[i].payload = const_cast<char*>(values[i].data());
    batch[i].len = values[i].size();
  }
  const int queued = rd_kafka_produce_batch(handle, partition, 0, batch.data(), static_cast<int>(batch.size()));
  if (queued == static_cast<int>(batch.size())) return {};
  for (const rd_kafka_message_t& message : batch) {
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error("produce to " + topic, message.err);
  }
  return make_error(ErrorCode::kInternal, "kafka: produce to {}: {} of {} records taken", topic, queued, batch.size());
}

void KafkaProducer::poll(int timeout_ms) { rd_kafka_poll(state_->client.get(), timeout_ms); }

Status KafkaProducer::flush(int timeout_ms) {
  const rd_kafka_resp_err_t error = rd_kafka_flush(state_->client.get(), timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error("flush", error);
  return {};
}

uint64_t KafkaProducer::delivered() const { return state_->delivered.load(std::memory_order_relaxed); }
uint64_t KafkaProducer::failed() const { return state_->failed.load(std::memory_order_relaxed); }

struct KafkaConsumer::State {
  std::string topic;
  int partitions = 0;
  std::vector<rd_kafka_message_t*> messages = std::vector<rd_kafka_message_t*>(kConsumeBatch);
  Handle<rd_kafka_t> client;
  Handle<rd_kafka_topic_t> handle;
  Handle<rd_kafka_queue_t> queue;

  ~State() {
    for (int p = 0; handle != nullptr && p < partitions; ++p) rd_kafka_consume_stop(handle.get(), p);
  }
};

KafkaConsumer::KafkaConsumer() : state_(std::make_unique<State>()) {}
KafkaConsumer::~KafkaConsumer() = default;

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::make(const std::string& bootstrap, const std::string& topic,
                                                           const ClientConfig& config) {
  auto consumer = std::unique_ptr<KafkaConsumer>(new KafkaConsumer());
  State& state = *consumer->state_;
  state.topic = topic;
  state.client = PENSTOCK_TRY(make_client(RD_KAFKA_CONSUMER, PENSTOCK_TRY(make_config(bootstrap, config))));
  state.partitions = PENSTOCK_TRY(partition_count(state.client.get(), topic));
  state.handle.reset(rd_kafka_topic_new(state.client.get(), topic.c_str(), nullptr));
  state.queue.reset(rd_kafka_queue_new(state.client.get()));
  for (int p = 0; p < state.partitions; ++p) {
    if (rd_kafka_consume_start_queue(state.handle.get(), p, RD_KAFKA_OFFSET_BEGINNING, state.queue.get()) != 0) {
      return kafka_error("consume " + topic, rd_kafka_last_error());
    }
  }
  return consumer;
}

Result<size_t> KafkaConsumer::consume(int timeout_ms, const std::function<void(const ConsumedRecord&)>& take) {
  State& state = *state_;
  // The batch function waits until its batch is full, so it is only asked for what is there after the first record.
  rd_kafka_message_t* first = rd_kafka_consume_queue(state.queue.get(), timeout_ms);
  if (first == nullptr) return 0;
  state.messages[0] = first;
  const ssize_t more =
      rd_kafka_consume_batch_queue(state.queue.get(), 0, state.messages.data() + 1, state.messages.size() - 1);
  const ssize_t n = 1 + std::max<ssize_t>(more, 0);
  size_t taken = 0;
  Status failure;
  for (ssize_t i = 0; i < n; ++i) {
    const Handle<rd_kafka_message_t> message(state.messages[static_cast<size_t>(i)]);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      take({.key = {static_cast<const char*>(message->key), message->key_len},
            .value = {static_cast<const char*>(message->payload), message->len},
            .partition = message->partition,
            .offset = message->offset});
      ++taken;
    } else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      failure = kafka_error("consume " + state.topic, message->err);
    }
  }
  if (!failure) return failure.error();
  return taken;
}

Result<int64_t> KafkaConsumer::end_offsets_total() {
  int64_t total = 0;
  for (int p = 0; p < state_->partitions; ++p) {
    int64_t low = 0;
    int64_t high = 0;
    const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(state_->client.get(), state_->topic.c_str(), p,
                                                                       &low, &high, kRequestTimeoutMs);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error("offsets of " + state_->topic, error);
    total += high;
  }
  return total;
}

Status create_topic(const std::string& bootstrap, const std::string& topic, int partitions) {
  const Handle<rd_kafka_t> client =
      PENSTOCK_TRY(make_client(RD_KAFKA_PRODUCER, PENSTOCK_TRY(make_config(bootstrap, {}))));
  std::array<char, 512> message{};
  const Handle<rd_kafka_NewTopic_t> request(
      rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, message.data(), message.size()));
  if (request == nullptr) return invalid_argument("topic {}: {}", topic, message.data());
  const Handle<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.get()));
  rd_kafka_NewTopic_t* requests[] = {request.get()};
  rd_kafka_CreateTopics(client.get(), requests, 1, nullptr, queue.get());
  const Handle<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), kRequestTimeoutMs));
  if (event == nullptr) return make_error(ErrorCode::kTimeout, "kafka: create topic {}: no answer", topic);
  if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return kafka_error("create topic " + topic, rd_kafka_event_error(event.get()));
  }
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      return kafka_error("create topic " + topic, error);
    }
  }
  return {};
}

}  // namespace penstock::app
