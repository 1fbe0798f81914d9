// Turns on real threads: none is lost, and what waits for a busy worker is run by an idle one.
#include "exec/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace penstock::exec {
namespace {

using std::chrono_literals::operator""s;

// A task that does what it is told and keeps itself until it is done.
class TestTask : public Runnable, public RunnableOwner, public std::enable_shared_from_this<TestTask> {
 public:
  TestTask(Worker& worker, std::function<Turn()> turn)
      : handle(std::make_shared<TaskHandle>(worker)), turn_(std::move(turn)) {}

  void launch() { handle->launch(*this, shared_from_this()); }
  Turn run_turn() override { return turn_(); }
  void on_done() override { done_.set_value(); }
  bool wait() { return done_.get_future().wait_for(60s) == std::future_status::ready; }

  const std::shared_ptr<TaskHandle> handle;

 private:
  std::function<Turn()> turn_;
  std::promise<void> done_;
};

TEST(WorkerPool, RunsTasksOfOneWorkerAtTheSameTime) {
  WorkerPool pool(3);
  std::latch meeting(3);
  std::atomic<bool> given_up{false};
  std::vector<std::shared_ptr<TestTask>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(std::make_shared<TestTask>(pool.worker(0), [&] {
      meeting.count_down();
      while (!meeting.try_wait() && !given_up) std::this_thread::yield();  // no turn ends before all have begun
      return Turn::kDone;
    }));
  }
  for (const auto& task : tasks) task->launch();
  const bool all_met = std::ranges::all_of(tasks, [](const auto& task) { return task->wait(); });
  given_up = true;
  EXPECT_TRUE(all_met);
}

// Tokens wander from task to task at random; each task counts those that it has got, also while it is running.
TEST(WorkerPool, LosesNoWakeUp) {
  constexpr int kTasks = 7;
  constexpr int kHops = 20'000;
  // With one token, nothing but the wake-up that comes with it gets a task its turn.
  for (const auto& [workers, tokens_there] :
       std::initializer_list<std::pair<int, int>>{{1, 3}, {2, 1}, {3, 1}, {3, 3}, {4, 1}, {4, 7}}) {
    WorkerPool pool(workers);
    std::atomic<int> hops_left{kHops};
    std::vector<std::shared_ptr<TestTask>> tasks;
    std::atomic<int> tokens[kTasks] = {};
    const auto wake_all = [&] {
      for (const auto& task : tasks) task->handle->wake();
    };
    for (int i = 0; i < kTasks; ++i) {
      tasks.push_back(std::make_shared<TestTask>(pool.worker(static_cast<size_t>(i % workers)),
                                                 [&, i, random = std::minstd_rand(static_cast<unsigned>(i))]() mutable {
                                                   if (hops_left.load() <= 0) return Turn::kDone;
                                                   if (tokens[i].load() == 0) return Turn::kWaiting;
                                                   --tokens[i];
                                                   if (--hops_left == 0) wake_all();
                                                   const size_t to = random() % kTasks;
                                                   ++tokens[to];
                                                   tasks[to]->handle->wake();
                                                   return tokens[i].load() > 0 || random() % 2 == 0 ? Turn::kMore
                                                                                                    : Turn::kWaiting;
                                                 }));
    }
    tokens[0] = tokens_there;
    for (const auto& task : tasks) task->launch();
    for (const auto& task : tasks) ASSERT_TRUE(task->wait()) << "with " << workers << " workers";
  }
}

}  // namespace
}  // namespace penstock::exec
