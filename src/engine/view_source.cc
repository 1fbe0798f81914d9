#include "engine/view_source.h"

#include <limits>
#include <optional>
#include <utility>

namespace penstock::engine {

namespace {

using columnar::ChangeBatch;
using exec::SourceState;

constexpr size_t kRowsPerPoll = 8 * columnar::kBatchRowsMax;

ChangeBatch choose(const ChangeBatch& batch, const std::vector<int>& columns) {
  return batch.with_columns(batch.columns_at(columns));
}

class ViewSnapshotSource : public exec::Source {
 public:
  ViewSnapshotSource(std::shared_ptr<view::View> view, std::vector<int> columns)
      : view_(std::move(view)), columns_(std::move(columns)) {}

  void set_waker(std::function<void()> /*waker*/) override {}

  Result<SourceState> poll(exec::SourceOutput& out) override {
    if (snapshot_ == nullptr) snapshot_ = view_->snapshot();
    for (size_t rows = 0; rows < kRowsPerPoll;) {
      const std::optional<ChangeBatch> batch = snapshot_->next(position_);
      if (!batch) return SourceState::kEnded;
      rows += batch->rows();
      out.emit(choose(*batch, columns_));
    }
    return SourceState::kMore;
  }

 private:
  const std::shared_ptr<view::View> view_;
  const std::vector<int> columns_;
  std::shared_ptr<const view::Snapshot> snapshot_;
  size_t position_ = 0;
};

class ViewChangesSource : public exec::Source {
 public:
  ViewChangesSource(std::shared_ptr<view::View> view, std::vector<int> columns, std::shared_ptr<ViewProgress> progress)
      : view_(std::move(view)), columns_(std::move(columns)), progress_(std::move(progress)) {}

  void set_waker(std::function<void()> waker) override {
    // A second snapshot would have to be compared with the first: nothing is ever thrown away for this reader. What
    // waits is merged by row, so it never grows beyond the view.
    feed_ = view_->subscribe({.snapshot = true, .pending_rows_max = std::numeric_limits<size_t>::max()});
    was_loaded_ = view_->loaded();
    feed_->on_ready(std::move(waker));
  }

  Result<SourceState> poll(exec::SourceOutput& out) override {
    // Before the feed: when it gives nothing then, nothing comes any more.
    const bool ended = view_->ended();
    const bool loaded = ended || view_->loaded();
    const std::optional<view::FeedUpdate> update = feed_->poll(kRowsPerPoll);
    if (!update) return nothing_new(out, loaded, ended);
    if (update->kind == view::FeedUpdate::Kind::kDropped) {
      return not_found("view \"{}\" was dropped", view_->options().name);
    }
    for (const ChangeBatch& batch : update->batches) out.emit(choose(batch, columns_));
    // Changes that took each other back were read, too: a barrier has to say so.
    if (update->batches.empty()) out.emit(ChangeBatch());
    if (update->last) read_ = update->epoch;
    return SourceState::kMore;
  }

  Status on_barrier(Epoch epoch) override {
    progress_->note(epoch, read_);
    return {};
  }

 private:
  SourceState nothing_new(exec::SourceOutput& out, bool loaded, bool ended) {
    if (!loaded) return SourceState::kPaused;
    // An epoch comes for it, so that a view made of this one is found to be loaded, too.
    if (!std::exchange(was_loaded_, true)) out.emit(ChangeBatch());
    return ended ? SourceState::kEnded : SourceState::kWaiting;
  }

  const std::shared_ptr<view::View> view_;
  const std::vector<int> columns_;
  const std::shared_ptr<ViewProgress> progress_;
  std::unique_ptr<view::ChangeFeed> feed_;
  bool was_loaded_ = true;
  Epoch read_;
};

}  // namespace

void ViewProgress::note(Epoch epoch, Epoch read) {
  const std::lock_guard lock(mutex_);
  noted_[epoch] = read;
}

void ViewProgress::complete(Epoch epoch) {
  const std::lock_guard lock(mutex_);
  for (auto it = noted_.begin(); it != noted_.end() && it->first <= epoch; it = noted_.erase(it)) covered_ = it->second;
}

Epoch ViewProgress::covered() const {
  const std::lock_guard lock(mutex_);
  return covered_;
}

std::unique_ptr<exec::Source> make_view_snapshot_source(std::shared_ptr<view::View> view, std::vector<int> columns) {
  return std::make_unique<ViewSnapshotSource>(std::move(view), std::move(columns));
}

std::unique_ptr<exec::Source> make_view_changes_source(std::shared_ptr<view::View> view, std::vector<int> columns,
                                                       std::shared_ptr<ViewProgress> progress) {
  return std::make_unique<ViewChangesSource>(std::move(view), std::move(columns), std::move(progress));
}

}  // namespace penstock::engine
