#include "net/listener.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log_gate.h"
#include "base/logging.h"
#include "net/hangup.h"

namespace penstock::net {
namespace {

using boost::system::error_code;

// How long accepting pauses when the process is out of file descriptors or memory.
constexpr std::chrono::milliseconds kAcceptRetryDelay{100};
// How often a shutdown looks for clients that take nothing.
constexpr std::chrono::milliseconds kStallCheckInterval{100};
// Of what clients that keep trying would fill the log with.
constexpr logging::LogGate::Options kLogGate{.lines = 1, .interval = std::chrono::seconds(10)};
constexpr int kBacklog = 1024;

Error cannot_listen(const Endpoint& endpoint, const error_code& error) {
  return make_error(ErrorCode::kUnavailable, "cannot listen on {}: {}", to_string(endpoint), error.message())
      .hint("is another program using the port? port 0 takes any free one");
}

Result<std::vector<tcp::endpoint>> resolve(asio::io_context& context, const Endpoint& listen) {
  if (listen.host.empty()) return std::vector{tcp::endpoint(asio::ip::address_v6::any(), listen.port)};
  error_code error;
  const auto address = asio::ip::make_address(listen.host, error);
  if (!error) return std::vector{tcp::endpoint(address, listen.port)};

  tcp::resolver resolver(context);
  const auto found = resolver.resolve(listen.host, std::to_string(listen.port), tcp::resolver::passive, error);
  if (error) return cannot_listen(listen, error);
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  return endpoints;
}

error_code bind_and_listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool dual_stack) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return error;
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(!dual_stack), error);
  if (error) return error;
  acceptor.bind(endpoint, error);
  if (error) return error;
  acceptor.listen(kBacklog, error);
  return error;
}

std::string peer_name(const tcp::socket& socket) {
  error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return "unknown";
  return to_string(Endpoint{.host = remote.address().to_string(), .port = remote.port()});
}

// Sends what the socket takes now. What has come is read before: closing with it unread resets the connection, and the
// client might not get to see what it was told.
void send_at_once(tcp::socket& socket, const std::string& bytes) {
  if (bytes.empty()) return;
  error_code ignored;
  socket.non_blocking(true, ignored);
  char unread[4096];
  socket.read_some(asio::buffer(unread), ignored);
  socket.write_some(asio::buffer(bytes), ignored);
}

}  // namespace

void Connection::drain() {
  if (draining_) return;
  draining_ = true;
  if (on_drain_) {
    on_drain_();
  } else {
    close();
  }
}

void Connection::close_if_stalled(std::chrono::milliseconds grace) {
  if (!socket_.is_open()) return;
  const auto progress = send_progress(socket_.native_handle());
  const auto now = std::chrono::steady_clock::now();
  const bool waits = progress && progress->waiting_bytes > 0;
  if (!waits || progress->taken_bytes != taken_bytes_ || taken_at_ == std::chrono::steady_clock::time_point()) {
    taken_bytes_ = waits ? progress->taken_bytes : 0;
    taken_at_ = waits ? now : std::chrono::steady_clock::time_point();
  } else if (now - taken_at_ >= grace) {
    logging::debug("not waiting for a client that reads nothing", {{"peer", peer_}});
    close();
  }
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
  if (on_close_) std::exchange(on_close_, nullptr)();
}

// Shared by the listener, its accept coroutines and its connections, so that none outlives what it counts in.
struct Listener::State : std::enable_shared_from_this<State> {
  State(EventLoopPool& loops_in, ListenerOptions options_in) : loops(loops_in), options(std::move(options_in)) {
    if (options.metrics == nullptr) return;
    const std::string prefix = "penstock_" + options.name;
    open_gauge = &options.metrics->gauge(prefix + "_connections", "Open connections");
    accepted = &options.metrics->counter(prefix + "_connections_accepted_total", "Connections accepted");
    refused = &options.metrics->counter(prefix + "_connections_refused_total",
                                        "Connections closed at once because a limit was reached");
  }

  Status open_acceptors();
  awaitable<void> accept(std::shared_ptr<tcp::acceptor> acceptor);
  void serve(tcp::socket socket, EventLoop& loop);
  void refuse(tcp::socket socket, std::string_view why, int limit);
  void forget(uint64_t id);
  void for_each_connection(const std::function<void(Connection&)>& action);

  EventLoopPool& loops;
  const ListenerOptions options;
  ConnectionHandler handler;                              // set before accepting starts
  std::vector<std::shared_ptr<tcp::acceptor>> acceptors;  // used on the first loop
  uint16_t port = 0;
  Gauge* open_gauge = nullptr;
  Counter* accepted = nullptr;
  Counter* refused = nullptr;
  logging::LogGate refusals_log{kLogGate};
  logging::LogGate failures_log{kLogGate};

  std::mutex mutex;
  std::condition_variable gone;
  bool stopping = false;
  uint64_t last_id = 0;
  std::unordered_map<uint64_t, std::weak_ptr<Connection>> connections;
};

Status Listener::State::open_acceptors() {
  auto& context = loops.first().context();
  auto endpoints = PENSTOCK_TRY(resolve(context, options.listen));
  const bool any = options.listen.host.empty();
  error_code first_error;
  for (auto& endpoint : endpoints) {
    if (port != 0) endpoint.port(port);
    auto acceptor = std::make_shared<tcp::acceptor>(context);
    error_code error = bind_and_listen(*acceptor, endpoint, any);
    if (error && any) {  // a machine without IPv6
      acceptor = std::make_shared<tcp::acceptor>(context);
      error = bind_and_listen(*acceptor, tcp::endpoint(tcp::v4(), endpoint.port()), false);
    }
    if (error) {
      if (!first_error) first_error = error;
      continue;
    }
    port = acceptor->local_endpoint(error).port();
    acceptors.push_back(std::move(acceptor));
  }
  if (acceptors.empty()) return cannot_listen(options.listen, first_error);
  return {};
}

awaitable<void> Listener::State::accept(std::shared_ptr<tcp::acceptor> acceptor) {
  const auto self = shared_from_this();
  while (acceptor->is_open()) {
    EventLoop& loop = loops.next();
    auto [error, socket] = co_await acceptor->async_accept(loop.context(), kAwait);
    if (!acceptor->is_open()) break;
    if (error) {
      if (failures_log.pass()) {
        logging::error("cannot accept connections, trying again",
                       {{"listener", options.name}, {"why", error.message()}});
      }
      asio::steady_timer timer(acceptor->get_executor(), kAcceptRetryDelay);
      co_await timer.async_wait(kAwait);
      continue;
    }
    serve(std::move(socket), loop);
  }
}

void Listener::State::serve(tcp::socket socket, EventLoop& loop) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  if (socket.native_handle() >= options.descriptors_max) {
    return refuse(std::move(socket), "too many files are open", options.descriptors_max);
  }
  std::shared_ptr<Connection> connection;
  std::string peer = peer_name(socket);
  {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    if (std::cmp_less(connections.size(), options.connections_max)) {
      connection = std::make_shared<Connection>(std::move(socket), loop.shared_from_this(), std::move(peer), ++last_id);
      connections.emplace(connection->id(), connection);
    }
  }
  if (connection == nullptr) {
    // NOLINTNEXTLINE(bugprone-use-after-move): not moved without a connection
    return refuse(std::move(socket), "too many connections", options.connections_max);
  }
  if (accepted != nullptr) accepted->add();
  if (open_gauge != nullptr) open_gauge->add(1);

  auto run = [](std::shared_ptr<State> state, std::shared_ptr<Connection> connection) -> awaitable<void> {
    co_await state->handler(connection);
    connection->close();
  };
  asio::co_spawn(loop.context(), run(shared_from_this(), connection),
                 [self = shared_from_this(), connection](const std::exception_ptr& thrown) {
                   try {
                     if (thrown) std::rethrow_exception(thrown);
                   } catch (const std::exception& e) {
                     logging::error(
                         "connection ended by an exception",
                         {{"listener", self->options.name}, {"peer", connection->peer()}, {"what", e.what()}});
                   }
                   connection->close();
                   self->forget(connection->id());
                 });
}

void Listener::State::refuse(tcp::socket socket, std::string_view why, int limit) {
  if (refused != nullptr) refused->add();
  if (const auto held_back = refusals_log.pass()) {
    logging::warning("closing new connections", {{"listener", options.name},
                                                 {"why", why},
                                                 {"limit", limit},
                                                 {"peer", peer_name(socket)},
                                                 {"not_logged", *held_back}});
  }
  send_at_once(socket, options.refusal);
}

void Listener::State::forget(uint64_t id) {
  if (open_gauge != nullptr) open_gauge->add(-1);
  const std::lock_guard lock(mutex);
  connections.erase(id);
  if (connections.empty()) gone.notify_all();
}

void Listener::State::for_each_connection(const std::function<void(Connection&)>& action) {
  std::vector<std::shared_ptr<Connection>> open;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [id, weak] : connections) {
      if (auto connection = weak.lock()) open.push_back(std::move(connection));
    }
  }
  for (auto& connection : open) {
    EventLoop& loop = connection->loop();
    loop.post([connection = std::move(connection), action] { action(*connection); });
  }
}

Result<std::unique_ptr<Listener>> Listener::bind(EventLoopPool& loops, ListenerOptions options) {
  auto state = std::make_shared<State>(loops, std::move(options));
  PENSTOCK_TRY(state->open_acceptors());
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

void Listener::serve(ConnectionHandler handler) {
  state_->handler = std::move(handler);
  for (const auto& acceptor : state_->acceptors) {
    asio::co_spawn(state_->loops.first().context(), state_->accept(acceptor), asio::detached);
  }
}

Result<std::unique_ptr<Listener>> Listener::start(EventLoopPool& loops, ListenerOptions options,
                                                  ConnectionHandler handler) {
  auto listener = PENSTOCK_TRY(bind(loops, std::move(options)));
  listener->serve(std::move(handler));
  return listener;
}

Listener::~Listener() {
  if (shutdown(std::chrono::milliseconds(0))) return;
  std::unique_lock lock(state_->mutex);
  state_->gone.wait(lock, [this] { return state_->connections.empty(); });
}

int Listener::port() const { return state_->port; }

std::string Listener::address() const {
  return to_string(Endpoint{.host = state_->options.listen.host, .port = state_->port});
}

int Listener::connections() const {
  const std::lock_guard lock(state_->mutex);
  return static_cast<int>(state_->connections.size());
}

bool Listener::shutdown(std::chrono::milliseconds timeout) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->loops.first().post([state = state_] {
    error_code ignored;
    for (const auto& acceptor : state->acceptors) acceptor->close(ignored);
  });
  state_->for_each_connection([](Connection& connection) { connection.drain(); });

  const auto all_gone = [this] { return state_->connections.empty(); };
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (bool goes_on = true; goes_on;) {
    const auto look_at = std::min(deadline, std::chrono::steady_clock::now() + kStallCheckInterval);
    {
      std::unique_lock lock(state_->mutex);
      if (state_->gone.wait_until(lock, look_at, all_gone)) return true;
    }
    goes_on = look_at < deadline;
    state_->for_each_connection([goes_on, grace = state_->options.stalled_grace](Connection& connection) {
      goes_on ? connection.close_if_stalled(grace) : connection.close();
    });
  }
  std::unique_lock lock(state_->mutex);
  if (state_->gone.wait_for(lock, state_->options.close_grace, all_gone)) return true;
  logging::warning("connections still busy after shutdown",
                   {{"listener", state_->options.name}, {"connections", state_->connections.size()}});
  return false;
}

}  // namespace penstock::net
