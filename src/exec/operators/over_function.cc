// Window functions that take a value from another row, or tell where a row is in its partition.
#include "exec/operators/over_function.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace penstock::exec {

namespace {

using columnar::ColumnBuilder;
using expr::WindowFunctionKind;

// The rows whose value is not NULL, in order.
class PresentRows : public OverState {
 public:
  void follow(const OrderedRows& rows, int column) {
    while (!rows_.empty() && rows_.front() < rows.begin()) rows_.pop_front();
    for (next_ = std::max(next_, rows.begin()); next_ < rows.end(); ++next_) {
      if (!rows.is_null(column, next_)) rows_.push_back(next_);
    }
  }
  const std::deque<size_t>& rows() const { return rows_; }

 private:
  std::deque<size_t> rows_;
  size_t next_ = 0;
};

// Rows by how many before them count: all, or those that are in `present`.
class CountingRows {
 public:
  CountingRows(const OrderedRows& rows, const OverState* present)
      : rows_(rows), present_(present == nullptr ? nullptr : &static_cast<const PresentRows*>(present)->rows()) {}

  // How many of the rows before `row` count.
  size_t before(size_t row) const {
    if (present_ == nullptr) return row - rows_.begin();
    return static_cast<size_t>(std::ranges::lower_bound(*present_, row) - present_->begin());
  }
  size_t count() const { return present_ == nullptr ? rows_.end() - rows_.begin() : present_->size(); }
  // The row that counts and has `number` of them before it.
  size_t row(size_t number) const { return present_ == nullptr ? rows_.begin() + number : (*present_)[number]; }

 private:
  const OrderedRows& rows_;
  const std::deque<size_t>* const present_;
};

// A function that gives the value of another row.
class ValueOfRow : public OverFunction {
 public:
  explicit ValueOfRow(const OverCall& call) : call_(call) {}

  std::unique_ptr<OverState> make_state() const override {
    return call_.ignore_nulls ? std::make_unique<PresentRows>() : nullptr;
  }

 protected:
  int column() const { return call_.aggregate.argument; }
  CountingRows follow(const OrderedRows& rows, OverState* state) const {
    if (state != nullptr) static_cast<PresentRows*>(state)->follow(rows, column());
    return {rows, state};
  }

  const OverCall call_;
};

// LAG and LEAD.
class Neighbour : public ValueOfRow {
 public:
  explicit Neighbour(const OverCall& call) : ValueOfRow(call), back_(call.function->kind == WindowFunctionKind::kLag) {}

  void evaluate(const OrderedRows& rows, size_t first, OverState* state, ColumnBuilder& out) override {
    const CountingRows counting = follow(rows, state);
    for (size_t row = first; row < rows.end(); ++row) {
      const std::optional<size_t> found = find(counting, row);
      if (found) {
        rows.append_value(column(), *found, out);
      } else if (call_.default_value >= 0) {
        rows.append_value(call_.default_value, row, out);
      } else {
        out.append_null();
      }
    }
  }

  std::optional<size_t> reach() const override {
    if (!back_ || call_.ignore_nulls) return std::nullopt;
    return distance();
  }

  size_t first_needed(const OrderedRows& rows, const OverState* state) const override {
    const CountingRows counting(rows, state);
    const size_t count = counting.count();
    if (count == 0) return rows.end();
    return counting.row(count > distance() ? count - std::max<size_t>(distance(), 1) : 0);
  }

 private:
  size_t distance() const { return static_cast<size_t>(call_.number); }

  std::optional<size_t> find(const CountingRows& counting, size_t row) const {
    if (distance() == 0) return row;
    if (back_) {
      const size_t before = counting.before(row);
      if (before < distance()) return std::nullopt;
      return counting.row(before - distance());
    }
    const size_t next = counting.before(row + 1);  // the number of the first one behind it
    if (counting.count() - next < distance()) return std::nullopt;
    return counting.row(next + distance() - 1);
  }

  const bool back_;
};

// FIRST_VALUE, LAST_VALUE and NTH_VALUE.
class ValueInFrame : public ValueOfRow {
 public:
  ValueInFrame(const OverCall& call, const std::vector<SortKey>& order_by)
      : ValueOfRow(call), frames_(call.frame, order_by) {}

  void evaluate(const OrderedRows& rows, size_t first, OverState* state, ColumnBuilder& out) override {
    frames_.prepare(rows);
    const CountingRows counting = follow(rows, state);
    for (size_t row = first; row < rows.end(); ++row) {
      const std::optional<size_t> found = find(counting, frames_.find_parts(rows, row));
      if (found) {
        rows.append_value(column(), *found, out);
      } else {
        out.append_null();
      }
    }
  }

  std::optional<size_t> reach() const override { return call_.ignore_nulls ? std::nullopt : frames_.reach(); }
  size_t first_needed(const OrderedRows& rows, const OverState* /*state*/) const override {
    return frames_.find(rows, rows.end() - 1).begin;
  }
  std::optional<int64_t> reach_in_time() const override { return frames_.reach_in_time(); }

 private:
  std::optional<size_t> find(const CountingRows& counting, const std::vector<RowRange>& parts) const {
    if (call_.function->kind == WindowFunctionKind::kLastValue) {
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        const size_t end = counting.before(part->end);
        if (end > counting.before(part->begin)) return counting.row(end - 1);
      }
      return std::nullopt;
    }
    size_t skip = call_.function->kind == WindowFunctionKind::kNthValue ? static_cast<size_t>(call_.number) - 1 : 0;
    for (const RowRange& part : parts) {
      const size_t begin = counting.before(part.begin);
      const size_t count = counting.before(part.end) - begin;
      if (skip < count) return counting.row(begin + skip);
      skip -= count;
    }
    return std::nullopt;
  }

  FrameFinder frames_;
};

// PERCENT_RANK, CUME_DIST and NTILE, which are only computed for whole partitions.
class Share : public OverFunction {
 public:
  explicit Share(const OverCall& call) : call_(call) {}

  void evaluate(const OrderedRows& rows, size_t first, OverState* /*state*/, ColumnBuilder& out) override {
    for (size_t row = first; row < rows.end(); ++row) append(rows, row, out);
  }
  size_t first_needed(const OrderedRows& /*rows*/, const OverState* /*state*/) const override { return 0; }

 private:
  void append(const OrderedRows& rows, size_t row, ColumnBuilder& out) const {
    const auto size = static_cast<double>(rows.end());
    const RowRange group = rows.group(row);
    switch (call_.function->kind) {
      case WindowFunctionKind::kPercentRank:
        return out.append_double(rows.end() == 1 ? 0 : static_cast<double>(group.begin) / (size - 1));
      case WindowFunctionKind::kCumeDist: return out.append_double(static_cast<double>(group.end) / size);
      default: return out.append_int64(static_cast<int64_t>(share(rows.end(), row)) + 1);
    }
  }

  // The first shares are one row larger where the rows cannot be shared out equally.
  size_t share(size_t rows, size_t row) const {
    const auto shares = static_cast<size_t>(call_.number);
    const size_t least = rows / shares;
    const size_t larger = rows % shares;
    const size_t in_larger = larger * (least + 1);
    return row < in_larger ? row / (least + 1) : larger + (row - in_larger) / least;
  }

  const OverCall call_;
};

}  // namespace

std::unique_ptr<OverFunction> make_over_function(const OverCall& call, const std::vector<SortKey>& order_by) {
  if (call.function == nullptr) return make_over_aggregate(call, order_by);
  switch (call.function->kind) {
    case WindowFunctionKind::kLag:
    case WindowFunctionKind::kLead: return std::make_unique<Neighbour>(call);
    case WindowFunctionKind::kFirstValue:
    case WindowFunctionKind::kLastValue:
    case WindowFunctionKind::kNthValue: return std::make_unique<ValueInFrame>(call, order_by);
    default: return std::make_unique<Share>(call);
  }
}

std::vector<bool> columns_looked_at(const OverOptions& options) {
  std::vector<bool> looked_at(options.schema.size());
  const auto add = [&](int column) {
    if (column >= 0) looked_at[static_cast<size_t>(column)] = true;
  };
  for (const OverCall& call : options.calls) {
    add(call.aggregate.argument);
    add(call.aggregate.filter);
    add(call.default_value);
  }
  if (!options.order_by.empty()) add(options.order_by.front().column);
  return looked_at;
}

}  // namespace penstock::exec
