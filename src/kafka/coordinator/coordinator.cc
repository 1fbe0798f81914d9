#include "kafka/coordinator/coordinator.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "base/logging.h"

namespace penstock::kafka {
namespace {

// Rebalance timeouts below this are raised to it: they bound how often a group's timer may fire.
constexpr TimeMs kRebalanceTimeoutMinMs = 100;

std::string new_member_id(const std::string& prefix) {
  static thread_local std::random_device random;
  const auto word = [] { return random(); };
  return fmt::format("{}-{:08x}-{:04x}-{:04x}-{:04x}-{:08x}{:04x}", prefix, word(), word() >> 16, word() >> 16,
                     word() >> 16, word(), word() >> 16);
}

// What is known of a group that has committed offsets and no members: only consumers commit.
GroupDescription without_members() {
  GroupDescription description;
  description.state = Group::state_name(Group::State::kEmpty);
  description.protocol_type = "consumer";
  return description;
}

}  // namespace

GroupCoordinator::Groups::iterator GroupCoordinator::find_or_add(const std::string& group_id) {
  const auto [it, added] = groups_.try_emplace(group_id);
  if (added) it->second.group = std::make_unique<Group>(options_.group, new_member_id);
  return it;
}

void GroupCoordinator::settle(Groups::iterator it, TimeMs now) {
  Entry& entry = it->second;
  if (!entry.group->has_members()) {
    groups_.erase(it);
    return;
  }
  const auto deadline = entry.group->next_deadline();
  if (!deadline || (entry.armed && *entry.armed <= *deadline)) return;
  entry.armed = deadline;
  executor_->run_after(std::chrono::milliseconds(std::max<TimeMs>(*deadline - now, 0)),
                       [weak = weak_from_this(), group_id = it->first, armed = *deadline] {
                         if (const auto self = weak.lock()) self->on_timer(group_id, armed);
                       });
}

void GroupCoordinator::on_timer(const std::string& group_id, TimeMs armed) {
  const std::lock_guard lock(mutex_);
  const auto it = groups_.find(group_id);
  // A later call found an earlier deadline, or the group is another one by now.
  if (it == groups_.end() || it->second.armed != armed) return;
  it->second.armed.reset();
  const TimeMs now = std::max(clock_(), armed);
  it->second.group->tick(now);
  settle(it, now);
}

void GroupCoordinator::join(const std::string& group_id, JoinGroup request, Group::JoinCallback done) {
  const auto refuse = [&](KafkaError error) {
    JoinResult result;
    result.error = error;
    result.member_id = request.member_id;
    done(std::move(result));
  };
  if (group_id.empty()) return refuse(KafkaError::kInvalidGroupId);
  if (request.session_timeout_ms < options_.session_timeout_min_ms ||
      request.session_timeout_ms > options_.session_timeout_max_ms) {
    return refuse(KafkaError::kInvalidSessionTimeout);
  }
  if (request.rebalance_timeout_ms < 0) request.rebalance_timeout_ms = request.session_timeout_ms;
  request.rebalance_timeout_ms = std::max(request.rebalance_timeout_ms, kRebalanceTimeoutMinMs);

  const std::lock_guard lock(mutex_);
  if (!groups_.contains(group_id)) {
    if (!request.member_id.empty()) return refuse(KafkaError::kUnknownMemberId);
    if (groups_.size() >= options_.groups_max) {
      if (const auto held_back = refusals_log_.pass()) {
        logging::warning("consumer group refused: too many groups",
                         {{"group", group_id}, {"limit", options_.groups_max}, {"not_logged", *held_back}});
      }
      return refuse(KafkaError::kGroupMaxSizeReached);
    }
  }
  const auto it = find_or_add(group_id);
  const TimeMs now = clock_();
  it->second.group->join(now, std::move(request), std::move(done));
  settle(it, now);
}

void GroupCoordinator::sync(const std::string& group_id, SyncGroup request, Group::SyncCallback done) {
  const std::lock_guard lock(mutex_);
  const auto it = groups_.find(group_id);
  if (it == groups_.end()) {
    SyncResult result;
    result.error = group_id.empty() ? KafkaError::kInvalidGroupId : KafkaError::kUnknownMemberId;
    return done(std::move(result));
  }
  const TimeMs now = clock_();
  it->second.group->sync(now, std::move(request), std::move(done));
  settle(it, now);
}

KafkaError GroupCoordinator::heartbeat(const std::string& group_id, const std::string& member_id,
                                       const std::optional<std::string>& instance_id, int32_t generation_id) {
  const std::lock_guard lock(mutex_);
  const auto it = groups_.find(group_id);
  if (it == groups_.end()) return KafkaError::kUnknownMemberId;
  return it->second.group->heartbeat(clock_(), member_id, instance_id, generation_id);
}

KafkaError GroupCoordinator::leave(const std::string& group_id, const std::string& member_id,
                                   const std::optional<std::string>& instance_id) {
  const std::lock_guard lock(mutex_);
  const auto it = groups_.find(group_id);
  if (it == groups_.end()) return KafkaError::kUnknownMemberId;
  const TimeMs now = clock_();
  const KafkaError error = it->second.group->leave(now, member_id, instance_id);
  settle(it, now);
  return error;
}

KafkaError GroupCoordinator::check_commit(const std::string& group_id, const std::string& member_id,
                                          const std::optional<std::string>& instance_id, int32_t generation_id) {
  if (group_id.empty()) return KafkaError::kInvalidGroupId;
  const std::lock_guard lock(mutex_);
  const auto it = groups_.find(group_id);
  if (it != groups_.end()) return it->second.group->check_commit(clock_(), member_id, instance_id, generation_id);
  return generation_id < 0 ? KafkaError::kNone : KafkaError::kUnknownMemberId;
}

std::optional<GroupDescription> GroupCoordinator::describe(const std::string& group_id) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = groups_.find(group_id); it != groups_.end()) return it->second.group->describe();
  }
  if (log_.committed_offsets(group_id).empty()) return std::nullopt;
  return without_members();
}

std::map<std::string, GroupDescription> GroupCoordinator::list() const {
  std::map<std::string, GroupDescription> all;
  for (const auto& group_id : log_.groups_with_offsets()) all.emplace(group_id, without_members());
  const std::lock_guard lock(mutex_);
  for (const auto& [group_id, entry] : groups_) all.insert_or_assign(group_id, entry.group->describe());
  return all;
}

KafkaError GroupCoordinator::remove(const std::string& group_id) {
  {
    const std::lock_guard lock(mutex_);
    if (groups_.contains(group_id)) return KafkaError::kNonEmptyGroup;
  }
  if (log_.committed_offsets(group_id).empty()) return KafkaError::kGroupIdNotFound;
  if (const Status removed = log_.delete_group_offsets(group_id); !removed) {
    logging::error("cannot delete a group's offsets", {{"group", group_id}, {"why", removed.error().message()}});
    return KafkaError::kCoordinatorNotAvailable;
  }
  return KafkaError::kNone;
}

}  // namespace penstock::kafka
