#include "exec/operators/sort_key.h"

#include <algorithm>
#include <cstring>

#include "columnar/row_key.h"

namespace penstock::exec {

// The order-preserving encoding of each sort column, its bits turned over where it goes down; in front a byte, 0 or 1,
// that puts NULLs where they are wanted.
void append_sort_key(std::string& out, const std::vector<SortKey>& keys, const columnar::ChangeBatch& batch,
                     size_t row) {
  for (const SortKey& by : keys) {
    const columnar::Column& column = *batch.column(static_cast<size_t>(by.column));
    const bool null = column.is_null(row);
    out.push_back(null == by.nulls_first ? '\0' : '\1');
    if (null) continue;
    const size_t begin = out.size();
    columnar::append_ordered_value(out, column, row);
    if (!by.descending) continue;
    for (size_t i = begin; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
  }
}

uint64_t sort_key_prefix(std::string_view key) {
  unsigned char bytes[9] = {};
  std::memcpy(bytes, key.data(), std::min(key.size(), sizeof bytes));
  uint64_t value = 0;
  for (size_t i = 1; i < sizeof bytes; ++i) value = value << 8 | bytes[i];
  return uint64_t{bytes[0]} << 63 | value >> 1;
}

}  // namespace penstock::exec
