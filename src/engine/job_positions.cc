#include "engine/job_positions.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

namespace penstock::engine {

namespace {

// A watermark is kept as an offset, which is not negative and does not go back: the time, moved up, and in the last bit
// whether it is idle. Times beyond the limit, which no calendar has, become the beginning and the end of time.
constexpr int64_t kTimeLimit = int64_t{1} << 61;

log::Offset offset_of(const exec::Watermark& watermark) {
  const int64_t time = std::clamp(watermark.time.value(), -kTimeLimit, kTimeLimit - 1);
  return log::Offset((time + kTimeLimit) * 2 + (watermark.idle ? 1 : 0));
}

exec::Watermark watermark_of(log::Offset offset) {
  const int64_t time = offset.value() / 2 - kTimeLimit;
  exec::Watermark watermark{.time = EventTime(time), .idle = offset.value() % 2 == 1};
  if (time <= -kTimeLimit) watermark.time = kMinEventTime;
  if (time >= kTimeLimit - 1) watermark.time = kMaxEventTime;
  return watermark;
}

}  // namespace

std::string ScanPlace::prefix() const { return before_ == 0 ? "" : std::to_string(before_) + ":"; }

log::TopicPartition ScanPlace::watermark_split() const {
  return {.topic = prefix() + "watermark:" + input_, .partition = log::PartitionId(0)};
}

void ScanPlace::add(connector::ScanProgress::Noted noted, connector::Positions& job) const {
  for (auto& [split, offset] : noted.positions) {
    // The mark of what is not kept stays in front.
    if (before_ > 0) split.topic.insert(split.topic.starts_with('~') ? 1 : 0, prefix());
    job.emplace_back(std::move(split), offset);
  }
  if (noted.watermark.time != kMinEventTime) job.emplace_back(watermark_split(), offset_of(noted.watermark));
}

connector::Positions ScanPlace::positions(const connector::Positions& job) const {
  if (before_ == 0) return job;  // names of others are no splits of this one
  connector::Positions own;
  for (auto [split, offset] : job) {
    if (!split.topic.starts_with(prefix())) continue;
    split.topic.erase(0, prefix().size());
    own.emplace_back(std::move(split), offset);
  }
  return own;
}

connector::ScanHold ScanPlace::hold(const connector::Positions& job) const {
  connector::ScanHold hold{.positions = positions(job), .watermark = {}};
  const log::TopicPartition split = watermark_split();
  const auto told = std::ranges::find(job, split, &connector::Positions::value_type::first);
  if (told != job.end()) hold.watermark = watermark_of(told->second);
  return hold;
}

ScanPlace ScanPlaces::next(const connector::TableInput& input) {
  int place = next_of_any_;
  for (const auto& [part, next] : next_) {
    if (input.any_topic || std::ranges::find(input.parts, part) != input.parts.end()) place = std::max(place, next);
  }
  for (const std::string& part : input.parts) next_[part] = place + 1;
  if (input.any_topic) next_of_any_ = place + 1;
  return ScanPlace(input.name, place);
}

}  // namespace penstock::engine
