#include "state/group_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "columnar/row_key.h"

namespace penstock::state {

namespace {

using columnar::Column;
using columnar::ColumnPtr;
using columnar::StringCell;
using types::Physical;

constexpr size_t kSlotsMin = 64;
// With more slots than this for each group, the table gets fewer.
constexpr size_t kSlotsPerGroupMax = 16;
// The heap is made anew when it is larger than this and more than twice what is in use.
constexpr size_t kHeapBytesMin = size_t{1} << 20;
// Probes ahead of which slots are fetched, and then the entries that they name.
constexpr size_t kPrefetchSlots = 16;
constexpr size_t kPrefetchEntries = 8;

constexpr size_t align16(size_t bytes) { return (bytes + 15) & ~size_t{15}; }

double canonical(double v) {
  if (v == 0) return 0.0;  // -0.0 too
  return std::isnan(v) ? std::numeric_limits<double>::quiet_NaN() : v;
}

// The low bits choose the vnode, so all groups of one worker may share some of them: tags, and so slots, are of the
// high ones.
uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

}  // namespace

GroupTable::GroupTable(std::vector<types::DataType> key_types, PayloadLayout payload)
    : key_types_(std::move(key_types)),
      payload_(payload),
      payload_offset_(sizeof(Header) + key_types_.size() * sizeof(Cell)),
      slots_(kSlotsMin),
      entries_(payload_offset_ + align16(payload.bytes)) {
  PENSTOCK_CHECK(key_types_.size() < kKeyColumnsMax, "too many key columns");
  for (size_t c = 0; c < key_types_.size(); ++c) {
    if (key_types_[c].physical() == Physical::kString) string_columns_ |= uint64_t{1} << c;
  }
}

GroupTable::~GroupTable() {
  if (payload_.destroy == nullptr) return;
  for (size_t number = entries_.next(0); number < entries_.end(); number = entries_.next(number + 1)) {
    payload_.destroy(payload_.context, payload(entry(number)));
  }
}

size_t GroupTable::bytes() const { return entries_.bytes() + slots_.capacity() * sizeof(Slot) + heap_.bytes(); }

void GroupTable::load_keys(std::span<const ColumnPtr> keys, size_t rows) {
  const size_t width = key_types_.size();
  columnar::hash_rows(keys, rows, hashes_);
  row_cells_.assign(rows * width, Cell{});
  row_nulls_.assign(rows, 0);
  for (size_t c = 0; c < width; ++c) {
    const Column& column = *keys[c];
    const auto store = [&]<class T>(auto convert) {
      const std::span<const T> values = column.values<T>();
      for (size_t row = 0; row < rows; ++row) {
        const auto value = convert(values[row]);
        std::memcpy(&row_cells_[row * width + c], &value, sizeof value);
      }
    };
    const auto same = [](const auto& v) { return v; };
    switch (column.type().physical()) {
      case Physical::kBool: store.template operator()<uint8_t>(same); break;
      case Physical::kInt64: store.template operator()<int64_t>(same); break;
      case Physical::kDouble: store.template operator()<double>(canonical); break;
      case Physical::kInt128: store.template operator()<types::Int128>(same); break;
      case Physical::kString: store.template operator()<StringCell>(same); break;
    }
    if (!column.has_nulls()) continue;
    for (size_t row = 0; row < rows; ++row) {
      if (!column.is_null(row)) continue;
      row_nulls_[row] |= uint64_t{1} << c;
      row_cells_[row * width + c] = Cell{};
    }
  }
}

bool GroupTable::equal(std::byte* e, size_t row) const {
  if (header(e)->hash != hashes_[row] || header(e)->nulls != row_nulls_[row]) return false;
  const size_t width = key_types_.size();
  const Cell* stored = cells(e);
  const Cell* given = row_cells_.data() + row * width;
  if (string_columns_ == 0) return width == 0 || std::memcmp(stored, given, width * sizeof(Cell)) == 0;
  for (size_t c = 0; c < width; ++c) {
    if ((string_columns_ >> c & 1) == 0) {
      if (std::memcmp(&stored[c], &given[c], sizeof(Cell)) != 0) return false;
    } else if (std::bit_cast<StringCell>(stored[c]) != std::bit_cast<StringCell>(given[c])) {
      return false;
    }
  }
  return true;
}

size_t GroupTable::insert(size_t slot, size_t row) {
  const uint32_t number = entries_.take();
  std::byte* e = entry(number);
  *header(e) = {.hash = hashes_[row], .nulls = row_nulls_[row]};
  const size_t width = key_types_.size();
  for (size_t c = 0; c < width; ++c) {
    Cell cell = row_cells_[row * width + c];
    if ((string_columns_ >> c & 1) != 0 && (row_nulls_[row] >> c & 1) == 0) {
      cell = std::bit_cast<Cell>(heap_.add(std::bit_cast<StringCell>(cell).view()));
    }
    cells(e)[c] = cell;
  }
  for_each_long_key(e, [&](Cell& cell) {
    live_heap_bytes_ += std::bit_cast<StringCell>(cell).size();
    count_bytes();
  });
  std::memset(payload(e), 0, payload_.bytes);
  if (payload_.init != nullptr) payload_.init(payload_.context, payload(e));
  slots_[slot] = {.tag = tag_of(hashes_[row]), .entry = number + 1};
  return number;
}

void GroupTable::resize(size_t slots) {
  StateVector<Slot> old(slots);
  old.swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (const Slot& moved : old) {
    if (moved.entry == 0) continue;
    size_t slot = moved.tag & mask;
    while (slots_[slot].entry != 0) slot = (slot + 1) & mask;
    slots_[slot] = moved;
  }
}

void GroupTable::find_or_insert(std::span<const ColumnPtr> keys, size_t rows, std::vector<std::byte*>& groups) {
  load_keys(keys, rows);
  probe(rows, groups);
}

void GroupTable::find_or_insert(const GroupTable& other, std::span<std::byte* const> theirs,
                                std::vector<std::byte*>& groups) {
  const size_t width = key_types_.size();
  PENSTOCK_DCHECK(other.key_types_.size() == width, "tables of different keys");
  hashes_.resize(theirs.size());
  row_nulls_.resize(theirs.size());
  row_cells_.resize(theirs.size() * width);
  for (size_t row = 0; row < theirs.size(); ++row) {
    std::byte* e = theirs[row] - other.payload_offset_;
    hashes_[row] = other.header(e)->hash;
    row_nulls_[row] = other.header(e)->nulls;
    std::copy_n(other.cells(e), width, row_cells_.data() + row * width);
  }
  probe(theirs.size(), groups);
}

inline void GroupTable::fetch_ahead(size_t row, size_t rows) const {
  const size_t mask = slots_.size() - 1;
  if (row + kPrefetchSlots < rows) __builtin_prefetch(&slots_[tag_of(hashes_[row + kPrefetchSlots]) & mask]);
  if (row + kPrefetchEntries >= rows) return;
  const Slot& home = slots_[tag_of(hashes_[row + kPrefetchEntries]) & mask];
  if (home.entry != 0) __builtin_prefetch(entry(home.entry - 1));
}

void GroupTable::probe(size_t rows, std::vector<std::byte*>& groups) {
  groups.resize(rows);
  // At most 3/4 full, also when every row is a new group.
  while ((size() + rows) * 4 > slots_.size() * 3) resize(slots_.size() * 2);
  const size_t mask = slots_.size() - 1;
  for (size_t row = 0; row < rows; ++row) {
    fetch_ahead(row, rows);
    const uint32_t tag = tag_of(hashes_[row]);
    size_t slot = tag & mask;
    size_t number = 0;
    for (;; slot = (slot + 1) & mask) {
      if (slots_[slot].entry == 0) {
        number = insert(slot, row);
        break;
      }
      number = slots_[slot].entry - 1;
      if (slots_[slot].tag == tag && equal(entry(number), row)) break;
    }
    groups[row] = payload(entry(number));
  }
}

void GroupTable::find(std::span<const ColumnPtr> keys, size_t rows, std::vector<std::byte*>& groups) {
  load_keys(keys, rows);
  groups.assign(rows, nullptr);
  const size_t mask = slots_.size() - 1;
  for (size_t row = 0; row < rows; ++row) {
    fetch_ahead(row, rows);
    const uint32_t tag = tag_of(hashes_[row]);
    for (size_t slot = tag & mask; slots_[slot].entry != 0; slot = (slot + 1) & mask) {
      std::byte* const found = entry(slots_[slot].entry - 1);
      if (slots_[slot].tag != tag || !equal(found, row)) continue;
      groups[row] = payload(found);
      break;
    }
  }
}

void GroupTable::erase(std::span<std::byte* const> groups) {
  if (groups.empty()) return;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (i + kPrefetchSlots < groups.size()) __builtin_prefetch(groups[i + kPrefetchSlots] - payload_offset_);
    if (i + kPrefetchEntries < groups.size()) {
      const uint32_t tag = tag_of(header(groups[i + kPrefetchEntries] - payload_offset_)->hash);
      __builtin_prefetch(&slots_[tag & (slots_.size() - 1)]);
    }
    erase_one(groups[i]);
  }
  // To half full, so that it does not grow again at once.
  if (slots_.size() > kSlotsMin && size() * kSlotsPerGroupMax < slots_.size()) {
    resize(std::max(kSlotsMin, std::bit_ceil(size() * 2)));
  }
  if (size() == 0) {
    heap_ = columnar::StringHeap();
    count_bytes();
  } else if (heap_.bytes() > kHeapBytesMin && heap_.bytes() > 2 * live_heap_bytes_) {
    rebuild_heap();
  }
}

void GroupTable::erase_one(std::byte* group) {
  std::byte* e = group - payload_offset_;
  const size_t mask = slots_.size() - 1;
  size_t slot = tag_of(header(e)->hash) & mask;
  while (entry(slots_[slot].entry - 1) != e) slot = (slot + 1) & mask;
  if (payload_.destroy != nullptr) payload_.destroy(payload_.context, group);
  for_each_long_key(e, [&](Cell& cell) { live_heap_bytes_ -= std::bit_cast<StringCell>(cell).size(); });
  entries_.give_back(slots_[slot].entry - 1);
  // Linear probing without tombstones: what follows moves up where its own place allows.
  size_t hole = slot;
  for (size_t next = (slot + 1) & mask; slots_[next].entry != 0; next = (next + 1) & mask) {
    const size_t home = slots_[next].tag & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = {};
}

template <class Visit>
void GroupTable::for_each_long_key(std::byte* e, const Visit& visit) const {
  if (string_columns_ == 0) return;
  for (size_t c = 0; c < key_types_.size(); ++c) {
    if ((string_columns_ >> c & 1) == 0) continue;
    if (!std::bit_cast<StringCell>(cells(e)[c]).is_inline()) visit(cells(e)[c]);
  }
}

void GroupTable::rebuild_heap() {
  columnar::StringHeap heap;
  for (size_t number = entries_.next(0); number < entries_.end(); number = entries_.next(number + 1)) {
    for_each_long_key(entry(number), [&](Cell& cell) {
      cell = std::bit_cast<Cell>(heap.add(std::bit_cast<StringCell>(cell).view()));
    });
  }
  heap_ = std::move(heap);
  count_bytes();
}

bool GroupTable::next(size_t& position, size_t max, std::vector<std::byte*>& groups) const {
  groups.clear();
  for (position = entries_.next(position); position < entries_.end() && groups.size() < max;
       position = entries_.next(position + 1)) {
    groups.push_back(payload(entry(position)));
  }
  return !groups.empty();
}

void GroupTable::append_keys(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders) const {
  for (size_t c = 0; c < key_types_.size(); ++c) {
    columnar::ColumnBuilder& builder = builders[c];
    const Physical physical = key_types_[c].physical();
    for (std::byte* group : groups) {
      std::byte* e = group - payload_offset_;
      const Cell& cell = cells(e)[c];
      if ((header(e)->nulls >> c & 1) != 0) {
        builder.append_null();
        continue;
      }
      switch (physical) {
        case Physical::kBool: builder.append_bool(cell.bytes[0] != 0); break;
        case Physical::kInt64: {
          int64_t v = 0;
          std::memcpy(&v, &cell, sizeof v);
          builder.append_int64(v);
          break;
        }
        case Physical::kDouble: {
          double v = 0;
          std::memcpy(&v, &cell, sizeof v);
          builder.append_double(v);
          break;
        }
        case Physical::kInt128: builder.append_int128(std::bit_cast<types::Int128>(cell)); break;
        case Physical::kString: builder.append_string(std::bit_cast<StringCell>(cell).view()); break;
      }
    }
  }
}

}  // namespace penstock::state
