#include "log/partition.h"

#include <algorithm>
#include <utility>

namespace penstock::log {

void Tail::push(Batch batch) {
  if (batches_ == nullptr) batches_ = std::make_unique<std::deque<Batch>>();
  batches_->push_back(std::move(batch));
}

size_t Tail::drop_below(int64_t offset, std::vector<Batch>* out) {
  size_t bytes = 0;
  while (batches_ != nullptr && batches_->front().next_offset <= offset) {
    bytes += batches_->front().bytes.bytes.size();
    out->push_back(std::move(batches_->front()));
    batches_->pop_front();
    if (batches_->empty()) batches_.reset();
  }
  return bytes;
}

size_t Tail::find(int64_t offset) const {
  if (batches_ == nullptr) return 0;
  const auto at = std::ranges::upper_bound(*batches_, offset, {}, &Batch::next_offset);
  return static_cast<size_t>(at - batches_->begin());
}

TopicSettings::TopicSettings(const TopicConfig& config) : config(config) {
  for (const auto& [key, value] : config.entries) {
    if (key == "message.timestamp.type") log_append_time = value == "LogAppendTime";
  }
}

int64_t Partition::segments_bytes() const {
  int64_t bytes = 0;
  for (const SegmentInfo& segment : segments) bytes += static_cast<int64_t>(segment.bytes);
  return bytes;
}

}  // namespace penstock::log
