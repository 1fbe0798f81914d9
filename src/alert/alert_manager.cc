#include "alert/alert_manager.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "alert/row_text.h"
#include "base/logging.h"
#include "base/time.h"
#include "view/view.h"

namespace penstock::alert {

namespace {

constexpr std::string_view kStateFile = "/alerts.json";
constexpr size_t kFeedRows = 1000;

}  // namespace

struct AlertManager::Rule {
  engine::AlertRule definition;
  std::vector<int> key;  // of an instance: the definition's, or all columns
  std::unique_ptr<view::ChangeFeed> feed;
  bool over_limit = false;  // there are rows that did not fire
  bool dropped = false;

  void subscribe(size_t pending_rows_max, std::function<void()> ready) {
    feed = definition.view->subscribe({.snapshot = true, .pending_rows_max = pending_rows_max});
    feed->on_ready(std::move(ready));
  }
};

AlertManager::AlertManager(AlertManagerOptions options) : options_(std::move(options)) {}

Result<std::unique_ptr<AlertManager>> AlertManager::open(AlertManagerOptions options) {
  auto manager = std::unique_ptr<AlertManager>(new AlertManager(std::move(options)));
  PENSTOCK_TRY(manager->load());
  manager->thread_ = std::thread([&self = *manager] { self.run(); });
  return manager;
}

Status AlertManager::load() {
  if (MetricsRegistry* metrics = options_.metrics; metrics != nullptr) {
    firing_gauge_ = &metrics->gauge("penstock_alert_firing", "Incidents that are firing now.");
    over_limit_ = &metrics->counter("penstock_alert_over_limit_total",
                                    "Rows that did not fire because their alert had too many incidents.");
  }
  AlertState state;
  const std::string path = options_.directory + std::string(kStateFile);
  if (options_.env->exists(path)) {
    Result<AlertState> read = AlertState::from_json(PENSTOCK_TRY(options_.env->read_file(path)));
    if (!read) return std::move(read).error().context(path);
    state = *std::move(read);
  }
  for (Incident& incident : state.incidents) {
    if (incident.state == IncidentState::kResolved) {
      resolved_.push_back(std::move(incident));
    } else {
      firing_[incident.alert].emplace(incident.key, std::move(incident));
    }
  }
  NotifierOptions notifier = options_.notifier;
  notifier.metrics = options_.metrics;
  notifier.on_settled = [this] {
    const std::lock_guard lock(wake_mutex_);
    save_at_us_ = std::min(save_at_us_, monotonic_time_us() + options_.settled_save_delay_us);
    woken_.notify_one();
  };
  notifier_ = std::make_unique<Notifier>(std::move(notifier));
  for (Notification& notification : state.notifications) notifier_->send(std::move(notification));
  return {};
}

AlertManager::~AlertManager() { close(); }

void AlertManager::close() {
  if (stopping_.exchange(true)) return;
  wake();
  if (thread_.joinable()) thread_.join();
  if (notifier_ == nullptr) return;  // it was never open
  notifier_->stop();
  const std::lock_guard lock(mutex_);
  save(state_with(unsent_));
}

// --- its thread ---

void AlertManager::wake() {
  const std::lock_guard lock(wake_mutex_);
  is_woken_ = true;
  woken_.notify_one();
}

void AlertManager::wait() {
  std::unique_lock lock(wake_mutex_);
  while (!is_woken_) {
    const int64_t wait_us = save_at_us_ - monotonic_time_us();
    if (save_at_us_ == INT64_MAX) {
      woken_.wait(lock);
    } else if (wait_us > 0) {
      woken_.wait_for(lock, std::chrono::microseconds(wait_us));
    } else {
      break;
    }
  }
  is_woken_ = false;
}

void AlertManager::run() {
  while (!stopping_) {
    {
      const std::lock_guard lock(mutex_);
      for (auto it = rules_.begin(); it != rules_.end();) {
        follow(*it->second);
        it = it->second->dropped ? rules_.erase(it) : std::next(it);
      }
      if (firing_gauge_ != nullptr) firing_gauge_->set(static_cast<int64_t>(firing_count()));
    }
    save_and_send();
    wait();
  }
}

void AlertManager::save_and_send() {
  bool due = false;
  {
    const std::lock_guard lock(wake_mutex_);
    due = save_at_us_ <= monotonic_time_us();
  }
  AlertState state;
  std::vector<Notification> unsent;
  std::function<void()> changed;
  {
    const std::lock_guard lock(mutex_);
    const bool is_changed = std::exchange(is_changed_, false);
    if (!is_changed && !due) return;
    if (is_changed) changed = changed_;
    unsent = std::exchange(unsent_, {});
    save_at(INT64_MAX);
    state = state_with(unsent);
  }
  if (!save(state)) save_at(monotonic_time_us() + options_.settled_save_delay_us);
  // Also when it could not be saved: an alert that may come twice is better than one that does not come.
  for (Notification& notification : unsent) notifier_->send(std::move(notification));
  if (changed) changed();
}

void AlertManager::save_at(int64_t time_us) {
  const std::lock_guard lock(wake_mutex_);
  save_at_us_ = time_us;
}

AlertState AlertManager::state_with(const std::vector<Notification>& unsent) const {
  AlertState state;
  for (const auto& [rule, incidents] : firing_) {
    for (const auto& [key, incident] : incidents) state.incidents.push_back(incident);
  }
  state.incidents.insert(state.incidents.end(), resolved_.begin(), resolved_.end());
  state.notifications = notifier_->waiting();
  state.notifications.insert(state.notifications.end(), unsent.begin(), unsent.end());
  return state;
}

bool AlertManager::save(const AlertState& state) {
  const Status saved =
      options_.env->write_file_atomically(options_.directory + std::string(kStateFile), state.to_json());
  if (!saved) logging::error("alert state not saved", {{"reason", saved.error().message()}});
  return saved.has_value();
}

// --- rules ---

void AlertManager::on_created(const engine::AlertRule& rule) {
  auto entry = std::make_unique<Rule>();
  entry->definition = rule;
  if (rule.key) {
    entry->key = *rule.key;
  } else {
    for (size_t c = 0; c < rule.view->options().schema.size(); ++c) entry->key.push_back(static_cast<int>(c));
  }
  entry->subscribe(options_.firing_max, [this] { wake(); });
  const std::lock_guard lock(mutex_);
  rules_[rule.name] = std::move(entry);
  wake();
}

void AlertManager::on_dropped(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (const auto it = rules_.find(name); it != rules_.end()) {
    it->second->dropped = true;
  } else {
    // It had not caught up since the start: its incidents of before end, and nobody is told where it is not known.
    Rule unknown;
    unknown.definition.name = name;
    resolve_all_but(unknown, [](const Incident&) { return false; });
    firing_.erase(name);
  }
  wake();
}

void AlertManager::follow(Rule& rule) {
  while (!rule.dropped) {
    const std::optional<view::FeedUpdate> update = rule.feed->poll(kFeedRows);
    if (!update) break;
    if (update->kind == view::FeedUpdate::Kind::kDropped) {
      rule.dropped = true;
    } else {
      apply(rule, *update);
    }
  }
  if (rule.dropped) {
    resolve_all_but(rule, [](const Incident&) { return false; });
    firing_.erase(rule.definition.name);
  } else if (rule.over_limit && firing_[rule.definition.name].size() <= options_.firing_max / 2) {
    // There is room again for rows that did not fire: the rows of now say which.
    rule.over_limit = false;
    rule.subscribe(options_.firing_max, [this] { wake(); });
  }
}

void AlertManager::apply(Rule& rule, const view::FeedUpdate& update) {
  const types::Schema& schema = rule.definition.view->options().schema;
  IncidentsByKey& incidents = firing_[rule.definition.name];
  const bool snapshot = update.kind == view::FeedUpdate::Kind::kSnapshot;
  if (snapshot && update.first) {
    for (auto& [key, incident] : incidents) incident.rows = 0;
  }
  // Net: what an update of a row takes away and gives back under the same key goes on firing.
  std::map<std::string, RowsChange> changes;
  for (const columnar::ChangeBatch& batch : update.batches) {
    for (size_t row = 0; row < batch.rows(); ++row) {
      RowsChange& change = changes[key_text(schema, rule.key, batch, row)];
      const int weight = batch.weight(row);
      change.rows += weight;
      if (weight > 0) change.values_json = row_json(schema, batch, row);
    }
  }
  for (const auto& [key, change] : changes) {
    const auto it = incidents.find(key);
    if (it == incidents.end() || (it->second.rows += change.rows) > 0) continue;
    resolve(rule, key);
  }
  for (auto& [key, change] : changes) {
    if (change.values_json) fire(rule, key, std::move(change));
  }
  if (snapshot && update.last) {
    resolve_all_but(rule, [](const Incident& incident) { return incident.rows > 0; });
  }
}

// --- incidents ---

void AlertManager::fire(Rule& rule, const std::string& key, RowsChange change) {
  IncidentsByKey& incidents = firing_[rule.definition.name];
  if (const auto it = incidents.find(key); it != incidents.end()) {
    if (it->second.values_json == *change.values_json) return;
    it->second.values_json = *std::move(change.values_json);
    is_changed_ = true;
    return;
  }
  if (change.rows <= 0) return;  // it came and went
  if (rule.over_limit || incidents.size() >= options_.firing_max) {
    if (!std::exchange(rule.over_limit, true)) {
      logging::warning("alert has too many firing instances, further ones wait",
                       {{"alert", rule.definition.name}, {"firing_max", options_.firing_max}});
    }
    if (over_limit_ != nullptr) over_limit_->add();
    return;
  }
  Incident incident{.id = fmt::format("{:016x}", options_.env->random_u64()),
                    .alert = rule.definition.name,
                    .severity = rule.definition.severity,
                    .key = key,
                    .values_json = *std::move(change.values_json),
                    .rows = change.rows,
                    .state = IncidentState::kFiring,
                    .fired_at_us = options_.env->wall_time_us(),
                    .resolved_at_us = {}};
  notify(rule, incident);
  incidents.emplace(key, std::move(incident));
  is_changed_ = true;
}

void AlertManager::resolve(const Rule& rule, const std::string& key) {
  IncidentsByKey& incidents = firing_[rule.definition.name];
  const auto it = incidents.find(key);
  if (it == incidents.end()) return;
  Incident incident = std::move(it->second);
  incidents.erase(it);
  incident.state = IncidentState::kResolved;
  incident.resolved_at_us = options_.env->wall_time_us();
  notify(rule, incident);
  resolved_.push_front(std::move(incident));
  while (resolved_.size() > options_.resolved_kept) resolved_.pop_back();
  is_changed_ = true;
}

void AlertManager::resolve_all_but(const Rule& rule, const std::function<bool(const Incident&)>& stays) {
  std::vector<std::string> keys;
  for (const auto& [key, incident] : firing_[rule.definition.name]) {
    if (!stays(incident)) keys.push_back(key);
  }
  for (const std::string& key : keys) resolve(rule, key);
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
      unsent_.push_back({.incident_id = incident.id,
                         .about = incident.state,
                         .channel_kind = channel.kind,
                         .channel_target = channel.target,
                         .body = to_json(incident)});
    }
  }
}

size_t AlertManager::firing_count() const {
  size_t count = 0;
  for (const auto& [rule, incidents] : firing_) count += incidents.size();
  return count;
}

// --- readers ---

void AlertManager::on_changed(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  changed_ = std::move(callback);
}

std::vector<Incident> AlertManager::incidents() const {
  const std::lock_guard lock(mutex_);
  std::vector<Incident> out;
  for (const auto& [rule, incidents] : firing_) {
    for (const auto& [key, incident] : incidents) out.push_back(incident);
  }
  std::ranges::sort(out, std::greater{}, &Incident::fired_at_us);
  out.insert(out.end(), resolved_.begin(), resolved_.end());
  return out;
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
