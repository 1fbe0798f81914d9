#include "view/view.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

#include "base/time.h"
#include "columnar/row_key.h"
#include "view/change_feed.h"
#include "view/net_change.h"
#include "view/row_format.h"
#include "view/row_store.h"

namespace penstock::view {

namespace {

using columnar::ChangeBatch;

class ChunkSnapshot : public Snapshot {
 public:
  // Made under the view's lock.
  ChunkSnapshot(Epoch epoch, std::shared_ptr<const RowFormat> format, const RowStore& store)
      : epoch_(epoch), rows_(store.rows()), format_(std::move(format)), chunks_(store.chunks()) {
    for (const std::shared_ptr<Chunk>& chunk : chunks_) chunk->snapshots.fetch_add(1, std::memory_order_relaxed);
  }
  ~ChunkSnapshot() override {
    for (const std::shared_ptr<Chunk>& chunk : chunks_) chunk->snapshots.fetch_sub(1, std::memory_order_release);
  }
  ChunkSnapshot(const ChunkSnapshot&) = delete;
  ChunkSnapshot& operator=(const ChunkSnapshot&) = delete;

  Epoch epoch() const override { return epoch_; }
  size_t rows() const override { return rows_; }

  // A position is the number of the stored row, and below it how many of its repetitions have been given.
  std::optional<ChangeBatch> next(size_t& position) const override {
    constexpr int kRepetitionBits = 32;
    size_t row = position >> kRepetitionBits;
    auto given = static_cast<uint32_t>(position);
    std::vector<columnar::ColumnBuilder> builders = format_->make_builders();
    size_t rows = 0;
    for (; rows < columnar::kBatchRowsMax && row / kChunkRows < chunks_.size(); ++row, given = 0) {
      const std::vector<StoredRow>& chunk = chunks_[row / kChunkRows]->rows;
      if (row % kChunkRows >= chunk.size()) break;
      const StoredRow& stored = chunk[row % kChunkRows];
      for (; given < stored.count && rows < columnar::kBatchRowsMax; ++given, ++rows) {
        std::string_view bytes = stored.bytes;
        columnar::decode_key(bytes, builders);
      }
      if (given < stored.count) break;
    }
    position = row << kRepetitionBits | given;
    if (rows == 0) return std::nullopt;
    return ChangeBatch(rows, format_->finish(builders));
  }

 private:
  const Epoch epoch_;
  const size_t rows_;
  const std::shared_ptr<const RowFormat> format_;
  const std::vector<std::shared_ptr<Chunk>> chunks_;
};

class ViewImpl : public View, public std::enable_shared_from_this<ViewImpl> {
 public:
  explicit ViewImpl(ViewOptions options)
      : options_(std::move(options)),
        format_(std::make_shared<const RowFormat>(options_.schema, options_.key)),
        memory_(options_.memory),
        store_(*format_),
        loaded_(!options_.loads) {}

  const ViewOptions& options() const override { return options_; }

  void stage(Epoch epoch, ChangeBatch batch) override {
    if (batch.empty()) return;
    const std::lock_guard lock(stage_mutex_);
    staged_[epoch].push_back(std::move(batch));
  }

  Status publish(Epoch epoch) override {
    std::vector<ChangeBatch> batches;
    {
      const std::lock_guard lock(stage_mutex_);
      if (auto node = staged_.extract(epoch)) batches = std::move(node.mapped());
    }
    // Readers are kept out only while the net change goes in, not while it is made.
    auto net = std::make_shared<NetChange>(*format_);
    for (const ChangeBatch& batch : batches) net->add(batch);
    std::vector<std::shared_ptr<FeedState>> to_tell;
    {
      const std::lock_guard lock(mutex_);
      if (options_.replaces && format_->has_key()) net = std::make_shared<NetChange>(store_.replacing(*net));
      if (!net->empty()) {
        Status applied = store_.apply(*net);
        if (!applied) return std::move(applied).error().context("view \"" + options_.name + "\"");
        if (options_.memory != nullptr && !memory_.try_resize(store_.bytes())) {
          return make_error(ErrorCode::kOutOfMemory, "view \"{}\" needs {} bytes, more than the memory limit allows",
                            options_.name, store_.bytes())
              .hint("raise memory_limit, or keep less in the view");
        }
        changes_total_ += net->rows();
        changed_epoch_ = epoch;
        for (const auto& feed : feeds_) {
          if (feed->add({.epoch = epoch, .rows = net})) to_tell.push_back(feed);
        }
      }
      epoch_ = epoch;
    }
    published_.notify_all();
    for (const auto& feed : to_tell) feed->tell();
    return {};
  }

  void set_loaded() override { set_and_tell(loaded_); }
  void end() override { set_and_tell(ended_); }

  void drop() override {
    std::vector<std::shared_ptr<FeedState>> feeds;
    {
      const std::lock_guard lock(mutex_);
      dropped_ = true;
      feeds = feeds_;
    }
    for (const auto& feed : feeds) {
      feed->drop();
      feed->tell();
    }
  }

  Epoch epoch() const override {
    const std::lock_guard lock(mutex_);
    return epoch_;
  }
  Epoch changed_epoch() const override {
    const std::lock_guard lock(mutex_);
    return changed_epoch_;
  }
  bool loaded() const override {
    const std::lock_guard lock(mutex_);
    return loaded_;
  }
  bool ended() const override {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  size_t rows() const override {
    const std::lock_guard lock(mutex_);
    return store_.rows();
  }
  uint64_t changes_total() const override {
    const std::lock_guard lock(mutex_);
    return changes_total_;
  }

  std::shared_ptr<const Snapshot> snapshot() const override {
    const std::lock_guard lock(mutex_);
    return locked_snapshot();
  }

  std::optional<ChangeBatch> lookup(std::string_view key) const override {
    if (!format_->has_key()) return std::nullopt;
    std::vector<columnar::ColumnBuilder> builders = format_->make_builders();
    {
      const std::lock_guard lock(mutex_);
      const StoredRow* row = store_.find(key);
      if (row == nullptr) return std::nullopt;
      std::string_view bytes = row->bytes;
      columnar::decode_key(bytes, builders);
    }
    return ChangeBatch(1, format_->finish(builders));
  }

  std::unique_ptr<ChangeFeed> subscribe(FeedOptions options) override;

  bool wait_for_epoch(Epoch epoch, int64_t deadline_us) const override {
    std::unique_lock lock(mutex_);
    while (epoch_ < epoch) {
      const int64_t left_us = deadline_us - monotonic_time_us();
      if (left_us <= 0) return false;
      published_.wait_for(lock, std::chrono::microseconds(left_us));
    }
    return true;
  }

  void begin_snapshot(FeedState& feed) {
    const std::lock_guard lock(mutex_);
    feed.begin_snapshot(locked_snapshot());
  }

  void forget(const std::shared_ptr<FeedState>& feed) {
    const std::lock_guard lock(mutex_);
    std::erase(feeds_, feed);
  }

 private:
  void set_and_tell(bool& flag) {
    std::vector<std::shared_ptr<FeedState>> feeds;
    {
      const std::lock_guard lock(mutex_);
      flag = true;
      feeds = feeds_;
    }
    for (const auto& feed : feeds) feed->tell();
  }

  // One snapshot serves all who ask in the same epoch; none is kept when nobody holds it, so that nothing is copied for
  // it.
  std::shared_ptr<const Snapshot> locked_snapshot() const {
    std::shared_ptr<const Snapshot> snapshot = latest_.lock();
    if (snapshot == nullptr || snapshot->epoch() != epoch_) {
      snapshot = std::make_shared<ChunkSnapshot>(epoch_, format_, store_);
      latest_ = snapshot;
    }
    return snapshot;
  }

  const ViewOptions options_;
  const std::shared_ptr<const RowFormat> format_;

  std::mutex stage_mutex_;
  std::map<Epoch, std::vector<ChangeBatch>> staged_;

  mutable std::mutex mutex_;
  mutable std::condition_variable published_;
  MemoryReservation memory_;
  RowStore store_;
  Epoch epoch_;
  Epoch changed_epoch_;
  uint64_t changes_total_ = 0;
  bool loaded_;
  bool ended_ = false;
  bool dropped_ = false;
  mutable std::weak_ptr<const Snapshot> latest_;
  std::vector<std::shared_ptr<FeedState>> feeds_;
};

class Feed : public ChangeFeed {
 public:
  Feed(std::shared_ptr<ViewImpl> view, std::shared_ptr<FeedState> state)
      : view_(std::move(view)), state_(std::move(state)) {}

  ~Feed() override {
    state_->close();
    view_->forget(state_);
  }

  std::optional<FeedUpdate> poll(size_t rows_max) override {
    if (state_->wants_snapshot()) view_->begin_snapshot(*state_);
    return state_->poll(rows_max);
  }

  void on_ready(std::function<void()> ready) override {
    state_->on_ready(std::move(ready));
    if (state_->has_something()) state_->tell();
  }

 private:
  const std::shared_ptr<ViewImpl> view_;
  const std::shared_ptr<FeedState> state_;
};

std::unique_ptr<ChangeFeed> ViewImpl::subscribe(FeedOptions options) {
  auto state = std::make_shared<FeedState>(options);
  const std::lock_guard lock(mutex_);
  if (dropped_) state->drop();
  feeds_.push_back(state);
  return std::make_unique<Feed>(shared_from_this(), state);
}

}  // namespace

std::shared_ptr<View> View::make(ViewOptions options) { return std::make_shared<ViewImpl>(std::move(options)); }

}  // namespace penstock::view
