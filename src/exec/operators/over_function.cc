// Window functions that take a value from another row, or tell where a row is in its partition.
#include "exec/operators/over_function.h"

#include <algorithm>
#include <utility>

namespace penstock::exec {

namespace {

using columnar::Column;
using columnar::ColumnBuilder;
using expr::WindowFunctionKind;

// Rows by how many before them have a value that counts: all, or those that are not NULL.
class CountingRows {
 public:
  void prepare(const Column& column, bool ignore_nulls) {
    counts_all_ = !ignore_nulls || !column.has_nulls();
    size_ = column.size();
    if (counts_all_) return;
    rows_.clear();
    before_.assign(1, 0);
    for (size_t row = 0; row < size_; ++row) {
      if (!column.is_null(row)) rows_.push_back(row);
      before_.push_back(rows_.size());
    }
  }
  // How many of the rows before `row` count.
  size_t before(size_t row) const { return counts_all_ ? row : before_[row]; }
  size_t count() const { return counts_all_ ? size_ : rows_.size(); }
  // The row that counts and has `number` of them before it.
  size_t row(size_t number) const { return counts_all_ ? number : rows_[number]; }

 private:
  bool counts_all_ = true;
  size_t size_ = 0;
  std::vector<size_t> rows_;
  std::vector<size_t> before_;
};

// LAG and LEAD.
class Neighbour : public OverFunction {
 public:
  explicit Neighbour(const OverCall& call) : call_(call), back_(call.function->kind == WindowFunctionKind::kLag) {}

  void evaluate(const OrderedRows& rows, size_t first, OverState* /*state*/, ColumnBuilder& out) override {
    const Column& values = *rows.column(call_.aggregate.argument);
    rows_.prepare(values, call_.ignore_nulls);
    for (size_t row = first; row < rows.size; ++row) {
      const std::optional<size_t> found = find(row);
      if (found) {
        out.append_from(values, *found);
      } else if (call_.default_value >= 0) {
        out.append_from(*rows.column(call_.default_value), row);
      } else {
        out.append_null();
      }
    }
  }

  std::optional<size_t> reach() const override {
    if (!back_ || call_.ignore_nulls) return std::nullopt;
    return distance();
  }

  size_t first_needed(const OrderedRows& rows, const OverState* /*state*/) const override {
    const size_t count = rows_.count();
    if (count == 0) return rows.size;
    return count > distance() ? rows_.row(count - std::max<size_t>(distance(), 1)) : rows_.row(0);
  }

 private:
  size_t distance() const { return static_cast<size_t>(call_.number); }

  std::optional<size_t> find(size_t row) const {
    if (distance() == 0) return row;
    if (back_) {
      const size_t before = rows_.before(row);
      if (before < distance()) return std::nullopt;
      return rows_.row(before - distance());
    }
    const size_t next = rows_.before(row + 1);  // the number of the first one behind it
    if (rows_.count() - next < distance()) return std::nullopt;
    return rows_.row(next + distance() - 1);
  }

  const OverCall call_;
  const bool back_;
  CountingRows rows_;
};

// FIRST_VALUE, LAST_VALUE and NTH_VALUE.
class ValueInFrame : public OverFunction {
 public:
  ValueInFrame(const OverCall& call, const std::vector<SortKey>& order_by)
      : call_(call), frames_(call.frame, order_by) {}

  void evaluate(const OrderedRows& rows, size_t first, OverState* /*state*/, ColumnBuilder& out) override {
    const Column& values = *rows.column(call_.aggregate.argument);
    frames_.prepare(rows);
    rows_.prepare(values, call_.ignore_nulls);
    for (size_t row = first; row < rows.size; ++row) {
      const std::optional<size_t> found = find(frames_.find_parts(rows, row));
      if (found) {
        out.append_from(values, *found);
      } else {
        out.append_null();
      }
    }
  }

  std::optional<size_t> reach() const override { return frames_.reach(); }
  size_t first_needed(const OrderedRows& rows, const OverState* /*state*/) const override {
    return frames_.find(rows, rows.size - 1).begin;
  }

 private:
  std::optional<size_t> find(const std::vector<RowRange>& parts) const {
    if (call_.function->kind == WindowFunctionKind::kLastValue) {
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
        const size_t end = rows_.before(part->end);
        if (end > rows_.before(part->begin)) return rows_.row(end - 1);
      }
      return std::nullopt;
    }
    size_t skip = call_.function->kind == WindowFunctionKind::kNthValue ? static_cast<size_t>(call_.number) - 1 : 0;
    for (const RowRange& part : parts) {
      const size_t begin = rows_.before(part.begin);
      const size_t count = rows_.before(part.end) - begin;
      if (skip < count) return rows_.row(begin + skip);
      skip -= count;
    }
    return std::nullopt;
  }

  const OverCall call_;
  FrameFinder frames_;
  CountingRows rows_;
};

// PERCENT_RANK, CUME_DIST and NTILE.
class Share : public OverFunction {
 public:
  explicit Share(const OverCall& call) : call_(call) {}

  void evaluate(const OrderedRows& rows, size_t first, OverState* /*state*/, ColumnBuilder& out) override {
    for (size_t row = first; row < rows.size; ++row) append(rows, row, out);
  }
  size_t first_needed(const OrderedRows& /*rows*/, const OverState* /*state*/) const override { return 0; }

 private:
  void append(const OrderedRows& rows, size_t row, ColumnBuilder& out) const {
    const auto size = static_cast<double>(rows.size);
    const RowRange group = rows.group(row);
    switch (call_.function->kind) {
      case WindowFunctionKind::kPercentRank:
        return out.append_double(rows.size == 1 ? 0 : static_cast<double>(group.begin) / (size - 1));
      case WindowFunctionKind::kCumeDist: return out.append_double(static_cast<double>(group.end) / size);
      default: return out.append_int64(static_cast<int64_t>(share(rows.size, row)) + 1);
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

}  // namespace penstock::exec
