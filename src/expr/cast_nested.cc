// Casts between nested types: part by part.
#include <algorithm>

#include "columnar/nested.h"
#include "expr/cast.h"

namespace penstock::expr {

namespace {

// Whether a value is the same bytes under both types.
bool same_bytes(DataType from, DataType to) {
  for (size_t i = 0; i < from.parts().size(); ++i) {
    if (cast_kernel(from.part(i), to.part(i)) != nullptr) return false;
  }
  return true;
}

ColumnPtr cast_part(KernelCall& call, const ColumnPtr& column, DataType to, std::span<const uint16_t> rows) {
  if (column->type().kind() == TypeKind::kNull) return Column::constant(to, {}, column->size());
  Kernel kernel = cast_kernel(column->type(), to);
  if (kernel == nullptr) return column->retyped(to);
  ColumnPtr cast = call.run_part(kernel, column, to, rows);
  // An element that cannot be cast makes the whole value NULL: an error has been told of it, unless this is TRY_CAST.
  for (size_t entry = 0; entry < cast->size(); ++entry) {
    if (cast->is_null(entry) && !column->is_null(entry)) call.set_null(rows[entry]);
  }
  return cast;
}

void cast_nested(KernelCall& call) {
  const Operand& operand = call.operand(0);
  ColumnPtr values = operand.is_constant() ? Column::constant(operand.type, operand.constant, 1) : operand.column;
  columnar::NestedParts parts = columnar::take_apart(*values);
  std::vector<uint16_t> rows(parts.size());  // the row of each entry
  for (size_t row = 0; row < parts.ends.size(); ++row) {
    std::fill(rows.begin() + static_cast<ptrdiff_t>(parts.begin(row)), rows.begin() + parts.ends[row],
              static_cast<uint16_t>(row));
  }
  DataType to = call.result_type();
  for (size_t i = 0; i < parts.columns.size(); ++i)
    parts.columns[i] = cast_part(call, parts.columns[i], to.part(i), rows);
  call.finish(columnar::put_together(to, parts, {call.nulls().begin(), call.nulls().end()}));
}

}  // namespace

Kernel cast_nested_kernel(DataType from, DataType to) { return same_bytes(from, to) ? nullptr : cast_nested; }

}  // namespace penstock::expr
