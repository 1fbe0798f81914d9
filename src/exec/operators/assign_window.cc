#include <array>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "exec/operators/window.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using types::TimeSpan;

class AssignWindow : public Operator {
 public:
  explicit AssignWindow(AssignWindowOptions options) : options_(options) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    const Column& times = *batch.column(static_cast<size_t>(options_.time_column));
    const std::span<const int64_t> values = times.values<int64_t>();
    const types::Window& window = options_.window;
    TimeSpan slice;  // of the row before; rows in a slice are in the same windows
    int64_t first_end = 0;
    int64_t last_end = -1;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (times.is_null(row) || !types::in_window_range(values[row])) continue;
      if (values[row] < slice.start || values[row] >= slice.end) {
        slice = window.slice_of(values[row]);
        first_end = window.first_end(slice);
        last_end = window.last_end(slice);
      }
      for (int64_t end = first_end; end <= last_end; end += window.step_us) {
        add(row, window.window_of(end));
        if (rows_.size() == columnar::kBatchRowsMax) flush(batch, out);
      }
    }
    flush(batch, out);
    return {};
  }

 private:
  void add(size_t row, TimeSpan window) {
    rows_.push_back(static_cast<uint16_t>(row));
    columns_[0].push_back(window.start);
    columns_[1].push_back(window.end);
    columns_[2].push_back(window.end - types::kLastMomentUs);
  }

  void flush(const ChangeBatch& batch, Output& out) {
    if (rows_.empty()) return;
    // Mostly every row is in one window.
    bool same = rows_.size() == batch.rows();
    for (size_t i = 0; same && i < rows_.size(); ++i) same = rows_[i] == i;
    const ChangeBatch chosen = same ? batch : batch.take(rows_);
    std::vector<columnar::ColumnPtr> columns = chosen.columns();
    const types::DataType type = batch.column(static_cast<size_t>(options_.time_column))->type();
    for (std::vector<int64_t>& values : columns_) {
      columns.push_back(
          std::make_shared<Column>(type, std::exchange(values, std::vector<int64_t>()), std::vector<uint8_t>()));
    }
    rows_.clear();
    out.emit(chosen.with_columns(std::move(columns)));
  }

  const AssignWindowOptions options_;
  // What is to be emitted: rows of the batch at hand, with their windows.
  columnar::Selection rows_;
  std::array<std::vector<int64_t>, 3> columns_;
};

}  // namespace

std::unique_ptr<Operator> make_assign_window(AssignWindowOptions options) {
  return std::make_unique<AssignWindow>(options);
}

}  // namespace penstock::exec
