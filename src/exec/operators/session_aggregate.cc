#include <utility>

#include "exec/operators/local_times.h"
#include "exec/operators/session_store.h"
#include "exec/operators/window_aggregate.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;

class SessionAggregate : public Operator {
 public:
  explicit SessionAggregate(WindowAggregateOptions options)
      : options_(std::move(options)),
        accumulators_(options_.calls, 0),
        distinct_(accumulators_.make_distinct_tables()),
        local_(options_.window),
        sessions_({.gap_us = options_.window.size_us,
                   .key_types = options_.key_types,
                   .payload = accumulators_.layout(),
                   .merge = [this](std::byte* into, std::byte* from) { merge(into, from); }}) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    if (!batch.append_only()) return make_error(ErrorCode::kInternal, "sessions take only inserts");
    const ColumnPtr times = local_.of(batch.column(static_cast<size_t>(options_.time_column)));
    sessions_.assign(batch.columns_at(options_.keys), *times, batch.rows(), of_rows_);
    rows_.clear();
    payloads_.clear();
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (of_rows_[row] == nullptr) continue;
      rows_.push_back(static_cast<uint16_t>(row));
      payloads_.push_back(of_rows_[row]->payload());
    }
    const bool all = rows_.size() == batch.rows();
    if (!all) options_.late.add(batch, sessions_.late_rows(*times, of_rows_), watermark_);
    if (!rows_.empty()) accumulators_.update(payloads_, all ? batch : batch.take(rows_), distinct_);
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    if (!sessions_.close_some(local_.of(watermark), columnar::kBatchRowsMax)) return Progress::kDone;
    emit_closed(out);
    for (Session* session : sessions_.closed()) accumulators_.forget(session->payload(), distinct_);
    sessions_.release_closed();
    return Progress::kMore;
  }

 private:
  void merge(std::byte* into, std::byte* from) {
    accumulators_.merge(std::span(&into, 1), distinct_, std::span(&from, 1), distinct_);
    accumulators_.forget(from, distinct_);
  }

  void emit_closed(Output& out) {
    const std::span<Session* const> closed = sessions_.closed();
    payloads_.clear();
    for (Session* session : closed) payloads_.push_back(session->payload());
    std::vector<ColumnBuilder> builders(options_.key_types.begin(), options_.key_types.end());
    sessions_.append_keys(closed, builders);
    std::vector<ColumnBuilder> results;
    for (size_t i = 0; i < accumulators_.size(); ++i) results.emplace_back(accumulators_.result_type(i));
    accumulators_.append_results(payloads_, results);
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    for (ColumnBuilder& builder : results) columns.push_back(builder.finish());
    for (const WindowProperty property : options_.properties) {
      std::vector<int64_t> values;
      values.reserve(closed.size());
      for (const Session* session : closed) {
        const types::TimeSpan window{session->start, sessions_.end_of(*session)};
        values.push_back(value_of(property, window, options_.window.zone));
      }
      columns.push_back(
          std::make_shared<Column>(type_of(property, options_.time_type), std::move(values), std::vector<uint8_t>()));
    }
    out.emit(ChangeBatch(closed.size(), std::move(columns)));
  }

  const WindowAggregateOptions options_;
  Accumulators accumulators_;
  DistinctTables distinct_;
  LocalTimes local_;
  SessionStore sessions_;
  EventTime watermark_ = kMinEventTime;
  std::vector<Session*> of_rows_;  // of the batch at hand
  columnar::Selection rows_;
  std::vector<std::byte*> payloads_;
};

}  // namespace

std::unique_ptr<Operator> make_session_aggregate(WindowAggregateOptions options) {
  return std::make_unique<SessionAggregate>(std::move(options));
}

}  // namespace penstock::exec
