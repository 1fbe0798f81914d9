// From the records of a table to its columns: what each format of keys and values means for rows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/column.h"
#include "connector/scan.h"
#include "format/decoder.h"
#include "format/format.h"

namespace penstock::connector {

// How the records of a table are read.
struct RecordFormat {
  format::FormatOptions value;
  // With it, the record's key is the primary key, and a record says what its row is now: one without a value, that it
  // is gone.
  std::optional<format::FormatOptions> key;
  std::string key_prefix;    // which columns of the key have, and its fields have not
  bool key_in_value = true;  // whether a value has the columns of the key too
};

// A run of records of one partition or file. A text without data (not an empty one) is not there.
struct RawRecords {
  std::span<const std::string_view> values;
  std::span<const std::string_view> keys;  // may be empty: no record has a key
  std::string_view readable;               // as for RowDecoder::decode()
};

struct DecodedRows {
  std::vector<columnar::ColumnPtr> columns;  // ScanRequest::physical
  std::vector<uint32_t> records;             // the record of each row
  std::vector<uint8_t> gone;                 // 1 for a row that is no more; empty: all rows are new
};

// Made once per source and used on its thread.
class RecordDecoder {
 public:
  static Result<std::unique_ptr<RecordDecoder>> make(const RecordFormat& format, const ScanRequest& request);
  virtual ~RecordDecoder() = default;

  // Fills `rows`, and `failed` in rising order of records.
  virtual void decode(const RawRecords& records, DecodedRows& rows, std::vector<format::FailedRecord>& failed) = 0;
  // The most rows that a record gives.
  virtual size_t rows_per_record() const { return 1; }
};

// The columns of the primary key as the fields of a record's key: without their prefix.
Result<types::Schema> key_fields(const RecordFormat& format, const types::Schema& columns,
                                 const std::vector<std::string>& primary_key);
// The columns that are fields of a record's value.
types::Schema value_fields(const RecordFormat& format, const types::Schema& columns,
                           const std::vector<std::string>& primary_key);

}  // namespace penstock::connector
