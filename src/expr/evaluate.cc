#include "expr/evaluate.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "base/check.h"
#include "expr/cast.h"
#include "expr/evaluator.h"
#include "expr/function.h"

namespace penstock::expr {

Frame Frame::select(std::span<const uint16_t> rows) {
  Frame frame(batch_, context_, *errors_);
  frame.parent_ = this;
  frame.parent_rows_ = rows;
  frame.all_rows_ = false;
  frame.rows_ = rows.size();
  frame.batch_rows_.assign(rows.begin(), rows.end());
  if (!all_rows_) {
    for (uint16_t& row : frame.batch_rows_) row = batch_rows_[row];
  }
  return frame;
}

Operand Frame::evaluate(const Expr& expr) {
  if (!expr.is_common()) return compute(expr);
  if (const Operand* value = kept(expr)) return *value;
  return kept_.emplace_back(&expr, compute(expr)).second;
}

const Operand* Frame::kept(const Expr& expr) {
  const auto own = std::ranges::find(kept_, &expr, &std::pair<const Expr*, Operand>::first);
  if (own != kept_.end()) return &own->second;
  const Operand* of_parent = parent_ == nullptr ? nullptr : parent_->kept(expr);
  if (of_parent == nullptr || of_parent->is_constant()) return of_parent;
  Operand value{.type = of_parent->type, .column = of_parent->column->take(parent_rows_), .constant = {}};
  return &kept_.emplace_back(&expr, std::move(value)).second;
}

Operand Frame::compute(const Expr& expr) {
  switch (expr.kind()) {
    case Expr::Kind::kColumn: return evaluate_column(expr);
    case Expr::Kind::kLiteral: return {.type = expr.type(), .column = nullptr, .constant = expr.value()};
    case Expr::Kind::kCall: return evaluate_call(expr);
    case Expr::Kind::kCast:
    case Expr::Kind::kTryCast: return evaluate_cast(expr);
    case Expr::Kind::kAnd:
    case Expr::Kind::kOr: return evaluate_logic(expr);
    case Expr::Kind::kCase: return evaluate_case(expr);
    case Expr::Kind::kCoalesce: return evaluate_coalesce(expr);
  }
  return {};
}

Operand Frame::evaluate_column(const Expr& expr) {
  size_t index = expr.column_index();
  PENSTOCK_DCHECK(index < batch_.columns().size(), "an expression names a column that the batch does not have");
  ColumnPtr column = batch_.column(index);
  if (!all_rows_) {
    if (selected_.empty()) selected_.resize(batch_.columns().size());
    if (selected_[index] == nullptr) selected_[index] = column->take(batch_rows_);
    column = selected_[index];
  }
  return {.type = expr.type(), .column = std::move(column), .constant = {}};
}

// Runs a kernel. On constants it runs for one row, which then stands for all.
Operand Frame::run(const Expr& expr, Kernel kernel, NullRule nulls, std::span<const Operand> arguments,
                   RowErrors* errors) {
  bool by_row = expr.kind() == Expr::Kind::kCall && expr.function().by_row;
  bool all_constant =
      !by_row && std::all_of(arguments.begin(), arguments.end(), [](const Operand& a) { return a.is_constant(); });
  bool any_null_constant =
      std::any_of(arguments.begin(), arguments.end(), [](const Operand& a) { return a.is_null_constant(); });
  Operand result{.type = expr.type(), .column = nullptr, .constant = {}};
  if (rows_ == 0 || (nulls != NullRule::kHandles && any_null_constant)) return result;
  RowErrors constant_errors;
  size_t rows = all_constant ? 1 : rows_;
  RowErrors* sink = errors == nullptr ? nullptr : (all_constant ? &constant_errors : errors);
  std::span<const uint16_t> numbers;
  if (!all_rows_) numbers = batch_rows_;
  EvalContext context = context_;
  if (expr.zone() != nullptr) context.zone = expr.zone();
  KernelCall call(rows, arguments, expr.type(), context, all_constant ? std::span<const uint16_t>() : numbers, sink);
  if (nulls != NullRule::kHandles) call.join_nulls();
  kernel(call);
  ColumnPtr column = call.take_result();
  PENSTOCK_DCHECK(column != nullptr && column->size() == rows, "a kernel gave no result for every row");
  if (!all_constant) {
    result.column = std::move(column);
    return result;
  }
  result.constant = column->value(0);
  for (const RowError& error : constant_errors) {
    for (size_t row = 0; row < rows_; ++row) {
      uint16_t number = all_rows_ ? static_cast<uint16_t>(row) : batch_rows_[row];
      errors->push_back({.row = number, .message = error.message});
    }
  }
  return result;
}

Operand Frame::evaluate_call(const Expr& expr) {
  std::vector<Operand> arguments;
  arguments.reserve(expr.children().size());
  for (const ExprPtr& child : expr.children()) arguments.push_back(evaluate(*child));
  return run(expr, expr.kernel(), expr.function().nulls, arguments, errors_);
}

Operand Frame::evaluate_cast(const Expr& expr) {
  Operand argument = evaluate(*expr.child(0));
  Kernel kernel = cast_kernel(argument.type, expr.type());
  if (kernel == nullptr) {  // the same physical form and all values fit
    if (!argument.is_constant()) argument.column = argument.column->retyped(expr.type());
    argument.type = expr.type();
    return argument;
  }
  RowErrors* errors = expr.kind() == Expr::Kind::kTryCast ? nullptr : errors_;
  return run(expr, kernel, NullRule::kPropagates, {&argument, 1}, errors);
}

namespace {

ColumnPtr as_column(const Expr& expr, Operand value, size_t rows) {
  return value.is_constant() ? Column::constant(expr.type(), value.constant, rows) : std::move(value.column);
}

}  // namespace

std::vector<ColumnPtr> evaluate_all(std::span<const ExprPtr> expressions, const columnar::ChangeBatch& batch,
                                    const EvalContext& context, RowErrors& errors) {
  Frame frame(batch, context, errors);
  std::vector<ColumnPtr> columns;
  columns.reserve(expressions.size());
  for (const ExprPtr& expr : expressions) columns.push_back(as_column(*expr, frame.evaluate(*expr), batch.rows()));
  return columns;
}

ColumnPtr evaluate(const Expr& expr, const columnar::ChangeBatch& batch, const EvalContext& context,
                   RowErrors& errors) {
  size_t errors_before = errors.size();
  ColumnPtr column = as_column(expr, Frame(batch, context, errors).evaluate(expr), batch.rows());
  if (errors.size() == errors_before) return column;
  // Rows in error may have got a value from what encloses the failed part (IS NULL, CASE).
  columnar::Selection rows(batch.rows());
  std::iota(rows.begin(), rows.end(), uint16_t{0});
  for (size_t i = errors_before; i < errors.size(); ++i) rows[errors[i].row] = UINT16_MAX;
  std::erase(rows, UINT16_MAX);
  ColumnAssembler assembler(column->type(), batch.rows());
  assembler.scatter({.type = column->type(), .column = column->take(rows), .constant = {}}, rows);
  return assembler.finish();
}

columnar::Selection rows_without(const RowErrors& errors, size_t rows) {
  std::vector<bool> failed(rows, false);
  for (const RowError& error : errors) failed[error.row] = true;
  columnar::Selection left;
  left.reserve(rows);
  for (size_t row = 0; row < rows; ++row) {
    if (!failed[row]) left.push_back(static_cast<uint16_t>(row));
  }
  return left;
}

RowErrors one_error_per_row(RowErrors errors) {
  // By their texts as well, so that a row in another batch has the same one.
  std::ranges::sort(errors, {}, [](const RowError& error) { return std::tie(error.row, error.message); });
  const auto repeated = std::ranges::unique(errors, {}, &RowError::row);
  errors.erase(repeated.begin(), repeated.end());
  return errors;
}

columnar::Selection select(const Expr& predicate, const columnar::ChangeBatch& batch, const EvalContext& context,
                           RowErrors& errors) {
  size_t errors_before = errors.size();
  Operand result = Frame(batch, context, errors).evaluate(predicate);
  columnar::Selection rows(batch.rows());
  if (result.is_constant()) {
    if (result.constant.is_null() || !result.constant.as_bool()) return {};
    std::iota(rows.begin(), rows.end(), uint16_t{0});
  } else {
    size_t count = 0;
    std::span<const uint8_t> values = result.column->values<uint8_t>();
    std::span<const uint8_t> nulls = result.column->nulls();
    if (nulls.empty()) {
      for (size_t row = 0; row < values.size(); ++row) {
        rows[count] = static_cast<uint16_t>(row);
        count += values[row];
      }
    } else {
      for (size_t row = 0; row < values.size(); ++row) {
        rows[count] = static_cast<uint16_t>(row);
        count += values[row] & (nulls[row] ^ 1U);
      }
    }
    rows.resize(count);
  }
  if (errors.size() != errors_before) {
    std::vector<uint8_t> failed(batch.rows());
    for (size_t i = errors_before; i < errors.size(); ++i) failed[errors[i].row] = 1;
    std::erase_if(rows, [&](uint16_t row) { return failed[row] != 0; });
  }
  return rows;
}

Result<types::Value> evaluate_constant(const Expr& expr, const EvalContext& context) {
  RowErrors errors;
  ColumnPtr column = evaluate(expr, columnar::ChangeBatch(1, {}), context, errors);
  if (!errors.empty()) return Error(ErrorCode::kInvalidArgument, errors[0].message);
  return column->value(0);
}

ExprPtr fold_constants(const ExprPtr& expr, const EvalContext& context) {
  return transform(expr, [&](ExprPtr node) -> ExprPtr {
    if (node->is_literal() || !node->is_constant()) return node;
    Result<types::Value> value = evaluate_constant(*node, context);
    if (!value) return node;
    return Expr::literal(*std::move(value), node->type());
  });
}

}  // namespace penstock::expr
