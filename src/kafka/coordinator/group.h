// One classic consumer group: its members, its generation and its rebalances.
//
// The protocol (https://cwiki.apache.org/confluence/display/KAFKA/Kafka+Client-side+Assignment+Proposal): members join
// and wait; when all have (or the time is up), a generation begins: every member gets its number, and the leader the
// list of members. The leader computes who reads what and sends it with its sync; then every sync is answered with its
// part. Members then heartbeat; one that stops, leaves, or joins anew starts the next rebalance.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kafka/protocol/types.h"

namespace penstock::kafka {

using protocol::KafkaError;

// Milliseconds on a monotonic clock.
using TimeMs = int64_t;

struct GroupOptions {
  TimeMs initial_rebalance_delay_ms = 0;  // an empty group waits this long for more members to join
  size_t members_max = 10'000;
};

struct JoinGroup {
  std::string member_id;  // empty: a new member
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  TimeMs session_timeout_ms = 0;
  TimeMs rebalance_timeout_ms = 0;
  std::string protocol_type;
  std::vector<std::pair<std::string, std::string>> protocols;  // name and metadata, the most wanted first
  bool require_known_member_id = false;  // a new dynamic member is first told its id and joins again (KIP-394)
  bool can_skip_assignment = false;      // understands JoinResult::skip_assignment (KIP-814)
};

struct JoinResult {
  struct Member {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::string metadata;
  };

  KafkaError error = KafkaError::kNone;
  int32_t generation_id = -1;
  std::string protocol_type;
  std::string protocol_name;
  std::string leader;
  std::string member_id;
  std::vector<Member> members;  // for the leader alone
  bool skip_assignment = false;
};

struct SyncGroup {
  std::string member_id;
  std::optional<std::string> instance_id;
  int32_t generation_id = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol_name;
  std::vector<std::pair<std::string, std::string>> assignments;  // of the leader: member id and assignment
};

struct SyncResult {
  KafkaError error = KafkaError::kNone;
  std::string protocol_type;
  std::string protocol_name;
  std::string assignment;
};

struct GroupDescription {
  struct Member {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    std::string metadata;
    std::string assignment;
  };
  std::string state;
  std::string protocol_type;
  std::string protocol_name;
  std::vector<Member> members;
};

// A state machine without I/O, threads or clocks: every call is given the time, and joins and syncs are answered by
// the callbacks that they bring. A callback is called exactly once unless the group is destroyed first; it must not
// call back into the group. Owned by the coordinator, under its lock.
class Group {
 public:
  enum class State : uint8_t { kEmpty, kPreparingRebalance, kCompletingRebalance, kStable };
  using JoinCallback = std::function<void(JoinResult)>;
  using SyncCallback = std::function<void(SyncResult)>;
  // Gives an id that no member ever had, beginning with `prefix`.
  using NewMemberId = std::function<std::string(const std::string& prefix)>;

  Group(GroupOptions options, NewMemberId new_member_id)
      : options_(options), new_member_id_(std::move(new_member_id)) {}

  void join(TimeMs now, JoinGroup request, JoinCallback done);
  void sync(TimeMs now, SyncGroup request, SyncCallback done);
  KafkaError heartbeat(TimeMs now, const std::string& member_id, const std::optional<std::string>& instance_id,
                       int32_t generation_id);
  // A static member may leave by its instance id alone.
  KafkaError leave(TimeMs now, const std::string& member_id, const std::optional<std::string>& instance_id);
  // Whether the sender may commit offsets. A group without members takes them from anyone without a generation.
  KafkaError check_commit(TimeMs now, const std::string& member_id, const std::optional<std::string>& instance_id,
                          int32_t generation_id);

  // Does what has become due; call at next_deadline() or later.
  void tick(TimeMs now);
  std::optional<TimeMs> next_deadline() const;

  State state() const { return state_; }
  int32_t generation_id() const { return generation_id_; }
  bool has_members() const { return !members_.empty() || !pending_.empty(); }
  GroupDescription describe() const;
  static std::string_view state_name(State state);

 private:
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    TimeMs session_timeout_ms = 0;
    TimeMs rebalance_timeout_ms = 0;
    TimeMs session_deadline = 0;
    std::vector<std::pair<std::string, std::string>> protocols;
    std::string assignment;
    bool synced = false;  // in this generation
    JoinCallback waiting_join;
    SyncCallback waiting_sync;
  };

  KafkaError check_join(const JoinGroup& request) const;
  void join_as_new_member(TimeMs now, JoinGroup request, JoinCallback done);
  void replace_static_member(TimeMs now, JoinGroup request, Member& old, JoinCallback done);
  void rejoin(TimeMs now, JoinGroup request, Member& member, JoinCallback done);
  void add_member(TimeMs now, std::string member_id, JoinGroup request, JoinCallback done);
  static void update_member(Member& member, JoinGroup request);
  void remove_member(TimeMs now, const std::string& member_id);

  void prepare_rebalance(TimeMs now);
  void try_complete_join(TimeMs now);
  void complete_join(TimeMs now);
  void answer_joins(TimeMs now);
  JoinResult current_generation(const Member& member) const;
  void answer_sync(Member& member);
  std::string select_protocol() const;
  TimeMs longest_rebalance_timeout() const;
  void expire_sessions(TimeMs now);
  void touch(TimeMs now, Member& member) { member.session_deadline = now + member.session_timeout_ms; }
  // The member, when the id, and the instance id if given, are its.
  Member* find(const std::string& member_id, const std::optional<std::string>& instance_id, KafkaError* error);

  const GroupOptions options_;
  const NewMemberId new_member_id_;
  State state_ = State::kEmpty;
  int32_t generation_id_ = 0;
  std::string protocol_type_;
  std::string protocol_name_;
  std::string leader_;
  std::map<std::string, Member> members_;
  std::map<std::string, std::string> instances_;  // instance id to member id
  std::map<std::string, TimeMs> pending_;         // ids given to members that have not joined again, and until when
  TimeMs join_deadline_ = 0;                      // in kPreparingRebalance
  TimeMs sync_deadline_ = 0;                      // in kCompletingRebalance
  TimeMs initial_until_ = 0;                      // the most that joining an empty group may be put off
  bool initial_ = false;                          // the group was empty: joining ends by time, not when all have joined
  bool joined_since_ = false;                     // somebody came during the current delay
};

}  // namespace penstock::kafka
