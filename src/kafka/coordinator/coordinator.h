// All consumer groups of this broker: finds them, gives them the time, and keeps their committed offsets in the log.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/log_gate.h"
#include "kafka/coordinator/group.h"
#include "kafka/executor.h"
#include "log/log.h"

namespace penstock::kafka {

struct CoordinatorOptions {
  GroupOptions group;
  TimeMs session_timeout_min_ms = 100;
  TimeMs session_timeout_max_ms = 1'800'000;
  size_t groups_max = 100'000;  // with members; the log alone knows groups that only have offsets
};

// Thread-safe. Join and sync callbacks are called under its lock, on any thread: they may do no more than hand over to
// an executor. Owned by shared_ptr: its timers hold it weakly.
class GroupCoordinator : public std::enable_shared_from_this<GroupCoordinator> {
 public:
  using Clock = std::function<TimeMs()>;

  GroupCoordinator(log::Log& log, std::shared_ptr<Executor> executor, CoordinatorOptions options, Clock clock)
      : log_(log), executor_(std::move(executor)), options_(options), clock_(std::move(clock)) {}

  void join(const std::string& group_id, JoinGroup request, Group::JoinCallback done);
  void sync(const std::string& group_id, SyncGroup request, Group::SyncCallback done);
  KafkaError heartbeat(const std::string& group_id, const std::string& member_id,
                       const std::optional<std::string>& instance_id, int32_t generation_id);
  KafkaError leave(const std::string& group_id, const std::string& member_id,
                   const std::optional<std::string>& instance_id);

  // Whether the sender may commit; a group without members needs not exist.
  KafkaError check_commit(const std::string& group_id, const std::string& member_id,
                          const std::optional<std::string>& instance_id, int32_t generation_id);

  // nullopt when there is neither a member nor an offset of the group.
  std::optional<GroupDescription> describe(const std::string& group_id) const;
  // Every group by id, members or not.
  std::map<std::string, GroupDescription> list() const;
  // Forgets an empty group and its offsets; durable when it returns. May block.
  KafkaError remove(const std::string& group_id);

 private:
  struct Entry {
    std::unique_ptr<Group> group;
    std::optional<TimeMs> armed;  // when the earliest running timer fires
  };
  using Groups = std::map<std::string, Entry>;

  // Both under the lock: finds or makes a group; drops it when it has no members any more, else arms its timer.
  Groups::iterator find_or_add(const std::string& group_id);
  void settle(Groups::iterator it, TimeMs now);
  void on_timer(const std::string& group_id, TimeMs armed);

  log::Log& log_;
  const std::shared_ptr<Executor> executor_;
  const CoordinatorOptions options_;
  const Clock clock_;

  logging::LogGate refusals_log_;
  mutable std::mutex mutex_;
  Groups groups_;  // those with members
};

}  // namespace penstock::kafka
