#include "kafka/coordinator/group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

namespace penstock::kafka {
namespace {

using State = Group::State;

constexpr TimeMs kSession = 10'000;
constexpr TimeMs kRebalance = 60'000;

std::string numbered_id(const std::string& prefix) {
  static int last = 0;
  return prefix + "-" + std::to_string(++last);
}

JoinGroup join_of(std::string member_id = "", std::optional<std::string> instance = {}) {
  return {.member_id = std::move(member_id),
          .instance_id = std::move(instance),
          .client_id = "client",
          .client_host = "/host",
          .session_timeout_ms = kSession,
          .rebalance_timeout_ms = kRebalance,
          .protocol_type = "consumer",
          .protocols = {{"range", "metadata"}}};
}

// What a join or sync was answered, if it was.
template <class Result>
struct Answer {
  std::optional<Result> result;
  int answers = 0;

  std::function<void(Result)> callback() {
    return [this](Result r) {
      result = std::move(r);
      ++answers;
    };
  }
};
using JoinAnswer = Answer<JoinResult>;
using SyncAnswer = Answer<SyncResult>;

class GroupTest : public testing::Test {
 protected:
  // Joins one after the other, so that each but the last waits for the others to join again.
  void join(JoinAnswer& answer, JoinGroup request) { group.join(now, std::move(request), answer.callback()); }
  SyncGroup sync_of(const JoinAnswer& joined, std::vector<std::pair<std::string, std::string>> assignments = {}) {
    return {.member_id = joined.result->member_id,
            .generation_id = joined.result->generation_id,
            .assignments = std::move(assignments)};
  }
  // A stable group of one.
  JoinAnswer stable_member(std::optional<std::string> instance = {}) {
    JoinAnswer joined;
    join(joined, join_of("", instance));
    SyncAnswer synced;
    group.sync(now, sync_of(joined, {{joined.result->member_id, "all"}}), synced.callback());
    EXPECT_EQ(group.state(), State::kStable);
    return joined;
  }
  // Two members, both joined in one generation; the first leads.
  void two_joined(JoinAnswer& one, JoinAnswer& two) {
    JoinAnswer first = stable_member();
    join(two, join_of());
    EXPECT_EQ(two.answers, 0);
    EXPECT_EQ(group.heartbeat(now, first.result->member_id, {}, 1), KafkaError::kRebalanceInProgress);
    join(one, join_of(first.result->member_id));
    ASSERT_EQ(one.answers, 1);
    ASSERT_EQ(two.answers, 1);
    EXPECT_EQ(one.result->generation_id, 2);
    EXPECT_EQ(two.result->generation_id, 2);
  }
  void advance_to(TimeMs until) {
    while (group.next_deadline().value_or(until + 1) <= until) {
      now = std::max(now, *group.next_deadline());
      group.tick(now);
    }
    now = until;
  }

  Group group{{.initial_rebalance_delay_ms = 0, .members_max = 3}, numbered_id};
  TimeMs now = 1'000'000;
};

TEST_F(GroupTest, OneMemberBecomesLeaderAndAssignsItself) {
  JoinAnswer joined;
  join(joined, join_of());
  ASSERT_EQ(joined.answers, 1);
  EXPECT_EQ(joined.result->error, KafkaError::kNone);
  EXPECT_EQ(joined.result->generation_id, 1);
  EXPECT_EQ(joined.result->leader, joined.result->member_id);
  EXPECT_EQ(joined.result->protocol_name, "range");
  ASSERT_EQ(joined.result->members.size(), 1);
  EXPECT_EQ(joined.result->members[0].metadata, "metadata");
  EXPECT_EQ(group.state(), State::kCompletingRebalance);

  SyncAnswer synced;
  group.sync(now, sync_of(joined, {{joined.result->member_id, "all"}}), synced.callback());
  ASSERT_EQ(synced.answers, 1);
  EXPECT_EQ(synced.result->assignment, "all");
  EXPECT_EQ(group.state(), State::kStable);
  EXPECT_EQ(group.heartbeat(now, joined.result->member_id, {}, 1), KafkaError::kNone);
}

TEST_F(GroupTest, ASecondMemberMakesTheFirstJoinAgain) {
  JoinAnswer one;
  JoinAnswer two;
  two_joined(one, two);
  EXPECT_EQ(one.result->members.size(), 2);
  EXPECT_TRUE(two.result->members.empty());  // only the leader assigns
  EXPECT_EQ(two.result->leader, one.result->member_id);

  SyncAnswer follower;
  group.sync(now, sync_of(two), follower.callback());
  EXPECT_EQ(follower.answers, 0);  // waits for the leader
  SyncAnswer leader;
  group.sync(now, sync_of(one, {{one.result->member_id, "left"}, {two.result->member_id, "right"}}), leader.callback());
  EXPECT_EQ(leader.result->assignment, "left");
  EXPECT_EQ(follower.result->assignment, "right");
  SyncAnswer again;  // the answer was lost
  group.sync(now, sync_of(two), again.callback());
  EXPECT_EQ(again.result->assignment, "right");
}

TEST_F(GroupTest, LeavingStartsARebalanceAndTheLastOneEmptiesTheGroup) {
  JoinAnswer one;
  JoinAnswer two;
  two_joined(one, two);
  EXPECT_EQ(group.leave(now, one.result->member_id, {}), KafkaError::kNone);
  EXPECT_EQ(group.state(), State::kPreparingRebalance);
  EXPECT_EQ(group.leave(now, one.result->member_id, {}), KafkaError::kUnknownMemberId);
  EXPECT_EQ(group.leave(now, two.result->member_id, {}), KafkaError::kNone);
  EXPECT_EQ(group.state(), State::kEmpty);
  EXPECT_FALSE(group.has_members());
  EXPECT_EQ(group.next_deadline(), std::nullopt);
}

TEST_F(GroupTest, ASilentMemberIsRemovedAfterItsSession) {
  const JoinAnswer member = stable_member();
  advance_to(now + kSession - 1);
  EXPECT_TRUE(group.has_members());
  EXPECT_EQ(group.heartbeat(now, member.result->member_id, {}, 1), KafkaError::kNone);
  advance_to(now + kSession - 1);
  EXPECT_TRUE(group.has_members());
  advance_to(now + 1);
  EXPECT_EQ(group.state(), State::kEmpty);
  EXPECT_EQ(group.heartbeat(now, member.result->member_id, {}, 1), KafkaError::kUnknownMemberId);
}

TEST_F(GroupTest, AMemberThatDoesNotJoinAgainIsLeftBehind) {
  const JoinAnswer slow = stable_member();
  JoinAnswer quick;
  join(quick, join_of());
  // The slow one heartbeats but does not join.
  const TimeMs start = now;
  while (now < start + kRebalance) {
    EXPECT_EQ(quick.answers, 0);
    group.heartbeat(now, slow.result->member_id, {}, 1);
    advance_to(now + kSession / 2);
  }
  ASSERT_EQ(quick.answers, 1);
  EXPECT_EQ(quick.result->leader, quick.result->member_id);
  EXPECT_EQ(quick.result->members.size(), 1);
  EXPECT_EQ(group.heartbeat(now, slow.result->member_id, {}, 1), KafkaError::kUnknownMemberId);
}

TEST_F(GroupTest, ALeaderThatNeverSyncsIsReplaced) {
  JoinAnswer one;
  JoinAnswer two;
  two_joined(one, two);
  SyncAnswer waiting;
  group.sync(now, sync_of(two), waiting.callback());
  const TimeMs start = now;
  while (now < start + kRebalance) {
    EXPECT_EQ(waiting.answers, 0);
    EXPECT_EQ(group.heartbeat(now, one.result->member_id, {}, 2), KafkaError::kNone);
    advance_to(now + kSession / 2);
  }
  EXPECT_EQ(waiting.result->error, KafkaError::kRebalanceInProgress);
  JoinAnswer again;
  join(again, join_of(two.result->member_id));
  EXPECT_EQ(again.result->leader, two.result->member_id);
}

TEST_F(GroupTest, TheFirstJoinsAreCollectedForTheInitialDelay) {
  Group delayed({.initial_rebalance_delay_ms = 100}, numbered_id);
  JoinAnswer one;
  JoinAnswer two;
  delayed.join(0, join_of(), one.callback());
  EXPECT_EQ(delayed.next_deadline(), 100);
  delayed.join(50, join_of(), two.callback());
  delayed.tick(100);  // somebody came: wait once more
  EXPECT_EQ(one.answers + two.answers, 0);
  delayed.tick(200);
  EXPECT_EQ(one.answers, 1);
  EXPECT_EQ(two.result->generation_id, 1);
  EXPECT_EQ(one.result->members.size() + two.result->members.size(), 2);
}

TEST_F(GroupTest, ANewMemberIsFirstToldItsId) {
  auto request = join_of();
  request.require_known_member_id = true;
  JoinAnswer told;
  join(told, request);
  EXPECT_EQ(told.result->error, KafkaError::kMemberIdRequired);
  ASSERT_NE(told.result->member_id, "");
  EXPECT_TRUE(group.has_members());
  request.member_id = told.result->member_id;
  JoinAnswer joined;
  join(joined, request);
  EXPECT_EQ(joined.result->error, KafkaError::kNone);
  EXPECT_EQ(joined.result->member_id, told.result->member_id);
}

TEST_F(GroupTest, AnIdThatIsNotUsedIsForgotten) {
  auto request = join_of();
  request.require_known_member_id = true;
  JoinAnswer told;
  join(told, request);
  advance_to(now + kSession);
  EXPECT_FALSE(group.has_members());
  request.member_id = told.result->member_id;
  JoinAnswer late;
  join(late, request);
  EXPECT_EQ(late.result->error, KafkaError::kUnknownMemberId);
}

TEST_F(GroupTest, AStaticMemberComesBackWithoutARebalance) {
  const JoinAnswer before = stable_member("instance");
  JoinAnswer after;
  join(after, join_of("", "instance"));
  ASSERT_EQ(after.answers, 1);
  EXPECT_EQ(after.result->error, KafkaError::kNone);
  EXPECT_EQ(after.result->generation_id, 1);
  EXPECT_NE(after.result->member_id, before.result->member_id);
  EXPECT_NE(after.result->leader, after.result->member_id);  // an old client must not assign anew
  EXPECT_EQ(group.state(), State::kStable);
  SyncAnswer synced;
  auto sync = sync_of(after);
  sync.instance_id = "instance";
  group.sync(now, sync, synced.callback());
  EXPECT_EQ(synced.result->assignment, "all");
  // The one before is fenced off.
  EXPECT_EQ(group.heartbeat(now, before.result->member_id, "instance", 1), KafkaError::kFencedInstanceId);
  EXPECT_EQ(group.heartbeat(now, before.result->member_id, {}, 1), KafkaError::kUnknownMemberId);
  EXPECT_EQ(group.heartbeat(now, after.result->member_id, "instance", 1), KafkaError::kNone);
  EXPECT_EQ(group.leave(now, "", "instance"), KafkaError::kNone);
  EXPECT_EQ(group.state(), State::kEmpty);
}

TEST_F(GroupTest, AStaticLeaderThatUnderstandsSkipsItsAssignment) {
  stable_member("instance");
  auto request = join_of("", "instance");
  request.can_skip_assignment = true;
  JoinAnswer after;
  join(after, request);
  EXPECT_TRUE(after.result->skip_assignment);
  EXPECT_EQ(after.result->leader, after.result->member_id);
  EXPECT_EQ(after.result->members.size(), 1);
}

TEST_F(GroupTest, ProtocolsAreVotedFor) {
  auto first = join_of();
  first.protocols = {{"range", "r1"}, {"sticky", "s1"}};
  JoinAnswer one;
  join(one, first);
  EXPECT_EQ(one.result->protocol_name, "range");
  auto second = join_of();
  second.protocols = {{"sticky", "s2"}};
  JoinAnswer two;
  join(two, second);
  first.member_id = one.result->member_id;
  join(one, first);
  EXPECT_EQ(two.result->protocol_name, "sticky");
  std::vector<std::string> metadata;
  for (const auto& member : one.result->members) metadata.push_back(member.metadata);
  EXPECT_THAT(metadata, testing::UnorderedElementsAre("s1", "s2"));
}

TEST_F(GroupTest, WhatDoesNotFitIsRefused) {
  const JoinAnswer member = stable_member();
  const auto error_of = [&](JoinGroup request) {
    JoinAnswer answer;
    join(answer, std::move(request));
    return answer.result ? answer.result->error : KafkaError::kNone;
  };
  EXPECT_EQ(error_of(join_of("unknown")), KafkaError::kUnknownMemberId);
  EXPECT_EQ(error_of(join_of("unknown", "instance")), KafkaError::kUnknownMemberId);
  auto other_type = join_of();
  other_type.protocol_type = "connect";
  EXPECT_EQ(error_of(other_type), KafkaError::kInconsistentGroupProtocol);
  auto other_protocol = join_of();
  other_protocol.protocols = {{"sticky", ""}};
  EXPECT_EQ(error_of(other_protocol), KafkaError::kInconsistentGroupProtocol);
  auto no_protocol = join_of();
  no_protocol.protocols.clear();
  EXPECT_EQ(error_of(no_protocol), KafkaError::kInconsistentGroupProtocol);
  EXPECT_EQ(group.state(), State::kStable);

  auto sync = sync_of(member);
  const auto sync_error = [&](const SyncGroup& request) {
    SyncAnswer answer;
    group.sync(now, request, answer.callback());
    return answer.result->error;
  };
  sync.generation_id = 7;
  EXPECT_EQ(sync_error(sync), KafkaError::kIllegalGeneration);
  sync.generation_id = 1;
  sync.protocol_name = "sticky";
  EXPECT_EQ(sync_error(sync), KafkaError::kInconsistentGroupProtocol);
  sync.member_id = "unknown";
  EXPECT_EQ(sync_error(sync), KafkaError::kUnknownMemberId);
}

TEST_F(GroupTest, TheNumberOfMembersIsBounded) {
  JoinAnswer answers[4];
  for (auto& answer : answers) join(answer, join_of());
  EXPECT_EQ(answers[3].result->error, KafkaError::kGroupMaxSizeReached);
}

TEST_F(GroupTest, CommitsAreTakenFromMembersAndForEmptyGroupsFromAnyone) {
  EXPECT_EQ(group.check_commit(now, "", {}, -1), KafkaError::kNone);
  JoinAnswer one;
  JoinAnswer two;
  two_joined(one, two);
  EXPECT_EQ(group.check_commit(now, "", {}, -1), KafkaError::kUnknownMemberId);
  EXPECT_EQ(group.check_commit(now, one.result->member_id, {}, 1), KafkaError::kIllegalGeneration);
  EXPECT_EQ(group.check_commit(now, one.result->member_id, {}, 2), KafkaError::kRebalanceInProgress);
  SyncAnswer synced;
  group.sync(now, sync_of(one), synced.callback());
  EXPECT_EQ(group.check_commit(now, one.result->member_id, {}, 2), KafkaError::kNone);
  EXPECT_EQ(group.check_commit(now, two.result->member_id, "instance", 2), KafkaError::kUnknownMemberId);
}

// --- a simulation: clients that follow the protocol, crash, leave and come back, on simulated time ---

class Simulation {
 public:
  explicit Simulation(uint32_t seed)
      : random_(seed),
        group_({.initial_rebalance_delay_ms = static_cast<TimeMs>(below(2)) * 50, .members_max = 100}, numbered_id) {
    for (int i = 0; i < 5; ++i) {
      auto& client = clients_.emplace_back();
      if (below(3) == 0) client.instance = "instance-" + std::to_string(i);
    }
  }

  void run() {
    for (int step = 0; step < 400; ++step) {
      disturb(clients_[below(clients_.size())]);
      advance(static_cast<TimeMs>(below(3000)));
    }
    // Left alone, those who are there come to share one generation.
    for (auto& client : clients_) client.running = true;
    for (int i = 0; i < 400; ++i) advance(500);
    EXPECT_EQ(group_.state(), State::kStable);
    EXPECT_EQ(group_.describe().members.size(), clients_.size());
    for (const auto& client : clients_) {
      EXPECT_TRUE(client.assignment.has_value());
      EXPECT_EQ(client.generation, group_.generation_id());
    }
  }

 private:
  enum class Phase : uint8_t { kJoin, kJoining, kSync, kSyncing, kMember };
  struct Client {
    bool running = false;
    std::string member_id;
    std::optional<std::string> instance;
    Phase phase = Phase::kJoin;
    int32_t generation = -1;
    std::vector<std::string> others;  // as the leader
    std::optional<std::string> assignment;
    uint64_t life = 0;  // answers to a life before are for nobody
  };

  size_t below(size_t n) { return random_() % n; }

  void disturb(Client& client) {
    switch (below(6)) {
      case 0:  // crash: nothing more is heard of it
        client.running = false;
        ++client.life;
        client.phase = Phase::kJoin;
        client.member_id.clear();
        client.assignment.reset();
        break;
      case 1:  // leave
        if (client.running && !client.member_id.empty()) group_.leave(now_, client.member_id, client.instance);
        client.running = false;
        ++client.life;
        client.phase = Phase::kJoin;
        client.member_id.clear();
        client.assignment.reset();
        break;
      case 2:  // a lost answer: asks again
        if (client.phase == Phase::kJoining || client.phase == Phase::kSyncing) {
          ++client.life;
          client.phase = client.phase == Phase::kJoining ? Phase::kJoin : Phase::kSync;
        }
        break;
      default: client.running = true;
    }
  }

  void advance(TimeMs by) {
    const TimeMs until = now_ + by;
    while (now_ < until) {
      now_ = std::min(until, now_ + 500);
      while (group_.next_deadline() && *group_.next_deadline() <= now_) {
        group_.tick(now_);
        ASSERT_TRUE(!group_.next_deadline() || *group_.next_deadline() > now_) << "a tick without progress";
      }
      for (auto& client : clients_) {
        if (client.running) act(client);
      }
    }
  }

  void act(Client& client) {
    switch (client.phase) {
      case Phase::kJoin: return join(client);
      case Phase::kSync: return sync(client);
      case Phase::kMember:
        switch (group_.heartbeat(now_, client.member_id, client.instance, client.generation)) {
          case KafkaError::kNone: return;
          case KafkaError::kUnknownMemberId:
          case KafkaError::kFencedInstanceId: client.member_id.clear(); [[fallthrough]];
          default: client.phase = Phase::kJoin; client.assignment.reset();
        }
        return;
      case Phase::kJoining:
      case Phase::kSyncing: return;
    }
  }

  void join(Client& client) {
    client.phase = Phase::kJoining;
    auto request = join_of(client.member_id, client.instance);
    request.session_timeout_ms = 6000;
    request.rebalance_timeout_ms = 20'000;
    request.require_known_member_id = true;
    request.can_skip_assignment = true;
    group_.join(now_, std::move(request), [&client, life = client.life, this](JoinResult result) {
      if (client.life != life) return;
      if (result.error != KafkaError::kNone) {
        client.phase = Phase::kJoin;
        client.member_id = result.error == KafkaError::kMemberIdRequired ? result.member_id : "";
        return;
      }
      client.member_id = result.member_id;
      client.generation = result.generation_id;
      client.phase = Phase::kSync;
      client.others.clear();
      const bool leads = result.leader == result.member_id;
      EXPECT_EQ(result.members.empty(), !leads);
      if (leads && !result.skip_assignment) {
        EXPECT_TRUE(leaders_.emplace(result.generation_id, result.leader).second) << "two leaders in one generation";
        for (const auto& member : result.members) client.others.push_back(member.member_id);
      }
    });
  }

  void sync(Client& client) {
    client.phase = Phase::kSyncing;
    SyncGroup request{
        .member_id = client.member_id, .instance_id = client.instance, .generation_id = client.generation};
    for (const auto& id : client.others) {
      request.assignments.emplace_back(id, assignment_of(client.generation, id));
    }
    group_.sync(now_, std::move(request), [&client, life = client.life](SyncResult result) {
      if (client.life != life) return;
      if (result.error != KafkaError::kNone) {
        client.phase = Phase::kJoin;
        client.assignment.reset();
        if (result.error != KafkaError::kRebalanceInProgress) client.member_id.clear();
        return;
      }
      client.phase = Phase::kMember;
      client.assignment = result.assignment;
      // A static member that came back has the part that was given to its id before.
      if (!client.instance) EXPECT_EQ(result.assignment, assignment_of(client.generation, client.member_id));
    });
  }

  static std::string assignment_of(int32_t generation, const std::string& member_id) {
    return std::to_string(generation) + "/" + member_id;
  }

  std::mt19937 random_;
  TimeMs now_ = 0;
  Group group_;
  std::vector<Client> clients_ = [] {
    std::vector<Client> clients;
    clients.reserve(16);  // callbacks refer to elements
    return clients;
  }();
  std::map<int32_t, std::string> leaders_;
};

TEST(GroupSimulationTest, WhateverHappensTheGroupSettles) {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Simulation(seed).run();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace penstock::kafka
