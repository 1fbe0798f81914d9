// Finds a row of a RowStore by what is in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/state_memory.h"
#include "state/row_store.h"

namespace penstock::state {

// An open-addressing table of row numbers by a hash of 32 bits, which the caller keeps with the row: it is needed again
// to erase. Owned by one operator; not thread-safe.
class RowIndex {
 public:
  RowIndex() : slots_(kSlotsMin) {}

  void prefetch(uint32_t hash) const { __builtin_prefetch(&slots_[hash & mask()]); }

  // The row with that hash for which `equal` is true; kNoRow when there is none.
  template <class Equal>
  RowId find(uint32_t hash, const Equal& equal) const {
    for (size_t slot = hash & mask(); slots_[slot].row != kNoRow; slot = (slot + 1) & mask()) {
      if (slots_[slot].hash == hash && equal(slots_[slot].row)) return slots_[slot].row;
    }
    return kNoRow;
  }
  void insert(uint32_t hash, RowId row);
  // Of a row that is there.
  void erase(uint32_t hash, RowId row);

  size_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  struct Slot {
    uint32_t hash = 0;
    RowId row = kNoRow;
  };
  static constexpr size_t kSlotsMin = 64;

  size_t mask() const { return slots_.size() - 1; }
  void place(Slot added);

  StateVector<Slot> slots_;  // a power of two
  size_t live_ = 0;
};

}  // namespace penstock::state
