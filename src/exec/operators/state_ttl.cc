#include "exec/operators/state_ttl.h"

#include <algorithm>
#include <utility>

#include "types/calendar.h"

namespace penstock::exec {

IdleGroups::IdleGroups(StateTtl ttl)
    : ttl_(std::move(ttl)),
      tick_us_(std::max(types::kMicrosPerMilli, ttl_.us / kTicksPerTtl)),
      // What was updated in the course of a tick has lived for its time when one more has gone by.
      ticks_to_live_(static_cast<uint32_t>((ttl_.us + tick_us_ - 1) / tick_us_)) {}

void IdleGroups::read_clock() {
  const int64_t now_us = ttl_.now_us();
  if (!first_us_) first_us_ = last_us_ = now_us;
  last_us_ = std::max(last_us_, now_us);
  now_ = static_cast<uint32_t>((last_us_ - *first_us_) / tick_us_);
}

bool IdleGroups::begin_sweep() {
  if (!on()) return false;
  read_clock();
  if (position_ != kAtEnd) return true;
  if (last_us_ < next_sweep_us_) return false;
  next_sweep_us_ = last_us_ + std::max(tick_us_, ttl_.us / kSweepsPerTtl);
  position_ = 0;
  return true;
}

std::optional<int64_t> IdleGroups::wake_at_us(const state::GroupTable& table) const {
  if (!on() || table.size() == 0) return std::nullopt;
  return position_ != kAtEnd ? last_us_ : next_sweep_us_;
}

}  // namespace penstock::exec
