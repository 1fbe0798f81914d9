// From records that are events about rows to columns.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/column.h"
#include "format/decoder.h"
#include "format/format.h"
#include "types/type.h"

namespace penstock::format {

// What a row that was decoded stands for.
struct RowEvent {
  uint32_t record = 0;
  bool gone = false;  // the row is no more; else it is there now
};

// Decodes Debezium's events: a created, read (snapshot), updated or deleted row. An update is the old row, which is
// gone, and the new one. Made once per source and used on one thread.
class ChangeDecoder {
 public:
  struct Columns {
    std::span<const size_t> wanted;  // of the schema, in the order of the builders
    // By which rows are known: of a row that is gone only these are read, and an update needs not tell its old form.
    // Empty: all columns.
    std::span<const size_t> key;
  };
  static Result<std::unique_ptr<ChangeDecoder>> make(const FormatOptions& options, const types::Schema& schema,
                                                     const Columns& columns);
  virtual ~ChangeDecoder() = default;

  // Appends up to two rows per record to `out`, and what they stand for to `events`; everything else is as of
  // RowDecoder::decode(). An empty record is no event.
  virtual void decode(std::span<const std::string_view> records, std::string_view readable,
                      std::span<columnar::ColumnBuilder> out, std::vector<RowEvent>& events,
                      std::vector<FailedRecord>& failed) = 0;
};

}  // namespace penstock::format
