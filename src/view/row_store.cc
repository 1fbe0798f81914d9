#include "view/row_store.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/hash.h"

namespace penstock::view {

namespace {

constexpr size_t kSlotsMin = 64;
enum : uint8_t { kStays, kGoes, kReplaced };

uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

Error contradiction(std::string_view what, const std::string& row) {
  return make_error(ErrorCode::kInternal, "{}: {}", what, row);
}

}  // namespace

size_t RowStore::bytes() const { return row_bytes_ + stored_ * sizeof(StoredRow) + slots_.size() * sizeof(Slot); }

size_t RowStore::slot_of(std::string_view key, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot].position != 0; slot = (slot + 1) & mask) {
    if (slots_[slot].tag != tag_of(hash)) continue;
    const StoredRow& row = at(slots_[slot].position - 1);
    if (row.key_hash == hash && row.key() == key) break;
  }
  return slot;
}

size_t RowStore::slot_of_position(uint64_t hash, size_t position) const {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (slots_[slot].position != position + 1) slot = (slot + 1) & mask;
  return slot;
}

void RowStore::free_slot(size_t slot) {
  // Linear probing without tombstones: what follows moves up where its own place allows.
  const size_t mask = slots_.size() - 1;
  size_t hole = slot;
  for (size_t next = (slot + 1) & mask; slots_[next].position != 0; next = (next + 1) & mask) {
    const size_t home = at(slots_[next].position - 1).key_hash & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    slots_[hole] = slots_[next];
    hole = next;
  }
  slots_[hole] = {};
}

void RowStore::reserve_slots(size_t more) {
  size_t size = std::max(kSlotsMin, slots_.size());
  while ((stored_ + more) * 2 > size) size *= 2;
  if (size == slots_.size()) return;
  std::vector<Slot> old(size);
  old.swap(slots_);
  for (const Slot& moved : old) {
    if (moved.position == 0) continue;
    size_t slot = at(moved.position - 1).key_hash & (size - 1);
    while (slots_[slot].position != 0) slot = (slot + 1) & (size - 1);
    slots_[slot] = moved;
  }
}

NetChange RowStore::replacing(const NetChange& net) const {
  std::unordered_map<std::string_view, const NetChange::Row*> last;  // that comes, by key
  std::unordered_set<std::string_view> gone;
  for (const NetChange::Row& row : net.entries()) {
    if (row.weight > 0) last[net.key_of(row)] = &row;
    const StoredRow* const stored = row.weight < 0 ? find(net.key_of(row)) : nullptr;
    if (stored != nullptr && stored->bytes == net.bytes_of(row)) gone.insert(net.key_of(row));
  }
  NetChange out(format_);
  for (const std::string_view key : gone) {
    const StoredRow& stored = *find(key);
    out.add(stored.bytes, stored.key_bytes, -1);
  }
  for (const auto& [key, row] : last) {
    const StoredRow* const stored = gone.contains(key) ? nullptr : find(key);
    if (stored != nullptr) out.add(stored->bytes, stored->key_bytes, -1);
    out.add(net.bytes_of(*row), row->key_bytes, 1);
  }
  return out;
}

const StoredRow* RowStore::find(std::string_view key) const {
  if (stored_ == 0) return nullptr;
  const uint32_t position = slots_[slot_of(key, hash64(key))].position;
  return position == 0 ? nullptr : &at(position - 1);
}

Status RowStore::plan_deletions(const NetChange& net, Plan& plan) {
  const std::vector<NetChange::Row>& entries = net.entries();
  for (uint32_t i = 0; i < entries.size(); ++i) {
    if (entries[i].weight >= 0) continue;
    const uint32_t position = slots_[slot_of(net.key_of(entries[i]), key_hashes_[i])].position;
    const auto gone = static_cast<uint32_t>(-entries[i].weight);
    if (position == 0 || at(position - 1).bytes != net.bytes_of(entries[i]) || at(position - 1).count < gone) {
      return contradiction("a row is taken away that is not there", format_.describe(net.bytes_of(entries[i])));
    }
    if (at(position - 1).count > gone) {
      plan.counts.push_back({.entry = i, .position = position - 1});
    } else {
      going_[position - 1] = kGoes;
      marked_.push_back(position - 1);
    }
  }
  return {};
}

Status RowStore::plan_insertions(const NetChange& net, Plan& plan) {
  const std::vector<NetChange::Row>& entries = net.entries();
  for (uint32_t i = 0; i < entries.size(); ++i) {
    if (entries[i].weight <= 0) continue;
    const uint32_t position = slots_[slot_of(net.key_of(entries[i]), key_hashes_[i])].position;
    if (format_.has_key() && (entries[i].weight > 1 || (position != 0 && going_[position - 1] != kGoes))) {
      return contradiction("two rows have one key", format_.describe(net.bytes_of(entries[i])));
    }
    if (position == 0) {
      plan.added.push_back(i);
    } else if (format_.has_key()) {
      going_[position - 1] = kReplaced;
      plan.replaced.push_back({.entry = i, .position = position - 1});
    } else {
      plan.counts.push_back({.entry = i, .position = position - 1});
    }
  }
  if (!format_.has_key()) return {};
  // The new keys must differ among themselves, too; equal ones have equal hashes.
  std::vector<std::pair<uint64_t, uint32_t>> by_hash;
  for (const uint32_t i : plan.added) by_hash.emplace_back(key_hashes_[i], i);
  std::ranges::sort(by_hash);
  for (size_t begin = 0; begin < by_hash.size(); ++begin) {
    for (size_t next = begin + 1; next < by_hash.size() && by_hash[next].first == by_hash[begin].first; ++next) {
      const NetChange::Row& row = entries[by_hash[next].second];
      if (net.key_of(row) != net.key_of(entries[by_hash[begin].second])) continue;
      return contradiction("two rows have one key", format_.describe(net.bytes_of(row)));
    }
  }
  return {};
}

Result<RowStore::Plan> RowStore::plan(const NetChange& net) {
  const std::vector<NetChange::Row>& entries = net.entries();
  key_hashes_.resize(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    key_hashes_[i] = format_.has_key() ? hash64(net.key_of(entries[i])) : entries[i].hash;
  }
  reserve_slots(0);
  for (const uint32_t position : marked_) going_[position] = kStays;
  marked_.clear();
  going_.resize(std::max(going_.size(), stored_));
  Plan plan;
  PENSTOCK_TRY(plan_deletions(net, plan));
  PENSTOCK_TRY(plan_insertions(net, plan));
  for (const uint32_t position : marked_) {
    if (going_[position] == kGoes) plan.removed.push_back(position);
  }
  return plan;
}

Status RowStore::apply(const NetChange& net) {
  Plan plan = PENSTOCK_TRY(this->plan(net));
  const std::vector<NetChange::Row>& entries = net.entries();
  for (const NetChange::Row& entry : entries) rows_ += static_cast<size_t>(static_cast<int64_t>(entry.weight));
  for (const Replacement& change : plan.counts) {
    writable(change.position).count += static_cast<uint32_t>(entries[change.entry].weight);
  }
  for (const Replacement& change : plan.replaced) {
    StoredRow& row = writable(change.position);
    row_bytes_ -= row.bytes.size();
    row.bytes.assign(net.bytes_of(entries[change.entry]));
    row_bytes_ += row.bytes.size();
  }
  reserve_slots(plan.added.size());
  for (const uint32_t i : plan.added) append(net.bytes_of(entries[i]), entries[i], key_hashes_[i]);
  // From the last: then the row that fills a hole is never one that goes.
  std::ranges::sort(plan.removed, std::greater<>());
  for (const uint32_t position : plan.removed) remove(position);
  return {};
}

StoredRow& RowStore::writable(size_t position) {
  std::shared_ptr<Chunk>& chunk = chunks_[position / kChunkRows];
  if (chunk->snapshots.load(std::memory_order_acquire) != 0) {
    auto copy = std::make_shared<Chunk>();
    copy->rows.reserve(kChunkRows);
    copy->rows = chunk->rows;
    chunk = std::move(copy);
  }
  return chunk->rows[position % kChunkRows];
}

void RowStore::append(std::string_view bytes, const NetChange::Row& row, uint64_t key_hash) {
  if (stored_ % kChunkRows == 0) {
    chunks_.push_back(std::make_shared<Chunk>());
  } else {
    writable(stored_ - 1);
  }
  const size_t mask = slots_.size() - 1;
  size_t slot = key_hash & mask;
  while (slots_[slot].position != 0) slot = (slot + 1) & mask;
  slots_[slot] = {.tag = tag_of(key_hash), .position = static_cast<uint32_t>(stored_ + 1)};
  chunks_.back()->rows.push_back({.bytes = std::string(bytes),
                                  .key_hash = key_hash,
                                  .key_bytes = row.key_bytes,
                                  .count = static_cast<uint32_t>(row.weight)});
  row_bytes_ += bytes.size();
  ++stored_;
}

void RowStore::remove(size_t position) {
  row_bytes_ -= at(position).bytes.size();
  free_slot(slot_of_position(at(position).key_hash, position));
  // The last row fills the hole, so that chunks stay dense.
  const size_t last = stored_ - 1;
  StoredRow& moved = writable(last);
  if (position != last) {
    slots_[slot_of_position(moved.key_hash, last)].position = static_cast<uint32_t>(position + 1);
    writable(position) = std::move(moved);
  }
  chunks_.back()->rows.pop_back();
  if (chunks_.back()->rows.empty()) chunks_.pop_back();
  --stored_;
}

}  // namespace penstock::view
