#include "engine/values_source.h"

#include <algorithm>
#include <utility>

#include "columnar/change_batch.h"
#include "types/types_of.h"

namespace penstock::engine {

namespace {

class ValuesSource : public exec::Source {
 public:
  ValuesSource(std::function<ValueRows()> rows, std::vector<int> columns, types::Schema schema)
      : make_rows_(std::move(rows)), columns_(std::move(columns)), schema_(std::move(schema)) {}

  void set_waker(std::function<void()> /*waker*/) override {}

  Result<exec::SourceState> poll(exec::SourceOutput& out) override {
    if (make_rows_) rows_ = std::exchange(make_rows_, nullptr)();
    columnar::BatchBuilder builder(types_of(schema_));
    for (; next_ < rows_.size() && !builder.full(); ++next_) {
      for (size_t c = 0; c < schema_.size(); ++c) {
        const size_t from = columns_.empty() ? c : static_cast<size_t>(columns_[c]);
        builder.column(c).append(rows_[next_][from]);
      }
      builder.end_row();
    }
    if (builder.rows() > 0) out.emit(builder.finish());
    return next_ < rows_.size() ? exec::SourceState::kMore : exec::SourceState::kEnded;
  }

 private:
  std::function<ValueRows()> make_rows_;
  const std::vector<int> columns_;
  const types::Schema schema_;
  ValueRows rows_;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<exec::Source> make_values_source(std::function<ValueRows()> rows, std::vector<int> columns,
                                                 types::Schema schema) {
  return std::make_unique<ValuesSource>(std::move(rows), std::move(columns), std::move(schema));
}

}  // namespace penstock::engine
