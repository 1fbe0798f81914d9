// Values that are a whole record: text and bytes as they are, numbers in the bytes that they take in memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "columnar/column.h"
#include "types/type.h"

namespace penstock::format {

// How many bytes a value of the type has; 0: as many as it wants. Nullopt for types that have no such form.
std::optional<size_t> raw_width(types::DataType type);

// Appends the bytes of a value that is not NULL. The column is of a type that has such a form.
void append_raw(std::string& out, const columnar::Column& column, size_t row, bool little_endian);
// Appends the value of bytes, as many as the type has.
void read_raw(std::string_view bytes, bool little_endian, columnar::ColumnBuilder& out);

}  // namespace penstock::format
