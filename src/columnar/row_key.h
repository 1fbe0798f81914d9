// Hashes and byte encodings of rows: what exchanges, states and views use as keys.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/strong_id.h"
#include "columnar/column.h"
#include "types/type.h"

namespace penstock::columnar {

// The unit of distribution: vnode = hash(key) mod kVnodes, fixed for the life of a data directory.
using Vnode = StrongId<struct VnodeTag, uint16_t>;
inline constexpr int kVnodes = 256;

inline Vnode vnode_of(uint64_t hash) { return Vnode(static_cast<uint16_t>(hash & (kVnodes - 1))); }

// One hash per row over the columns, in order; NULLs are equal to each other. Stable across runs: vnodes depend on it.
// Equal values of one SQL type have equal hashes (0.0 and -0.0, and all NaNs, are one value each).
void hash_rows(std::span<const ColumnPtr> columns, size_t rows, std::vector<uint64_t>& out);

// Appends an encoding of the row's values whose byte order is the values' order (NULL first) and which reads back:
// equal encodings mean equal rows.
void append_key(std::string& out, std::span<const ColumnPtr> columns, size_t row);
// One value that is not NULL, in that encoding.
void append_ordered_value(std::string& out, const Column& column, size_t row);
// The same as append_key() for single values.
void append_key_value(std::string& out, const types::Value& value, types::DataType type);

// Reads one encoded row from the front of `key` into the builders, and moves `key` past it.
void decode_key(std::string_view& key, std::span<ColumnBuilder> builders);

}  // namespace penstock::columnar
