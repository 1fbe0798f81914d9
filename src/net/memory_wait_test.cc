#include "net/memory_wait.h"

#include <gtest/gtest.h>

#include <future>
#include <optional>

#include "net/event_loop.h"

namespace penstock::net {
namespace {

using namespace std::chrono_literals;

class MemoryWaitTest : public testing::Test {
 protected:
  std::future<bool> wait(size_t bytes, std::chrono::milliseconds timeout) {
    auto result = std::make_shared<std::promise<bool>>();
    auto waiting = [](MemoryWaitTest& test, size_t n, std::chrono::milliseconds t,
                      std::shared_ptr<std::promise<bool>> promise) -> awaitable<void> {
      const bool got = co_await wait_for_memory(test.reservation_, n, t, [&test] { return test.given_up_.load(); });
      promise->set_value(got);
    };
    asio::co_spawn(loops_.first().context(), waiting(*this, bytes, timeout, result), asio::detached);
    return result->get_future();
  }

  MemoryBudget budget_{"test", 1000};
  MemoryReservation reservation_{&budget_};
  std::atomic<bool> given_up_ = false;
  EventLoopPool loops_{"test", 1};
};

TEST_F(MemoryWaitTest, TakesWhatThereIsAtOnce) {
  EXPECT_TRUE(wait(1000, 0ms).get());
  EXPECT_EQ(budget_.used_bytes(), 1000U);
}

TEST_F(MemoryWaitTest, WaitsUntilOthersGiveBack) {
  std::optional<MemoryReservation> other(&budget_);
  ASSERT_TRUE(other->try_resize(1));
  auto got = wait(1000, 60s);
  EXPECT_EQ(got.wait_for(30ms), std::future_status::timeout);
  other.reset();
  EXPECT_TRUE(got.get());
  EXPECT_EQ(reservation_.bytes(), 1000U);
}

TEST_F(MemoryWaitTest, GivesUpWhenItsTimeIsOverOrItIsToldTo) {
  EXPECT_FALSE(wait(1001, 20ms).get());
  auto got = wait(1001, 60s);
  given_up_ = true;
  EXPECT_FALSE(got.get());
  EXPECT_EQ(reservation_.bytes(), 0U);
}

}  // namespace
}  // namespace penstock::net
