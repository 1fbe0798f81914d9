#include "connector/record_rows.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "columnar/change_batch.h"

namespace penstock::connector {

using columnar::ChangeBatch;
using columnar::ColumnPtr;

namespace {

// The value of kRowIsGone for each row.
ColumnPtr gone_column(const DecodedRows& rows, types::DataType type) {
  std::vector<uint8_t> gone = rows.gone;
  gone.resize(rows.records.size(), 0);
  return std::make_shared<const columnar::Column>(type, std::move(gone), std::vector<uint8_t>());
}

// Others are the same wherever the rows come from. What SplitWatermarks tells is NULL until it has seen them.
bool is_of_origin(const MetadataColumn& column) {
  return column.key != kRowIsGone && column.key != kCurrentWatermarkKey && column.key != kSplitWatermarkKey;
}

}  // namespace

Result<RecordRows> RecordRows::make(const ConnectorContext& context, const ScanRequest& request,
                                    const RecordFormat& format) {
  return RecordRows(context, request, PENSTOCK_TRY(RecordDecoder::make(format, request)));
}

RecordRows::RecordRows(const ConnectorContext& context, const ScanRequest& request,
                       std::unique_ptr<RecordDecoder> decoder)
    : context_(context),
      table_(request.table),
      metadata_(request.metadata),
      decoder_(std::move(decoder)),
      transform_(request) {
  std::ranges::copy_if(metadata_, std::back_inserter(of_origin_), is_of_origin);
}

ScanTransform::Result RecordRows::read(const RawRecords& records, const RecordOrigin& origin) {
  failed_.clear();
  decoder_->decode(records, rows_, failed_);
  for (const format::FailedRecord& failed : failed_) {
    if (!failed.ignored) tell(records, origin, failed.record, failed.message);
  }
  std::vector<ColumnPtr> columns = std::move(rows_.columns);
  const std::vector<ColumnPtr> of_origin = origin.metadata(of_origin_, rows_.records);
  auto next = of_origin.begin();
  for (const MetadataColumn& column : metadata_) {
    columns.push_back(is_of_origin(column) ? *next++ : own_metadata(column));
  }
  return transform_.apply(
      ChangeBatch(rows_.records.size(), std::move(columns)), context_.env->wall_time_us(),
      [&](size_t row, std::string_view error) { tell(records, origin, rows_.records[row], error); });
}

ColumnPtr RecordRows::own_metadata(const MetadataColumn& column) const {
  if (column.key == kRowIsGone) return gone_column(rows_, column.type);
  return columnar::Column::constant(column.type, types::Value(), rows_.records.size());
}

void RecordRows::tell(const RawRecords& records, const RecordOrigin& origin, size_t record,
                      std::string_view error) const {
  DeadLetter letter = origin.dead_letter(record);
  letter.table = table_;
  letter.raw = records.values[record];
  if (letter.raw.data() == nullptr && !records.keys.empty()) letter.raw = records.keys[record];
  letter.error = error;
  context_.dead_letters->add(letter);
}

}  // namespace penstock::connector
