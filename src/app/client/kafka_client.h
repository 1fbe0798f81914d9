// The program's own Kafka client, for the demo and the benchmarks: librdkafka, as any other program would use it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::app {

using ClientConfig = std::map<std::string, std::string>;  // librdkafka's names

// Thread-safe, but for poll() which one thread calls.
class KafkaProducer {
 public:
  static Result<std::unique_ptr<KafkaProducer>> make(const std::string& bootstrap, const ClientConfig& config = {});
  ~KafkaProducer();

  // Told of each record's fate during poll() and flush(): its tag, and the error text or "".
  using DeliveryCallback = std::function<void(uint64_t tag, std::string_view error)>;
  void on_delivery(DeliveryCallback callback);

  // Copies and queues a record; while the queue is full it polls. `partition` -1 lets the key decide.
  Status produce(const std::string& topic, std::string_view key, std::string_view value, int32_t partition = -1,
                 uint64_t tag = 0);
  // Queues records for one partition, in order, without copying them: the bytes must live until flush() or the
  // destructor. While much is queued it polls. For load generators.
  Status produce_batch(const std::string& topic, int32_t partition, std::span<const std::string_view> values);
  void poll(int timeout_ms);
  // Waits until everything queued has been delivered or refused.
  Status flush(int timeout_ms);

  uint64_t delivered() const;
  uint64_t failed() const;

 private:
  KafkaProducer();
  struct State;
  std::unique_ptr<State> state_;
};

struct ConsumedRecord {
  std::string_view key;  // valid until the next call of consume()
  std::string_view value;
  int32_t partition = 0;
  int64_t offset = 0;
};

// Reads all partitions of a topic from the beginning, without a group. Used by one thread.
class KafkaConsumer {
 public:
  static Result<std::unique_ptr<KafkaConsumer>> make(const std::string& bootstrap, const std::string& topic,
                                                     const ClientConfig& config = {});
  ~KafkaConsumer();

  // Gives up to a few thousand records to `take` and returns how many; 0 after `timeout_ms` without any.
  Result<size_t> consume(int timeout_ms, const std::function<void(const ConsumedRecord&)>& take);
  // The sum of the high watermarks of all partitions.
  Result<int64_t> end_offsets_total();

 private:
  KafkaConsumer();
  struct State;
  std::unique_ptr<State> state_;
};

// Makes a topic and waits until it can be used; success when it exists.
Status create_topic(const std::string& bootstrap, const std::string& topic, int partitions);

}  // namespace penstock::app
