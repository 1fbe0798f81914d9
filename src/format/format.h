// Bytes to columns and back: the formats of tables ('format' = 'json', 'csv', 'raw').
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "types/type.h"

namespace penstock::format {

struct FormatOptions {
  std::string name = "json";
  // The options that the table gives with the format's prefix, without it: {"ignore-parse-errors": "true"}.
  std::map<std::string, std::string> options;
};

struct BadRecord {
  size_t index;       // within the records given
  std::string error;  // what is wrong and where: `column "amount": expected a number, found "abc"`
};

// Turns records into rows of the wanted fields. Owned by one source; not thread-safe.
class RowDecoder {
 public:
  virtual ~RowDecoder() = default;
  // Appends one row to `columns` (one builder per field, in order) for each well-formed record. A malformed one adds no
  // row and is named in `bad`, in order; so are tombstones (nullopt). The records are only read, and only during the
  // call.
  virtual void decode(std::span<const std::optional<std::string_view>> records,
                      std::span<columnar::ColumnBuilder> columns, std::vector<BadRecord>& bad) = 0;
};

// Turns rows into records. Owned by one sink; not thread-safe.
class RowEncoder {
 public:
  virtual ~RowEncoder() = default;
  // Appends the record of one row to `out`.
  virtual void encode(const columnar::ChangeBatch& batch, size_t row, std::string& out) = 0;
};

// `fields` are those that are wanted, by their names in the format; a decoder skips all others without decoding them.
// Unknown formats and options are kInvalidArgument, with the nearest known one as hint.
Result<std::unique_ptr<RowDecoder>> make_decoder(const FormatOptions& options, const types::Schema& fields);
Result<std::unique_ptr<RowEncoder>> make_encoder(const FormatOptions& options, const types::Schema& fields);

}  // namespace penstock::format
