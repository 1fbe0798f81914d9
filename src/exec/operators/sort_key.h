// The order of rows: what ORDER BY says, and bytes that compare so.
#pragma once

#include <string>
#include <vector>

#include "columnar/change_batch.h"

namespace penstock::exec {

struct SortKey {
  int column = 0;
  bool descending = false;
  bool nulls_first = true;
};

// Appends bytes whose order is that of the rows.
void append_sort_key(std::string& out, const std::vector<SortKey>& keys, const columnar::ChangeBatch& batch,
                     size_t row);

}  // namespace penstock::exec
