#include "engine/late_rows.h"

#include <utility>

namespace penstock::engine {

using types::TypeKind;
using types::Value;

void LateRowStore::add(const columnar::ChangeBatch& batch, std::span<const exec::LateRow> rows, EventTime watermark) {
  // Only the last ones will be kept.
  if (rows.size() > options_.rows_max) rows = rows.last(options_.rows_max);
  std::vector<Kept> added;
  added.reserve(rows.size());
  for (const exec::LateRow& late : rows) {
    Kept& kept = added.emplace_back();
    for (const columnar::ColumnPtr& column : batch.columns()) {
      kept.values.push_back(column->value(late.row));
      const bool text = column->type().physical() == types::Physical::kString && !column->is_null(late.row);
      kept.bytes += sizeof(Value) + (text ? kept.values.back().as_string().size() : 0);
    }
    const bool has_start = late.window && !options_.only_window_end;
    kept.values.emplace_back(std::string(text_of(late.reason)));
    kept.values.push_back(has_start ? Value(late.window->start) : Value());
    kept.values.push_back(late.window ? Value(late.window->end) : Value());
    kept.values.push_back(watermark == kMinEventTime ? Value() : Value(watermark.value()));
  }
  const std::lock_guard lock(mutex_);
  for (Kept& kept : added) {
    bytes_ += kept.bytes;
    rows_.push_back(std::move(kept));
  }
  while (rows_.size() > options_.rows_max || (bytes_ > options_.bytes_max && rows_.size() > 1)) {
    bytes_ -= rows_.front().bytes;
    rows_.pop_front();
  }
}

types::Schema LateRowStore::schema() const {
  types::Schema schema = options_.schema;
  const types::DataType time = options_.time_type.with_nullable(true);
  const types::DataType bound = types::window_bound_type(time);
  schema.push_back({"late_reason", types::DataType(TypeKind::kString).with_nullable(false)});
  schema.push_back({"late_window_start", bound});
  schema.push_back({"late_window_end", bound});
  schema.push_back({"late_watermark", time});
  return schema;
}

std::vector<std::vector<Value>> LateRowStore::rows() const {
  std::vector<std::vector<Value>> rows;
  const std::lock_guard lock(mutex_);
  rows.reserve(rows_.size());
  for (const Kept& kept : rows_) rows.push_back(kept.values);
  return rows;
}

}  // namespace penstock::engine
