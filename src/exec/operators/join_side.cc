#include "exec/operators/join_side.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "columnar/row_key.h"

namespace penstock::exec {

using columnar::ChangeBatch;
using state::kNoRow;
using state::RowId;

namespace {

// Rows ahead of which the index is fetched.
constexpr size_t kPrefetchRows = 16;

}  // namespace

void JoinSide::Options::set_lookup(const JoinInput& input, const JoinLayout& layout) {
  if (input.append_only) return;
  const auto is_key = [&](int column) { return std::ranges::find(input.keys, column) != input.keys.end(); };
  if (input.unique_key && std::ranges::all_of(*input.unique_key, is_key)) {
    lookup = RowLookup::kGroup;
    return;
  }
  lookup = RowLookup::kIndex;
  if (input.unique_key) {
    hashed_columns = *input.unique_key;
  } else {
    hashed_columns = input.keys;
    const std::vector<int>& stored_columns = layout.stored_columns(side);
    hashed_columns.insert(hashed_columns.end(), stored_columns.begin(), stored_columns.end());
  }
}

JoinSide::JoinSide(Options options, const JoinLayout& layout)
    : options_(std::move(options)),
      layout_(layout),
      presence_offset_(!counted() ? sizeof(Link) : sizeof(CountedLink) + (options_.forgets ? sizeof(Came) : 0)),
      store_(options_.stored ? layout.stored_types(options_.side) : std::vector<types::DataType>(),
             presence_offset_ + (options_.emits_alone ? sizeof(Presence) : 0)) {}

Status JoinSide::add(const ChangeBatch& batch, std::span<std::byte* const> groups, uint32_t now) {
  known_.clear();
  rows_.resize(batch.rows());
  new_.assign(batch.rows(), 0);
  if (options_.stored) store_.load(layout_.stored_values(options_.side, batch), batch.rows());
  if (options_.lookup == RowLookup::kIndex) {
    columnar::hash_rows(batch.columns_at(options_.hashed_columns), batch.rows(), hashes_);
  }
  for (size_t i = 0; i < batch.rows(); ++i) {
    auto& group = *reinterpret_cast<JoinGroup*>(groups[i]);
    const int weight = batch.weight(i);
    if (weight < 0 && !counted()) {
      return make_error(ErrorCode::kInternal, "a join was promised an input whose rows are never taken back");
    }
    RowId row = options_.stored && counted() ? find(i, group) : kNoRow;
    if (options_.forgets && weight < 0 && row == kNoRow) continue;
    const size_t place = options_.forgets ? known_.size() : i;
    if (options_.forgets) known_.push_back(static_cast<uint16_t>(i));
    group.weight[options_.side] += weight;
    if (!options_.stored) continue;
    new_[place] = row == kNoRow ? 1 : 0;
    if (row == kNoRow) {
      row = append(i, group);
    } else if (options_.forgets && weight > 0) {
      unlink(row, group);
      link_last(row, group);
    }
    rows_[place] = row;
    if (weight > 0) set_came(row, now);
    if (counted()) counted_link(row).count += weight;
    if (options_.emits_alone) {
      touch(row, group);
    } else if (counted() && counted_link(row).count == 0) {
      remove(row, group);
    }
  }
  return {};
}

RowId JoinSide::append(size_t loaded_row, JoinGroup& group) {
  const RowId row = store_.insert(loaded_row);
  if (counted()) counted_link(row).group = &group;
  link_last(row, group);
  if (options_.lookup == RowLookup::kIndex) {
    counted_link(row).hash = hash_of(loaded_row);
    index_.insert(hash_of(loaded_row), row);
  }
  return row;
}

RowId JoinSide::find(size_t loaded_row, const JoinGroup& group) const {
  if (options_.lookup == RowLookup::kGroup) {
    for (RowId row = group.first[options_.side]; row != kNoRow; row = next(row)) {
      if (store_.equal(row, loaded_row)) return row;
    }
    return kNoRow;
  }
  if (loaded_row + kPrefetchRows < hashes_.size()) index_.prefetch(hash_of(loaded_row + kPrefetchRows));
  return index_.find(hash_of(loaded_row),
                     [&](RowId row) { return counted_link(row).group == &group && store_.equal(row, loaded_row); });
}

void JoinSide::link_last(RowId row, JoinGroup& group) {
  RowId& last = group.last[options_.side];
  (last != kNoRow ? link(last).next : group.first[options_.side]) = row;
  link(row).next = kNoRow;
  if (counted()) counted_link(row).previous = last;
  last = row;
}

void JoinSide::unlink(RowId row, JoinGroup& group) {
  const CountedLink& removed = counted_link(row);
  (removed.next != kNoRow ? counted_link(removed.next).previous : group.last[options_.side]) = removed.previous;
  (removed.previous != kNoRow ? counted_link(removed.previous).next : group.first[options_.side]) = removed.next;
}

void JoinSide::remove(RowId row, JoinGroup& group) {
  unlink(row, group);
  if (options_.lookup == RowLookup::kIndex) index_.erase(counted_link(row).hash, row);
  store_.erase(row);
}

void JoinSide::forget(RowId row, JoinGroup& group) {
  group.weight[options_.side] -= count(row);
  if (counted()) return remove(row, group);
  RowId& first = group.first[options_.side];
  first = link(row).next;
  if (first == kNoRow) group.last[options_.side] = kNoRow;
  store_.erase(row);
}

void JoinSide::touch(RowId row, JoinGroup& group) {
  if (!remember_touched_ || presence(row).touched) return;
  presence(row).touched = true;
  touched_.push_back({row, &group});
}

void JoinSide::add_matches(RowId row, JoinGroup& group, int64_t weight) {
  presence(row).matches += weight;
  touch(row, group);
}

bool JoinSide::has_matches(RowId row, const JoinGroup& group) const {
  return (options_.counts_matches ? presence(row).matches : group.weight[other(options_.side)]) != 0;
}

int64_t JoinSide::missing(RowId row, bool comes_out) const {
  return (comes_out ? int64_t{count(row)} : 0) - presence(row).told;
}

void JoinSide::settle_touched() {
  for (const Touched& touched : touched_) {
    presence(touched.row).touched = false;
    if (counted() && counted_link(touched.row).count == 0) remove(touched.row, *touched.group);
  }
  touched_.clear();
}

}  // namespace penstock::exec
