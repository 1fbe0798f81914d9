#include "connector/record_rows.h"

#include <utility>

#include "columnar/change_batch.h"
#include "connector/table_format.h"

namespace penstock::connector {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using columnar::kBatchRowsMax;

Result<RecordRows> RecordRows::make(const ConnectorContext& context, const ScanRequest& request,
                                    const format::FormatOptions& format) {
  auto decoder = PENSTOCK_TRY(make_row_decoder(format, request.columns, request.physical, request.fields));
  return RecordRows(context, request, std::move(decoder));
}

RecordRows::RecordRows(const ConnectorContext& context, const ScanRequest& request,
                       std::unique_ptr<format::RowDecoder> decoder)
    : context_(context),
      table_(request.table),
      metadata_(request.metadata),
      decoder_(std::move(decoder)),
      transform_(request) {
  for (const types::Field& field : request.physical) builders_.emplace_back(field.type, kBatchRowsMax);
}

ScanTransform::Result RecordRows::read(std::span<const std::string_view> records, std::string_view readable,
                                       const RecordOrigin& origin) {
  failed_.clear();
  decoder_->decode(records, readable, builders_, failed_);
  sort_out_failed(records, origin);
  std::vector<ColumnPtr> columns;
  columns.reserve(builders_.size() + metadata_.size());
  for (ColumnBuilder& builder : builders_) columns.push_back(builder.finish());
  for (const MetadataColumn& column : metadata_) {
    columns.push_back(column.key == kCurrentWatermarkKey
                          ? columnar::Column::constant(column.type, types::Value(), kept_.size())
                          : origin.metadata(column, kept_));
  }
  return transform_.apply(
      ChangeBatch(kept_.size(), std::move(columns)), context_.env->wall_time_us(),
      [&](size_t row, std::string_view error) { tell(origin, kept_[row], records[kept_[row]], error); });
}

void RecordRows::sort_out_failed(std::span<const std::string_view> records, const RecordOrigin& origin) {
  kept_.clear();
  size_t next_failed = 0;
  for (uint32_t record = 0; record < records.size(); ++record) {
    if (next_failed == failed_.size() || failed_[next_failed].record != record) {
      kept_.push_back(record);
      continue;
    }
    const format::FailedRecord& failed = failed_[next_failed++];
    if (!failed.ignored) tell(origin, record, records[record], failed.message);
  }
}

void RecordRows::tell(const RecordOrigin& origin, size_t record, std::string_view raw, std::string_view error) const {
  DeadLetter letter = origin.dead_letter(record);
  letter.table = table_;
  letter.raw = raw;
  letter.error = error;
  context_.dead_letters->add(letter);
}

}  // namespace penstock::connector
