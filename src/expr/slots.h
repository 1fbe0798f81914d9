// What kernels over nested values are written with: arguments and results as slots (types/nested.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/nested.h"
#include "expr/function.h"
#include "expr/kernel.h"
#include "types/nested.h"

namespace penstock::expr {

// Arguments of a call as slots; what is constant is encoded once.
class SlotArguments {
 public:
  explicit SlotArguments(const KernelCall& call) : call_(call), constants_(call.argument_count()) {
    for (size_t i = 0; i < constants_.size(); ++i) {
      const Operand& operand = call.operand(i);
      if (operand.is_constant()) types::SlotWriter(constants_[i], operand.type).append(operand.constant);
    }
  }

  void append(std::string& out, size_t argument, size_t row) const {
    if (call_.operand(argument).is_constant()) {
      out += constants_[argument];
    } else {
      columnar::append_slot(out, *call_.operand(argument).column, row);
    }
  }
  // The slot, in `buffer` or not.
  std::string_view get(size_t argument, size_t row, std::string& buffer) const {
    if (call_.operand(argument).is_constant()) return constants_[argument];
    buffer.clear();
    columnar::append_slot(buffer, *call_.operand(argument).column, row);
    return buffer;
  }

 private:
  const KernelCall& call_;
  std::vector<std::string> constants_;
};

// The elements of an array.
class ArraySlots {
 public:
  explicit ArraySlots(DataType type) : element_(type.part(0)) {}

  // Valid until the next call, and as long as `array`.
  std::span<const std::string_view> of(std::string_view array) {
    slots_.clear();
    for (std::string_view slot; !(slot = types::take_slot(array, element_)).empty();) slots_.push_back(slot);
    return slots_;
  }

 private:
  DataType element_;
  std::vector<std::string_view> slots_;
};

inline bool is_array(DataType type) { return type.kind() == TypeKind::kArray; }

// Writes an array of these elements.
inline void append_array(std::string& out, std::span<const std::string_view> elements) {
  for (std::string_view slot : elements) out += slot;
  out += types::kSlotEnd;
}

// The elements from one place to another, both counted from 0 and included, as far as there are such.
inline std::span<const std::string_view> elements_between(std::span<const std::string_view> elements, int64_t first,
                                                          int64_t last) {
  first = std::max<int64_t>(first, 0);
  last = std::min(last, static_cast<int64_t>(elements.size()) - 1);
  if (first > last) return {};
  return elements.subspan(static_cast<size_t>(first), static_cast<size_t>(last - first + 1));
}

// The place of an element, counted from 1, of those from a place on; 0 when there is none.
inline int64_t place_of_element(std::span<const std::string_view> elements, std::string_view wanted, int64_t from = 1) {
  const std::span<const std::string_view> rest =
      elements_between(elements, from - 1, static_cast<int64_t>(elements.size()));
  const auto found = std::ranges::find(rest, wanted);
  return found == rest.end() ? 0 : &*found - elements.data() + 1;
}

// The rows in which that argument is NULL are NULL; for kernels that handle NULLs in others.
inline void null_with(KernelCall& call, size_t argument) {
  for (size_t row = 0; row < call.rows(); ++row) {
    if (call.is_argument_null(argument, row)) call.set_null(row);
  }
}

// Nested or text results of the rows that are not NULL: `append(std::string& out, row)` writes each.
template <class F>
void write_rows(KernelCall& call, F append) {
  TextOutput out(call);
  std::string value;
  for_valid_rows(call, [&](size_t row) {
    value.clear();
    append(value, row);
    if (!call.is_null(row)) out.set(row, value);
  });
  out.finish();
}

// Results of any type: `find(row)` gives the slot that is the row's, an empty one for NULL.
template <class F>
void pick_slots(KernelCall& call, F find) {
  columnar::ColumnBuilder out(call.result_type(), call.rows());
  for (size_t row = 0; row < call.rows(); ++row) {
    std::string_view slot = call.is_null(row) ? std::string_view() : find(row);
    slot.empty() ? out.append_null() : columnar::append_from_slot(out, slot);
  }
  call.finish(out.finish());
}

// The type of argument `i` as the expression has it, with its nullability.
inline DataType given_type(const CallSignature& call, size_t i) { return call.arguments[i]->type(); }

}  // namespace penstock::expr
