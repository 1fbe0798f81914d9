// Keyed state: groups found by the values of key columns, each with a payload of fixed size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/state_memory.h"
#include "columnar/column.h"
#include "state/item_blocks.h"
#include "types/type.h"

namespace penstock::state {

// What a group's payload is made of: `init` is called on fresh memory, `destroy` (may be empty) before it goes.
struct PayloadLayout {
  size_t bytes = 0;  // aligned to 16
  void (*init)(void* context, std::byte* payload) = nullptr;
  void (*destroy)(void* context, std::byte* payload) = nullptr;
  void* context = nullptr;  // outlives the table
};

// An open-addressing table over arenas. Payloads never move. Owned by one operator; not thread-safe.
//
// A batch is looked up at once: the hashes of all rows first, then their slots are fetched ahead of the probes.
class GroupTable {
 public:
  // At most this many key columns.
  static constexpr size_t kKeyColumnsMax = 64;

  GroupTable(std::vector<types::DataType> key_types, PayloadLayout payload);
  ~GroupTable();
  GroupTable(const GroupTable&) = delete;
  GroupTable& operator=(const GroupTable&) = delete;

  // Sets groups[i] to the payload of row i's group, which is made when there is none. Every physical value is a key;
  // NULLs are equal to each other, and so are NaNs, and 0.0 and -0.0.
  void find_or_insert(std::span<const columnar::ColumnPtr> keys, size_t rows, std::vector<std::byte*>& groups);

  // The same with the keys of groups of another table, which has the same key columns.
  void find_or_insert(const GroupTable& other, std::span<std::byte* const> theirs, std::vector<std::byte*>& groups);

  // Sets groups[i] to the payload of row i's group, null when there is none.
  void find(std::span<const columnar::ColumnPtr> keys, size_t rows, std::vector<std::byte*>& groups);

  // Removes groups, each there once; their payloads are gone.
  void erase(std::span<std::byte* const> groups);
  void erase(std::byte* group) { erase({&group, 1}); }

  size_t size() const { return entries_.size(); }
  // An estimate of the memory held, but for what payloads point to. It is counted as state (base/state_memory.h).
  size_t bytes() const;

  // Walks over all groups: `position` starts at 0 and is advanced. Fills `groups`
  // with at most `max`; returns false when none are left. A group that is there all the while is met once;
  // one that is inserted or erased in between may be met or not.
  bool next(size_t& position, size_t max, std::vector<std::byte*>& groups) const;

  // Appends the key of each group to the builders, one per key column.
  void append_keys(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders) const;

 private:
  // A key value in its physical form; long strings point into heap_.
  struct alignas(16) Cell {
    unsigned char bytes[16];
  };
  // Before each payload: this, then one Cell per key column.
  struct Header {
    uint64_t hash;
    uint64_t nulls;
  };
  static_assert(sizeof(Header) == 16 && sizeof(Cell) == 16);
  struct Slot {
    uint32_t tag = 0;    // the high half of the hash; its low bits say where the slot would best be
    uint32_t entry = 0;  // the number of the entry + 1; 0: free
  };

  std::byte* entry(size_t number) const { return entries_.at(static_cast<uint32_t>(number)); }
  Header* header(std::byte* entry) const { return reinterpret_cast<Header*>(entry); }
  Cell* cells(std::byte* entry) const { return reinterpret_cast<Cell*>(entry + sizeof(Header)); }
  std::byte* payload(std::byte* entry) const { return entry + payload_offset_; }
  void load_keys(std::span<const columnar::ColumnPtr> keys, size_t rows);
  // Finds or inserts the keys that have been loaded.
  void probe(size_t rows, std::vector<std::byte*>& groups);
  // Fetches what the rows behind this one will look at. (g++ takes a function that only fetches for one without effect,
  // and leaves out calls of it.)
  [[gnu::always_inline]] void fetch_ahead(size_t row, size_t rows) const;
  bool equal(std::byte* entry, size_t row) const;
  size_t insert(size_t slot, size_t row);
  void erase_one(std::byte* group);
  // Gives the table so many slots, a power of two.
  void resize(size_t slots);
  // Calls `visit` with each cell of an entry that points into the heap.
  template <class Visit>
  void for_each_long_key(std::byte* entry, const Visit& visit) const;
  void rebuild_heap();
  void count_bytes() { counted_.set(heap_.bytes()); }

  const std::vector<types::DataType> key_types_;
  const PayloadLayout payload_;
  const size_t payload_offset_;
  uint64_t string_columns_ = 0;  // bit i: key column i is a string

  StateVector<Slot> slots_;  // a power of two
  ItemBlocks entries_;
  columnar::StringHeap heap_;
  size_t live_heap_bytes_ = 0;
  StateBytes counted_;  // of the heap

  // Of the batch at hand.
  std::vector<uint64_t> hashes_;
  StateVector<Cell> row_cells_;  // rows x key columns
  StateVector<uint64_t> row_nulls_;
};

}  // namespace penstock::state
