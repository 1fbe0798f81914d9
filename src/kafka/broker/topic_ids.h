// From topic ids to names.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "log/log.h"

namespace penstock::kafka {

// Thread-safe. Asks the log again only after its topics have changed.
class TopicIds {
 public:
  explicit TopicIds(log::Log& log)
      : log_(log), subscription_(log.on_topics_changed([this] { stale_.store(true, std::memory_order_release); })) {}

  std::optional<std::string> name(log::TopicId id) {
    const std::lock_guard lock(mutex_);
    if (stale_.exchange(false, std::memory_order_acq_rel)) {
      names_.clear();
      for (auto& info : log_.topics()) names_.emplace(info.id, std::move(info.name));
    }
    const auto found = names_.find(id);
    return found == names_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  log::Log& log_;
  std::mutex mutex_;
  std::atomic<bool> stale_{true};
  std::map<log::TopicId, std::string> names_;
  const std::unique_ptr<log::Subscription> subscription_;
};

}  // namespace penstock::kafka
