// Produce: hands every partition's batches to the log and answers when all are durable.
#include <atomic>

#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"
#include "log/record_batch.h"

namespace penstock::kafka {
namespace {

using protocol::KafkaError;
using protocol::ProduceRequest;
using protocol::ProduceResponse;

KafkaError to_kafka_error(log::AppendError error) {
  switch (error) {
    case log::AppendError::kNone: return KafkaError::kNone;
    case log::AppendError::kUnknownTopicOrPartition: return KafkaError::kUnknownTopicOrPartition;
    case log::AppendError::kCorruptMessage: return KafkaError::kCorruptMessage;
    case log::AppendError::kMessageTooLarge: return KafkaError::kMessageTooLarge;
    case log::AppendError::kOutOfOrderSequence: return KafkaError::kOutOfOrderSequenceNumber;
    case log::AppendError::kInvalidProducerEpoch: return KafkaError::kInvalidProducerEpoch;
    case log::AppendError::kUnknownProducerId: return KafkaError::kUnknownProducerId;
    case log::AppendError::kInvalidTimestamp: return KafkaError::kInvalidTimestamp;
    case log::AppendError::kStorage: return KafkaError::kKafkaStorageError;
    case log::AppendError::kShuttingDown: return KafkaError::kNotLeaderOrFollower;
  }
  return KafkaError::kUnknownServerError;
}

// What can be said of the batches before the log looks at them: that they are of a kind that it takes.
struct Checked {
  KafkaError error = KafkaError::kNone;
  std::string message;
  int64_t records = 0;
};

Checked check_batches(std::string_view bytes) {
  constexpr size_t kMagicAt = 16;
  constexpr uint8_t kMagic = 2;
  Checked result;
  const auto refuse = [&](KafkaError error, std::string message) {
    return Checked{.error = error, .message = std::move(message)};
  };
  if (bytes.empty()) return refuse(KafkaError::kInvalidRecord, "there are no records for the partition");
  for (std::string_view rest = bytes; !rest.empty();) {
    if (rest.size() > kMagicAt && static_cast<uint8_t>(rest[kMagicAt]) != kMagic) {
      return refuse(KafkaError::kUnsupportedForMessageFormat,
                    fmt::format("message format {} is not supported; use a client of Kafka 0.11 or later (format 2)",
                                static_cast<uint8_t>(rest[kMagicAt])));
    }
    const auto batch = log::parse_record_batch(rest);
    if (!batch) return refuse(KafkaError::kCorruptMessage, batch.error().message());
    if (batch->codec() > log::CompressionCodec::kZstd) {
      return refuse(KafkaError::kInvalidRecord,
                    fmt::format("compression codec {} is unknown", static_cast<int>(batch->codec())));
    }
    if (batch->is_transactional() || batch->is_control()) {
      return refuse(KafkaError::kInvalidRecord, "this broker has no transactions");
    }
    result.records += batch->records_count;
    rest.remove_prefix(batch->bytes.size());
  }
  return result;
}

// A produce request between its appends and its answer. The log's callbacks each fill in the partition that is
// theirs, and the last one hands over to the loop.
class Pending {
 public:
  Pending(const ContextPtr& context, Reply<ProduceResponse> reply, bool acknowledged)
      : executor_(context->executor), broker_(context->broker), reply_(std::move(reply)), acknowledged_(acknowledged) {}

  ProduceResponse response;

  // Before the appends: how many there are, and one more for the loop that issues them.
  void expect(int appends) { left_.store(appends + 1, std::memory_order_relaxed); }

  static void appended(const std::shared_ptr<Pending>& self, ProduceResponse::Topic::Partition& partition,
                       int64_t records, log::AppendResult result) {
    partition.error = to_kafka_error(result.error);
    if (result.error == log::AppendError::kNone) {
      partition.base_offset = result.base_offset.value();
      partition.log_append_time_ms = result.log_append_time_ms;
      partition.log_start_offset = result.log_start_offset.value();
      self->records_.fetch_add(records, std::memory_order_relaxed);
    } else {
      partition.error_message = std::move(result.message);
    }
    done_one(self);
  }

  static void done_one(const std::shared_ptr<Pending>& self) {
    if (self->left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    self->executor_->post([self] { self->answer(); });
  }

 private:
  void answer() {
    broker_.metrics.records_in.add(static_cast<uint64_t>(records_.load(std::memory_order_relaxed)));
    if (acknowledged_) {
      reply_(response);
    } else {
      reply_.nothing();
    }
  }

  const std::shared_ptr<Executor> executor_;
  Broker& broker_;  // used on the loop only: a late callback may outlive it
  const Reply<ProduceResponse> reply_;
  const bool acknowledged_;
  std::atomic<int> left_{1};
  std::atomic<int64_t> records_{0};
};

// One partition's batches on their way to the log.
struct Append {
  log::TopicPartition to;
  log::SharedBytes records;
  int64_t records_count;
  ProduceResponse::Topic::Partition* answer;
};

// Fills in the response's partitions, and gives what is to be appended.
std::vector<Append> prepare(const ContextPtr& context, ProduceRequest& request, ProduceResponse& response) {
  const bool acks_ok = request.acks >= -1 && request.acks <= 1;
  std::vector<Append> appends;
  response.topics.resize(request.topics.size());
  for (size_t t = 0; t < request.topics.size(); ++t) {
    auto& topic = request.topics[t];
    auto& answers = response.topics[t];
    answers.partitions.resize(topic.partitions.size());
    for (size_t p = 0; p < topic.partitions.size(); ++p) {
      auto& partition = topic.partitions[p];
      auto& answer = answers.partitions[p];
      answer.index = partition.index;
      const auto bytes = partition.records.is_null ? std::string_view() : partition.records.pieces.front().bytes;
      Checked checked = acks_ok ? check_batches(bytes)
                                : Checked{.error = KafkaError::kInvalidRequiredAcks, .message = "acks is 0, 1 or -1"};
      answer.error = checked.error;
      if (checked.error != KafkaError::kNone) {
        answer.error_message = std::move(checked.message);
        continue;
      }
      appends.push_back({.to = {.topic = topic.name, .partition = log::PartitionId(partition.index)},
                         .records = {.bytes = bytes, .owner = context->frame},
                         .records_count = checked.records,
                         .answer = &answer});
    }
    answers.name = std::move(topic.name);
  }
  return appends;
}

}  // namespace

void produce(const ContextPtr& context, ProduceRequest request, Reply<ProduceResponse> reply) {
  const auto pending = std::make_shared<Pending>(context, std::move(reply), request.acks != 0);
  std::vector<Append> appends = prepare(context, request, pending->response);
  pending->expect(static_cast<int>(appends.size()));
  for (Append& append : appends) {
    context->broker.log.append(
        append.to, std::move(append.records),
        [pending, &answer = *append.answer, count = append.records_count](log::AppendResult result) {
          Pending::appended(pending, answer, count, std::move(result));
        });
  }
  Pending::done_one(pending);
}

}  // namespace penstock::kafka
