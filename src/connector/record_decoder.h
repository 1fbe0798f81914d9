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
  std::optional<format::FormatOptions> key;  // nullopt: keys have no columns
  // A record says what the row with its key, which is the primary key, is now: one without a value, that it is gone.
  bool upserts = false;
  std::vector<std::string> key_columns;  // unless it upserts: those that are in the key
  std::string key_prefix;                // which columns of the key have, and its fields have not
  bool key_in_value = true;              // whether a value has the columns of the key too

  // Whether columns are read from keys. Those that values have too are not, unless a record may have no value.
  bool reads_keys() const { return key.has_value() && (upserts || !key_in_value); }
  const std::vector<std::string>& columns_of_key(const std::vector<std::string>& primary_key) const {
    return upserts ? primary_key : key_columns;
  }
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

// The columns of a record's key as its fields: without their prefix.
Result<types::Schema> key_fields(const RecordFormat& format, const types::Schema& columns,
                                 const std::vector<std::string>& primary_key);
// The columns that are fields of a record's value.
types::Schema value_fields(const RecordFormat& format, const types::Schema& columns,
                           const std::vector<std::string>& primary_key);

}  // namespace penstock::connector
