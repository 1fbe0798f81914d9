#include "engine/settings.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/memory.h"
#include "base/quantity.h"
#include "base/suggest.h"
#include "plan/planner.h"
#include "types/time_zone.h"

namespace penstock::engine {

namespace {

struct Setting {
  std::string_view name;
  std::string_view default_value;
  std::string_view description;
};

constexpr std::array<Setting, 13> kSettings{{
    {"application_name", "", "The client's name for itself."},
    {"client_encoding", "UTF8", "The encoding of text; only UTF8."},
    {"datestyle", "ISO, MDY", "How dates are written to PostgreSQL clients."},
    {"execution.runtime-mode", "automatic",
     "How an INSERT runs: streaming, as a job of its own; batch, to its end with the statement; or automatic, which is "
     "batch where the input has an end."},
    {"extra_float_digits", "1", "Kept for PostgreSQL clients; numbers are always written in full."},
    {kStateSetting, "0",
     "How much state a statement of this session keeps before it fails; 0: what the server allows."},
    {plan::kRecursionRowsSetting, "10000000", "How many rows a recursive query gives before it fails."},
    {plan::kRecursionStepsSetting, "100000", "How many steps a recursive query makes before it fails."},
    {kRowErrorsSetting, "dead_letter",
     "What a row that cannot be computed, or an event that cannot be read, does to a view, alert or INSERT: "
     "dead_letter "
     "sets it aside, fail ends the job. Taken when it is created."},
    {"search_path", "public", "Kept for PostgreSQL clients; USE chooses the schema."},
    {"statement_timeout", "0", "After how long a statement of a PostgreSQL client is cancelled; 0: never."},
    {kStateTtlSetting, "0 ms",
     "How long the views, INSERTs and alerts of this session keep state that nothing updates, such as the group of a "
     "key; "
     "0: for ever."},
    {"timezone", "UTC", "The session's time zone."},
}};

// Flink's options of what is arranged differently here, or not needed. A script may set them: they are kept and shown,
// and change nothing. Options that would change results are not among them.
constexpr std::array<std::string_view, 12> kWithoutEffect{"execution.checkpointing.",
                                                          "jobmanager.",
                                                          "parallelism.default",
                                                          "pipeline.",
                                                          "rest.",
                                                          "restart-strategy",
                                                          "sql-client.",
                                                          "state.",
                                                          "table.exec.mini-batch.",
                                                          "table.exec.resource.",
                                                          "table.optimizer.",
                                                          "taskmanager."};

bool is_without_effect(std::string_view name) {
  return std::ranges::any_of(kWithoutEffect, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

constexpr std::array<std::string_view, 3> kRuntimeModes{"automatic", "streaming", "batch"};

std::string canonical(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out == "table.local-time-zone" || out == "time zone" ? "timezone" : out;  // Flink's name, and standard SQL's
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const Setting& setting : kSettings) names.emplace_back(setting.name);
  return names;
}

}  // namespace

SessionSettings::SessionSettings() { static_cast<void>(reset(std::nullopt)); }

std::optional<std::string> SessionSettings::get(std::string_view name) const {
  const auto it = values_.find(canonical(name));
  if (it == values_.end()) return std::nullopt;
  return it->second;
}

Status SessionSettings::set(std::string_view name, std::string_view value) {
  const std::string key = canonical(name);
  if (is_without_effect(key)) {
    values_[key] = value;
    return {};
  }
  const auto it = values_.find(key);
  if (it == values_.end()) {
    return invalid_argument("unknown setting \"{}\"", name).hint(did_you_mean(key, names()));
  }
  if (key == "timezone") PENSTOCK_TRY(types::TimeZone::load(value));
  if (key == "client_encoding" && canonical(value) != "utf8" && canonical(value) != "utf-8") {
    return unsupported("client_encoding \"{}\" is not supported; only UTF8 is", value);
  }
  if (key == "execution.runtime-mode") {
    const std::string mode = canonical(value);
    if (std::ranges::find(kRuntimeModes, mode) == kRuntimeModes.end()) {
      return invalid_argument("\"{}\" is not a runtime mode", value)
          .hint("the modes are streaming, batch and automatic");
    }
    it->second = mode;
    return {};
  }
  if (key == kRowErrorsSetting) {
    const std::string policy = canonical(value);
    if (policy != "dead_letter" && policy != kRowErrorsFail) {
      return invalid_argument("{} is dead_letter or fail, not \"{}\"", key, value);
    }
    it->second = policy;
    return {};
  }
  if (key == kStateSetting && !parse_bytes(value)) {
    return invalid_argument("{} must be a number of bytes such as 67108864, 64M or 64MiB, not \"{}\"", key, value);
  }
  if ((key == plan::kRecursionStepsSetting || key == plan::kRecursionRowsSetting) && !is_count(value)) {
    return invalid_argument("{} must be a number from 1 on, not \"{}\"", key, value);
  }
  if (key == kStateTtlSetting && !parse_duration_us(value)) {
    return invalid_argument("{} must be a duration such as '12 h' or '1 d', not \"{}\"", key, value);
  }
  it->second = value;
  return {};
}

Status SessionSettings::reset(std::optional<std::string_view> name) {
  const std::string key = name ? canonical(*name) : "";
  bool found = false;
  for (const Setting& setting : kSettings) {
    if (name && setting.name != key) continue;
    values_[std::string(setting.name)] = setting.default_value;
    found = true;
  }
  std::erase_if(values_, [&](const auto& set) { return is_without_effect(set.first) && (!name || set.first == key); });
  found = found || is_without_effect(key);
  if (!found) return invalid_argument("unknown setting \"{}\"", *name).hint(did_you_mean(key, names()));
  return {};
}

std::vector<SessionSettings::Row> SessionSettings::all() const {
  std::vector<Row> rows;
  for (const Setting& setting : kSettings) {
    rows.push_back(
        {std::string(setting.name), values_.at(std::string(setting.name)), std::string(setting.description)});
  }
  for (const auto& [name, value] : values_) {
    if (is_without_effect(name)) rows.push_back({name, value, "Taken for Flink's sake, without effect."});
  }
  return rows;
}

}  // namespace penstock::engine
