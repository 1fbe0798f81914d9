// State that goes when nothing has updated it for a time: table.exec.state.ttl.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <vector>

#include "state/group_table.h"

namespace penstock::exec {

// How long state stays that nothing updates, by the clock.
struct StateTtl {
  int64_t us = 0;  // 0: for ever
  std::function<int64_t()> now_us;
};

// Tells which groups of a table are idle, and walks over the table to find them. A group keeps when it was last
// updated, as a count of ticks, of which the time to live has a thousand or fewer.
//
// Owned by one operator, which reads the clock once per batch and barrier, and marks what it updates with now(). Idle
// groups are forgotten when something comes for them, and by sweep(): each barrier looks at a bounded number of groups,
// and goes through all of them eight times in the time to live.
class IdleGroups {
 public:
  explicit IdleGroups(StateTtl ttl);

  // False: nothing is ever idle, and nothing else needs to be called.
  bool on() const { return ttl_.us > 0; }
  void read_clock();
  uint32_t now() const { return now_; }
  // Whether what was last updated then has outlived its time. Ticks may wrap around.
  bool is_idle(uint32_t updated) const { return now_ - updated > ticks_to_live_; }

  // Reads the clock, and calls `forget` with those of the groups, each once, for which `outlived` is true; false when
  // there are none.
  template <class Outlived, class Forget>
  bool forget(std::span<std::byte* const> groups, const Outlived& outlived, const Forget& forget) {
    read_clock();
    groups_.clear();
    std::ranges::copy_if(groups, std::back_inserter(groups_), outlived);
    std::ranges::sort(groups_);
    const auto repeated = std::ranges::unique(groups_);
    groups_.erase(repeated.begin(), repeated.end());
    for (std::byte* group : groups_) forget(group);
    return !groups_.empty();
  }

  // Calls `visit` with some groups of the table; it may erase the one that it is given.
  template <class Visit>
  void sweep(const state::GroupTable& table, const Visit& visit) {
    if (!begin_sweep()) return;
    if (!table.next(position_, kGroupsPerBarrier, groups_) || groups_.size() < kGroupsPerBarrier) position_ = kAtEnd;
    for (std::byte* group : groups_) visit(group);
  }
  // When the next sweep is due; nullopt: it would find nothing.
  std::optional<int64_t> wake_at_us(const state::GroupTable& table) const;

 private:
  static constexpr size_t kGroupsPerBarrier = size_t{1} << 15;
  static constexpr int64_t kSweepsPerTtl = 8;
  static constexpr int64_t kTicksPerTtl = 1000;
  static constexpr size_t kAtEnd = SIZE_MAX;

  // Whether it is time to look at groups; reads the clock.
  bool begin_sweep();

  const StateTtl ttl_;
  const int64_t tick_us_;
  const uint32_t ticks_to_live_;
  std::optional<int64_t> first_us_;
  int64_t last_us_ = 0;  // the clock as it was last read; it never goes back
  uint32_t now_ = 0;
  size_t position_ = kAtEnd;  // in the table
  int64_t next_sweep_us_ = 0;
  std::vector<std::byte*> groups_;  // at hand
};

}  // namespace penstock::exec
