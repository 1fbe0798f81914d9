#include "exec/operators/window_aggregate.h"

#include <utility>

#include "exec/operators/local_times.h"
#include "exec/operators/window_slices.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;

class WindowAggregate : public Operator {
 public:
  explicit WindowAggregate(WindowAggregateOptions options)
      : options_(std::move(options)), local_(options_.window), slices_(options_) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    const ColumnPtr times = local_.of(batch.column(static_cast<size_t>(options_.time_column)));
    options_.late.add(batch, slices_.add(batch, *times), watermark_);
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    const EventTime reached = local_.of(watermark);
    while (slices_.is_closing() || slices_.close_next(reached)) {
      if (slices_.closing().groups == nullptr && !slices_.combine_some()) return Progress::kMore;
      if (emit_some(out)) return Progress::kMore;
      slices_.finish_closing();
      next_group_ = 0;
    }
    return Progress::kDone;
  }

 private:
  // Emits a batch of the groups of the window that is closing; false when there are no more.
  bool emit_some(Output& out) {
    const state::GroupTable& table = *slices_.closing().groups->table;
    do {
      if (!table.next(next_group_, columnar::kBatchRowsMax, groups_)) return false;
      std::erase_if(groups_, [](const std::byte* group) { return WindowSlices::rows_of(group) <= 0; });
    } while (groups_.empty());
    std::vector<ColumnBuilder> builders(options_.key_types.begin(), options_.key_types.end());
    table.append_keys(groups_, builders);
    std::vector<ColumnBuilder> results;
    Accumulators& accumulators = slices_.accumulators();
    for (size_t i = 0; i < accumulators.size(); ++i) results.emplace_back(accumulators.result_type(i));
    accumulators.append_results(groups_, results);
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    for (ColumnBuilder& builder : results) columns.push_back(builder.finish());
    for (const WindowProperty property : options_.properties) {
      const int64_t value = value_of(property, slices_.closing().window, options_.window.zone);
      const types::DataType type = type_of(property, options_.time_type);
      columns.push_back(Column::constant(type, types::Value(value), groups_.size()));
    }
    out.emit(ChangeBatch(groups_.size(), std::move(columns)));
    return true;
  }

  const WindowAggregateOptions options_;
  LocalTimes local_;
  WindowSlices slices_;
  EventTime watermark_ = kMinEventTime;
  std::vector<std::byte*> groups_;
  size_t next_group_ = 0;  // of the window that is closing
};

}  // namespace

std::unique_ptr<Operator> make_window_aggregate(WindowAggregateOptions options) {
  return std::make_unique<WindowAggregate>(std::move(options));
}

}  // namespace penstock::exec
