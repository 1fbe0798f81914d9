// Watches the rows of every alert's query: a row that comes is an incident that fires, a row that goes resolves it.
//
// One thread follows the change feeds of all rules; a Notifier sends. What is firing and what has not been delivered
// yet is kept in one file of the data directory, so a restart neither repeats nor forgets a notification: it is in the
// file before it is sent, under the key by which its receiver knows it again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "alert/incident.h"
#include "alert/notifier.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/engine.h"
#include "io/env.h"
#include "view/view.h"

namespace penstock::alert {

struct AlertManagerOptions {
  io::Env* env = nullptr;
  std::string directory;  // keeps alerts.json
  NotifierOptions notifier;
  size_t firing_max = 10'000;   // incidents of one rule; rows above it wait until there are half as many
  size_t resolved_kept = 1000;  // resolved incidents that stay in the list
  // How long a delivery may go unsaved: a crash in between repeats it, under the same key.
  int64_t settled_save_delay_us = 1'000'000;
  MetricsRegistry* metrics = nullptr;
};

// Thread-safe.
class AlertManager : public engine::AlertListener {
 public:
  static Result<std::unique_ptr<AlertManager>> open(AlertManagerOptions options);
  ~AlertManager() override;

  void on_created(const engine::AlertRule& rule) override;
  void on_dropped(const std::string& name) override;

  // Firing ones first, then the resolved ones, latest first.
  std::vector<Incident> incidents() const;
  // Calls back (from any thread) after the list has changed. For the manager's life; set before serving.
  void on_changed(std::function<void()> callback);

  // Stops following and sending; what is undelivered is kept for the next start.
  void close();

  // sys.alerts
  engine::SystemTable system_table() const;

 private:
  struct Rule;
  using IncidentsByKey = std::map<std::string, Incident>;
  // What an update does to the rows of one key.
  struct RowsChange {
    int64_t rows = 0;
    std::optional<std::string> values_json;  // of the last one that came
  };

  explicit AlertManager(AlertManagerOptions options);
  Status load();
  void run();
  void wake();
  // Waits until it is woken, or a delivery has to be saved.
  void wait();
  void save_at(int64_t time_us);

  // --- with mutex_ held ---
  void follow(Rule& rule);
  void apply(Rule& rule, const view::FeedUpdate& update);
  void fire(Rule& rule, const std::string& key, RowsChange change);
  void resolve(const Rule& rule, const std::string& key);
  void resolve_all_but(const Rule& rule, const std::function<bool(const Incident&)>& stays);
  void notify(const Rule& rule, const Incident& incident);
  size_t firing_count() const;
  // What is to be saved, with the notifications that have been made and are not with the notifier yet.
  AlertState state_with(const std::vector<Notification>& unsent) const;

  // Saves what is firing and what is undelivered, and hands over what is to be sent.
  void save_and_send();
  bool save(const AlertState& state);

  const AlertManagerOptions options_;
  Gauge* firing_gauge_ = nullptr;
  Counter* over_limit_ = nullptr;
  std::atomic<bool> stopping_{false};

  // Not mutex_: feeds call wake() under locks of their own.
  std::mutex wake_mutex_;
  std::condition_variable woken_;
  bool is_woken_ = false;
  int64_t save_at_us_ = INT64_MAX;  // for what the notifier settled

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Rule>> rules_;
  std::map<std::string, IncidentsByKey> firing_;  // by rule
  std::deque<Incident> resolved_;                 // latest first
  std::function<void()> changed_;
  std::vector<Notification> unsent_;  // made and not saved yet
  bool is_changed_ = false;           // to be saved and told

  std::unique_ptr<Notifier> notifier_;
  std::thread thread_;
};

}  // namespace penstock::alert
