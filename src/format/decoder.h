// From the bytes of records to columns.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/column.h"
#include "format/format.h"
#include "types/type.h"

namespace penstock::format {

// A record that gave no row.
struct FailedRecord {
  uint32_t record;      // its index among those given
  bool ignored;         // the options say to drop it: it is only counted
  std::string message;  // what is wrong and where: "field price: cannot read 'abc' as DECIMAL(10, 2)"
};

// A column of a table, or a field of the ROW that it is, or a field of the ROW which that is, and so on.
struct FieldPath {
  size_t column = 0;
  std::vector<size_t> fields;  // by their places in each ROW
};

// Decodes records into column builders. Made once per source and used on one thread.
class RowDecoder {
 public:
  // `schema` are all physical columns of the table, in order; `wanted` the indexes of those that are decoded, in the
  // order of the builders given to decode(). JSON decodes also single fields; none of them twice, nor with the ROW that
  // it is in.
  static Result<std::unique_ptr<RowDecoder>> make(const FormatOptions& options, const types::Schema& schema,
                                                  std::span<const FieldPath> wanted);
  static Result<std::unique_ptr<RowDecoder>> make(const FormatOptions& options, const types::Schema& schema,
                                                  std::span<const size_t> wanted);
  virtual ~RowDecoder() = default;

  // Appends one row per record to `out`, which has one builder per wanted column; a record that cannot be read leaves
  // no trace in them and is appended to `failed`, in rising order of records. So row i is that of the i-th record that
  // did not fail.
  //
  // `readable` is memory that may be read, in which the records lie (a fetch response, a chunk of a file): records that
  // have kDecodePaddingBytes of it behind them are decoded in place, others are copied first. May be empty.
  virtual void decode(std::span<const std::string_view> records, std::string_view readable,
                      std::span<columnar::ColumnBuilder> out, std::vector<FailedRecord>& failed) = 0;
};

// How far beyond a record a decoder may read.
inline constexpr size_t kDecodePaddingBytes = 64;
// The longest record that is decoded; longer ones fail.
inline constexpr size_t kRecordBytesMax = 64 * 1024 * 1024;

// Finds the first record in `bytes` of a file: its text without the end of line is `record`, and `next` where the
// following one begins. False when no whole record is there yet; with `at_end`, what remains is the last record.
// For CSV, ends of lines inside quotes do not count.
bool split_record(const FormatOptions& options, std::string_view bytes, bool at_end, std::string_view& record,
                  size_t& next);

}  // namespace penstock::format
