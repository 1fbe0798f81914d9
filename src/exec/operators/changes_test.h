// What tests of operators with random changes share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "exec/operator.h"
#include "exec/operators/accumulators.h"
#include "expr/aggregate.h"

namespace penstock::exec {

inline const types::DataType kBigInt = types::TypeKind::kBigInt;
inline const types::DataType kTimestamp = types::DataType::timestamp(3);

// A call over a BIGINT column, or of COUNT(*).
inline AggregateCall call(std::string_view name, int argument, bool retractable, bool distinct = false) {
  const types::DataType type = argument < 0 ? types::DataType() : kBigInt;
  return {.function = *expr::bind_aggregate(name, type, retractable), .argument = argument, .distinct = distinct};
}

// A row of 64-bit columns.
using IntRow = std::vector<std::optional<int64_t>>;

// The rows that the changes of an operator leave, with how often each is there.
class Applied : public Output {
 public:
  void emit(columnar::ChangeBatch batch) override {
    ASSERT_GT(batch.rows(), 0U);
    ASSERT_LE(batch.rows(), columnar::kBatchRowsMax);
    for (size_t row = 0; row < batch.rows(); ++row) {
      IntRow values;
      for (const columnar::ColumnPtr& column : batch.columns()) {
        values.push_back(column->is_null(row) ? std::nullopt : std::optional(column->values<int64_t>()[row]));
      }
      int& weight = weights[values];
      weight += batch.weight(row);
      if (weight == 0) weights.erase(values);
    }
  }
  std::map<IntRow, int> weights;
};

// Calls on_watermark until it is done.
inline void advance(Operator& op, EventTime watermark, Output& out) {
  for (;;) {
    Result<Progress> progress = op.on_watermark(watermark, out);
    ASSERT_TRUE(progress.has_value());
    if (*progress == Progress::kDone) return;
  }
}

}  // namespace penstock::exec
