// Walks an expression over the rows of a batch, or over some of them.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "columnar/change_batch.h"
#include "expr/evaluate.h"
#include "expr/expr.h"
#include "expr/function.h"
#include "expr/kernel.h"

namespace penstock::expr {

// The rows that an evaluation is about: all of a batch, or a selection of them. Columns of a selection are taken when
// they are first used; common parts (common_parts.h) are kept, for selections of the same rows too. Lives on the stack
// of one evaluation, a selection within its parent's life.
class Frame {
 public:
  Frame(const columnar::ChangeBatch& batch, const EvalContext& context, RowErrors& errors)
      : batch_(batch), context_(context), errors_(&errors), rows_(batch.rows()) {}

  // Rows of this frame, by their numbers in this frame, which outlive the other one.
  Frame select(std::span<const uint16_t> rows);

  size_t rows() const { return rows_; }
  Operand evaluate(const Expr& expr);

 private:
  // As evaluate(), whether or not the value is kept.
  Operand compute(const Expr& expr);
  // What is kept of a common part, by this frame or by one that this is a selection of; null when nothing is.
  const Operand* kept(const Expr& expr);
  Operand evaluate_column(const Expr& expr);
  Operand evaluate_call(const Expr& expr);
  Operand evaluate_cast(const Expr& expr);
  Operand evaluate_logic(const Expr& expr);
  Operand evaluate_case(const Expr& expr);
  Operand evaluate_coalesce(const Expr& expr);
  Operand run(const Expr& expr, Kernel kernel, NullRule nulls, std::span<const Operand> arguments, RowErrors* errors);

  const columnar::ChangeBatch& batch_;
  const EvalContext& context_;
  RowErrors* errors_;
  size_t rows_;
  bool all_rows_ = true;
  columnar::Selection batch_rows_;         // unless all_rows_: the rows' numbers in the batch
  std::vector<ColumnPtr> selected_;        // unless all_rows_: columns taken so far
  Frame* parent_ = nullptr;                // unless all_rows_: what this is a selection of,
  std::span<const uint16_t> parent_rows_;  // and the rows' numbers in it
  std::vector<std::pair<const Expr*, Operand>> kept_;
};

// True when no row of `expr` can fail and it is cheap, so that computing it for too many rows does no harm.
bool is_cheap_and_total(const Expr& expr);

// Puts values of several operands together into one column: branch by branch, each for some rows.
class ColumnAssembler {
 public:
  ColumnAssembler(DataType type, size_t rows);
  // Value i of `from` becomes the value of rows[i].
  void scatter(const Operand& from, std::span<const uint16_t> rows);
  ColumnPtr finish();

 private:
  template <class T>
  void scatter_values(const Operand& from, std::span<const uint16_t> rows);

  DataType type_;
  std::variant<std::vector<uint8_t>, std::vector<int64_t>, std::vector<double>, std::vector<Int128>,
               std::vector<StringCell>>
      values_;
  std::vector<uint8_t> nulls_;  // 1 until a value comes
  std::vector<Column::Owner> owners_;
  std::shared_ptr<StringHeap> heap_;  // of constants
};

// Calls `body` with a value of the C++ type of the physical form.
template <class F>
decltype(auto) with_physical(Physical physical, F body) {
  switch (physical) {
    case Physical::kBool: return body(uint8_t{});
    case Physical::kInt64: return body(int64_t{});
    case Physical::kDouble: return body(double{});
    case Physical::kInt128: return body(Int128{});
    case Physical::kString: break;
  }
  return body(StringCell{});
}

}  // namespace penstock::expr
