// An output that keeps what an operator gives, for tests.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "columnar/change_batch.h"
#include "exec/operator.h"

namespace penstock::exec {

class TextOutput : public Output {
 public:
  void emit(columnar::ChangeBatch batch) override {
    EXPECT_GT(batch.rows(), 0U);
    EXPECT_LE(batch.rows(), columnar::kBatchRowsMax);
    rows += batch.rows();
    append_only = append_only && batch.append_only();
    batches.push_back(std::move(batch));
  }
  // The rows since the last call, as columnar::to_text() has them.
  std::string take() {
    std::string text;
    for (const columnar::ChangeBatch& batch : batches) text += (text.empty() ? "" : " | ") + to_text(batch);
    batches.clear();
    return text;
  }

  bool append_only = true;  // no batch had an op
  size_t rows = 0;
  std::vector<columnar::ChangeBatch> batches;  // since the last take()
};

}  // namespace penstock::exec
