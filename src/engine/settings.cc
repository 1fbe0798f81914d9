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

constexpr std::array<Setting, 15> kSettings{{
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
    {kNotNullSetting, "error",
     "What becomes of a row with a NULL in a NOT NULL column of the table that an INSERT of this session writes to: "
     "error, it cannot be written; drop, it is dropped."},
    {kIdleTimeoutSetting, "0 ms",
     "After how long a partition or file that gives nothing does not hold back the watermarks of this session's views, "
     "INSERTs and alerts, where its table has no scan.watermark.idle-timeout; 0: what the connector says."},
    {kStateTtlSetting, "0 ms",
     "How long the views, INSERTs and alerts of this session keep state that nothing updates, such as the group of a "
     "key; "
     "0: for ever."},
    {"timezone", "UTC", "The session's time zone."},
}};

// Flink's options of what is arranged differently here, or not needed, by what they begin with. A script may set them:
// they are kept and shown, and change nothing. Options that would change results are not among them.
constexpr std::string_view kWithoutEffect[] = {"client.",
                                               "cluster.",
                                               "execution.attached",
                                               "execution.batch.",
                                               "execution.buffer-timeout",
                                               "execution.checkpointing.",
                                               "execution.target",
                                               "jobmanager.",
                                               "kubernetes.",
                                               "metrics.",
                                               "parallelism.default",
                                               "pipeline.",
                                               "rest.",
                                               "restart-strategy",
                                               "sql-client.",
                                               "state.",
                                               "table.display.",
                                               "table.dml-sync",
                                               "table.dynamic-table-options.enabled",
                                               "table.exec.async-lookup.",
                                               "table.exec.async-scalar.",
                                               "table.exec.disabled-operators",
                                               "table.exec.interval-join.",
                                               "table.exec.legacy-transformation-uids",
                                               "table.exec.local-hash-agg.",
                                               "table.exec.mini-batch.",
                                               "table.exec.operator-fusion-codegen.",
                                               "table.exec.rank.",
                                               "table.exec.resource.",
                                               "table.exec.shuffle-mode",
                                               "table.exec.simplify-operator-name-enabled",
                                               "table.exec.sink.keyed-shuffle",
                                               "table.exec.sink.rowtime-inserter",
                                               "table.exec.sort.",
                                               "table.exec.spill-compression.",
                                               "table.exec.uid.",
                                               "table.exec.window-agg.",
                                               "table.generated-code.",
                                               "table.optimizer.",
                                               "table.plan.",
                                               "taskmanager.",
                                               "yarn."};

// Those of which only some values say what is done here anyway.
struct Choice {
  std::string_view name;
  std::vector<std::string_view> taken;
  std::string_view reason;  // why no other is
};

const std::vector<Choice>& choices() {
  static const std::vector<Choice> kChoices = {
      {"table.exec.sink.upsert-materialize",
       {"auto", "force", "none"},
       "what is written of a key is always its last row"},
      {"table.exec.sink.type-length-enforcer", {"ignore"}, "the length of a column is not enforced"},
      {"table.exec.legacy-cast-behaviour", {"disabled"}, "a CAST is as Flink's documentation has it"},
      {"table.exec.source.cdc-events-duplicate", {"false", "true"}, "events of one row are told apart by its key"},
      {"table.sql-dialect", {"default"}, "there is one dialect"},
  };
  return kChoices;
}

const Choice* find_choice(std::string_view name) {
  const auto found = std::ranges::find(choices(), name, &Choice::name);
  return found == choices().end() ? nullptr : &*found;
}

bool is_without_effect(std::string_view name) {
  return find_choice(name) != nullptr ||
         std::ranges::any_of(kWithoutEffect, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

constexpr std::array<std::string_view, 3> kRuntimeModes{"automatic", "streaming", "batch"};

std::string canonical(std::string_view name) {
  std::string out(name);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out == "table.local-time-zone" || out == "time zone" ? "timezone" : out;  // Flink's name, and standard SQL's
}

// Settings of what becomes of rows, each of two ways.
constexpr std::array<std::string_view, 3> kPolicies[] = {{kRowErrorsSetting, "dead_letter", kRowErrorsFail},
                                                         {kNotNullSetting, "error", kNotNullDrop}};

// Durations, which Flink takes with and without a space before the unit.
bool is_duration(std::string_view name) { return name == kStateTtlSetting || name == kIdleTimeoutSetting; }

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
  const Choice* choice = find_choice(key);
  if (choice != nullptr && std::ranges::find(choice->taken, canonical(value)) == choice->taken.end()) {
    return unsupported("{} cannot be {}: {}", key, value, choice->reason);
  }
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
  for (const auto& [setting, usual, other] : kPolicies) {
    if (key != setting) continue;
    const std::string policy = canonical(value);
    if (policy != usual && policy != other) {
      return invalid_argument("{} is {} or {}, not \"{}\"", key, usual, other, value);
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
  if (is_duration(key) && !parse_duration_us(value)) {
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
