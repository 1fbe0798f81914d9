// What waits for one reader of a view, and the reader's handle on it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/epoch.h"
#include "view/net_change.h"
#include "view/view.h"

namespace penstock::view {

// The net change of one published epoch, shared by all feeds.
struct PublishedChange {
  Epoch epoch;
  std::shared_ptr<const NetChange> rows;
};

// Shared by the reader's ChangeFeed and the view. Thread-safe. The view's lock may be held when this one is taken,
// never the other way round.
class FeedState {
 public:
  explicit FeedState(FeedOptions options)
      : options_(options), wants_snapshot_(options.snapshot), memory_(options.memory) {}

  // The view's side. Adds a change; true when the reader is to be told.
  bool add(const PublishedChange& change);
  void drop();
  // The reader has gone: nothing is kept from now on, although the view may still hold this for a moment.
  void close();
  // Calls the reader's callback, not under any lock of the view.
  void tell();

  // The reader's side. When a snapshot is wanted, begin_snapshot() comes before poll(), under the view's lock: so no
  // change is in both, and none in neither.
  bool wants_snapshot() const;
  void begin_snapshot(std::shared_ptr<const Snapshot> snapshot);
  std::optional<FeedUpdate> poll(size_t rows_max);
  void on_ready(std::function<void()> ready);
  bool has_something() const;

 private:
  void merge_pending();
  void clear_pending();
  // Accounts for what waits; false when the memory for it is used up.
  bool fits();
  std::optional<FeedUpdate> next_snapshot_part(size_t rows_max);

  const FeedOptions options_;

  mutable std::mutex mutex_;
  bool wants_snapshot_;
  bool dropped_ = false;
  bool drop_told_ = false;
  // The snapshot that is being given, with changes from after it waiting.
  std::shared_ptr<const Snapshot> snapshot_;
  size_t snapshot_position_ = 0;
  bool snapshot_first_ = true;
  std::vector<PublishedChange> pending_;
  size_t pending_rows_ = 0;
  size_t pending_bytes_ = 0;
  size_t merge_at_rows_ = 0;
  MemoryReservation memory_;  // of pending_

  std::mutex callback_mutex_;  // held during the callback, so that it never runs after on_ready({})
  std::function<void()> ready_;
};

}  // namespace penstock::view
