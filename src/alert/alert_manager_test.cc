#include "alert/alert_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alert/receiver_test.h"
#include "columnar/change_batch.h"
#include "io/simulated_env.h"

namespace penstock::alert {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using types::TypeKind;

const types::Schema kSchema = {{"who", TypeKind::kString}, {"total", TypeKind::kBigInt}};

// A view that is changed by hand, an alert over it, and a receiver.
class AlertManagerTest : public testing::Test {
 protected:
  AlertManagerTest() {
    EXPECT_TRUE(env_.create_directories("/data"));
    open();
  }

  AlertManagerOptions options() {
    return {.env = &env_,
            .directory = "/data",
            .notifier = {.backoff_first_us = 1'000, .backoff_max_us = 5'000},
            .firing_max = firing_max_,
            .metrics = &metrics_};
  }
  void open() {
    auto opened = AlertManager::open(options());
    ASSERT_TRUE(opened) << opened.error().message();
    manager_ = std::move(*opened);
  }
  engine::AlertRule rule(const std::string& name = "big", std::optional<std::vector<int>> key = std::vector{0}) {
    return {.name = name,
            .severity = "HIGH",
            .channels = {{.kind = "webhook", .target = receiver_.url()}},
            .sql = "",
            .view = view_,
            .key = std::move(key)};
  }
  // An epoch of the view, as "+ a 1 | - b 2".
  void change(const std::string& text) {
    auto batch = columnar::batch_from_text(text, kSchema);
    ASSERT_TRUE(batch) << batch.error().message();
    const Epoch epoch(++epoch_);
    view_->stage(epoch, *std::move(batch));
    ASSERT_TRUE(view_->publish(epoch));
  }
  // "firing who=a {...}" of all incidents.
  std::vector<std::string> incidents() const {
    std::vector<std::string> out;
    for (const Incident& i : manager_->incidents()) {
      out.push_back(fmt::format("{} {} {}", state_name(i.state), i.key, i.values_json));
    }
    return out;
  }
  size_t count(IncidentState state) const {
    return static_cast<size_t>(std::ranges::count(manager_->incidents(), state, &Incident::state));
  }
  bool becomes(size_t firing, size_t resolved) {
    return eventually(
        [&] { return count(IncidentState::kFiring) == firing && count(IncidentState::kResolved) == resolved; });
  }
  bool received(size_t requests) {
    return eventually([&] { return receiver_.requests().size() >= requests; });
  }
  std::string saved() { return env_.read_file("/data/alerts.json").value_or(""); }

  io::SimulatedEnv env_{1};
  MetricsRegistry metrics_;
  size_t firing_max_ = 100;
  std::atomic<int> status_{200};
  Receiver receiver_{[this](const Receiver::Request& request, size_t) {
    if (on_request_) on_request_(request);
    return status_.load();
  }};
  std::function<void(const Receiver::Request&)> on_request_;
  std::shared_ptr<view::View> view_ = view::View::make({.name = "v", .schema = kSchema, .key = {0}});
  int64_t epoch_ = 0;
  std::unique_ptr<AlertManager> manager_;
};

TEST_F(AlertManagerTest, ARowFiresAndItsGoingResolves) {
  manager_->on_created(rule());
  change("+ a 1");
  ASSERT_TRUE(becomes(1, 0));
  EXPECT_THAT(incidents(), ElementsAre(R"(firing who=a {"who":"a","total":1})"));
  change("- a 1 | + a 2");
  ASSERT_TRUE(eventually([&] { return incidents()[0].ends_with(R"("total":2})"); }));
  EXPECT_EQ(count(IncidentState::kFiring), 1U) << "a changed value is the same incident";
  change("- a 2");
  ASSERT_TRUE(becomes(0, 1));
  ASSERT_TRUE(received(2));
  const auto requests = receiver_.requests();
  ASSERT_THAT(requests, SizeIs(2)) << "nothing is told of a changed value";
  EXPECT_THAT(requests[0].body, HasSubstr(R"("state":"firing")"));
  EXPECT_THAT(requests[1].body, HasSubstr(R"("state":"resolved")"));
  const std::string id = manager_->incidents()[0].id;
  EXPECT_THAT(receiver_.keys(), ElementsAre(id + "-firing", id + "-resolved"));
  change("+ a 3");
  ASSERT_TRUE(becomes(1, 1));
  EXPECT_NE(manager_->incidents()[0].id, id) << "the same row again is another incident";
}

TEST_F(AlertManagerTest, WithoutKeyColumnsTheOnlyRowMayChange) {
  manager_->on_created(rule("one", std::vector<int>{}));
  change("+ a 1");
  ASSERT_TRUE(becomes(1, 0));
  change("- a 1 | + b 2");
  ASSERT_TRUE(eventually([&] { return incidents()[0] == R"(firing  {"who":"b","total":2})"; }));
  EXPECT_EQ(count(IncidentState::kResolved), 0U);
}

TEST_F(AlertManagerTest, WithoutAKeyEachRowStandsForItself) {
  manager_->on_created(rule("each", std::nullopt));
  change("+ a 1");
  ASSERT_TRUE(becomes(1, 0));
  change("- a 1 | + a 2");
  ASSERT_TRUE(becomes(1, 1));
}

TEST_F(AlertManagerTest, ARowThatIsThereTwiceGoesOnFiringWhenOneOfThemGoes) {
  view_ = view::View::make({.name = "v", .schema = kSchema, .key = {}});
  change("+ a 1 | + a 1 | + b 1");
  manager_->on_created(rule("each", std::nullopt));
  ASSERT_TRUE(becomes(2, 0));
  change("+ a 1 | - b 1");
  ASSERT_TRUE(becomes(1, 1));
  change("- a 1 | - a 1 | + c 1");
  ASSERT_TRUE(becomes(2, 1));
  change("- a 1 | - c 1");
  ASSERT_TRUE(becomes(0, 3));
}

TEST_F(AlertManagerTest, ARestartNeitherRepeatsNorForgets) {
  manager_->on_created(rule());
  change("+ a 1 | + b 1 | + c 1");
  ASSERT_TRUE(becomes(3, 0));
  ASSERT_TRUE(received(3));
  manager_->close();
  const std::vector<std::string> before = receiver_.keys();
  change("- b 1 | + d 1");  // while it is away
  open();
  EXPECT_EQ(count(IncidentState::kFiring), 3U) << "before its query has caught up";
  manager_->on_created(rule());
  ASSERT_TRUE(becomes(3, 1));
  ASSERT_TRUE(received(5));
  manager_->close();
  const std::vector<std::string> keys = receiver_.keys();
  ASSERT_THAT(keys, SizeIs(5));
  EXPECT_THAT(receiver_.requests()[3].body + receiver_.requests()[4].body,
              testing::AllOf(HasSubstr("who=b"), HasSubstr("who=d")));
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), 5U);
}

TEST_F(AlertManagerTest, WhatWasNotDeliveredIsDeliveredAfterARestartUnderTheSameKey) {
  status_ = 503;
  manager_->on_created(rule());
  change("+ a 1");
  ASSERT_TRUE(received(2));
  const std::string key = receiver_.keys()[0];
  manager_->close();
  EXPECT_THAT(saved(), HasSubstr(R"("about":"firing")"));
  status_ = 200;
  const size_t before = receiver_.keys().size();
  open();
  ASSERT_TRUE(received(before + 1));
  EXPECT_EQ(receiver_.keys().back(), key);
  // The receiver has it before the sender knows.
  EXPECT_TRUE(eventually([&] { return saved().contains(R"("notifications":[])"); }));
  manager_->close();
  EXPECT_THAT(saved(), HasSubstr(R"("notifications":[])"));
  EXPECT_THAT(receiver_.keys(), SizeIs(before + 1));
}

TEST_F(AlertManagerTest, WhatIsSentHasBeenSavedBefore) {
  std::atomic<int> unsaved = 0;
  on_request_ = [&](const Receiver::Request& request) {
    const std::string id = request.key.substr(0, request.key.find('-'));
    if (!saved().contains(id)) ++unsaved;
  };
  manager_->on_created(rule());
  for (int i = 0; i < 20; ++i) change(fmt::format("+ row{} 1", i));
  ASSERT_TRUE(becomes(20, 0));
  for (int i = 0; i < 20; ++i) change(fmt::format("- row{} 1", i));
  ASSERT_TRUE(becomes(0, 20));
  ASSERT_TRUE(received(40));
  EXPECT_EQ(unsaved, 0);
  manager_->close();
}

TEST_F(AlertManagerTest, ACrashAfterADeliveryRepeatsItUnderTheSameKey) {
  manager_->on_created(rule());
  change("+ a 1");
  ASSERT_TRUE(received(1));
  const std::string crashed = saved();  // as it was when the receiver had got it
  const std::string key = receiver_.keys()[0];
  manager_->close();
  ASSERT_TRUE(env_.write_file_atomically("/data/alerts.json", crashed));
  open();
  manager_->on_created(rule());
  ASSERT_TRUE(becomes(1, 0));
  manager_->close();
  for (const std::string& each : receiver_.keys()) EXPECT_EQ(each, key);
}

TEST_F(AlertManagerTest, DroppingARuleResolvesItsIncidents) {
  manager_->on_created(rule("one"));
  manager_->on_created(rule("two"));
  change("+ a 1 | + b 1");
  ASSERT_TRUE(becomes(4, 0));
  manager_->on_dropped("one");
  ASSERT_TRUE(becomes(2, 2));
  ASSERT_TRUE(received(6));
  for (const Incident& incident : manager_->incidents()) {
    EXPECT_EQ(incident.state == IncidentState::kFiring, incident.alert == "two");
  }
  view_->drop();
  ASSERT_TRUE(becomes(0, 4));
}

TEST_F(AlertManagerTest, ARuleThatIsDroppedBeforeItHasCaughtUpHasNoIncidentsLeft) {
  manager_->on_created(rule());
  change("+ a 1");
  ASSERT_TRUE(becomes(1, 0));
  manager_->close();
  open();
  EXPECT_EQ(count(IncidentState::kFiring), 1U);
  manager_->on_dropped("big");
  ASSERT_TRUE(becomes(0, 1));
}

TEST_F(AlertManagerTest, AMadeAnewRuleOfTheSameNameTakesOverWhatStillFires) {
  manager_->on_created(rule());
  change("+ a 1");
  ASSERT_TRUE(becomes(1, 0));
  const std::string id = manager_->incidents()[0].id;
  manager_->on_created(rule());
  change("+ b 1");
  ASSERT_TRUE(becomes(2, 0));
  const std::vector<Incident> now = manager_->incidents();
  EXPECT_TRUE(std::ranges::any_of(now, [&](const Incident& i) { return i.id == id; }));
}

TEST_F(AlertManagerTest, RowsAboveTheLimitWaitForRoom) {
  manager_->close();
  firing_max_ = 4;
  open();
  manager_->on_created(rule());
  change("+ a 1 | + b 1 | + c 1 | + d 1 | + e 1 | + f 1");
  ASSERT_TRUE(becomes(4, 0));
  EXPECT_EQ(metrics_.counter("penstock_alert_over_limit_total", "").value(), 2U);
  EXPECT_THAT(receiver_.keys().size(), testing::Le(4));
  const std::string firing = fmt::format("{}", fmt::join(incidents(), ";"));
  // As many go as leave room for the others.
  int gone = 0;
  for (const char* who : {"a", "b", "c", "d", "e", "f"}) {
    if (gone < 2 && firing.contains(fmt::format("who={} ", who))) {
      change(fmt::format("- {} 1", who));
      ++gone;
    }
  }
  ASSERT_TRUE(becomes(4, 2));
}

TEST_F(AlertManagerTest, ManyAlertsAreBoundedAndTheirResolvedOnesForgotten) {
  manager_->close();
  firing_max_ = 1000;
  AlertManagerOptions few = options();
  few.resolved_kept = 10;
  auto opened = AlertManager::open(few);
  ASSERT_TRUE(opened);
  manager_ = std::move(*opened);
  manager_->on_created(rule());
  std::string come;
  std::string go;
  for (int i = 0; i < 1000; ++i) {
    come += fmt::format("{}+ row{} 1", i == 0 ? "" : " | ", i);
    go += fmt::format("{}- row{} 1", i == 0 ? "" : " | ", i);
  }
  change(come);
  ASSERT_TRUE(becomes(1000, 0));
  change(go);
  ASSERT_TRUE(becomes(0, 10));
}

TEST_F(AlertManagerTest, WhatCannotBeSavedIsSentAndSavedLater) {
  manager_->close();
  AlertManagerOptions soon = options();
  soon.settled_save_delay_us = 1'000;
  auto opened = AlertManager::open(soon);
  ASSERT_TRUE(opened);
  manager_ = std::move(*opened);
  manager_->on_created(rule());
  env_.fail(io::SimulatedEnv::Operation::kAnyChange, 1, true);
  change("+ a 1");
  ASSERT_TRUE(received(1));
  env_.clear_fault();
  ASSERT_TRUE(eventually([&] { return saved().contains("who=a"); }));
}

TEST_F(AlertManagerTest, AStateFileThatIsNoneIsAnErrorThatNamesIt) {
  manager_->close();
  ASSERT_TRUE(env_.write_file_atomically("/data/alerts.json", "{\"incidents\":"));
  const auto refused = AlertManager::open(options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(refused.error().message(), HasSubstr("/data/alerts.json"));
}

TEST_F(AlertManagerTest, IsASystemTable) {
  manager_->on_created(rule());
  change("+ a 1");
  ASSERT_TRUE(becomes(1, 0));
  const engine::SystemTable table = manager_->system_table();
  const auto rows = table.rows();
  ASSERT_EQ(rows.size(), 1U);
  ASSERT_EQ(rows[0].size(), table.schema.size());
  EXPECT_EQ(rows[0][0].as_string(), "big");
  EXPECT_EQ(rows[0][2].as_string(), "firing");
  EXPECT_TRUE(rows[0][6].is_null());
}

}  // namespace
}  // namespace penstock::alert
