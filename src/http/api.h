// The documents of the HTTP API, made from the engine. No networking.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "alert/alert_manager.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/engine.h"

namespace penstock::http {

struct IoCounters {
  uint64_t events_in = 0;   // records appended by producers
  uint64_t events_out = 0;  // records fetched by consumers
};

struct ApiOptions {
  engine::Engine* engine = nullptr;
  alert::AlertManager* alerts = nullptr;
  MetricsRegistry* metrics = nullptr;
  MemoryBudget* memory = nullptr;
  std::function<IoCounters()> io_counters;
  std::function<Status()> ready;  // an error says why the program does not take work
  std::string version;
  int64_t sql_rows_max = 1'000'000;      // of one statement
  size_t reply_bytes_max = 64 << 20;     // of the rows in one answer
  size_t replies_bytes_max = 256 << 20;  // of all large answers until they are written; more are refused
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  MemoryReservation memory;  // of a large body
};

// Thread-safe. Functions that read views or run SQL may block.
class Api {
 public:
  explicit Api(ApiOptions options);

  // `session` runs the script; another thread may cancel it.
  Reply sql(std::string_view script, engine::Session& session) const;
  std::unique_ptr<engine::Session> create_session() const { return options_.engine->create_session(); }

  Reply views() const;
  Reply view(std::string_view name, int64_t limit) const;
  Reply status();
  Reply alerts() const;
  Reply metrics_json() const;
  Reply prometheus() const;
  Reply ready() const;

  // The same documents without an envelope, for the WebSocket.
  std::string views_json() const;
  std::string alerts_json() const;
  // Made anew at most once a second.
  std::string status_json();

  engine::Engine& engine() const { return *options_.engine; }

  static Reply error_reply(const Error& error, std::string_view sql = {});

 private:
  class GrowingReply;

  std::string make_status(int64_t now_us);
  Status append_result(GrowingReply& reply, std::string_view sql, engine::Session& session) const;

  const ApiOptions options_;
  const std::shared_ptr<MemoryBudget> reply_memory_;  // shared with its metric
  const int64_t started_us_;
  std::mutex status_mutex_;
  std::string status_;
  int64_t status_at_us_ = 0;
  uint64_t last_in_ = 0;
  uint64_t last_out_ = 0;
};

// The columns, key and so on of a view as the API's View object.
std::string view_json(const engine::ViewInfo& info);

}  // namespace penstock::http
