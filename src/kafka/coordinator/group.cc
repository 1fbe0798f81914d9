#include "kafka/coordinator/group.h"

#include <algorithm>

#include "base/check.h"

namespace penstock::kafka {
namespace {

JoinResult join_error(KafkaError error, std::string member_id = {}) {
  JoinResult result;
  result.error = error;
  result.member_id = std::move(member_id);
  return result;
}

SyncResult sync_error(KafkaError error) {
  SyncResult result;
  result.error = error;
  return result;
}

}  // namespace

std::string_view Group::state_name(State state) {
  switch (state) {
    case State::kEmpty: return "Empty";
    case State::kPreparingRebalance: return "PreparingRebalance";
    case State::kCompletingRebalance: return "CompletingRebalance";
    case State::kStable: return "Stable";
  }
  return "";
}

// --- joining ---

KafkaError Group::check_join(const JoinGroup& request) const {
  if (request.protocol_type.empty() || request.protocols.empty()) return KafkaError::kInconsistentGroupProtocol;
  if (members_.empty()) return KafkaError::kNone;
  if (request.protocol_type != protocol_type_) return KafkaError::kInconsistentGroupProtocol;
  // Every other member must know one of the protocols that this one brings.
  const bool shared = std::ranges::any_of(request.protocols, [&](const auto& protocol) {
    return std::ranges::all_of(members_, [&](const auto& entry) {
      const Member& member = entry.second;
      return member.id == request.member_id ||
             std::ranges::any_of(member.protocols, [&](const auto& own) { return own.first == protocol.first; });
    });
  });
  return shared ? KafkaError::kNone : KafkaError::kInconsistentGroupProtocol;
}

void Group::join(TimeMs now, JoinGroup request, JoinCallback done) {
  if (const KafkaError error = check_join(request); error != KafkaError::kNone) {
    return done(join_error(error, request.member_id));
  }
  if (request.member_id.empty()) return join_as_new_member(now, std::move(request), std::move(done));
  if (pending_.erase(request.member_id) > 0) {
    std::string member_id = request.member_id;
    return add_member(now, std::move(member_id), std::move(request), std::move(done));
  }
  KafkaError error = KafkaError::kNone;
  Member* member = find(request.member_id, request.instance_id, &error);
  if (member == nullptr) return done(join_error(error, request.member_id));
  rejoin(now, std::move(request), *member, std::move(done));
}

void Group::join_as_new_member(TimeMs now, JoinGroup request, JoinCallback done) {
  if (request.instance_id) {
    if (const auto known = instances_.find(*request.instance_id); known != instances_.end()) {
      return replace_static_member(now, std::move(request), members_.at(known->second), std::move(done));
    }
  }
  if (members_.size() + pending_.size() >= options_.members_max) {
    return done(join_error(KafkaError::kGroupMaxSizeReached));
  }
  std::string member_id = new_member_id_(request.instance_id.value_or(request.client_id));
  if (request.require_known_member_id && !request.instance_id) {
    pending_[member_id] = now + request.session_timeout_ms;
    return done(join_error(KafkaError::kMemberIdRequired, member_id));
  }
  add_member(now, std::move(member_id), std::move(request), std::move(done));
}

void Group::add_member(TimeMs now, std::string member_id, JoinGroup request, JoinCallback done) {
  if (members_.empty()) protocol_type_ = request.protocol_type;
  Member& member = members_[member_id];
  member.id = member_id;
  member.instance_id = request.instance_id;
  update_member(member, std::move(request));
  member.waiting_join = std::move(done);
  touch(now, member);
  if (member.instance_id) instances_[*member.instance_id] = member_id;
  if (leader_.empty()) leader_ = member_id;
  joined_since_ = true;
  prepare_rebalance(now);
}

// A static member came back without its id (it was restarted). It takes over the place of the old one; while the
// group is stable and the protocol stays, without a rebalance.
void Group::replace_static_member(TimeMs now, JoinGroup request, Member& old, JoinCallback done) {
  if (old.waiting_join) std::exchange(old.waiting_join, nullptr)(join_error(KafkaError::kFencedInstanceId, old.id));
  if (old.waiting_sync) std::exchange(old.waiting_sync, nullptr)(sync_error(KafkaError::kFencedInstanceId));

  const std::string old_leader = leader_;
  auto node = members_.extract(old.id);
  node.key() = new_member_id_(*request.instance_id);
  Member& member = node.mapped();
  if (leader_ == member.id) leader_ = node.key();
  member.id = node.key();
  instances_[*request.instance_id] = member.id;
  const bool can_skip_assignment = request.can_skip_assignment;
  update_member(member, std::move(request));
  touch(now, member);
  members_.insert(std::move(node));

  if (state_ != State::kStable || select_protocol() != protocol_name_) {
    member.waiting_join = std::move(done);
    joined_since_ = true;
    return prepare_rebalance(now);
  }
  JoinResult result = current_generation(member);
  if (can_skip_assignment && leader_ == member.id) {
    result.skip_assignment = true;
  } else {
    // An older client that heard it leads would assign anew what stays as it is: it is told the leader that was.
    result.leader = old_leader;
    result.members.clear();
  }
  done(std::move(result));
}

void Group::rejoin(TimeMs now, JoinGroup request, Member& member, JoinCallback done) {
  const bool same_protocols = member.protocols == request.protocols;
  const bool stays = (state_ == State::kCompletingRebalance && same_protocols) ||
                     (state_ == State::kStable && same_protocols && member.id != leader_);
  if (stays) {  // it has not seen the answer to its join
    touch(now, member);
    return done(current_generation(member));
  }
  if (member.waiting_join) {  // its connection broke while it waited
    std::exchange(member.waiting_join, nullptr)(join_error(KafkaError::kRebalanceInProgress, member.id));
  }
  update_member(member, std::move(request));
  member.waiting_join = std::move(done);
  touch(now, member);
  prepare_rebalance(now);
}

void Group::update_member(Member& member, JoinGroup request) {
  member.client_id = std::move(request.client_id);
  member.client_host = std::move(request.client_host);
  member.session_timeout_ms = request.session_timeout_ms;
  member.rebalance_timeout_ms = request.rebalance_timeout_ms;
  member.protocols = std::move(request.protocols);
}

// --- rebalancing ---

void Group::prepare_rebalance(TimeMs now) {
  if (state_ == State::kPreparingRebalance) return try_complete_join(now);
  for (auto& [id, member] : members_) {
    member.assignment.clear();
    member.synced = false;
    if (member.waiting_sync) {
      touch(now, member);  // it could not heartbeat while it waited
      std::exchange(member.waiting_sync, nullptr)(sync_error(KafkaError::kRebalanceInProgress));
    }
  }
  initial_ = state_ == State::kEmpty && options_.initial_rebalance_delay_ms > 0;
  initial_until_ = now + longest_rebalance_timeout();
  join_deadline_ = initial_ ? std::min(now + options_.initial_rebalance_delay_ms, initial_until_) : initial_until_;
  joined_since_ = false;
  state_ = State::kPreparingRebalance;
  try_complete_join(now);
}

void Group::try_complete_join(TimeMs now) {
  if (state_ != State::kPreparingRebalance || initial_ || !pending_.empty()) return;
  const bool all_joined =
      std::ranges::all_of(members_, [](const auto& entry) { return static_cast<bool>(entry.second.waiting_join); });
  if (all_joined) complete_join(now);
}

// Begins a generation with those who have joined. Static members may be late: they keep their place until their
// session ends.
void Group::complete_join(TimeMs now) {
  initial_ = false;
  for (auto it = members_.begin(); it != members_.end();) {
    const Member& member = it->second;
    it = member.waiting_join || member.instance_id ? std::next(it) : members_.erase(it);
  }
  if (const auto leader = members_.find(leader_); leader == members_.end() || !leader->second.waiting_join) {
    const auto joined =
        std::ranges::find_if(members_, [](const auto& e) { return static_cast<bool>(e.second.waiting_join); });
    if (joined == members_.end() && !members_.empty()) {  // only static members, all late: wait once more
      join_deadline_ = now + longest_rebalance_timeout();
      return;
    }
    leader_ = joined == members_.end() ? "" : joined->first;
  }
  ++generation_id_;
  if (members_.empty()) {
    state_ = State::kEmpty;
    protocol_name_.clear();
    return;
  }
  protocol_name_ = select_protocol();
  state_ = State::kCompletingRebalance;
  sync_deadline_ = now + longest_rebalance_timeout();
  answer_joins(now);
}

void Group::answer_joins(TimeMs now) {
  for (auto& [id, member] : members_) {
    if (!member.waiting_join) continue;
    touch(now, member);
    std::exchange(member.waiting_join, nullptr)(current_generation(member));
  }
}

JoinResult Group::current_generation(const Member& member) const {
  JoinResult result;
  result.generation_id = generation_id_;
  result.protocol_type = protocol_type_;
  result.protocol_name = protocol_name_;
  result.leader = leader_;
  result.member_id = member.id;
  if (member.id != leader_) return result;
  for (const auto& [id, other] : members_) {
    const auto metadata =
        std::ranges::find(other.protocols, protocol_name_, &std::pair<std::string, std::string>::first);
    PENSTOCK_CHECK(metadata != other.protocols.end(), "a member does not know the group's protocol");
    result.members.push_back({.member_id = id, .instance_id = other.instance_id, .metadata = metadata->second});
  }
  return result;
}

// Every member votes for the first of its protocols that all know; the most votes win, ties go by name.
std::string Group::select_protocol() const {
  const auto known_to_all = [&](const std::string& name) {
    return std::ranges::all_of(members_, [&](const auto& entry) {
      return std::ranges::any_of(entry.second.protocols, [&](const auto& own) { return own.first == name; });
    });
  };
  std::map<std::string, size_t> votes;
  for (const auto& [id, member] : members_) {
    const auto vote =
        std::ranges::find_if(member.protocols, [&](const auto& protocol) { return known_to_all(protocol.first); });
    PENSTOCK_CHECK(vote != member.protocols.end(), "the members share no protocol");
    ++votes[vote->first];
  }
  return std::ranges::max_element(votes, {}, &std::pair<const std::string, size_t>::second)->first;
}

TimeMs Group::longest_rebalance_timeout() const {
  TimeMs longest = 0;
  for (const auto& [id, member] : members_) longest = std::max(longest, member.rebalance_timeout_ms);
  return longest;
}

// --- syncing, staying and leaving ---

Group::Member* Group::find(const std::string& member_id, const std::optional<std::string>& instance_id,
                           KafkaError* error) {
  *error = KafkaError::kNone;
  if (instance_id) {
    const auto instance = instances_.find(*instance_id);
    if (instance == instances_.end()) {
      *error = KafkaError::kUnknownMemberId;
      return nullptr;
    }
    if (instance->second != member_id) {
      *error = KafkaError::kFencedInstanceId;
      return nullptr;
    }
  }
  const auto member = members_.find(member_id);
  if (member == members_.end()) {
    *error = KafkaError::kUnknownMemberId;
    return nullptr;
  }
  return &member->second;
}

void Group::sync(TimeMs now, SyncGroup request, SyncCallback done) {
  KafkaError error = KafkaError::kNone;
  Member* member = find(request.member_id, request.instance_id, &error);
  if (member == nullptr) return done(sync_error(error));
  if (request.generation_id != generation_id_) return done(sync_error(KafkaError::kIllegalGeneration));
  if (request.protocol_type.value_or(protocol_type_) != protocol_type_ ||
      request.protocol_name.value_or(protocol_name_) != protocol_name_) {
    return done(sync_error(KafkaError::kInconsistentGroupProtocol));
  }
  if (state_ == State::kPreparingRebalance) return done(sync_error(KafkaError::kRebalanceInProgress));

  touch(now, *member);
  if (member->waiting_sync) {  // its connection broke while it waited
    std::exchange(member->waiting_sync, nullptr)(sync_error(KafkaError::kRebalanceInProgress));
  }
  member->synced = true;
  member->waiting_sync = std::move(done);
  if (state_ == State::kStable) return answer_sync(*member);
  if (member->id != leader_) return;

  for (auto& [id, assignment] : request.assignments) {
    if (const auto to = members_.find(id); to != members_.end()) to->second.assignment = std::move(assignment);
  }
  state_ = State::kStable;
  for (auto& [id, waiting] : members_) {
    if (!waiting.waiting_sync) continue;
    touch(now, waiting);
    answer_sync(waiting);
  }
}

void Group::answer_sync(Member& member) {
  SyncResult result;
  result.protocol_type = protocol_type_;
  result.protocol_name = protocol_name_;
  result.assignment = member.assignment;
  std::exchange(member.waiting_sync, nullptr)(std::move(result));
}

KafkaError Group::heartbeat(TimeMs now, const std::string& member_id, const std::optional<std::string>& instance_id,
                            int32_t generation_id) {
  KafkaError error = KafkaError::kNone;
  Member* member = find(member_id, instance_id, &error);
  if (member == nullptr) return error;
  if (generation_id != generation_id_) return KafkaError::kIllegalGeneration;
  touch(now, *member);
  return state_ == State::kPreparingRebalance ? KafkaError::kRebalanceInProgress : KafkaError::kNone;
}

KafkaError Group::leave(TimeMs now, const std::string& member_id, const std::optional<std::string>& instance_id) {
  std::string id = member_id;
  if (instance_id && id.empty()) {
    const auto instance = instances_.find(*instance_id);
    if (instance == instances_.end()) return KafkaError::kUnknownMemberId;
    id = instance->second;
  }
  if (pending_.erase(id) > 0) {
    try_complete_join(now);
    return KafkaError::kNone;
  }
  KafkaError error = KafkaError::kNone;
  if (find(id, instance_id, &error) == nullptr) return error;
  remove_member(now, id);
  return KafkaError::kNone;
}

void Group::remove_member(TimeMs now, const std::string& member_id) {
  auto node = members_.extract(member_id);
  if (node.empty()) return;
  Member& member = node.mapped();
  if (member.instance_id) instances_.erase(*member.instance_id);
  if (member.waiting_join) member.waiting_join(join_error(KafkaError::kUnknownMemberId, member.id));
  if (member.waiting_sync) member.waiting_sync(sync_error(KafkaError::kUnknownMemberId));
  if (leader_ == member_id) leader_ = members_.empty() ? "" : members_.begin()->first;
  prepare_rebalance(now);
}

KafkaError Group::check_commit(TimeMs now, const std::string& member_id, const std::optional<std::string>& instance_id,
                               int32_t generation_id) {
  if (generation_id < 0 && state_ == State::kEmpty) return KafkaError::kNone;
  KafkaError error = KafkaError::kNone;
  Member* member = find(member_id, instance_id, &error);
  if (member == nullptr) return error;
  if (generation_id != generation_id_) return KafkaError::kIllegalGeneration;
  if (state_ == State::kCompletingRebalance) return KafkaError::kRebalanceInProgress;
  touch(now, *member);
  return KafkaError::kNone;
}

// --- time ---

void Group::tick(TimeMs now) {
  expire_sessions(now);
  if (state_ == State::kPreparingRebalance && now >= join_deadline_) {
    if (initial_ && joined_since_ && now < initial_until_) {
      joined_since_ = false;
      join_deadline_ = std::min(now + options_.initial_rebalance_delay_ms, initial_until_);
    } else {
      complete_join(now);
    }
  } else if (state_ == State::kCompletingRebalance && now >= sync_deadline_) {
    std::vector<std::string> silent;
    for (const auto& [id, member] : members_) {
      if (!member.synced) silent.push_back(id);
    }
    // Each removal starts a rebalance; the members that did sync then join again.
    for (const auto& id : silent) remove_member(now, id);
  }
}

void Group::expire_sessions(TimeMs now) {
  bool pending_expired = false;
  for (auto it = pending_.begin(); it != pending_.end();) {
    const bool expired = now >= it->second;
    pending_expired |= expired;
    it = expired ? pending_.erase(it) : std::next(it);
  }
  std::vector<std::string> gone;
  for (const auto& [id, member] : members_) {
    // A member that waits for an answer is kept: its client cannot heartbeat meanwhile.
    if (!member.waiting_join && !member.waiting_sync && now >= member.session_deadline) gone.push_back(id);
  }
  for (const auto& id : gone) {
    // Removing one may have begun a generation in which another is no longer, or is alive.
    if (const auto it = members_.find(id); it != members_.end() && now >= it->second.session_deadline) {
      remove_member(now, id);
    }
  }
  if (pending_expired) try_complete_join(now);
}

std::optional<TimeMs> Group::next_deadline() const {
  std::optional<TimeMs> next;
  const auto at = [&](TimeMs time) { next = std::min(next.value_or(time), time); };
  for (const auto& [id, deadline] : pending_) at(deadline);
  for (const auto& [id, member] : members_) {
    if (!member.waiting_join && !member.waiting_sync) at(member.session_deadline);
  }
  if (state_ == State::kPreparingRebalance) at(join_deadline_);
  if (state_ == State::kCompletingRebalance) at(sync_deadline_);
  return next;
}

GroupDescription Group::describe() const {
  GroupDescription result;
  result.state = state_name(state_);
  result.protocol_type = protocol_type_;
  result.protocol_name = state_ == State::kStable ? protocol_name_ : "";
  for (const auto& [id, member] : members_) {
    const auto metadata =
        std::ranges::find(member.protocols, protocol_name_, &std::pair<std::string, std::string>::first);
    result.members.push_back({.member_id = id,
                              .instance_id = member.instance_id,
                              .client_id = member.client_id,
                              .client_host = member.client_host,
                              .metadata = metadata == member.protocols.end() ? "" : metadata->second,
                              .assignment = member.assignment});
  }
  return result;
}

}  // namespace penstock::kafka
