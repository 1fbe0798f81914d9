#include <vector>

#include "columnar/change_batch.h"
#include "exec/operators/window.h"

namespace penstock::exec {

namespace {

class AssignWindow : public Operator {
 public:
  explicit AssignWindow(TumblingWindow window) : window_(window) {}

  Status process(int /*port*/, const columnar::ChangeBatch& input, Output& out) override {
    columnar::ChangeBatch batch = input;
    const auto time_column = static_cast<size_t>(window_.time_column);
    if (batch.column(time_column)->has_nulls()) {
      columnar::Selection rows;
      for (size_t row = 0; row < batch.rows(); ++row) {
        if (!batch.column(time_column)->is_null(row)) rows.push_back(static_cast<uint16_t>(row));
      }
      batch = batch.take(rows);
    }
    const columnar::ColumnPtr& times = batch.column(time_column);
    std::vector<int64_t> starts(batch.rows());
    std::vector<int64_t> ends(batch.rows());
    std::vector<int64_t> last_moments(batch.rows());
    for (size_t row = 0; row < batch.rows(); ++row) {
      starts[row] = window_.start_of(times->values<int64_t>()[row]);
      ends[row] = starts[row] + window_.size_us;
      last_moments[row] = ends[row] - kLastMomentUs;
    }
    std::vector<columnar::ColumnPtr> columns = batch.columns();
    for (std::vector<int64_t>* values : {&starts, &ends, &last_moments}) {
      columns.push_back(std::make_shared<columnar::Column>(times->type(), std::move(*values), std::vector<uint8_t>()));
    }
    if (!batch.empty()) out.emit(batch.with_columns(std::move(columns)));
    return {};
  }

 private:
  const TumblingWindow window_;
};

}  // namespace

std::unique_ptr<Operator> make_assign_window(TumblingWindow window) { return std::make_unique<AssignWindow>(window); }

}  // namespace penstock::exec
