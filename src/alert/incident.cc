#include "alert/incident.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <string_view>

#include "base/json_text.h"
#include "base/time.h"

namespace penstock::alert {

std::string_view state_name(IncidentState state) { return state == IncidentState::kFiring ? "firing" : "resolved"; }

std::string Notification::idempotency_key() const { return incident_id + "-" + std::string(state_name(about)); }

std::string to_json(const Incident& incident) {
  std::string out = R"({"id":)" + json_string(incident.id);
  out += R"(,"alert":)" + json_string(incident.alert);
  out += R"(,"severity":)" + json_string(incident.severity);
  out += fmt::format(R"(,"state":"{}","key":)", state_name(incident.state)) + json_string(incident.key);
  out += R"(,"values":)" + incident.values_json;
  out += R"(,"fired_at":")" + format_iso8601_ms(incident.fired_at_us) + R"(","resolved_at":)";
  out += incident.resolved_at_us ? "\"" + format_iso8601_ms(*incident.resolved_at_us) + "\"}" : "null}";
  return out;
}

std::string AlertState::to_json() const {
  std::string out = R"({"incidents":[)";
  for (const Incident& i : incidents) {
    if (out.back() == '}') out += ",\n";
    out += R"({"id":)" + json_string(i.id) + R"(,"alert":)" + json_string(i.alert);
    out += R"(,"severity":)" + json_string(i.severity) + R"(,"key":)" + json_string(i.key);
    out += R"(,"values":)" + json_string(i.values_json);
    out += fmt::format(R"(,"fired_at_us":{},"resolved_at_us":{}}})", i.fired_at_us, i.resolved_at_us.value_or(0));
  }
  out += R"(],"notifications":[)";
  for (const Notification& n : notifications) {
    if (out.back() == '}') out += ",\n";
    out += R"({"incident":)" + json_string(n.incident_id) + R"(,"about":")" + std::string(state_name(n.about));
    out += R"(","kind":)" + json_string(n.channel_kind) + R"(,"target":)" + json_string(n.channel_target);
    out += R"(,"body":)" + json_string(n.body) + "}";
  }
  return out + "]}\n";
}

namespace {

std::string text_of(simdjson::dom::element object, const char* key) {
  return std::string(std::string_view(object[key]));
}

AlertState read_state(const std::string& text) {
  simdjson::dom::parser parser;
  const simdjson::dom::element root = parser.parse(text);
  AlertState state;
  for (const simdjson::dom::element i : root["incidents"]) {
    const int64_t resolved_at_us = i["resolved_at_us"];
    state.incidents.push_back({.id = text_of(i, "id"),
                               .alert = text_of(i, "alert"),
                               .severity = text_of(i, "severity"),
                               .key = text_of(i, "key"),
                               .values_json = text_of(i, "values"),
                               .state = resolved_at_us == 0 ? IncidentState::kFiring : IncidentState::kResolved,
                               .fired_at_us = i["fired_at_us"],
                               .resolved_at_us = {}});
    if (resolved_at_us != 0) state.incidents.back().resolved_at_us = resolved_at_us;
  }
  for (const simdjson::dom::element n : root["notifications"]) {
    const bool firing = text_of(n, "about") == "firing";
    state.notifications.push_back({.incident_id = text_of(n, "incident"),
                                   .about = firing ? IncidentState::kFiring : IncidentState::kResolved,
                                   .channel_kind = text_of(n, "kind"),
                                   .channel_target = text_of(n, "target"),
                                   .body = text_of(n, "body")});
  }
  return state;
}

}  // namespace

Result<AlertState> AlertState::from_json(const std::string& text) {
  try {
    return read_state(text);
  } catch (const simdjson::simdjson_error& error) {
    return make_error(ErrorCode::kCorruption, "alert state: {}", error.what());
  }
}

}  // namespace penstock::alert
