#include "exec/operators/result_queue.h"

#include <gtest/gtest.h>

#include <string>

#include "columnar/column.h"

namespace penstock::exec {
namespace {

class NoOutput : public Output {
 public:
  void emit(columnar::ChangeBatch /*batch*/) override { FAIL() << "the end of a query has no output"; }
};

TEST(ResultQueueTest, EveryInstanceThatWaitsForRoomIsWoken) {
  const auto queue = std::make_shared<ResultQueue>(ResultQueue::Options{.batches_max = 1});
  const auto first = queue->make_operator();
  auto second = queue->make_operator();
  int first_wakes = 0;
  int second_wakes = 0;
  first->set_waker([&] { ++first_wakes; });
  second->set_waker([&] { ++second_wakes; });

  NoOutput out;
  ASSERT_TRUE(second->process(0, columnar::ChangeBatch(1, {}), out));
  EXPECT_FALSE(first->can_accept());
  ASSERT_TRUE(*queue->pop());
  EXPECT_TRUE(first->can_accept());
  EXPECT_EQ(first_wakes, 1);
  EXPECT_EQ(second_wakes, 1);

  ASSERT_TRUE(second->process(0, columnar::ChangeBatch(1, {}), out));
  second.reset();  // an instance that is done does not leave the others asleep
  ASSERT_TRUE(*queue->pop());
  EXPECT_EQ(first_wakes, 2);
  EXPECT_EQ(second_wakes, 1);

  queue->finish({});
  EXPECT_EQ(first_wakes, 3);
  EXPECT_EQ(*queue->pop(), std::nullopt);
}

TEST(ResultQueueTest, IsBoundedInBytesAsWell) {
  columnar::ColumnBuilder text(types::TypeKind::kString, 1);
  text.append_string(std::string(1000, 'x'));
  const columnar::ChangeBatch wide(1, {text.finish()});
  const auto queue = std::make_shared<ResultQueue>(ResultQueue::Options{.batches_max = 100, .bytes_max = 2500});
  const auto filler = queue->make_operator();
  int wakes = 0;
  filler->set_waker([&] { ++wakes; });
  NoOutput out;
  int batches = 0;
  for (; filler->can_accept(); ++batches) ASSERT_TRUE(filler->process(0, wide, out));
  EXPECT_LE(batches, 3);
  ASSERT_TRUE(*queue->pop());
  EXPECT_EQ(wakes, 1);
  EXPECT_TRUE(filler->can_accept());
  ASSERT_TRUE(*queue->pop());
  EXPECT_EQ(wakes, 1) << "nobody waited";
}

}  // namespace
}  // namespace penstock::exec
