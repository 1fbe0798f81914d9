// What run queues and wakers hold of a task; it stays valid after the task has gone.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace penstock::exec {

class Worker;

// What a task says at the end of its turn.
enum class Turn : uint8_t {
  kMore,     // there is more to do now
  kWaiting,  // nothing to do until it is woken
  kDone,     // never run it again
};

// Something that a Worker runs, one turn after the other.
class Runnable {
 public:
  virtual ~Runnable() = default;
  // Does a bounded amount of work.
  virtual Turn run_turn() = 0;
};

// Keeps a Runnable alive until its last turn, and is told of that.
class RunnableOwner {
 public:
  virtual ~RunnableOwner() = default;
  // Called on the worker thread; the Runnable is not touched any more.
  virtual void on_done() = 0;
};

// Thread-safe. A wake() that comes during a turn leads to another turn, so none is lost.
class TaskHandle : public std::enable_shared_from_this<TaskHandle> {
 public:
  // `worker` is the one that runs it first.
  explicit TaskHandle(Worker& worker) : worker_(&worker) {}

  // Begins to run `runnable`, which `owner` keeps. Called once.
  void launch(Runnable& runnable, std::shared_ptr<RunnableOwner> owner);
  // Asks for a turn; cheap when one is due already, and nothing before launch() or after the last turn.
  void wake();

 private:
  friend class Worker;
  // Idle is 0. Whoever turns 0 into kNotified puts the handle into the run queue.
  static constexpr uint32_t kNotified = 1;
  static constexpr uint32_t kRunning = 2;
  static constexpr uint32_t kInert = 4;  // not launched, or done

  // Runs a turn on the thread of `worker`; true when it wants another one now.
  bool run_turn(Worker& worker);

  std::atomic<Worker*> worker_;  // that has run it last
  std::atomic<uint32_t> state_{kInert};
  Runnable* runnable_ = nullptr;
  std::shared_ptr<RunnableOwner> owner_;
};

}  // namespace penstock::exec
