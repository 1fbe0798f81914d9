#include <algorithm>
#include <utility>

#include "exec/operators/changing_sessions.h"
#include "exec/operators/late_session_rows.h"
#include "exec/operators/local_times.h"
#include "exec/operators/session_store.h"
#include "exec/operators/window_aggregate.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;

// What aggregations keep for sessions, or for the groups that a session is put together of: accumulators in payloads.
class SessionAccumulators {
 public:
  // `offset`: where they begin in a payload.
  SessionAccumulators(WindowAggregateOptions options, size_t offset)
      : options_(std::move(options)),
        accumulators_(options_.calls, offset),
        distinct_(accumulators_.make_distinct_tables()) {}

  const WindowAggregateOptions& options() const { return options_; }
  state::PayloadLayout layout() { return accumulators_.layout(); }

  // Adds each row to the payload of what was found for it. Those for which nothing was found are late.
  template <class Found, class PayloadOf>
  void add(const ChangeBatch& batch, const Column& times, const std::vector<Found*>& found, EventTime watermark,
           PayloadOf payload_of) {
    rows_.clear();
    payloads_.clear();
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (found[row] == nullptr) continue;
      rows_.push_back(static_cast<uint16_t>(row));
      payloads_.push_back(payload_of(found[row]));
    }
    const bool all = rows_.size() == batch.rows();
    if (!all) options_.late.add(batch, late_session_rows(times, found, options_.window.size_us), watermark);
    if (!rows_.empty()) accumulators_.update(payloads_, all ? batch : batch.take(rows_), distinct_);
  }
  void merge(std::span<std::byte* const> into, std::span<std::byte* const> from) {
    accumulators_.merge(into, distinct_, from, distinct_);
  }
  void forget(std::byte* payload) { accumulators_.forget(payload, distinct_); }

  // `payloads` and `windows`: of each session.
  void emit(std::span<std::byte* const> payloads, std::vector<ColumnBuilder> keys,
            std::span<const types::TimeSpan> windows, Output& out) {
    std::vector<ColumnBuilder> results;
    for (size_t i = 0; i < accumulators_.size(); ++i) results.emplace_back(accumulators_.result_type(i));
    accumulators_.append_results(payloads, results);
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : keys) columns.push_back(builder.finish());
    for (ColumnBuilder& builder : results) columns.push_back(builder.finish());
    for (const WindowProperty property : options_.properties) {
      std::vector<int64_t> values;
      values.reserve(windows.size());
      for (const types::TimeSpan& window : windows) values.push_back(value_of(property, window, options_.window.zone));
      columns.push_back(
          std::make_shared<Column>(type_of(property, options_.time_type), std::move(values), std::vector<uint8_t>()));
    }
    out.emit(ChangeBatch(windows.size(), std::move(columns)));
  }

 private:
  const WindowAggregateOptions options_;
  Accumulators accumulators_;
  DistinctTables distinct_;
  columnar::Selection rows_;  // of the batch at hand
  std::vector<std::byte*> payloads_;
};

class SessionAggregate : public Operator {
 public:
  explicit SessionAggregate(WindowAggregateOptions options)
      : kept_(std::move(options), 0),
        local_(options_.window),
        sessions_({.gap_us = options_.window.size_us,
                   .key_types = options_.key_types,
                   .payload = kept_.layout(),
                   .merge = [this](std::byte* into, std::byte* from) { merge(into, from); }}) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    if (!batch.append_only()) return make_error(ErrorCode::kInternal, "sessions take only inserts");
    const ColumnPtr times = local_.of(batch.column(static_cast<size_t>(options_.time_column)));
    sessions_.assign(batch.columns_at(options_.keys), *times, batch.rows(), of_rows_);
    kept_.add(batch, *times, of_rows_, watermark_, [](Session* session) { return session->payload(); });
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    if (!sessions_.close_some(local_.of(watermark), columnar::kBatchRowsMax)) return Progress::kDone;
    emit_closed(out);
    for (Session* session : sessions_.closed()) kept_.forget(session->payload());
    sessions_.release_closed();
    return Progress::kMore;
  }

 private:
  void merge(std::byte* into, std::byte* from) {
    kept_.merge(std::span(&into, 1), std::span(&from, 1));
    kept_.forget(from);
  }

  void emit_closed(Output& out) {
    const std::span<Session* const> closed = sessions_.closed();
    std::vector<std::byte*> payloads;
    std::vector<types::TimeSpan> windows;
    for (Session* session : closed) {
      payloads.push_back(session->payload());
      windows.push_back({session->start, sessions_.end_of(*session)});
    }
    std::vector<ColumnBuilder> keys(options_.key_types.begin(), options_.key_types.end());
    sessions_.append_keys(closed, keys);
    kept_.emit(payloads, std::move(keys), windows, out);
  }

  SessionAccumulators kept_;
  const WindowAggregateOptions& options_ = kept_.options();
  LocalTimes local_;
  SessionStore sessions_;
  EventTime watermark_ = kMinEventTime;
  std::vector<Session*> of_rows_;  // of the batch at hand
};

// Keeps accumulators for each time that rows have: a session that a row parts can be put together of them again.
class ChangingSessionAggregate : public Operator {
 public:
  explicit ChangingSessionAggregate(WindowAggregateOptions options)
      : kept_(std::move(options), sizeof(ChangingSessions::Group)),
        local_(options_.window),
        sessions_({.gap_us = options_.window.size_us,
                   .key_types = options_.key_types,
                   .group_types = group_types(options_),
                   .payload = kept_.layout(),
                   .forget = [this](std::byte* group) { kept_.forget(group); }}) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    const ColumnPtr times = local_.of(batch.column(static_cast<size_t>(options_.time_column)));
    const std::vector<ColumnPtr> keys = batch.columns_at(options_.keys);
    std::vector<ColumnPtr> of_group = keys;
    of_group.push_back(times);
    sessions_.add(keys, of_group, *times, batch, groups_);
    kept_.add(batch, *times, groups_, watermark_, [](std::byte* group) { return group; });
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    if (!sessions_.close_some(local_.of(watermark), columnar::kBatchRowsMax)) return Progress::kDone;
    emit_closed(out);
    sessions_.release_closed();
    return Progress::kMore;
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    sessions_.end_epoch();
    return on_watermark(watermark_, out);
  }

 private:
  static std::vector<types::DataType> group_types(const WindowAggregateOptions& options) {
    std::vector<types::DataType> types = options.key_types;
    types.push_back(types::window_bound_type(options.time_type));
    return types;
  }

  void emit_closed(Output& out) {
    merge_groups();
    for (size_t begin = 0; begin < sessions_.closed().size(); begin += columnar::kBatchRowsMax) {
      const size_t rows = std::min(sessions_.closed().size() - begin, columnar::kBatchRowsMax);
      const std::span<const ChangingSessions::Closed> closed = sessions_.closed().subspan(begin, rows);
      std::vector<std::byte*> payloads;
      std::vector<types::TimeSpan> windows;
      for (const ChangingSessions::Closed& session : closed) {
        payloads.push_back(sessions_.closed_groups()[session.first]);
        windows.push_back({session.start, sessions_.end_of(session)});
      }
      std::vector<ColumnBuilder> keys(options_.key_types.begin(), options_.key_types.end());
      sessions_.append_keys(closed, keys);
      kept_.emit(payloads, std::move(keys), windows, out);
    }
  }

  // Adds all groups of a session that closes to its first one.
  void merge_groups() {
    std::vector<std::byte*> into;
    std::vector<std::byte*> from;
    for (const ChangingSessions::Closed& session : sessions_.closed()) {
      const std::span<std::byte* const> groups = sessions_.closed_groups().subspan(session.first, session.groups);
      into.insert(into.end(), groups.size() - 1, groups.front());
      from.insert(from.end(), groups.begin() + 1, groups.end());
    }
    if (!from.empty()) kept_.merge(into, from);
  }

  SessionAccumulators kept_;
  const WindowAggregateOptions& options_ = kept_.options();
  LocalTimes local_;
  ChangingSessions sessions_;
  EventTime watermark_ = kMinEventTime;
  std::vector<std::byte*> groups_;  // of the batch at hand
};

}  // namespace

std::unique_ptr<Operator> make_session_aggregate(WindowAggregateOptions options) {
  return std::make_unique<SessionAggregate>(std::move(options));
}

std::unique_ptr<Operator> make_changing_session_aggregate(WindowAggregateOptions options) {
  return std::make_unique<ChangingSessionAggregate>(std::move(options));
}

}  // namespace penstock::exec
