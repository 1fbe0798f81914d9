// The order of rows: what ORDER BY says, and bytes that compare so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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
// The front of such bytes: keys of lesser prefixes are less, those of equal ones are compared as a whole.
uint64_t sort_key_prefix(std::string_view key);

}  // namespace penstock::exec
