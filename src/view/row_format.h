// How a view keeps a row: as bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "types/type.h"

namespace penstock::view {

// A row is columnar::append_key of its values, the key columns first: the key is a prefix, and equal bytes are equal
// rows. Without key columns the whole row is the key. Immutable.
class RowFormat {
 public:
  RowFormat(const types::Schema& schema, const std::vector<int>& key);

  bool has_key() const { return key_columns_ != 0; }
  // The columns of a batch, in the order in which they are encoded.
  std::vector<columnar::ColumnPtr> arrange(const columnar::ChangeBatch& batch) const;
  // Appends a row of arranged columns to `out`, and returns the size of its key.
  size_t encode(std::string& out, const std::vector<columnar::ColumnPtr>& arranged, size_t row) const;

  std::vector<columnar::ColumnBuilder> make_builders() const;  // in the order of the encoding
  // Ends builders that decode_key has filled: columns in the order of the schema.
  std::vector<columnar::ColumnPtr> finish(std::vector<columnar::ColumnBuilder>& builders) const;
  // A row as text, for errors.
  std::string describe(std::string_view row) const;

 private:
  std::vector<size_t> order_;  // order_[i] is the column that is encoded as number i
  std::vector<types::DataType> types_;
  size_t key_columns_;
};

}  // namespace penstock::view
