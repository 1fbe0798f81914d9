// Fetch: reads partitions, and waits for records when there are too few (long poll).
//
// Fetch sessions (KIP-227) are declined: every answer has session id 0, so every request names all of its partitions.
#include <algorithm>
#include <atomic>

#include "base/memory.h"
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"
#include "kafka/broker/topic_id.h"
#include "log/record_batch.h"

namespace penstock::kafka {
namespace {

using protocol::FetchRequest;
using protocol::FetchResponse;
using protocol::KafkaError;

constexpr int16_t kTopicIdsSince = 13;
constexpr int kFullFetchEpoch = 0;
constexpr int kNoSessionEpoch = -1;

// The longest that a request may wait, whatever it asks for.
constexpr int32_t kWaitMaxMs = 300'000;

struct Extent {
  int64_t next_offset;
  int64_t records;
};

// Where reading goes on after these bytes, and how many records they hold.
Extent extent_of(std::string_view bytes, int64_t offset) {
  Extent extent{.next_offset = offset, .records = 0};
  while (!bytes.empty()) {
    const auto batch = log::parse_record_batch(bytes);
    if (!batch) break;
    extent.next_offset = batch->next_offset();
    extent.records += batch->records_count;
    bytes.remove_prefix(batch->bytes.size());
  }
  return extent;
}

// One fetch until it is answered, held by its request. Keeps what it has read, so that a wait reads only what is new.
// Used on its connection's loop; the log's callbacks do no more than post.
class PendingFetch : public std::enable_shared_from_this<PendingFetch> {
 public:
  PendingFetch(const ContextPtr& context, const FetchRequest& request, Reply<FetchResponse> reply)
      : broker_(context->broker),
        executor_(context->executor),
        reply_(std::move(reply)),
        memory_(&broker_.response_memory),
        min_bytes_(static_cast<size_t>(std::max(request.min_bytes, 0))),
        max_bytes_(std::min(static_cast<size_t>(std::max(request.max_bytes, 0)), broker_.options.fetch_bytes_max)) {
    add_partitions(request, context->version() >= kTopicIdsSince);
  }

  void start(int32_t max_wait_ms) {
    read();
    if (satisfied() || max_wait_ms <= 0) return answer();
    subscribe();
    read();  // what came before the subscription
    if (satisfied()) return answer();
    timer_ =
        executor_->start_timer(std::chrono::milliseconds(std::min(max_wait_ms, kWaitMaxMs)), [weak = weak_from_this()] {
          if (const auto self = weak.lock()) self->answer();
        });
  }

  void answer() {
    if (reply_.sent()) return;
    const auto self = shared_from_this();  // answering lets go of it
    subscriptions_.clear();
    timer_.reset();
    broker_.metrics.records_out.add(static_cast<uint64_t>(records_));
    memory_.force_resize(0);
    reply_(response_);
    partitions_.clear();
    response_ = {};
  }

 private:
  struct Partition {
    log::TopicPartition from;
    log::Offset next_offset;
    size_t max_bytes;
    size_t topic_index;  // of its place in the response
    size_t index;
    size_t bytes = 0;
    bool failed = false;
  };

  FetchResponse::Topic::Partition& answer_of(const Partition& partition) {
    return response_.topics[partition.topic_index].partitions[partition.index];
  }

  void add_partitions(const FetchRequest& request, bool by_id) {
    for (const auto& topic : request.topics) {
      const auto name = by_id ? broker_.topic_ids.name(to_topic_id(topic.topic_id)) : topic.name;
      auto& answers = response_.topics.emplace_back();
      answers.name = topic.name;
      answers.topic_id = topic.topic_id;
      for (const auto& partition : topic.partitions) {
        partitions_.push_back({.from = {.topic = name.value_or(""), .partition = log::PartitionId(partition.index)},
                               .next_offset = log::Offset(partition.fetch_offset),
                               .max_bytes = static_cast<size_t>(std::max(partition.partition_max_bytes, 0)),
                               .topic_index = response_.topics.size() - 1,
                               .index = answers.partitions.size()});
        auto& answer = answers.partitions.emplace_back();
        answer.index = partition.index;
        if (!name) fail(partitions_.back(), KafkaError::kUnknownTopicId);
      }
    }
  }

  void fail(Partition& partition, KafkaError error) {
    partition.failed = any_failed_ = true;
    answer_of(partition).error = error;
  }

  bool satisfied() const { return any_failed_ || bytes_ >= min_bytes_ || bytes_ >= max_bytes_ || partitions_.empty(); }

  // Reads on in every partition as far as the limits go.
  void read() {
    for (Partition& partition : partitions_) {
      if (!partition.failed) read(partition);
    }
    memory_.force_resize(bytes_);
  }

  // How many of `wanted` bytes there is memory for, found by halves. What there is none for is left to later fetches.
  size_t room_for(size_t wanted) {
    constexpr size_t kSmallest = 64 << 10;
    while (!memory_.try_resize(bytes_ + wanted)) {
      if (wanted <= kSmallest) return 0;
      wanted /= 2;
    }
    return wanted;
  }

  void read(Partition& partition) {
    const size_t left = max_bytes_ - std::min(bytes_, max_bytes_);
    const size_t partition_left = partition.max_bytes - std::min(partition.bytes, partition.max_bytes);
    // The very first batch goes out even when it is larger than the limits: its reader could never get past it.
    const bool first = bytes_ == 0;
    const auto result = broker_.log.fetch(partition.from, {.offset = partition.next_offset,
                                                           .max_bytes = room_for(std::min(left, partition_left)),
                                                           .at_least_one = first});
    if (!result) {
      switch (result.error().code()) {
        case ErrorCode::kNotFound: fail(partition, KafkaError::kUnknownTopicOrPartition); break;
        case ErrorCode::kInvalidArgument: fail_out_of_range(partition); break;
        default: fail(partition, KafkaError::kKafkaStorageError); break;
      }
      return;
    }
    auto& answer = answer_of(partition);
    answer.high_watermark = answer.last_stable_offset = result->high_watermark.value();
    answer.log_start_offset = result->log_start_offset.value();
    for (const auto& piece : result->batches) {
      const Extent extent = extent_of(piece.bytes, partition.next_offset.value());
      partition.next_offset = log::Offset(extent.next_offset);
      partition.bytes += piece.bytes.size();
      bytes_ += piece.bytes.size();
      records_ += extent.records;
      answer.records.pieces.push_back({.bytes = piece.bytes, .owner = piece.owner});
    }
  }

  void fail_out_of_range(Partition& partition) {
    fail(partition, KafkaError::kOffsetOutOfRange);
    auto& answer = answer_of(partition);
    if (const auto end = broker_.log.high_watermark(partition.from)) answer.high_watermark = end->value();
    if (const auto start = broker_.log.log_start_offset(partition.from)) answer.log_start_offset = start->value();
  }

  void subscribe() {
    const auto wake = [weak = weak_from_this(), executor = executor_, posted = posted_] {
      if (posted->exchange(true)) return;
      executor->post([weak] {
        if (const auto self = weak.lock()) self->on_advance();
      });
    };
    for (const Partition& partition : partitions_) {
      subscriptions_.push_back(broker_.log.on_advance(partition.from, wake));
    }
  }

  void on_advance() {
    posted_->store(false);
    if (reply_.sent()) return;
    read();
    if (satisfied()) answer();
  }

  Broker& broker_;
  const std::shared_ptr<Executor> executor_;
  const Reply<FetchResponse> reply_;
  MemoryReservation memory_;  // for what has been read; the connection accounts for what is answered
  const size_t min_bytes_;
  const size_t max_bytes_;
  std::vector<Partition> partitions_;
  FetchResponse response_;
  std::vector<std::unique_ptr<log::Subscription>> subscriptions_;
  std::unique_ptr<Executor::Timer> timer_;
  const std::shared_ptr<std::atomic<bool>> posted_ = std::make_shared<std::atomic<bool>>(false);
  size_t bytes_ = 0;
  int64_t records_ = 0;
  bool any_failed_ = false;
};

}  // namespace

void fetch(const ContextPtr& context, FetchRequest request, Reply<FetchResponse> reply) {
  if (request.session_epoch != kFullFetchEpoch && request.session_epoch != kNoSessionEpoch) {
    FetchResponse response;
    response.error = KafkaError::kFetchSessionIdNotFound;
    return reply(response);
  }
  const auto pending = std::make_shared<PendingFetch>(context, request, reply);
  context->on_cancel = [pending] { pending->answer(); };
  pending->start(request.max_wait_ms);
}

}  // namespace penstock::kafka
