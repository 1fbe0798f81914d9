// From columns to the bytes of records.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "format/format.h"
#include "types/type.h"

namespace penstock::format {

// Encodes rows, one record each. Made once per sink and used on one thread.
class RowEncoder {
 public:
  // `schema` are the columns of the batches.
  static Result<std::unique_ptr<RowEncoder>> make(const FormatOptions& options, const types::Schema& schema);
  virtual ~RowEncoder() = default;

  // Appends the record of one row to `out`, without an end of line. Where records are just rows, the row's op is the
  // caller's business; an event says whether the row is there or gone.
  virtual void encode(const columnar::ChangeBatch& batch, size_t row, std::string& out) = 0;

  // Appends the records of all rows to `out`; ends[i] becomes where in `out` that of row i ends.
  void encode_all(const columnar::ChangeBatch& batch, std::string& out, std::vector<size_t>& ends);
};

}  // namespace penstock::format
