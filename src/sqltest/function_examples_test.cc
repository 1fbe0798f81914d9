// The examples in the documentation of every function give what they say.
#include <gtest/gtest.h>

#include <algorithm>

#include "expr/function_catalog.h"
#include "sqltest/instance.h"
#include "sqltest/rows.h"

namespace penstock::sqltest {
namespace {

std::string result_of(Instance& instance, std::string_view call) {
  Result<Rows> rows = instance.run("SELECT " + std::string(call));
  if (!rows) return "error: " + rows.error().to_string();
  Lines lines;
  for (const columnar::ChangeBatch& batch : rows->batches) {
    for (size_t row = 0; row < batch.rows(); ++row) lines.push_back(readable_row(batch, row));
  }
  std::ranges::sort(lines);
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : "; ") + line;
  return all;
}

TEST(FunctionExamplesTest, GiveWhatTheySay) {
  const auto instance = Instance::start({}).value();
  int examples = 0;
  for (const expr::FunctionDoc& doc : expr::function_docs()) {
    for (const expr::FunctionExample& example : expr::function_examples(doc.examples)) {
      EXPECT_EQ(result_of(*instance, example.call), example.result) << example.call;
      ++examples;
    }
  }
  EXPECT_GT(examples, 250);
}

}  // namespace
}  // namespace penstock::sqltest
