// ListOffsets: the first and last offset, and offsets by time.
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"

namespace penstock::kafka {
namespace {

using protocol::KafkaError;
using protocol::ListOffsetsRequest;
using protocol::ListOffsetsResponse;

// Timestamps that ask for something else than a time.
constexpr int64_t kLatest = -1;
constexpr int64_t kEarliest = -2;
constexpr int64_t kMaxTimestamp = -3;
constexpr int64_t kEarliestLocal = -4;
constexpr int64_t kLatestTiered = -5;

// The record that is asked for; nullopt when there is none.
Result<std::optional<log::OffsetAndTimestamp>> find(const log::Log& log, const log::TopicPartition& in,
                                                    int64_t timestamp_ms) {
  const auto without_time = [](log::Offset offset) {
    return std::optional(log::OffsetAndTimestamp{.offset = offset, .timestamp_ms = -1});
  };
  switch (timestamp_ms) {
    case kLatest: return without_time(PENSTOCK_TRY(log.high_watermark(in)));
    case kEarliest:
    case kEarliestLocal: return without_time(PENSTOCK_TRY(log.log_start_offset(in)));
    case kLatestTiered: PENSTOCK_TRY(log.high_watermark(in)); return std::optional<log::OffsetAndTimestamp>();
    case kMaxTimestamp: return log.offset_of_max_timestamp(in);
    default: return log.offset_for_time(in, timestamp_ms);
  }
}

}  // namespace

ListOffsetsResponse list_offsets(RequestContext& context, const ListOffsetsRequest& request) {
  ListOffsetsResponse response;
  for (const auto& topic : request.topics) {
    auto& answers = response.topics.emplace_back();
    answers.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& answer = answers.partitions.emplace_back();
      answer.index = partition.index;
      const auto found = find(context.broker.log, {.topic = topic.name, .partition = log::PartitionId(partition.index)},
                              partition.timestamp_ms);
      if (!found) {
        answer.error = found.error().code() == ErrorCode::kNotFound ? KafkaError::kUnknownTopicOrPartition
                                                                    : KafkaError::kKafkaStorageError;
      } else if (*found) {
        answer.offset = (*found)->offset.value();
        answer.timestamp_ms = (*found)->timestamp_ms;
        answer.leader_epoch = 0;
      }
    }
  }
  return response;
}

}  // namespace penstock::kafka
