#include "state/row_index.h"

namespace penstock::state {

void RowIndex::place(Slot added) {
  size_t slot = added.hash & mask();
  while (slots_[slot].row != kNoRow) slot = (slot + 1) & mask();
  slots_[slot] = added;
}

void RowIndex::insert(uint32_t hash, RowId row) {
  ++live_;
  if (live_ * 4 > slots_.size() * 3) {
    StateVector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& moved : old) {
      if (moved.row != kNoRow) place(moved);
    }
  }
  place({.hash = hash, .row = row});
}

void RowIndex::erase(uint32_t hash, RowId row) {
  size_t slot = hash & mask();
  while (slots_[slot].row != row) slot = (slot + 1) & mask();
  --live_;
  // Linear probing without tombstones: what follows moves up where its own place allows.
  size_t hole = slot;
  for (size_t next = (slot + 1) & mask(); slots_[next].row != kNoRow; next = (next + 1) & mask()) {
    const size_t home = slots_[next].hash & mask();
    if (((next - home) & mask()) < ((next - hole) & mask())) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = {};
}

}  // namespace penstock::state
