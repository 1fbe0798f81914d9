#include "exec/operators/normalize.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "columnar/change_batch.h"
#include "columnar/row_key.h"
#include "exec/operators/text_output_test.h"

namespace penstock::exec {
namespace {

using columnar::batch_from_text;
using columnar::ChangeBatch;
using types::DataType;

class NormalizeTest : public testing::Test {
 protected:
  // k, v, and whether the row is gone.
  std::unique_ptr<Operator> make(std::vector<int> keys, bool at_end = false) const {
    return make_normalize({.schema = {schema_[0], schema_[1]}, .keys = std::move(keys), .at_end = at_end});
  }
  std::string feed(Operator& op, const std::string& rows) {
    const Status status = op.process(0, batch_from_text(rows, schema_).value(), out_);
    EXPECT_TRUE(status) << status.error().to_string();
    return out_.take();
  }
  std::string barrier(Operator& op) {
    while (*op.on_barrier(Epoch(1), out_) == Progress::kMore) {
    }
    return out_.take();
  }

  types::Schema schema_ = {
      {"k", *DataType::parse("BIGINT")}, {"v", *DataType::parse("STRING")}, {"gone", *DataType::parse("BOOLEAN")}};
  TextOutput out_;
};

TEST_F(NormalizeTest, AnEventTakesThePlaceOfTheLastRowOfItsKey) {
  const auto op = make({0});
  EXPECT_EQ(feed(*op, "+ 1 a false | + 2 b false"), "+I 1 a | +I 2 b");
  EXPECT_TRUE(out_.append_only);
  EXPECT_EQ(feed(*op, "+ 1 c false"), "-U 1 a | +U 1 c");
  EXPECT_EQ(feed(*op, "+ 1 c false"), "") << "the row is the same";
  EXPECT_EQ(feed(*op, "+ 2 NULL true"), "-D 2 b") << "with the values that the row had";
  EXPECT_EQ(feed(*op, "+ 2 NULL true | + 9 NULL true"), "") << "it is not there";
  EXPECT_EQ(feed(*op, "+ 2 NULL false"), "+I 2 NULL");
  EXPECT_EQ(feed(*op, "+ 2 '' false"), "-U 2 NULL | +U 2 ''");
  EXPECT_EQ(barrier(*op), "");
}

TEST_F(NormalizeTest, ABatchGivesItsNetChange) {
  const auto op = make({0});
  EXPECT_EQ(feed(*op, "+ 1 a false | + 1 b false | + 1 c false"), "+I 1 c");
  EXPECT_EQ(feed(*op, "+ 1 d false | + 1 NULL true | + 2 x false | + 2 x true"), "-D 1 c");
  EXPECT_EQ(feed(*op, "+ 1 d false | + 1 e false"), "+I 1 e");
  EXPECT_EQ(feed(*op, "+ 1 NULL true | + 1 f false | + 1 e false"), "") << "it is as it was";
  EXPECT_EQ(feed(*op, "+ 1 NULL true | + 1 f false"), "-U 1 e | +U 1 f");
}

TEST_F(NormalizeTest, TheRowThatChangedLastComesLast) {
  const auto op = make({0});
  EXPECT_EQ(feed(*op, "+ 1 a false | + 2 b false | + 1 c false"), "+I 2 b | +I 1 c");
}

TEST_F(NormalizeTest, WithoutAKeyEqualRowsAreCounted) {
  const auto op = make({});
  EXPECT_EQ(feed(*op, "+ 1 a false | + 1 a false | + 1 b false"), "+I 1 a | +I 1 a | +I 1 b");
  EXPECT_EQ(feed(*op, "+ 1 a true | + 1 c true"), "-D 1 a") << "a row that is not there cannot go";
  EXPECT_EQ(feed(*op, "+ 1 a true | + 1 a true"), "-D 1 a");
  EXPECT_EQ(feed(*op, "+ 1 a false | + 1 a true | + 1 NULL false"), "+I 1 NULL");
}

TEST_F(NormalizeTest, RowsThatAreAllKeyAreThereOrNot) {
  const auto op = make({0, 1});
  EXPECT_EQ(feed(*op, "+ 1 a false | + 1 a false"), "+I 1 a");
  EXPECT_EQ(feed(*op, "+ 1 a true"), "-D 1 a");
}

TEST_F(NormalizeTest, ABoundedInputGivesItsRowsOnceAtTheEnd) {
  const auto op = make({0}, true);
  EXPECT_EQ(feed(*op, "+ 1 a false | + 2 b false"), "");
  EXPECT_EQ(feed(*op, "+ 1 c false | + 2 b true"), "");
  EXPECT_EQ(barrier(*op), "+I 1 c");
  EXPECT_TRUE(out_.append_only);
}

TEST_F(NormalizeTest, ManyChangesLeaveInWholeBatches) {
  const auto op = make({});
  for (const char* gone : {"false", "true"}) {
    std::string rows;
    for (int i = 0; i < 2000; ++i) rows += fmt::format("{}+ 7 x {}", i == 0 ? "" : " | ", gone);
    feed(*op, rows);
    feed(*op, rows);
  }
  EXPECT_EQ(out_.rows, 8000U);
}

// Whatever the batches, what has come out adds up to the last rows of the keys.
TEST_F(NormalizeTest, AgreesWithAMap) {
  std::mt19937_64 random(17);
  for (const size_t batch_rows : {1, 3, 100}) {
    const auto op = make({0});
    TextOutput out;
    std::map<int64_t, std::string> expected;
    for (int batch = 0; batch < 60; ++batch) {
      columnar::BatchBuilder builder({schema_[0].type, schema_[1].type, schema_[2].type});
      for (size_t i = 0; i < batch_rows; ++i) {
        const auto key = static_cast<int64_t>(random() % 20);
        const bool gone = random() % 3 == 0;
        const std::string value = std::string(random() % 2 == 0 ? 1 : 30, static_cast<char>('a' + random() % 3));
        builder.column(0).append_int64(key);
        gone ? builder.column(1).append_null() : builder.column(1).append_string(value);
        builder.column(2).append_bool(gone);
        builder.end_row();
        if (gone) {
          expected.erase(key);
        } else {
          expected[key] = value;
        }
      }
      ASSERT_TRUE(op->process(0, builder.finish(), out));
    }
    std::map<std::pair<int64_t, std::string>, int> weights;
    for (const ChangeBatch& batch : out.batches) {
      for (size_t row = 0; row < batch.rows(); ++row) {
        const auto it =
            weights
                .try_emplace(
                    {batch.column(0)->value(row).as_int64(), std::string(batch.column(1)->value(row).as_string())}, 0)
                .first;
        it->second += batch.weight(row);
        ASSERT_GE(it->second, 0) << "a row went before it came";
        if (it->second == 0) weights.erase(it);
      }
    }
    std::map<std::pair<int64_t, std::string>, int> wanted;
    for (const auto& [key, value] : expected) wanted[{key, value}] = 1;
    EXPECT_EQ(weights, wanted);
  }
}

}  // namespace
}  // namespace penstock::exec
