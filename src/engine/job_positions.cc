#include "engine/job_positions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

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

constexpr std::string_view kWatermark = "watermark:";
constexpr std::string_view kTopic = "topic:";

log::TopicPartition topic_split(std::string_view topic) {
  return {.topic = std::string(kTopic) + std::string(topic), .partition = log::PartitionId(0)};
}

// Whether it is an offset of the job's group.
bool in_log(std::string_view split) { return split.find(':') == std::string_view::npos; }

// As far as an offset can tell it from others.
log::Offset offset_of(const log::TopicId& topic) { return log::Offset(static_cast<int64_t>(topic.low >> 1)); }

// The name of a split without the place of its scan.
std::string_view without_place(std::string_view name) {
  const size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  return digits > 0 && name.substr(digits).starts_with(':') ? name.substr(digits + 1) : name;
}

// Whether what a table reads, as TableInput::name has it, may have the topic in it.
bool may_read(std::string_view input, std::string_view topic) {
  if (input.starts_with("pattern:")) return true;
  const std::string names = fmt::format(";{};", input);
  return names.find(fmt::format(";{};", topic)) != std::string::npos;
}

// Of a position that the log does not forget by itself.
bool is_of_topic(std::string_view split, std::string_view topic) {
  if (in_log(split)) return false;
  split = without_place(split);
  if (split.starts_with(kWatermark)) return may_read(split.substr(kWatermark.size()), topic);
  // "orders", "end:orders" or "topic:orders".
  return split.substr(split.find(':') + 1) == topic;
}

}  // namespace

std::string ScanPlace::prefix() const { return before_ == 0 ? "" : std::to_string(before_) + ":"; }

log::TopicPartition ScanPlace::watermark_split() const {
  return {.topic = prefix() + std::string(kWatermark) + input_, .partition = log::PartitionId(0)};
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

void add_topics(const std::map<std::string, log::TopicId>& topics, connector::Positions& job) {
  if (std::ranges::all_of(job, [](const auto& position) { return in_log(position.first.topic); })) return;
  for (const auto& [name, id] : topics) job.emplace_back(topic_split(name), offset_of(id));
}

KeptPositions check_topics(connector::Positions job,
                           const std::function<std::optional<log::TopicId>(const std::string& name)>& find) {
  std::vector<std::string> deleted;
  for (const auto& [split, offset] : job) {
    if (!split.topic.starts_with(kTopic)) continue;
    const std::string name = split.topic.substr(kTopic.size());
    const std::optional<log::TopicId> now = find(name);
    if (!now || offset_of(*now) != offset) deleted.push_back(name);
  }
  KeptPositions kept;
  for (auto& [split, offset] : job) {
    const bool gone = std::ranges::any_of(deleted, [&](const auto& topic) { return is_of_topic(split.topic, topic); });
    if (gone) {
      kept.gone.emplace_back(std::move(split), log::Offset(-1));
    } else if (!split.topic.starts_with(kTopic)) {
      kept.valid.emplace_back(std::move(split), offset);
    }
  }
  return kept;
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
