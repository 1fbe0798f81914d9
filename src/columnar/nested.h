// Columns of nested types taken apart and put together again; see types/nested.h for how their values are held.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/column.h"
#include "types/nested.h"
#include "types/type.h"

namespace penstock::columnar {

// What is in the rows of a nested column: one column per part of its type, with the entries of all rows one after the
// other. A ROW has one entry per row, of NULLs where the row is NULL; another value as many as it has elements, none
// where it is NULL.
struct NestedParts {
  std::vector<ColumnPtr> columns;
  std::vector<uint32_t> ends;  // where the entries of each row end; they begin where those of the row before do

  size_t begin(size_t row) const { return row == 0 ? 0 : ends[row - 1]; }
  size_t size() const { return ends.empty() ? 0 : ends.back(); }  // entries of all rows
};

// The rows [begin, end) of a column.
NestedParts take_apart(const Column& column, size_t begin, size_t end);
inline NestedParts take_apart(const Column& column) { return take_apart(column, 0, column.size()); }

// The column of these parts, which are of the types of the parts of `type`. `nulls` is empty, or 1 for the rows that
// are NULL.
ColumnPtr put_together(types::DataType type, const NestedParts& parts, std::vector<uint8_t> nulls);

// Appends a value of a column as a slot, and the value in a slot to a column of its type.
void append_slot(std::string& out, const Column& column, size_t row);
void append_from_slot(ColumnBuilder& out, std::string_view slot);

}  // namespace penstock::columnar
