#include "exec/epoch_coordinator.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/time.h"

namespace penstock::exec {

EpochCoordinator::EpochCoordinator(Options options) : options_(std::move(options)), sources_(options_.sources) {
  for (const size_t source : options_.loading_sources) sources_[source].loading = true;
}

bool EpochCoordinator::begin_if_due(int64_t now_us) {
  if (sinks_left_ > 0 || last_.load(std::memory_order_relaxed) != 0) return false;
  const bool all_ended =
      std::ranges::all_of(sources_, [](const SourceStatus& source) { return source.state == SourceState::kEnded; });
  if (!all_ended) {
    const bool changed = woken_ || std::ranges::any_of(sources_, &SourceStatus::changed);
    if (options_.one_epoch || !changed) return false;
    if (std::ranges::any_of(sources_, &SourceStatus::loading)) return false;
    const bool busy =
        std::ranges::any_of(sources_, [](const SourceStatus& source) { return source.state == SourceState::kMore; });
    if (busy && now_us - requested_at_us_ < options_.busy_interval_us) return false;
    const bool first = requested_.load(std::memory_order_relaxed) == 0;
    const bool at_once = first || hurried_ || (loads_ && !busy);
    if (!at_once && now_us - requested_at_us_ < options_.interval_us) return false;
  }
  hurried_ = false;
  woken_ = false;
  const int64_t epoch = requested_.load(std::memory_order_relaxed) + 1;
  sinks_left_ = options_.sinks;
  requested_at_us_ = now_us;
  if (all_ended) last_.store(epoch, std::memory_order_release);
  requested_.store(epoch, std::memory_order_release);
  return true;
}

void EpochCoordinator::source_polled(size_t source, bool emitted, SourceState state) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    SourceStatus& status = sources_[source];
    status.changed |= emitted;
    status.state = state;
    status.loading = status.loading && !is_loaded(state);
    wake = begin_if_due(monotonic_time_us());
  }
  if (wake) options_.wake_sources();
}

void EpochCoordinator::source_passed(size_t source) {
  std::lock_guard lock(mutex_);
  sources_[source].changed = false;
}

void EpochCoordinator::check() {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    wake = begin_if_due(monotonic_time_us());
  }
  if (wake) options_.wake_sources();
}

void EpochCoordinator::hurry() {
  {
    std::lock_guard lock(mutex_);
    hurried_ = true;
  }
  check();
}

void EpochCoordinator::loaded() {
  std::lock_guard lock(mutex_);
  loads_ = false;
}

void EpochCoordinator::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  check();
}

Status EpochCoordinator::sink_passed() {
  const Epoch epoch = requested();
  {
    std::lock_guard lock(mutex_);
    PENSTOCK_CHECK(sinks_left_ > 0, "a barrier was passed that nobody has requested");
    if (sinks_left_ > 1) {
      --sinks_left_;
      return {};
    }
  }
  // This was the last task; until sinks_left_ is 0 no other barrier is requested.
  if (options_.on_epoch) PENSTOCK_TRY(options_.on_epoch(epoch));
  completed_.store(epoch.value(), std::memory_order_release);
  if (is_last(epoch)) finished_.store(true, std::memory_order_release);
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    const int64_t now_us = monotonic_time_us();
    if (options_.duration_us != nullptr) {
      options_.duration_us->record(static_cast<uint64_t>(std::max<int64_t>(now_us - requested_at_us_, 0)));
    }
    sinks_left_ = 0;
    wake = begin_if_due(now_us);
  }
  if (wake) options_.wake_sources();
  return {};
}

}  // namespace penstock::exec
