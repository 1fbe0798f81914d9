// A materialized view: the rows of a query, changed an epoch at a time, read as snapshots and as a feed of changes.
//
// One job writes; any thread reads. A reader never sees half of an epoch, and never makes the writer wait for long: a
// snapshot shares the row chunks of its epoch, and the writer copies a shared chunk before it changes it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/epoch.h"
#include "base/memory.h"
#include "base/result.h"
#include "columnar/change_batch.h"
#include "types/type.h"

namespace penstock::view {

// The rows of a view at one epoch. Immutable.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  virtual Epoch epoch() const = 0;
  virtual size_t rows() const = 0;
  // Rows in batches, in no promised order; nullopt after the last. `position` starts at 0 and is advanced.
  virtual std::optional<columnar::ChangeBatch> next(size_t& position) const = 0;
};

// One piece for a subscriber.
struct FeedUpdate {
  enum class Kind : uint8_t {
    kSnapshot,  // a part of a whole snapshot; the first part replaces all that the reader holds
    kChanges,   // the net change of one or more whole epochs
    kDropped,   // the view has gone; nothing follows
  };
  Kind kind = Kind::kChanges;
  Epoch epoch;                                 // the last one included
  bool first = false;                          // of a snapshot's parts
  bool last = true;                            // of a snapshot's parts
  std::vector<columnar::ChangeBatch> batches;  // with ops; apply all deletions before all insertions
};

struct FeedOptions {
  bool snapshot = true;               // begin with the present rows; else only with what changes from now on
  size_t pending_rows_max = 100'000;  // above it, waiting changes are thrown away and a new snapshot is sent
  // What changes are accounted to that wait behind the newest one; when it is used up, the same is done. Outlives the
  // feed.
  MemoryBudget* memory = nullptr;
};

// A reader's place in the changes of a view. What waits is merged (net per row), so a slow reader gets fewer and larger
// updates in bounded memory. Used by one thread at a time.
class ChangeFeed {
 public:
  virtual ~ChangeFeed() = default;
  // The next update, with about `rows_max` rows at most in a part of a snapshot; nullopt when nothing waits.
  virtual std::optional<FeedUpdate> poll(size_t rows_max) = 0;
  // `ready` is called (from any thread, must be short) whenever poll() may have something after it had nothing.
  virtual void on_ready(std::function<void()> ready) = 0;
};

struct ViewOptions {
  std::string name;
  types::Schema schema;
  // Columns of the unique key; empty when rows have none and the view is a multiset of rows.
  std::vector<int> key;
  // The changes come of operators that forget: a row takes the place of one with its key, and what is deleted that is
  // not there is ignored. Only with a key.
  bool replaces = false;
  // Its job only begins to read: see set_loaded().
  bool loads = false;
  MemoryBudget* memory = nullptr;
};

class View {
 public:
  virtual ~View() = default;
  static std::shared_ptr<View> make(ViewOptions options);

  virtual const ViewOptions& options() const = 0;

  // --- the job's side; stage() from several threads at once, publish() from one ---
  // Adds changes to `epoch`, which has not been published.
  virtual void stage(Epoch epoch, columnar::ChangeBatch batch) = 0;
  // Makes everything staged for `epoch` visible at once. An error when a row is deleted that is not there or two rows
  // have one key: the query's changes contradict each other, which is a bug and fails the job.
  virtual Status publish(Epoch epoch) = 0;
  // All that was there when the job began is published, or will never be.
  virtual void set_loaded() = 0;
  // The last epoch has been published: the rows stay as they are.
  virtual void end() = 0;
  // Ends all feeds with kDropped.
  virtual void drop() = 0;

  // --- readers ---
  virtual Epoch epoch() const = 0;
  // The last epoch that changed a row: a reader of the feed that has come there has seen all.
  virtual Epoch changed_epoch() const = 0;
  // False while it lacks rows of what was there when its job began, as after a restart: who looks something up in it
  // waits for that. Feeds are told when it changes.
  virtual bool loaded() const = 0;
  virtual bool ended() const = 0;
  virtual size_t rows() const = 0;
  virtual uint64_t changes_total() const = 0;  // rows of all published changes
  virtual std::shared_ptr<const Snapshot> snapshot() const = 0;
  // The row with a key, given as columnar::append_key encodes the key's values in the order of ViewOptions::key;
  // nullopt when there is none, or the view has no key.
  virtual std::optional<columnar::ChangeBatch> lookup(std::string_view key) const = 0;
  virtual std::unique_ptr<ChangeFeed> subscribe(FeedOptions options) = 0;
  // Waits until epoch() >= `epoch`; false at the deadline (monotonic time).
  virtual bool wait_for_epoch(Epoch epoch, int64_t deadline_us) const = 0;
};

}  // namespace penstock::view
