// The rows of a view, in chunks that snapshots share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "view/net_change.h"
#include "view/row_format.h"

namespace penstock::view {

struct StoredRow {
  std::string bytes;  // as RowFormat encodes it
  uint64_t key_hash = 0;
  uint32_t key_bytes = 0;
  uint32_t count = 1;  // how often the row is there: always once in a view with a key

  std::string_view key() const { return std::string_view(bytes).substr(0, key_bytes); }
};

inline constexpr size_t kChunkRows = 1024;

struct Chunk {
  std::vector<StoredRow> rows;
  // Snapshots that read it. It is raised under the view's lock and lowered without, with release order, so that the
  // writer that finds 0 comes after all that they read.
  std::atomic<uint32_t> snapshots{0};
};

// Not thread-safe: the view's lock guards it. A chunk that a snapshot shares is copied before it is changed.
class RowStore {
 public:
  // `format` outlives it.
  explicit RowStore(const RowFormat& format) : format_(format) {}

  // Applies a net change, or changes nothing and says what contradicts.
  Status apply(const NetChange& net);

  // The change with deletions of the rows whose keys come again, and without those of rows that are not there. Of
  // several rows with one key the last counts.
  NetChange replacing(const NetChange& net) const;

  // The row with this key; nullptr when there is none.
  const StoredRow* find(std::string_view key) const;

  size_t rows() const { return rows_; }
  // An estimate of the memory held.
  size_t bytes() const;
  const std::vector<std::shared_ptr<Chunk>>& chunks() const { return chunks_; }

 private:
  struct Slot {
    uint32_t tag = 0;       // the high half of the hash
    uint32_t position = 0;  // of the row + 1; 0 where free
  };
  // What a net change does to the store, found out before anything is changed.
  struct Replacement {
    uint32_t entry;
    uint32_t position;
  };
  struct Plan {
    std::vector<Replacement> counts;    // a row that is there more or less often
    std::vector<Replacement> replaced;  // another row with the key of one that goes
    std::vector<uint32_t> added;        // entries with a new key
    std::vector<uint32_t> removed;      // positions
  };

  Result<Plan> plan(const NetChange& net);
  Status plan_deletions(const NetChange& net, Plan& plan);
  Status plan_insertions(const NetChange& net, Plan& plan);

  const StoredRow& at(size_t position) const { return chunks_[position / kChunkRows]->rows[position % kChunkRows]; }
  StoredRow& writable(size_t position);
  // The slot of a key: where it is, or the free one where it would be.
  size_t slot_of(std::string_view key, uint64_t hash) const;
  size_t slot_of_position(uint64_t hash, size_t position) const;
  void free_slot(size_t slot);
  void reserve_slots(size_t more);
  void append(std::string_view bytes, const NetChange::Row& row, uint64_t key_hash);
  void remove(size_t position);

  const RowFormat& format_;
  std::vector<std::shared_ptr<Chunk>> chunks_;  // all full but the last
  std::vector<Slot> slots_;                     // a power of two
  size_t stored_ = 0;                           // different rows
  size_t rows_ = 0;
  size_t row_bytes_ = 0;
  // While a change is planned, by position: whether its row goes, and whether another takes its place. Else all 0.
  std::vector<uint8_t> going_;
  std::vector<uint32_t> marked_;      // positions at which going_ is not 0
  std::vector<uint64_t> key_hashes_;  // by entry, during apply()
};

}  // namespace penstock::view
