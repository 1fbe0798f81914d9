// Which rows are in the frame of a row.
#include <algorithm>

#include "exec/operators/add_saturating.h"
#include "exec/operators/over_function.h"
#include "types/decimal.h"

namespace penstock::exec {

namespace {

using types::Frame;

// `place` + `offset`, within [0, end].
size_t moved(size_t place, int64_t offset, size_t end) {
  const int64_t at = add_saturating(static_cast<int64_t>(place), offset);
  return static_cast<size_t>(std::clamp<int64_t>(at, 0, static_cast<int64_t>(end)));
}

}  // namespace

FrameFinder::FrameFinder(Frame frame, const std::vector<SortKey>& order_by)
    : frame_(frame),
      key_(order_by.empty() ? -1 : order_by.front().column),
      descending_(!order_by.empty() && order_by.front().descending) {}

void FrameFinder::prepare(const OrderedRows& rows) {
  valid_ = {rows.begin(), rows.end()};
  const bool measures = frame_.unit == Frame::Unit::kRange && (frame_.start.offset != 0 || frame_.end.offset != 0);
  if (!measures) return;
  while (valid_.begin < valid_.end && rows.is_null(key_, valid_.begin)) ++valid_.begin;
  while (valid_.begin < valid_.end && rows.is_null(key_, valid_.end - 1)) --valid_.end;
}

RowRange FrameFinder::find(const OrderedRows& rows, size_t row) const {
  const size_t end = find_end(rows, row);
  return {std::min(find_begin(rows, row), end), end};
}

size_t FrameFinder::find_begin(const OrderedRows& rows, size_t row) const {
  if (frame_.start.unbounded) return 0;
  const int64_t offset = frame_.start.offset;
  switch (frame_.unit) {
    case Frame::Unit::kRows: return moved(row, offset, rows.end());
    case Frame::Unit::kGroups: return rows.group_begin(moved(rows.group_of(row), offset, rows.groups_end()));
    case Frame::Unit::kRange: return offset == 0 ? rows.group(row).begin : find_key(rows, row, offset, false);
  }
  return 0;
}

size_t FrameFinder::find_end(const OrderedRows& rows, size_t row) const {
  if (frame_.end.unbounded) return rows.end();
  const int64_t offset = frame_.end.offset;
  switch (frame_.unit) {
    case Frame::Unit::kRows: return moved(row + 1, offset, rows.end());
    case Frame::Unit::kGroups: return rows.group_begin(moved(rows.group_of(row) + 1, offset, rows.groups_end()));
    case Frame::Unit::kRange: return offset == 0 ? rows.group(row).end : find_key(rows, row, offset, true);
  }
  return 0;
}

size_t FrameFinder::find_key(const OrderedRows& rows, size_t row, int64_t offset, bool beyond) const {
  // A NULL is as far from everything as can be: only NULLs are near it.
  if (row < valid_.begin || row >= valid_.end) return beyond ? rows.group(row).end : rows.group(row).begin;
  const types::Int128 distance = descending_ ? -types::Int128{offset} : types::Int128{offset};
  const types::Int128 limit = types::Int128{rows.int64(key_, row)} + distance;
  const auto before = [&](size_t other) {
    const types::Int128 key = rows.int64(key_, other);
    if (key == limit) return beyond;
    return descending_ ? key > limit : key < limit;
  };
  RowRange left = valid_;
  while (left.begin < left.end) {
    const size_t middle = left.begin + (left.end - left.begin) / 2;
    if (before(middle)) {
      left.begin = middle + 1;
    } else {
      left.end = middle;
    }
  }
  return left.begin;
}

std::vector<RowRange> FrameFinder::find_excluded(const OrderedRows& rows, size_t row, RowRange frame) const {
  std::vector<RowRange> excluded;
  const auto add = [&](size_t begin, size_t end) {
    begin = std::max(begin, frame.begin);
    end = std::min(end, frame.end);
    if (begin < end) excluded.push_back({begin, end});
  };
  const RowRange group = rows.group(row);
  switch (frame_.exclusion) {
    case Frame::Exclusion::kNone: break;
    case Frame::Exclusion::kCurrentRow: add(row, row + 1); break;
    case Frame::Exclusion::kGroup: add(group.begin, group.end); break;
    case Frame::Exclusion::kTies:
      add(group.begin, row);
      add(row + 1, group.end);
      break;
  }
  return excluded;
}

std::vector<RowRange> FrameFinder::find_parts(const OrderedRows& rows, size_t row) const {
  RowRange rest = find(rows, row);
  std::vector<RowRange> parts;
  for (const RowRange& excluded : find_excluded(rows, row, rest)) {
    if (rest.begin < excluded.begin) parts.push_back({rest.begin, excluded.begin});
    rest.begin = excluded.end;
  }
  if (rest.begin < rest.end) parts.push_back(rest);
  return parts;
}

std::optional<size_t> FrameFinder::reach() const {
  if (frame_.unit != Frame::Unit::kRows || frame_.start.unbounded || !frame_.looks_back() || excludes()) {
    return std::nullopt;
  }
  return static_cast<size_t>(std::max<int64_t>(0, -frame_.start.offset));
}

std::optional<int64_t> FrameFinder::reach_in_time() const {
  if (frame_.unit != Frame::Unit::kRange || frame_.start.unbounded) return std::nullopt;
  return std::max<int64_t>(0, -frame_.start.offset);
}

}  // namespace penstock::exec
