#include "engine/epoch_clock.h"

#include <algorithm>
#include <utility>

#include "types/calendar.h"

namespace penstock::engine {

namespace {

// Among the positions, by a name that no split has.
const log::TopicPartition& clock_split() {
  static const log::TopicPartition kSplit{.topic = "clock:", .partition = log::PartitionId(0)};
  return kSplit;
}

}  // namespace

EpochClock::EpochClock(std::function<int64_t()> now_us, const connector::Positions& committed)
    : now_us_(std::move(now_us)) {
  const auto kept = std::ranges::find(committed, clock_split(), &connector::Positions::value_type::first);
  held_ = kept != committed.end();
  begin_us_ = us_ = held_ ? kept->second.value() * types::kMicrosPerMilli : now_us_();
}

int64_t EpochClock::at(Epoch epoch) {
  const std::lock_guard lock(mutex_);
  if (epoch == Epoch()) return begin_us_;
  if (std::exchange(epoch_, epoch) != epoch && !held_) us_ = std::max(us_, now_us_());
  return us_;
}

bool EpochClock::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

void EpochClock::release() {
  const std::lock_guard lock(mutex_);
  held_ = false;
}

void EpochClock::add_to(connector::Positions& positions, Epoch epoch) {
  positions.emplace_back(clock_split(), log::Offset(types::floor_divide(at(epoch), types::kMicrosPerMilli)));
}

}  // namespace penstock::engine
