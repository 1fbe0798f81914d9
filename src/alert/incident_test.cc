#include "alert/incident.h"

#include <gtest/gtest.h>

namespace penstock::alert {
namespace {

Incident incident() {
  return {.id = "00000000000000ab",
          .alert = "big \"spender\"",
          .severity = "HIGH",
          .key = "who=J\xc3\xb6rg\n",
          .values_json = R"({"who":"J\u00f6rg","total":7})",
          .state = IncidentState::kFiring,
          .fired_at_us = 1'700'000'000'123'000,
          .resolved_at_us = {}};
}

TEST(IncidentTest, IsAJsonObject) {
  Incident one = incident();
  EXPECT_EQ(to_json(one),
            R"({"id":"00000000000000ab","alert":"big \"spender\"","severity":"HIGH","state":"firing",)"
            "\"key\":\"who=J\xc3\xb6rg\\n\","
            R"("values":{"who":"J\u00f6rg","total":7},"fired_at":"2023-11-14T22:13:20.123Z","resolved_at":null})");
  one.state = IncidentState::kResolved;
  one.resolved_at_us = 1'700'000'001'000'000;
  EXPECT_TRUE(to_json(one).ends_with(R"("resolved_at":"2023-11-14T22:13:21.000Z"})"));
}

TEST(IncidentTest, TheKeyOfANotificationIsThatOfItsIncidentAndState) {
  Notification notification{.incident_id = "ab", .about = IncidentState::kFiring};
  EXPECT_EQ(notification.idempotency_key(), "ab-firing");
  notification.attempts = 7;
  EXPECT_EQ(notification.idempotency_key(), "ab-firing");
  notification.about = IncidentState::kResolved;
  EXPECT_EQ(notification.idempotency_key(), "ab-resolved");
}

TEST(AlertStateTest, ReadsBackWhatItWrote) {
  AlertState state;
  state.incidents = {incident(), incident()};
  state.incidents[1].state = IncidentState::kResolved;
  state.incidents[1].resolved_at_us = 1'700'000'002'000'000;
  state.notifications = {{.incident_id = "ab",
                          .about = IncidentState::kResolved,
                          .channel_kind = "webhook",
                          .channel_target = "http://x/?a=\"b\"",
                          .body = to_json(incident())}};
  const Result<AlertState> read = AlertState::from_json(state.to_json());
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->incidents.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(to_json(read->incidents[i]), to_json(state.incidents[i]));
    EXPECT_EQ(read->incidents[i].fired_at_us, state.incidents[i].fired_at_us);
  }
  ASSERT_EQ(read->notifications.size(), 1U);
  EXPECT_EQ(read->notifications[0].idempotency_key(), "ab-resolved");
  EXPECT_EQ(read->notifications[0].channel_target, "http://x/?a=\"b\"");
  EXPECT_EQ(read->notifications[0].body, state.notifications[0].body);
}

TEST(AlertStateTest, RefusesWhatIsNoState) {
  const std::string good = AlertState{.incidents = {incident()}, .notifications = {}}.to_json();
  for (const std::string& bad :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"incidents":[1]})"),
        std::string(R"({"incidents":[{}],"notifications":[]})"), good.substr(0, good.size() / 2)}) {
    const Result<AlertState> read = AlertState::from_json(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorruption);
  }
}

}  // namespace
}  // namespace penstock::alert
