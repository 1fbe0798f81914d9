#include "exec/operators/sort_key.h"

#include <span>

#include "columnar/row_key.h"

namespace penstock::exec {

// The order-preserving encoding of each sort column, its bits turned over where it goes down; in front a byte that puts
// NULLs where they are wanted.
void append_sort_key(std::string& out, const std::vector<SortKey>& keys, const columnar::ChangeBatch& batch,
                     size_t row) {
  for (const SortKey& by : keys) {
    const columnar::ColumnPtr& column = batch.column(static_cast<size_t>(by.column));
    const bool null = column->is_null(row);
    out.push_back(null == by.nulls_first ? '\0' : '\1');
    if (null) continue;
    const size_t begin = out.size();
    columnar::append_key(out, std::span(&column, 1), row);
    if (!by.descending) continue;
    for (size_t i = begin; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
  }
}

}  // namespace penstock::exec
