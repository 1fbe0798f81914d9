#include <array>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "exec/operators/local_times.h"
#include "exec/operators/window.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using types::TimeSpan;

class AssignWindow : public Operator {
 public:
  explicit AssignWindow(AssignWindowOptions options) : options_(options), local_(options.window) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    const columnar::ColumnPtr local = local_.of(batch.column(static_cast<size_t>(options_.time_column)));
    const Column& times = *local;
    const std::span<const int64_t> values = times.values<int64_t>();
    TimeSpan slice;  // of the row before; rows in a slice are in the same windows
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (times.is_null(row) || !types::in_window_range(values[row])) continue;
      if (values[row] < slice.start || values[row] >= slice.end) {
        slice = options_.window.slice_of(values[row]);
        find_windows(slice);
      }
      for (const Columns& window : windows_) {
        add(row, window);
        if (rows_.size() == columnar::kBatchRowsMax) flush(batch, out);
      }
    }
    flush(batch, out);
    return {};
  }

 private:
  // window_start, window_end, window_time.
  using Columns = std::array<int64_t, 3>;

  void find_windows(TimeSpan slice) {
    const types::Window& window = options_.window;
    windows_.clear();
    const int64_t last_end = window.last_end(slice);
    for (int64_t end = window.first_end(slice); end <= last_end; end += window.step_us) {
      windows_.push_back({window.window_of(end).start, end, types::closing_watermark(window.zone, end)});
    }
  }

  void add(size_t row, const Columns& window) {
    rows_.push_back(static_cast<uint16_t>(row));
    for (size_t i = 0; i < window.size(); ++i) columns_[i].push_back(window[i]);
  }

  void flush(const ChangeBatch& batch, Output& out) {
    if (rows_.empty()) return;
    // Mostly every row is in one window.
    bool same = rows_.size() == batch.rows();
    for (size_t i = 0; same && i < rows_.size(); ++i) same = rows_[i] == i;
    const ChangeBatch chosen = same ? batch : batch.take(rows_);
    std::vector<columnar::ColumnPtr> columns = chosen.columns();
    const types::DataType time = batch.column(static_cast<size_t>(options_.time_column))->type();
    const types::DataType bound = types::window_bound_type(time);
    for (std::vector<int64_t>& values : columns_) {
      const types::DataType type = &values == &columns_[2] ? time : bound;
      columns.push_back(
          std::make_shared<Column>(type, std::exchange(values, std::vector<int64_t>()), std::vector<uint8_t>()));
    }
    rows_.clear();
    out.emit(chosen.with_columns(std::move(columns)));
  }

  const AssignWindowOptions options_;
  LocalTimes local_;
  std::vector<Columns> windows_;  // of the row at hand
  // What is to be emitted: rows of the batch at hand, with their windows.
  columnar::Selection rows_;
  std::array<std::vector<int64_t>, 3> columns_;
};

}  // namespace

std::unique_ptr<Operator> make_assign_window(AssignWindowOptions options) {
  return std::make_unique<AssignWindow>(options);
}

}  // namespace penstock::exec
