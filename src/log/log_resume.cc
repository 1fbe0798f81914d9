// When the disk does not take what it is given. Room on a full disk is waited for, and so are files and memory of a
// system that has none left: the log refuses writes, forgets what was not durable, and tries now and then to begin
// anew. Everything else is final until a restart.
//
// Beginning anew is what a restart does, without the reading: everything that is durable goes to segments and a
// checkpoint, and the journal goes on behind it in a segment of its own, with a sequence that skips one. Whatever the
// refused commit has left on the disk lies before that checkpoint, where nobody reads.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/logging.h"
#include "log/log_core.h"

namespace penstock::log {
namespace {

// How long to wait before looking again whether there is room; doubled each time there is none.
constexpr int64_t kResumeDelayUsMin = 100'000;
constexpr int64_t kResumeDelayUsMax = 5'000'000;

}  // namespace

std::optional<Error> LogCore::stopped() const {
  if (failure_) return make_error(ErrorCode::kIoError, "{}", *failure_);
  if (suspension_) return make_error(ErrorCode::kUnavailable, "{}", suspension_->reason);
  return std::nullopt;
}

std::optional<Error> LogCore::refusal() const {
  if (auto error = stopped()) return error;
  if (stopping_) return make_error(ErrorCode::kUnavailable, "the log is closing");
  return std::nullopt;
}

bool LogCore::accepts_writes(std::string* reason) const {
  const std::lock_guard lock(mutex_);
  const auto error = stopped();
  if (error && reason != nullptr) *reason = error->message();
  return !error;
}

void LogCore::stop_taking(const Error& error) {
  const bool full = error.code() == ErrorCode::kResourceExhausted;
  full || error.code() == ErrorCode::kUnavailable ? suspend(error, full) : fail(error);
}

void LogCore::suspend(const Error& error, bool disk_full) {
  const std::string_view wanted = disk_full ? "the disk has room" : "the system has files and memory to give";
  {
    const std::lock_guard lock(mutex_);
    if (failure_ || suspension_) return;
    suspension_ = Suspension{.reason = fmt::format("the log takes no writes until {}: {}", wanted, error.message()),
                             .retry_delay_us = kResumeDelayUsMin,
                             .retry_at_us = env_.monotonic_time_us() + kResumeDelayUsMin};
    if (disk_full) {
      metrics_.disk_full.set(1);
      metrics_.disk_full_times.add();
    }
    tell_of_room();
    maintenance_wakeup_.notify_all();
  }
  logging::error("appends are refused for the time being", {{"until", wanted}, {"reason", error.message()}});
}

void LogCore::fail(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) return;
    failure_ = fmt::format("the log stopped taking writes: {}", error.message());
    suspension_.reset();
    metrics_.disk_full.set(0);
    tell_of_room();
    maintenance_wakeup_.notify_all();
  }
  logging::error("the log stops acknowledging until a restart", {{"reason", error.message()}});
}

bool LogCore::resume() {
  const std::lock_guard admin_lock(admin_mutex_);
  const std::lock_guard flush_lock(flush_mutex_);
  const std::lock_guard commit_lock(commit_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (!suspension_) return false;
  }
  const Status begun = begin_anew();
  if (!begun) stop_taking(begun.error());
  {
    const std::lock_guard lock(mutex_);
    if (!suspension_) return false;
    if (!begun) {
      suspension_->retry_delay_us = std::min(2 * suspension_->retry_delay_us, kResumeDelayUsMax);
      suspension_->retry_at_us = env_.monotonic_time_us() + suspension_->retry_delay_us;
      return false;
    }
    suspension_.reset();
    durable_position_ = journal_->position();
    metrics_.disk_full.set(0);
  }
  logging::info("appends are taken again");
  return true;
}

Status LogCore::begin_anew() {
  if (catalog_unsure_) {
    PENSTOCK_TRY(env_.write_file_atomically(path("catalog"), catalog_.encode()));
    catalog_unsure_ = false;
  }
  std::ranges::move(apply_retention(), std::back_inserter(retired_));
  const JournalPosition end = journal_->position();
  const std::vector<uint64_t> segments = PENSTOCK_TRY(list_journal_segments(env_, path("journal")));
  const uint64_t last = segments.empty() ? end.segment : std::max(end.segment, segments.back());
  const JournalPosition start{last + 1, kFirstCommitOffset, end.sequence + 1};
  PENSTOCK_TRY(flush_and_checkpoint(true, start));
  remove_retired_segments();
  trim_tails(true);
  journal_->begin_anew(start);
  // Room for the next commits, too: else the next one would be refused again.
  while (PENSTOCK_TRY(journal_->prepare())) {
  }
  return {};
}

}  // namespace penstock::log
