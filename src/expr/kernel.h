// What kernels of scalar functions are written with.
//
// A kernel reads its arguments as views that look the same for a column and for a constant, computes all rows in a
// loop, and hands over the values. The nulls of a function that propagates them are joined before the kernel runs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"
#include "columnar/column.h"
#include "expr/evaluate.h"
#include "expr/expr.h"

namespace penstock::expr {

using columnar::Column;
using columnar::ColumnPtr;
using columnar::StringCell;
using columnar::StringHeap;
using types::DataType;
using types::Int128;
using types::Physical;
using types::TypeKind;
using types::Value;

// A value of every row: a column, or one constant for all of them.
struct Operand {
  DataType type;
  ColumnPtr column;  // nullptr: a constant
  Value constant;

  bool is_constant() const { return column == nullptr; }
  bool is_null_constant() const { return is_constant() && constant.is_null(); }
};

// Reads one argument of physical form T. A constant is a view with step 0.
template <class T>
class ArgumentView {
 public:
  ArgumentView(const T* data, size_t step) : data_(data), step_(step) {}
  const T& operator[](size_t row) const { return data_[row * step_]; }
  bool is_constant() const { return step_ == 0; }
  const T* data() const { return data_; }

 private:
  const T* data_;
  size_t step_;
};

// One run of a kernel over a batch. Lives on the evaluator's stack.
class KernelCall {
 public:
  // `errors` is nullptr where rows that fail are only NULL (TRY_CAST). `row_numbers` are the rows' numbers in the
  // batch for errors; empty when they are 0, 1, 2...
  KernelCall(size_t rows, std::span<const Operand> arguments, DataType result_type, const EvalContext& context,
             std::span<const uint16_t> row_numbers, RowErrors* errors);

  size_t rows() const { return rows_; }
  size_t argument_count() const { return arguments_.size(); }
  const Operand& operand(size_t i) const { return arguments_[i]; }
  DataType argument_type(size_t i) const { return arguments_[i].type; }
  DataType result_type() const { return result_type_; }
  const EvalContext& context() const { return context_; }

  template <class T>
  ArgumentView<T> argument(size_t i) const;
  // The text of a constant argument, which a kernel prepares once (a pattern, a unit).
  std::string_view constant_text(size_t i) const { return arguments_[i].constant.as_string(); }

  // Joins the nulls of all arguments: what a NullRule::kPropagates function starts with.
  void join_nulls();
  // The rows that are NULL by now; empty when none is.
  std::span<const uint8_t> nulls() const { return nulls_; }
  bool is_null(size_t row) const { return !nulls_.empty() && nulls_[row] != 0; }
  bool is_argument_null(size_t i, size_t row) const {
    return arguments_[i].is_constant() ? arguments_[i].constant.is_null() : arguments_[i].column->is_null(row);
  }
  void set_null(size_t row) {
    if (nulls_.empty()) nulls_.resize(rows_, 0);
    nulls_[row] = 1;
  }
  // The row cannot be computed: it becomes NULL and an error. Not for rows that are NULL already.
  void fail(size_t row, std::string message);
  // The same for all rows that are not NULL: a bad constant.
  void fail_all(std::string_view message);

  // Runs another kernel of one argument, as part of this one, on as many rows as `column` has: row i of it belongs to
  // row rows[i] of this call, which its errors name.
  ColumnPtr run_part(Kernel kernel, ColumnPtr column, DataType result_type, std::span<const uint16_t> rows) const;

  // Hands over the values, one per row.
  template <class T>
  void finish(std::vector<T> values);
  // The same for text, with what the cells point to.
  void finish(std::vector<StringCell> cells, std::vector<Column::Owner> owners);
  // A column of the result type, whose own nulls count.
  void finish(ColumnPtr column) { result_ = std::move(column); }
  ColumnPtr take_result() { return std::move(result_); }

 private:
  // A constant in its physical form, where views of it point.
  struct alignas(16) ConstantSlot {
    std::byte bytes[16];
  };
  static void store_constant(const Operand& operand, ConstantSlot& slot);

  size_t rows_;
  std::span<const Operand> arguments_;
  DataType result_type_;
  const EvalContext& context_;
  std::span<const uint16_t> row_numbers_;
  RowErrors* errors_;
  std::vector<ConstantSlot> constants_;
  std::vector<uint8_t> nulls_;
  ColumnPtr result_;
};

template <class T>
ArgumentView<T> KernelCall::argument(size_t i) const {
  if (!arguments_[i].is_constant()) return {arguments_[i].column->values<T>().data(), 1};
  return {reinterpret_cast<const T*>(constants_[i].bytes), 0};
}

template <class T>
void KernelCall::finish(std::vector<T> values) {
  static_assert(!std::is_same_v<T, StringCell>);
  result_ = std::make_shared<const Column>(result_type_, std::move(values), std::move(nulls_));
}

// Text results: copies what is given into one heap. `set_shared` takes text that the arguments' owners keep alive.
class TextOutput {
 public:
  explicit TextOutput(KernelCall& call) : call_(call), cells_(call.rows()) {}

  void set(size_t row, std::string_view text) {
    if (text.size() > StringCell::kInlineBytes && heap_ == nullptr) heap_ = std::make_shared<StringHeap>();
    cells_[row] = text.size() <= StringCell::kInlineBytes ? StringCell(text) : heap_->add(text);
  }
  // `text` is a part of argument `argument`, which is copied only when it is a constant, or one of very many.
  void set_part_of(size_t argument, size_t row, std::string_view text) {
    if (call_.operand(argument).is_constant() || argument >= kSharedMax) return set(row, text);
    cells_[row] = StringCell(text);
    if (!cells_[row].is_inline()) shared_ |= uint64_t{1} << argument;
  }
  void finish() {
    std::vector<Column::Owner> owners;
    for (size_t i = 0; i < std::min(call_.argument_count(), kSharedMax); ++i) {
      if ((shared_ >> i & 1) == 0) continue;
      const auto& from = call_.operand(i).column->owners();
      owners.insert(owners.end(), from.begin(), from.end());
    }
    if (heap_ != nullptr) owners.push_back(std::move(heap_));
    call_.finish(std::move(cells_), std::move(owners));
  }

 private:
  static constexpr size_t kSharedMax = 64;  // arguments with a bit in shared_

  KernelCall& call_;
  std::vector<StringCell> cells_;
  std::shared_ptr<StringHeap> heap_;
  uint64_t shared_ = 0;  // arguments whose text the cells point to
};

// --- integers that wrap around, as Java's do ---

inline int64_t wrap_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t wrap_subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t wrap_multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

// --- kernels from functions of values ---
// `function` runs for NULL rows too (on some value), so it must not fail or be slow; see map_valid for those.

template <class Out, class A, class F>
void map_unary(KernelCall& call, F function) {
  std::vector<Out> out(call.rows());
  ArgumentView<A> a = call.argument<A>(0);
  if (a.is_constant()) {
    std::fill(out.begin(), out.end(), static_cast<Out>(function(a[0])));
  } else {
    const A* values = a.data();
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Out>(function(values[i]));
  }
  call.finish(std::move(out));
}

template <class Out, class A, class B, class F>
void map_binary(KernelCall& call, F function) {
  std::vector<Out> out(call.rows());
  ArgumentView<A> a = call.argument<A>(0);
  ArgumentView<B> b = call.argument<B>(1);
  // Loops with a fixed side vectorise.
  if (a.is_constant()) {
    const A left = a[0];
    const B* right = b.data();
    size_t step = b.is_constant() ? 0 : 1;
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Out>(function(left, right[i * step]));
  } else if (b.is_constant()) {
    const A* left = a.data();
    const B right = b[0];
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Out>(function(left[i], right));
  } else {
    const A* left = a.data();
    const B* right = b.data();
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<Out>(function(left[i], right[i]));
  }
  call.finish(std::move(out));
}

// Calls `body(row)` for the rows that are not NULL.
template <class F>
void for_valid_rows(const KernelCall& call, F body) {
  for (size_t row = 0; row < call.rows(); ++row) {
    if (!call.is_null(row)) body(row);
  }
}

// Values of rows that are not NULL, each from `function(row)`.
template <class Out, class F>
void map_valid(KernelCall& call, F function) {
  std::vector<Out> out(call.rows());
  for_valid_rows(call, [&](size_t row) { out[row] = static_cast<Out>(function(row)); });
  call.finish(std::move(out));
}

}  // namespace penstock::expr
