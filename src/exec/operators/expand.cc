#include "exec/operators/expand.h"

#include <cstdint>
#include <utility>

#include "columnar/column.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;

// Sets whose rows one call emits, a batch each.
constexpr size_t kSetsPerCall = 16;

ColumnPtr nulls(types::DataType type, size_t rows) {
  ColumnBuilder builder(type);
  for (size_t i = 0; i < rows; ++i) builder.append_null();
  return builder.finish();
}

class Expand : public Operator {
 public:
  explicit Expand(ExpandOptions options) : options_(std::move(options)) {
    for (types::DataType& type : options_.types) type = type.with_nullable(true);
  }

  Status process(int /*port*/, const ChangeBatch& batch, Output& out) override {
    batch_ = batch;
    next_set_ = 0;
    return resume(out);
  }

  bool unfinished() const override { return next_set_ < options_.null_columns.size(); }

  Status resume(Output& out) override {
    for (size_t i = 0; i < kSetsPerCall && unfinished(); ++i) emit_set(next_set_++, out);
    if (!unfinished()) batch_ = ChangeBatch();
    return {};
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    for (const int set : std::exchange(options_.always, {})) {
      std::vector<ColumnPtr> columns;
      for (const types::DataType type : options_.types) columns.push_back(nulls(type, 1));
      columns.push_back(set_numbers(static_cast<size_t>(set), 1));
      out.emit(ChangeBatch(1, std::move(columns)));
    }
    return Progress::kDone;
  }

 private:
  void emit_set(size_t set, Output& out) {
    std::vector<ColumnPtr> columns(batch_.columns().begin(), batch_.columns().end());
    for (const int column : options_.null_columns[set]) {
      columns[static_cast<size_t>(column)] = nulls(options_.types[static_cast<size_t>(column)], batch_.rows());
    }
    columns.push_back(set_numbers(set, batch_.rows()));
    out.emit(batch_.with_columns(std::move(columns)));
  }

  static ColumnPtr set_numbers(size_t set, size_t rows) {
    return std::make_shared<columnar::Column>(types::DataType(types::TypeKind::kBigInt).with_nullable(false),
                                              std::vector<int64_t>(rows, static_cast<int64_t>(set)),
                                              std::vector<uint8_t>());
  }

  ExpandOptions options_;
  ChangeBatch batch_;  // whose rows are not out yet for the sets from next_set_ on
  size_t next_set_ = SIZE_MAX;
};

}  // namespace

std::unique_ptr<Operator> make_expand(ExpandOptions options) { return std::make_unique<Expand>(std::move(options)); }

}  // namespace penstock::exec
