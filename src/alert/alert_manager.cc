#include "alert/alert_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "base/json_text.h"
#include "base/logging.h"
#include "columnar/row_key.h"
#include "view/view.h"

namespace penstock::alert {

namespace {

constexpr std::string_view kStateFile = "/alerts.json";
constexpr size_t kFeedRows = 1000;

void append_json_value(std::string& out, const types::Value& value, types::DataType type) {
  if (value.is_null()) {
    out += "null";
    return;
  }
  const bool finite = type.physical() != types::Physical::kDouble || std::isfinite(value.as_double());
  const std::string text = types::to_text(value, type);
  const bool bare = (type.is_numeric() && finite) || type.kind() == types::TypeKind::kBoolean;
  bare ? void(out += text) : append_json_string(out, text);
}

std::string row_json(const types::Schema& schema, const columnar::ChangeBatch& batch, size_t row) {
  std::string out = "{";
  for (size_t c = 0; c < schema.size(); ++c) {
    if (c > 0) out += ",";
    append_json_string(out, schema[c].name);
    out += ":";
    append_json_value(out, batch.column(c)->value(row), schema[c].type);
  }
  return out + "}";
}

std::string key_text(const types::Schema& schema, const std::vector<int>& key, const columnar::ChangeBatch& batch,
                     size_t row) {
  std::string out;
  for (const int c : key) {
    const auto column = static_cast<size_t>(c);
    if (!out.empty()) out += ", ";
    out += schema[column].name + "=" + types::to_text(batch.column(column)->value(row), schema[column].type);
  }
  return out;
}

}  // namespace

struct AlertManager::Rule {
  engine::AlertRule definition;
  std::vector<int> key;  // of an instance: the definition's, or all columns
  std::unique_ptr<view::ChangeFeed> feed;
  std::set<std::string> in_snapshot;  // keys seen while a snapshot comes in
  uint64_t over_limit = 0;
  bool dropped = false;
};

AlertManager::AlertManager(AlertManagerOptions options) : options_(std::move(options)) {}

Result<std::unique_ptr<AlertManager>> AlertManager::open(AlertManagerOptions options) {
  auto manager = std::unique_ptr<AlertManager>(new AlertManager(std::move(options)));
  AlertManager& self = *manager;
  if (self.options_.metrics != nullptr) {
    self.firing_gauge_ = &self.options_.metrics->gauge("penstock_alert_firing", "Incidents that are firing now.");
  }
  AlertState state;
  const std::string path = self.options_.directory + std::string(kStateFile);
  if (self.options_.env->exists(path)) {
    state = PENSTOCK_TRY(AlertState::from_json(PENSTOCK_TRY(self.options_.env->read_file(path))));
  }
  for (Incident& incident : state.incidents) {
    if (incident.state == IncidentState::kResolved) {
      self.resolved_.push_back(std::move(incident));
    } else {
      self.firing_.emplace(std::pair{incident.alert, incident.key}, std::move(incident));
    }
  }
  NotifierOptions notifier = self.options_.notifier;
  notifier.metrics = self.options_.metrics;
  notifier.on_settled = [&self] {
    const std::lock_guard lock(self.mutex_);
    self.dirty_ = true;
    self.wake();
  };
  self.notifier_ = std::make_unique<Notifier>(std::move(notifier));
  for (Notification& notification : state.notifications) self.notifier_->send(std::move(notification));
  self.thread_ = std::thread([&self] { self.run(); });
  return manager;
}

AlertManager::~AlertManager() { close(); }

void AlertManager::close() {
  if (stopping_.exchange(true)) return;
  wake();
  thread_.join();
  save();
  notifier_.reset();
}

void AlertManager::wake() {
  signals_.fetch_add(1);
  signals_.notify_one();
}

void AlertManager::on_created(const engine::AlertRule& rule) {
  auto entry = std::make_unique<Rule>();
  entry->definition = rule;
  if (rule.key) {
    entry->key = *rule.key;
  } else {
    for (size_t c = 0; c < rule.view->options().schema.size(); ++c) entry->key.push_back(static_cast<int>(c));
  }
  entry->feed = rule.view->subscribe({.snapshot = true, .pending_rows_max = options_.firing_max});
  entry->feed->on_ready([this] { wake(); });
  const std::lock_guard lock(mutex_);
  rules_[rule.name] = std::move(entry);
  wake();
}

void AlertManager::on_dropped(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto it = rules_.find(name);
  if (it == rules_.end()) return;
  it->second->dropped = true;
  wake();
}

void AlertManager::on_changed(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  changed_ = std::move(callback);
}

std::vector<Incident> AlertManager::incidents() const {
  const std::lock_guard lock(mutex_);
  std::vector<Incident> out;
  for (const auto& [key, incident] : firing_) out.push_back(incident);
  std::ranges::sort(out, std::greater{}, &Incident::fired_at_us);
  out.insert(out.end(), resolved_.begin(), resolved_.end());
  return out;
}

void AlertManager::run() {
  while (!stopping_) {
    const uint32_t seen = signals_.load();
    std::function<void()> changed;
    bool dirty = false;
    {
      const std::lock_guard lock(mutex_);
      for (auto it = rules_.begin(); it != rules_.end();) {
        follow(*it->second);
        it = it->second->dropped ? rules_.erase(it) : std::next(it);
      }
      dirty = std::exchange(dirty_, false);
      changed = changed_;
      if (firing_gauge_ != nullptr) firing_gauge_->set(static_cast<int64_t>(firing_.size()));
    }
    if (dirty) save();
    if (dirty && changed) changed();
    signals_.wait(seen);
  }
}

void AlertManager::follow(Rule& rule) {
  while (!rule.dropped) {
    const std::optional<view::FeedUpdate> update = rule.feed->poll(kFeedRows);
    if (!update) return;
    if (update->kind == view::FeedUpdate::Kind::kDropped) {
      rule.dropped = true;
    } else {
      apply(rule, *update);
    }
  }
  // Dropping the rule ends its incidents.
  std::vector<std::string> keys;
  for (const auto& [rule_and_key, incident] : firing_) {
    if (rule_and_key.first == rule.definition.name) keys.push_back(rule_and_key.second);
  }
  for (const std::string& key : keys) resolve(rule, key);
}

void AlertManager::apply(Rule& rule, const view::FeedUpdate& update) {
  const types::Schema& schema = rule.definition.view->options().schema;
  const bool snapshot = update.kind == view::FeedUpdate::Kind::kSnapshot;
  if (snapshot && update.first) rule.in_snapshot.clear();
  // What an update of a row takes away and gives back under the same key goes on firing.
  std::set<std::string> gone;
  std::map<std::string, std::string> come;
  for (const columnar::ChangeBatch& batch : update.batches) {
    for (size_t row = 0; row < batch.rows(); ++row) {
      std::string key = key_text(schema, rule.key, batch, row);
      batch.weight(row) < 0 ? void(gone.insert(std::move(key)))
                            : void(come.insert_or_assign(std::move(key), row_json(schema, batch, row)));
    }
  }
  for (const std::string& key : gone) {
    if (!come.contains(key)) resolve(rule, key);
  }
  for (auto& [key, values] : come) {
    if (snapshot) rule.in_snapshot.insert(key);
    fire(rule, key, std::move(values));
  }
  if (!snapshot || !update.last) return;
  std::vector<std::string> missing;
  for (const auto& [rule_and_key, incident] : firing_) {
    const bool mine = rule_and_key.first == rule.definition.name;
    if (mine && !rule.in_snapshot.contains(rule_and_key.second)) missing.push_back(rule_and_key.second);
  }
  for (const std::string& key : missing) resolve(rule, key);
  rule.in_snapshot.clear();
}

void AlertManager::fire(Rule& rule, const std::string& key, std::string values_json) {
  dirty_ = true;
  const auto place = std::pair{rule.definition.name, key};
  if (const auto it = firing_.find(place); it != firing_.end()) {
    it->second.values_json = std::move(values_json);
    return;
  }
  if (firing_.size() >= options_.firing_max) {
    if (rule.over_limit++ == 0) {
      logging::warning("alert has too many firing instances, further ones are ignored",
                       {{"alert", rule.definition.name}, {"firing_max", options_.firing_max}});
    }
    return;
  }
  Incident incident{.id = fmt::format("{:016x}", options_.env->random_u64()),
                    .alert = rule.definition.name,
                    .severity = rule.definition.severity,
                    .key = key,
                    .values_json = std::move(values_json),
                    .state = IncidentState::kFiring,
                    .fired_at_us = options_.env->wall_time_us(),
                    .resolved_at_us = {}};
  notify(rule, incident);
  firing_.emplace(place, std::move(incident));
}

void AlertManager::resolve(Rule& rule, const std::string& key) {
  const auto it = firing_.find({rule.definition.name, key});
  if (it == firing_.end()) return;
  dirty_ = true;
  Incident incident = std::move(it->second);
  firing_.erase(it);
  incident.state = IncidentState::kResolved;
  incident.resolved_at_us = options_.env->wall_time_us();
  notify(rule, incident);
  resolved_.push_front(std::move(incident));
  while (resolved_.size() > options_.resolved_kept) resolved_.pop_back();
}

void AlertManager::notify(const Rule& rule, const Incident& incident) {
  for (const engine::AlertRule::Channel& channel : rule.definition.channels) {
    if (channel.kind == "log") {
      const bool firing = incident.state == IncidentState::kFiring;
      logging::warning(firing ? "alert firing" : "alert resolved", {{"alert", incident.alert},
                                                                    {"severity", incident.severity},
                                                                    {"key", incident.key},
                                                                    {"values", incident.values_json},
                                                                    {"incident", incident.id}});
    } else {
      notifier_->send({.incident_id = incident.id,
                       .about = incident.state,
                       .channel_kind = channel.kind,
                       .channel_target = channel.target,
                       .body = to_json(incident)});
    }
  }
}

void AlertManager::save() {
  AlertState state;
  state.incidents = incidents();
  state.notifications = notifier_->waiting();
  const Status saved =
      options_.env->write_file_atomically(options_.directory + std::string(kStateFile), state.to_json());
  if (!saved) logging::error("alert state not saved", {{"reason", saved.error().message()}});
}

engine::SystemTable AlertManager::system_table() const {
  using types::TypeKind;
  const types::DataType text = TypeKind::kString;
  const types::DataType time = types::DataType(TypeKind::kTimestampLtz);
  engine::SystemTable table;
  table.schema_name = "sys";
  table.name = "alerts";
  table.schema = {{"alert", text},  {"severity", text}, {"state", text},       {"key", text},
                  {"values", text}, {"fired_at", time}, {"resolved_at", time}, {"id", text}};
  table.rows = [this] {
    std::vector<std::vector<types::Value>> rows;
    for (const Incident& i : incidents()) {
      rows.push_back({types::Value(i.alert), types::Value(i.severity), types::Value(std::string(state_name(i.state))),
                      types::Value(i.key), types::Value(i.values_json), types::Value(i.fired_at_us),
                      i.resolved_at_us ? types::Value(*i.resolved_at_us) : types::Value(), types::Value(i.id)});
    }
    return rows;
  };
  return table;
}

}  // namespace penstock::alert
