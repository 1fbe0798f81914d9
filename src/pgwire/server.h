// Serves the engine to PostgreSQL clients.
#pragma once

#include <chrono>
#include <climits>
#include <cstddef>
#include <memory>
#include <string>

#include "base/memory.h"
#include "base/metrics.h"
#include "base/result.h"
#include "engine/engine.h"
#include "net/endpoint.h"

namespace penstock::pgwire {

struct PgServerOptions {
  net::Endpoint listen{.host = "127.0.0.1", .port = 7432};
  std::string version = "0.1.0";  // of Penstock
  int connections_max = 100;      // each has a thread for its statements
  int descriptors_max = INT_MAX;  // of the process, above which connections are refused
  int io_threads = 1;
  size_t message_bytes_max = 16 << 20;    // what a client may send at once: a statement, or its parameters
  size_t statements_max = 1000;           // prepared statements of a connection
  size_t portals_max = 100;               // portals of a connection
  size_t messages_bytes_max = 256 << 20;  // of large messages, prepared statements and parameters of all connections
  std::chrono::milliseconds startup_timeout{10'000};
  std::chrono::milliseconds message_timeout{60'000};  // for the rest of a message once it has begun
  std::chrono::milliseconds write_timeout{600'000};   // until a slow reader takes something of a result
  MemoryBudget* memory = nullptr;                     // what messages_bytes_max is a part of; outlives the server
  MetricsRegistry* metrics = nullptr;
};

// Thread-safe. Owned by the program; the engine must outlive it.
class PgServer {
 public:
  static Result<std::unique_ptr<PgServer>> start(engine::Engine& engine, PgServerOptions options);
  // Shuts down at once.
  ~PgServer();

  // Where it listens, with the real port: "127.0.0.1:7432".
  std::string address() const;
  int port() const;

  // Stops accepting, ends idle connections, lets statements finish, cancels at half of `timeout` those that have not,
  // and closes at `timeout` what is left. Idempotent. False when something was still running after that.
  bool shutdown(std::chrono::milliseconds timeout);

 private:
  struct State;
  explicit PgServer(std::unique_ptr<State> state);

  const std::unique_ptr<State> state_;
};

}  // namespace penstock::pgwire
