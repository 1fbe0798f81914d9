#include "view/change_feed.h"

#include <algorithm>
#include <utility>

namespace penstock::view {

namespace {

// Waiting changes are merged when they have grown to this many rows, and each time they have doubled since.
constexpr size_t kMergeRowsMin = 4096;

}  // namespace

bool FeedState::add(const PublishedChange& change) {
  const std::lock_guard lock(mutex_);
  if (dropped_ || wants_snapshot_) return false;
  const bool had_nothing = pending_.empty() && snapshot_ == nullptr;
  pending_.push_back(change);
  pending_rows_ += change.rows->rows();
  pending_bytes_ += change.rows->bytes();
  // The newest change alone is shared by all feeds of the view: a reader that keeps up costs nothing, and is not
  // refused when others have used up the memory.
  const bool keeps_up = pending_.size() == 1;
  if (pending_rows_ > std::max({kMergeRowsMin, merge_at_rows_, options_.pending_rows_max})) merge_pending();
  if (pending_rows_ > options_.pending_rows_max || !(keeps_up || fits())) {
    clear_pending();
    snapshot_ = nullptr;
    wants_snapshot_ = true;
  }
  return had_nothing;
}

bool FeedState::fits() { return options_.memory == nullptr || memory_.try_resize(pending_bytes_); }

void FeedState::clear_pending() {
  pending_.clear();
  pending_rows_ = 0;
  pending_bytes_ = 0;
  merge_at_rows_ = 0;
  memory_ = MemoryReservation(options_.memory);
}

void FeedState::merge_pending() {
  if (pending_.size() > 1) {
    auto merged = std::make_shared<NetChange>(*pending_.front().rows);
    for (size_t i = 1; i < pending_.size(); ++i) merged->add(*pending_[i].rows);
    const Epoch epoch = pending_.back().epoch;
    pending_rows_ = merged->rows();
    pending_bytes_ = merged->bytes();
    pending_.clear();
    pending_.push_back({.epoch = epoch, .rows = std::move(merged)});
  }
  merge_at_rows_ = 2 * pending_rows_;
}

void FeedState::drop() {
  const std::lock_guard lock(mutex_);
  dropped_ = true;
  wants_snapshot_ = false;
  snapshot_ = nullptr;
  clear_pending();
}

void FeedState::close() {
  on_ready({});
  drop();
}

void FeedState::tell() {
  const std::lock_guard lock(callback_mutex_);
  if (ready_) ready_();
}

void FeedState::on_ready(std::function<void()> ready) {
  const std::lock_guard lock(callback_mutex_);
  ready_ = std::move(ready);
}

bool FeedState::has_something() const {
  const std::lock_guard lock(mutex_);
  return wants_snapshot_ || snapshot_ != nullptr || !pending_.empty() || (dropped_ && !drop_told_);
}

std::optional<FeedUpdate> FeedState::next_snapshot_part(size_t rows_max) {
  FeedUpdate update{.kind = FeedUpdate::Kind::kSnapshot,
                    .epoch = snapshot_->epoch(),
                    .first = std::exchange(snapshot_first_, false),
                    .last = true,
                    .batches = {}};
  for (size_t rows = 0;;) {
    std::optional<columnar::ChangeBatch> batch = snapshot_->next(snapshot_position_);
    if (!batch) {
      snapshot_ = nullptr;
      return update;
    }
    rows += batch->rows();
    update.batches.push_back(*std::move(batch));
    if (rows >= rows_max) break;
  }
  update.last = false;
  return update;
}

bool FeedState::wants_snapshot() const {
  const std::lock_guard lock(mutex_);
  return wants_snapshot_;
}

void FeedState::begin_snapshot(std::shared_ptr<const Snapshot> snapshot) {
  const std::lock_guard lock(mutex_);
  if (!wants_snapshot_) return;
  wants_snapshot_ = false;
  snapshot_ = std::move(snapshot);
  snapshot_position_ = 0;
  snapshot_first_ = true;
}

std::optional<FeedUpdate> FeedState::poll(size_t rows_max) {
  PublishedChange change;
  {
    const std::lock_guard lock(mutex_);
    if (dropped_) {
      if (std::exchange(drop_told_, true)) return std::nullopt;
      return FeedUpdate{.kind = FeedUpdate::Kind::kDropped, .epoch = {}, .batches = {}};
    }
    if (snapshot_ != nullptr) return next_snapshot_part(rows_max);
    if (pending_.empty()) return std::nullopt;
    merge_pending();
    change = std::move(pending_.front());
    clear_pending();
  }
  return FeedUpdate{.kind = FeedUpdate::Kind::kChanges, .epoch = change.epoch, .batches = change.rows->to_batches()};
}

}  // namespace penstock::view
