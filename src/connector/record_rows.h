// From runs of records to the rows of a scan: what sources of bytes share.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "connector/record_decoder.h"
#include "connector/scan.h"
#include "connector/scan_transform.h"
#include "exec/operator.h"
#include "format/decoder.h"

namespace penstock::connector {

// Where the records of one run came from; told by the source.
class RecordOrigin {
 public:
  virtual ~RecordOrigin() = default;
  // Where the record is: the letter's topic, partition and offset.
  virtual DeadLetter dead_letter(size_t record) const = 0;
  // The metadata columns of the records that gave rows.
  virtual std::vector<columnar::ColumnPtr> metadata(std::span<const MetadataColumn> columns,
                                                    std::span<const uint32_t> records) const = 0;
};

// Decodes records, adds the metadata columns, and does what the scan asks of the rows. What cannot be read, or whose
// expressions fail, becomes a dead letter. Owned by one source; not thread-safe.
class RecordRows {
 public:
  static Result<RecordRows> make(const ConnectorContext& context, const ScanRequest& request,
                                 const RecordFormat& format);

  // How many records may be given to read(), so that their rows fit a batch.
  size_t records_max() const { return columnar::kBatchRowsMax / decoder_->rows_per_record(); }
  ScanTransform::Result read(const RawRecords& records, const RecordOrigin& origin);

  bool tells_watermark() const { return transform_.tells_watermark(); }

 private:
  RecordRows(const ConnectorContext& context, const ScanRequest& request, std::unique_ptr<RecordDecoder> decoder);
  // A metadata column that is not of the origin.
  columnar::ColumnPtr own_metadata(const MetadataColumn& column) const;
  void tell(const RawRecords& records, const RecordOrigin& origin, size_t record, std::string_view error) const;

  ConnectorContext context_;
  std::string table_;
  std::vector<MetadataColumn> metadata_;
  std::vector<MetadataColumn> of_origin_;  // of these
  std::unique_ptr<RecordDecoder> decoder_;
  ScanTransform transform_;
  DecodedRows rows_;
  std::vector<format::FailedRecord> failed_;
};

}  // namespace penstock::connector
