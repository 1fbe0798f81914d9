// How the functions of the Over operators are computed for the rows of one partition.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "columnar/column.h"
#include "exec/operators/over.h"
#include "exec/operators/over_rows.h"

namespace penstock::exec {

// What a function keeps of a partition from one evaluation to the next.
class OverState {
 public:
  virtual ~OverState() = default;
};

class OverFunction {
 public:
  virtual ~OverFunction() = default;

  // For a new partition; null when the function keeps nothing.
  virtual std::unique_ptr<OverState> make_state() const { return nullptr; }
  // Appends its result for the rows from `first` on, which no evaluation with this state has come to yet. The rows in
  // front of `first` are there as far back as it is known that they are needed.
  virtual void evaluate(const OrderedRows& rows, size_t first, OverState* state, columnar::ColumnBuilder& out) = 0;
  // How many rows before its own a result depends on at most; nullopt: on any, or on later ones.
  virtual std::optional<size_t> reach() const { return std::nullopt; }
  // After an evaluation of all rows of a partition whose rows only come at the end: the first row that a later result
  // may depend on.
  virtual size_t first_needed(const OrderedRows& rows, const OverState* state) const = 0;
  // Where the rows are ordered by a time: how much later a row may be that still depends on one; nullopt: any.
  virtual std::optional<int64_t> reach_in_time() const { return std::nullopt; }
};

std::unique_ptr<OverFunction> make_over_function(const OverCall& call, const std::vector<SortKey>& order_by);
std::unique_ptr<OverFunction> make_over_aggregate(const OverCall& call, const std::vector<SortKey>& order_by);
// Which of so many columns the functions of calls look at.
std::vector<bool> columns_looked_at(const OverOptions& options);

// Finds the frames of rows. They begin and end where those of earlier rows do, or later.
class FrameFinder {
 public:
  FrameFinder(types::Frame frame, const std::vector<SortKey>& order_by);

  // Comes before find() on these rows.
  void prepare(const OrderedRows& rows);
  RowRange find(const OrderedRows& rows, size_t row) const;
  // The rows of that frame without those that are excluded, in order.
  std::vector<RowRange> find_parts(const OrderedRows& rows, size_t row) const;
  // The rows within `frame` that are excluded.
  std::vector<RowRange> find_excluded(const OrderedRows& rows, size_t row, RowRange frame) const;

  bool excludes() const { return frame_.exclusion != types::Frame::Exclusion::kNone; }
  // The frame begins with the partition, so that a row which is in it stays in it.
  bool only_grows() const { return frame_.start.unbounded && !excludes(); }
  std::optional<size_t> reach() const;
  std::optional<int64_t> reach_in_time() const;

 private:
  size_t find_begin(const OrderedRows& rows, size_t row) const;
  size_t find_end(const OrderedRows& rows, size_t row) const;
  // The first row whose key is at least (or, with `beyond`, more than) `offset` away from that of `row`.
  size_t find_key(const OrderedRows& rows, size_t row, int64_t offset, bool beyond) const;

  const types::Frame frame_;
  const int key_ = -1;  // what RANGE measures distances in
  const bool descending_ = false;
  RowRange valid_;  // rows whose key is not NULL
};

}  // namespace penstock::exec
