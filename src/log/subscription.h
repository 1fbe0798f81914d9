// Callbacks that can be taken back at any time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "log/log.h"

namespace penstock::log {

// One registered callback. Its mutex is held while the callback runs, so that cancelling waits for it; from inside the
// callback itself cancelling does not wait.
struct Subscriber {
  explicit Subscriber(std::function<void()> callback) : callback(std::move(callback)) {}
  void notify() {
    const std::lock_guard lock(mutex);
    if (active) callback();
  }

  std::recursive_mutex mutex;
  bool active = true;
  std::function<void()> callback;
};

// The callbacks of one event. Guarded by its owner's mutex; notify() is for outside of it, on what collect() gave.
class SubscriberList {
 public:
  // Keeps a place for the callback until the subscription goes.
  std::unique_ptr<Subscription> add(std::function<void()> callback);
  void collect(std::vector<std::shared_ptr<Subscriber>>* out);
  bool empty() const { return subscribers_.empty(); }

 private:
  std::vector<std::weak_ptr<Subscriber>> subscribers_;
};

}  // namespace penstock::log
