#include "exec/operators/window_aggregate.h"

#include <map>
#include <utility>

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using columnar::Selection;

class WindowAggregate : public Operator {
 public:
  explicit WindowAggregate(WindowAggregateOptions options)
      : options_(std::move(options)), accumulators_(options_.calls, 0) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    if (!batch.append_only()) {
      return make_error(ErrorCode::kInternal, "a window aggregate takes only inserts");
    }
    split_by_window(batch);
    for (auto& [start, rows] : rows_by_window_) {
      if (rows.empty()) continue;
      if (rows.size() == batch.rows()) {
        add(start, batch);
      } else {
        add(start, batch.take(rows));
      }
      rows.clear();
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    while (!windows_.empty()) {
      const auto first = windows_.begin();
      if (!closed(first->first)) break;
      if (emit_some(first->first, *first->second.groups, out)) return Progress::kMore;
      windows_.erase(first);
      next_group_ = 0;
    }
    // Empty lists of closed windows are not kept for ever.
    while (!rows_by_window_.empty() && closed(rows_by_window_.begin()->first)) {
      rows_by_window_.erase(rows_by_window_.begin());
    }
    return Progress::kDone;
  }

 private:
  struct Window {
    std::unique_ptr<state::GroupTable> groups;
    DistinctTables distinct;
  };

  bool closed(int64_t start) const { return start + options_.window.size_us - kLastMomentUs <= watermark_.value(); }

  // Fills rows_by_window_ with the rows that are not late. Neighbouring rows mostly share a window, so that the
  // division and the look-up are rare.
  void split_by_window(const ChangeBatch& batch) {
    const Column& times = *batch.column(static_cast<size_t>(options_.window.time_column));
    const std::span<const int64_t> values = times.values<int64_t>();
    int64_t begin = 0;
    int64_t end = 0;  // of the window of `rows`; none at first
    Selection* rows = nullptr;
    uint64_t late = 0;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (times.is_null(row)) {
        ++late;
        continue;
      }
      if (values[row] < begin || values[row] >= end) {
        begin = options_.window.start_of(values[row]);
        end = begin + options_.window.size_us;
        rows = closed(begin) ? nullptr : &rows_by_window_[begin];
      }
      if (rows == nullptr) {
        ++late;
      } else {
        rows->push_back(static_cast<uint16_t>(row));
      }
    }
    if (late > 0 && options_.late_dropped != nullptr) options_.late_dropped->add(late);
  }

  void add(int64_t start, const ChangeBatch& batch) {
    Window& window = windows_[start];
    if (window.groups == nullptr) {
      window.groups = std::make_unique<state::GroupTable>(options_.key_types, accumulators_.layout());
      window.distinct = accumulators_.make_distinct_tables();
    }
    keys_.clear();
    for (const int key : options_.keys) keys_.push_back(batch.column(static_cast<size_t>(key)));
    window.groups->find_or_insert(keys_, batch.rows(), groups_);
    accumulators_.update(groups_, batch, window.distinct);
  }

  // Emits a batch of the window's groups; false when there are no more.
  bool emit_some(int64_t start, const state::GroupTable& table, Output& out) {
    if (!table.next(next_group_, columnar::kBatchRowsMax, groups_)) return false;
    std::vector<ColumnBuilder> builders(options_.key_types.begin(), options_.key_types.end());
    table.append_keys(groups_, builders);
    std::vector<ColumnBuilder> results;
    for (size_t i = 0; i < accumulators_.size(); ++i) results.emplace_back(accumulators_.result_type(i));
    accumulators_.append_results(groups_, results);
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    for (ColumnBuilder& builder : results) columns.push_back(builder.finish());
    for (const WindowProperty property : options_.properties) {
      const int64_t end = start + options_.window.size_us;
      const int64_t value = property == WindowProperty::kStart ? start
                            : property == WindowProperty::kEnd ? end
                                                               : end - kLastMomentUs;
      columns.push_back(Column::constant(options_.time_type, types::Value(value), groups_.size()));
    }
    out.emit(ChangeBatch(groups_.size(), std::move(columns)));
    return true;
  }

  const WindowAggregateOptions options_;
  Accumulators accumulators_;
  EventTime watermark_ = kMinEventTime;
  std::map<int64_t, Window> windows_;            // by start
  std::map<int64_t, Selection> rows_by_window_;  // of the batch at hand
  std::vector<ColumnPtr> keys_;
  std::vector<std::byte*> groups_;
  size_t next_group_ = 0;  // of the first window, while it is emitted
};

}  // namespace

std::unique_ptr<Operator> make_window_aggregate(WindowAggregateOptions options) {
  return std::make_unique<WindowAggregate>(std::move(options));
}

}  // namespace penstock::exec
