// Produce: hands every partition's batches over to be appended and answers when all are durable.
#include <span>
#include <utility>
#include <vector>

#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"
#include "kafka/broker/topic_name.h"
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
    if (batch->uses_log_append_time()) {
      return refuse(KafkaError::kInvalidTimestamp, "a producer cannot say that the time is that of the log");
    }
    result.records += batch->records_count;
    rest.remove_prefix(batch->bytes.size());
  }
  return result;
}

// What of a request goes to the log, and where in the response its answers go.
struct Appends {
  struct Place {
    size_t topic;
    size_t partition;
    int64_t records_count;
  };
  AppendGatherer::Records records;
  std::vector<Place> places;
};

// Fills in what the log says. Gives the records that it has taken.
int64_t fill_in(ProduceResponse& response, std::span<const Appends::Place> places,
                std::span<log::AppendResult> results) {
  int64_t taken = 0;
  for (size_t i = 0; i < places.size(); ++i) {
    auto& partition = response.topics[places[i].topic].partitions[places[i].partition];
    log::AppendResult& result = results[i];
    partition.error = to_kafka_error(result.error);
    if (result.error != log::AppendError::kNone) {
      partition.error_message = std::move(result.message);
      continue;
    }
    partition.base_offset = result.base_offset.value();
    partition.log_append_time_ms = result.log_append_time_ms;
    partition.log_start_offset = result.log_start_offset.value();
    taken += places[i].records_count;
  }
  return taken;
}

// Fills in the response's partitions, and gives what is to be appended.
Appends prepare(const ContextPtr& context, ProduceRequest& request, ProduceResponse& response) {
  const bool acks_ok = request.acks >= -1 && request.acks <= 1;
  Appends appends;
  response.topics.resize(request.topics.size());
  for (size_t t = 0; t < request.topics.size(); ++t) {
    auto& topic = request.topics[t];
    auto& answers = response.topics[t];
    answers.partitions.resize(topic.partitions.size());
    const auto reserved = reserved_topic(topic.name);
    for (size_t p = 0; p < topic.partitions.size(); ++p) {
      auto& partition = topic.partitions[p];
      auto& answer = answers.partitions[p];
      answer.index = partition.index;
      const auto bytes = partition.records.is_null ? std::string_view() : partition.records.pieces.front().bytes;
      Checked checked = !acks_ok   ? Checked{.error = KafkaError::kInvalidRequiredAcks, .message = "acks is 0, 1 or -1"}
                        : reserved ? Checked{.error = KafkaError::kInvalidTopic, .message = *reserved}
                                   : check_batches(bytes);
      answer.error = checked.error;
      if (checked.error != KafkaError::kNone) {
        answer.error_message = std::move(checked.message);
        continue;
      }
      appends.records.emplace_back(
          log::TopicPartition{.topic = topic.name, .partition = log::PartitionId(partition.index)},
          log::SharedBytes{.bytes = bytes, .owner = context->frame});
      appends.places.push_back({.topic = t, .partition = p, .records_count = checked.records});
    }
    answers.name = std::move(topic.name);
  }
  return appends;
}

}  // namespace

void produce(const ContextPtr& context, ProduceRequest request, Reply<ProduceResponse> reply) {
  ProduceResponse response;
  Appends appends = prepare(context, request, response);
  const auto answer = [acknowledged = request.acks != 0, reply = std::move(reply)](const ProduceResponse& filled) {
    acknowledged ? reply(filled) : reply.nothing();
  };
  if (appends.records.empty()) return answer(response);
  const auto urgency = context->more_follows ? log::Urgency::kWithOthers : log::Urgency::kAtOnce;
  context->appends->add(std::move(appends.records), urgency,
                        [&broker = context->broker, response = std::move(response), places = std::move(appends.places),
                         answer](std::span<log::AppendResult> results) mutable {
                          broker.metrics.records_in.add(static_cast<uint64_t>(fill_in(response, places, results)));
                          answer(response);
                        });
}

}  // namespace penstock::kafka
