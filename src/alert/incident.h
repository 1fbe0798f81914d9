// An incident: one row of an alert's query, from the epoch in which it came to the epoch in which it went.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace penstock::alert {

enum class IncidentState : uint8_t { kFiring, kResolved };

struct Incident {
  std::string id;  // unique for ever
  std::string alert;
  std::string severity;
  std::string key;          // which instance, as readable text: "merchant=Voltage"; empty for an alert without a key
  std::string values_json;  // the row as a JSON object, as last seen
  int64_t rows = 0;         // of the query that it stands for: several equal ones, of a query without a key; not kept
  IncidentState state = IncidentState::kFiring;
  int64_t fired_at_us = 0;
  std::optional<int64_t> resolved_at_us;
};

// A message about an incident on its way to one channel. It is kept until it has arrived or was given up.
struct Notification {
  std::string incident_id;
  IncidentState about = IncidentState::kFiring;
  std::string channel_kind;    // "webhook"
  std::string channel_target;  // the URL
  std::string body;            // JSON
  int attempts = 0;

  // The same for every attempt, so that a receiver can drop repeats.
  std::string idempotency_key() const;
};

std::string_view state_name(IncidentState state);

// The incident as the JSON object that webhooks, the API and the page show.
std::string to_json(const Incident& incident);

// What must survive a restart, in one file that is replaced atomically.
struct AlertState {
  std::vector<Incident> incidents;  // firing ones, and the last resolved ones
  std::vector<Notification> notifications;

  std::string to_json() const;
  static Result<AlertState> from_json(const std::string& text);
};

}  // namespace penstock::alert
