#include "expr/kernel.h"

#include <cstring>

namespace penstock::expr {

KernelCall::KernelCall(size_t rows, std::span<const Operand> arguments, DataType result_type,
                       const EvalContext& context, std::span<const uint16_t> row_numbers, RowErrors* errors)
    : rows_(rows),
      arguments_(arguments),
      result_type_(result_type),
      context_(context),
      row_numbers_(row_numbers),
      errors_(errors),
      constants_(arguments.size()) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].is_constant()) store_constant(arguments[i], constants_[i]);
  }
}

void KernelCall::store_constant(const Operand& operand, ConstantSlot& slot) {
  auto store = [&](auto value) {
    static_assert(sizeof value <= sizeof slot.bytes);
    std::memcpy(slot.bytes, &value, sizeof value);
  };
  if (operand.constant.is_null()) {
    std::memset(slot.bytes, 0, sizeof slot.bytes);  // zero, or the empty text
    return;
  }
  switch (operand.type.physical()) {
    case Physical::kBool: return store(static_cast<uint8_t>(operand.constant.as_bool() ? 1 : 0));
    case Physical::kInt64: return store(operand.constant.as_int64());
    case Physical::kDouble: return store(operand.constant.as_double());
    case Physical::kInt128: return store(operand.constant.as_int128());
    case Physical::kString: return store(StringCell(operand.constant.as_string()));
  }
}

void KernelCall::join_nulls() {
  for (const Operand& argument : arguments_) {
    if (argument.is_constant()) {
      if (argument.constant.is_null()) nulls_.assign(rows_, 1);
      continue;
    }
    if (!argument.column->has_nulls()) continue;
    std::span<const uint8_t> more = argument.column->nulls();
    if (nulls_.empty()) {
      nulls_.assign(more.begin(), more.end());
    } else {
      for (size_t i = 0; i < rows_; ++i) nulls_[i] |= more[i];
    }
  }
}

void KernelCall::fail(size_t row, std::string message) {
  set_null(row);
  if (errors_ == nullptr) return;
  uint16_t number = row_numbers_.empty() ? static_cast<uint16_t>(row) : row_numbers_[row];
  errors_->push_back({.row = number, .message = std::move(message)});
}

void KernelCall::fail_all(std::string_view message) {
  for (size_t row = 0; row < rows_; ++row) {
    if (!is_null(row)) fail(row, std::string(message));
  }
}

ColumnPtr KernelCall::run_part(Kernel kernel, ColumnPtr column, DataType result_type,
                               std::span<const uint16_t> rows) const {
  std::vector<uint16_t> numbers(rows.begin(), rows.end());
  if (!row_numbers_.empty()) {
    for (uint16_t& number : numbers) number = row_numbers_[number];
  }
  size_t size = column->size();
  const Operand argument{.type = column->type(), .column = std::move(column), .constant = {}};
  KernelCall part(size, {&argument, 1}, result_type, context_, numbers, errors_);
  part.join_nulls();
  kernel(part);
  return part.take_result();
}

void KernelCall::finish(std::vector<StringCell> cells, std::vector<Column::Owner> owners) {
  result_ = std::make_shared<const Column>(result_type_, std::move(cells), std::move(nulls_), std::move(owners));
}

}  // namespace penstock::expr
