// What the maintenance thread does, and when: preparing the journal, flushing, retention, forgetting flushed batches.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/logging.h"
#include "log/log_core.h"

namespace penstock::log {
namespace {

// The share of tail_bytes_max at which unflushed records are flushed without waiting longer.
constexpr size_t kFlushShare = 4;

int64_t ms_to_us(int64_t ms) { return ms * 1000; }

}  // namespace

bool LogCore::wants_urgent_flush() const {
  if (stopped()) return false;
  const bool can_make_room = unflushed_bytes_ > 0 || !cached_.empty();
  return unflushed_bytes_ >= options_.tail_bytes_max / kFlushShare || (waiting_for_room_ > 0 && can_make_room) ||
         durable_position_.segment > checkpointed_segment_;
}

LogCore::Due LogCore::due_with_mutex_held() const {
  Due due;
  if (failure_) return due;
  const int64_t now_us = env_.monotonic_time_us();
  const auto later = [&](int64_t at_us) { due.next_us = due.next_us ? std::min(*due.next_us, at_us) : at_us; };
  if (suspension_) {
    now_us >= suspension_->retry_at_us ? void(due.resume = true) : later(suspension_->retry_at_us);
    return due;
  }
  due.prepare = journal_->wants_preparation();
  due.flush = wants_urgent_flush();
  if (!dirty_.empty()) {
    const int64_t at_us = dirty_since_us_ + ms_to_us(options_.flush_interval_ms);
    now_us >= at_us ? void(due.flush = true) : later(at_us);
  } else if (!cached_.empty()) {
    // Nothing new came: the memory is given back.
    const int64_t at_us = last_flush_us_ + ms_to_us(options_.flush_interval_ms);
    now_us >= at_us ? void(due.trim = true) : later(at_us);
  }
  if (!topics_.empty()) {
    const int64_t at_us = last_retention_us_ + ms_to_us(options_.retention_check_interval_ms);
    now_us >= at_us ? void(due.retention = true) : later(at_us);
  }
  return due;
}

bool LogCore::maintain_once() {
  Due due;
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return false;
    due = due_with_mutex_held();
  }
  // Errors of the steps are kept by stop_taking(): the log stops.
  if (due.resume) return resume();
  if (due.flush) return flush().has_value();
  if (due.prepare) {
    Result<bool> prepared = journal_->prepare();
    if (!prepared) stop_taking(prepared.error());
    return prepared.value_or(false);
  }
  if (due.retention) return enforce_retention().has_value();
  if (due.trim) {
    const std::lock_guard flush_lock(flush_mutex_);
    trim_tails(true);
    return true;
  }
  return false;
}

void LogCore::trim_tails(bool all) {
  std::vector<Tail::Batch> dropped;  // freed after the mutex is
  const std::lock_guard lock(mutex_);
  size_t bytes = 0;
  std::erase_if(cached_, [&](const std::shared_ptr<Partition>& partition) {
    bytes += partition->tail.drop_below(all ? partition->flushed_offset : partition->previous_flushed_offset, &dropped);
    partition->previous_flushed_offset = partition->flushed_offset;
    partition->cached = !partition->tail.empty() && partition->tail.front().base_offset < partition->flushed_offset;
    return !partition->cached;
  });
  give_back(bytes);
}

std::vector<LogCore::Removal> LogCore::apply_retention() {
  std::vector<Removal> removals;
  const int64_t now_ms = env_.wall_time_us() / 1000;
  const std::lock_guard lock(mutex_);
  last_retention_us_ = env_.monotonic_time_us();
  for (auto& [name, topic] : topics_) {
    const TopicConfig& config = topic.settings->config;
    for (const auto& partition : topic.partitions) {
      partition->producers.expire(partition->high_watermark, now_ms);
      int64_t bytes = partition->segments_bytes();
      size_t surplus = 0;
      for (; surplus < partition->segments.size(); ++surplus) {
        const SegmentInfo& segment = partition->segments[surplus];
        const bool last = surplus + 1 == partition->segments.size();
        const bool below_start = segment.next_offset <= partition->log_start_offset;
        // Without timestamps the segment's own age counts.
        const int64_t newest_ms = segment.max_timestamp_ms >= 0 ? segment.max_timestamp_ms : segment.created_ms;
        const bool too_old = config.retention_ms >= 0 && now_ms - newest_ms > config.retention_ms;
        const auto segment_bytes = static_cast<int64_t>(segment.bytes);
        const bool too_much = !last && config.retention_bytes >= 0 && bytes - segment_bytes >= config.retention_bytes;
        if (!below_start && !too_old && !too_much) break;
        bytes -= segment_bytes;
      }
      if (surplus == 0) continue;
      Removal removal{.partition = partition, .segments = {}};
      const auto end = partition->segments.begin() + static_cast<ptrdiff_t>(surplus);
      removal.segments.assign(partition->segments.begin(), end);
      partition->segments.erase(partition->segments.begin(), end);
      partition->log_start_offset = std::max(partition->log_start_offset, removal.segments.back().next_offset);
      removals.push_back(std::move(removal));
    }
  }
  return removals;
}

Status LogCore::enforce_retention() {
  const std::lock_guard flush_lock(flush_mutex_);
  std::ranges::move(apply_retention(), std::back_inserter(retired_));
  if (retired_.empty()) return {};
  trim_tails(true);
  // The checkpoint forgets the files before they go: a crash in between leaves files too many, never too few.
  PENSTOCK_TRY(flush_and_checkpoint(true));
  remove_retired_segments();
  return {};
}

void LogCore::remove_retired_segments() {
  for (const Removal& removal : std::exchange(retired_, {})) {
    if (removal.partition->deleted) continue;  // with all of its files
    segment_cache_.erase(removal.partition->handle, removal.segments.back().next_offset);
    const std::string directory = removal.partition->directory();
    for (const SegmentInfo& segment : removal.segments) {
      metrics_.retention_bytes.add(segment.bytes);
      const std::string index = segment_index_path(directory, segment.base_offset);
      Status removed = env_.remove_file(segment_path(directory, segment.base_offset));
      if (removed && env_.exists(index)) removed = env_.remove_file(index);
      // Harmless: the next start removes what the checkpoint does not name.
      if (!removed) logging::warning("cannot remove a segment", {{"reason", removed.error().message()}});
    }
  }
}

bool LogCore::wait_for_appends() {
  std::unique_lock lock(mutex_);
  committer_ = CommitterState::kSleeps;
  commit_wakeup_.wait(lock, [&] { return !pending_.empty() || stopping_; });
  const int64_t gather_us = pacer_.next_at_us() - env_.monotonic_time_us();
  if (gather_us > 0) {
    committer_ = CommitterState::kGathers;
    commit_wakeup_.wait_for(lock, std::chrono::microseconds(gather_us),
                            [&] { return commit_is_wanted_now() || stopping_; });
  }
  committer_ = CommitterState::kCommits;
  return !pending_.empty();
}

bool LogCore::wait_for_maintenance() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const Due due = due_with_mutex_held();
    if (due.flush || due.prepare || due.retention || due.trim || due.resume) return true;
    if (due.next_us) {
      maintenance_wakeup_.wait_for(lock, std::chrono::microseconds(*due.next_us - env_.monotonic_time_us()));
    } else {
      maintenance_wakeup_.wait(lock);
    }
  }
  return false;
}

void LogCore::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  commit_wakeup_.notify_all();
  maintenance_wakeup_.notify_all();
  tell_of_room();
}

}  // namespace penstock::log
