// Watches the rows of every alert's query: a row that comes is an incident that fires, a row that goes resolves it.
//
// One thread follows the change feeds of all rules; a Notifier sends. What is firing and what has not been delivered
// yet is kept in one file of the data directory, so a restart neither repeats nor forgets a notification.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
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
  size_t firing_max = 10'000;   // incidents of one rule; rows above it are counted, not fired
  size_t resolved_kept = 1000;  // resolved incidents that stay in the list
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

  explicit AlertManager(AlertManagerOptions options);
  void run();
  void wake();
  void follow(Rule& rule);
  void apply(Rule& rule, const view::FeedUpdate& update);
  void fire(Rule& rule, const std::string& key, std::string values_json);
  void resolve(Rule& rule, const std::string& key);
  void notify(const Rule& rule, const Incident& incident);
  void save();

  const AlertManagerOptions options_;
  Gauge* firing_gauge_ = nullptr;
  // Counts what the thread has to look at. Not under the mutex: feeds call wake() under locks of their own.
  std::atomic<uint32_t> signals_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Rule>> rules_;
  std::map<std::pair<std::string, std::string>, Incident> firing_;  // by rule and key
  std::deque<Incident> resolved_;                                   // latest first
  std::function<void()> changed_;
  bool dirty_ = false;  // to be saved and told
  std::unique_ptr<Notifier> notifier_;
  std::thread thread_;
};

}  // namespace penstock::alert
