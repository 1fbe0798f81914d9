// The whole server in one object: the log, the engine, the alerts and the three protocols, wired together.
#pragma once

#include <memory>
#include <string>

#include "app/config.h"
#include "base/result.h"

namespace penstock::engine {
class Engine;
}

namespace penstock::app {

// Owned by `serve` and `demo`. Its parts run on threads of their own.
class Server {
 public:
  // Locks the data directory, recovers what is in it and serves when it returns.
  static Result<std::unique_ptr<Server>> start(const Config& config);
  // Stops at once when stop() has not been called.
  ~Server();

  // "127.0.0.1:9092": where each protocol listens, with the real port.
  std::string kafka_address() const;
  std::string pg_address() const;
  std::string http_address() const;

  engine::Engine& engine();

  // From the outside in: takes no new clients, lets requests finish, ends the jobs, makes the log durable. Bounded by
  // the configured time for clients, then closes what is left. Idempotent.
  Status stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace penstock::app
