// Accepts TCP connections and gives each to a coroutine on one of the event loops.
#pragma once

#include <atomic>
#include <chrono>
#include <climits>
#include <functional>
#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/result.h"
#include "net/asio.h"
#include "net/endpoint.h"
#include "net/event_loop.h"

namespace penstock::net {

// One accepted connection. Owned by its handler's coroutine; everything but the constants and peer() happens on the
// thread of loop().
class Connection {
 public:
  Connection(tcp::socket socket, std::shared_ptr<EventLoop> loop, std::string peer, uint64_t id)
      : socket_(std::move(socket)), loop_(std::move(loop)), peer_(std::move(peer)), id_(id) {}

  tcp::socket& socket() { return socket_; }
  EventLoop& loop() { return *loop_; }
  const std::string& peer() const { return peer_; }
  // Counts from 1 over the life of the listener.
  uint64_t id() const { return id_; }

  // True from the start of a graceful shutdown.
  bool draining() const { return draining_; }
  // What a graceful shutdown does with this connection: let what is in flight finish, then close(). Without one, a
  // shutdown closes it at once.
  void on_drain(std::function<void()> callback) { on_drain_ = std::move(callback); }
  // What wakes a handler that waits for something else than its socket when the connection is closed.
  void on_close(std::function<void()> callback) { on_close_ = std::move(callback); }
  // Called by the listener.
  void drain();
  // Called by the listener during a shutdown: closes the connection when its client has taken nothing of what waits to
  // be sent for as long as `grace`.
  void close_if_stalled(std::chrono::milliseconds grace);
  // Ends pending reads and writes with an error. Idempotent.
  void close();

 private:
  tcp::socket socket_;
  const std::shared_ptr<EventLoop> loop_;
  const std::string peer_;
  const uint64_t id_;
  bool draining_ = false;
  uint64_t taken_bytes_ = 0;                        // by the client, at
  std::chrono::steady_clock::time_point taken_at_;  // which is before any, when nothing waits
  std::function<void()> on_drain_;
  std::function<void()> on_close_;
};

// Runs for the life of a connection, which is closed when it returns.
using ConnectionHandler = std::function<awaitable<void>(std::shared_ptr<Connection>)>;

struct ListenerOptions {
  std::string name;  // of the protocol, for logs and metrics: "kafka"
  Endpoint listen;   // port 0: any free port, see Listener::port()
  int connections_max = 10'000;
  // A connection whose descriptor is not below this is refused. The kernel gives the lowest number that is free, so as
  // many files are open then, and what is left of the process's limit is for those of the log and the engine.
  int descriptors_max = INT_MAX;
  // What a connection that is refused is sent before it is closed, as far as it can be at once: an error in the
  // protocol's terms. Empty: nothing.
  std::string refusal;
  // How long a client that takes nothing of its answers may hold up shutdown().
  std::chrono::milliseconds stalled_grace{1000};
  // How long handlers may take to return once their sockets are closed, before shutdown() gives up.
  std::chrono::milliseconds close_grace{1000};
  MetricsRegistry* metrics = nullptr;  // penstock_<name>_connections, .._accepted_total, .._refused_total
};

// Owned by a server, destroyed before its EventLoopPool. Its functions are called on the server's owner's thread, never
// on a loop.
class Listener {
 public:
  // Binds every address that the host resolves to, all on one port. Clients can connect, and wait for serve().
  static Result<std::unique_ptr<Listener>> bind(EventLoopPool& loops, ListenerOptions options);
  // Starts accepting; called once.
  void serve(ConnectionHandler handler);
  // Both.
  static Result<std::unique_ptr<Listener>> start(EventLoopPool& loops, ListenerOptions options,
                                                 ConnectionHandler handler);
  // Shuts down at once, and waits until every handler has returned: one that is still there when the loops end would
  // never let go of its connection.
  ~Listener();

  int port() const;
  // Where it listens, with the real port: "127.0.0.1:41233".
  std::string address() const;
  int connections() const;

  // Stops accepting, drains every connection, waits until they are gone and closes at `timeout` what is not, and before
  // that whom stalled_grace speaks of. Idempotent. False when handlers were still running a little after that.
  bool shutdown(std::chrono::milliseconds timeout);

  struct State;

 private:
  explicit Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}

  const std::shared_ptr<State> state_;
};

}  // namespace penstock::net
