#include "pgwire/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "net/event_loop.h"
#include "net/listener.h"
#include "pgwire/backend.h"
#include "pgwire/connection.h"
#include "pgwire/sql_state.h"

namespace penstock::pgwire {
namespace {

// The PostgreSQL release whose behaviour clients may expect.
constexpr std::string_view kPostgresVersion = "15.0";

ConversationOptions conversation_options(const PgServerOptions& options) {
  ConversationOptions conversation{.server_version = fmt::format("{} (Penstock {})", kPostgresVersion, options.version),
                                   .message_bytes_max = options.message_bytes_max,
                                   .statements_max = options.statements_max,
                                   .portals_max = options.portals_max};
  if (options.metrics != nullptr) {
    conversation.statements_total =
        &options.metrics->counter("penstock_pgwire_statements_total", "Statements of PostgreSQL clients");
    conversation.errors_total =
        &options.metrics->counter("penstock_pgwire_errors_total", "Errors sent to PostgreSQL clients");
  }
  return conversation;
}

// What a client reads instead of an answer to its startup packet.
std::string too_many_clients() {
  std::string out;
  write_error(out, {.severity = "FATAL", .sql_state = sql_state::kTooManyConnections, .message = "too many clients"});
  return out;
}

}  // namespace

struct PgServer::State {
  std::unique_ptr<MetricsRegistry> own_metrics;  // when it is given none
  net::EventLoopPool loops;
  std::shared_ptr<ConnectionContext> context;
  std::unique_ptr<net::Listener> listener;
};

Result<std::unique_ptr<PgServer>> PgServer::start(engine::Engine& engine, PgServerOptions options) {
  auto own_metrics = std::make_unique<MetricsRegistry>();
  if (options.metrics == nullptr) options.metrics = own_metrics.get();
  // One message of any allowed size, and what is kept of it, must fit.
  const size_t memory_max = std::max(options.messages_bytes_max, 2 * options.message_bytes_max);
  auto context = std::shared_ptr<ConnectionContext>(new ConnectionContext{
      .engine = engine,
      .memory = MemoryBudget("pg messages", memory_max, options.memory),
      .conversation = conversation_options(options),
      .startup_timeout = options.startup_timeout,
      .message_timeout = options.message_timeout,
      .write_timeout = options.write_timeout,
      .output_bytes = options.metrics->gauge("penstock_pgwire_output_bytes",
                                             "Results that are being written to PostgreSQL clients")});
  context->conversation.memory = &context->memory;
  options.metrics->callback("penstock_pgwire_message_bytes",
                            "Large messages, prepared statements and parameters of PostgreSQL clients", {},
                            [weak = std::weak_ptr(context)] {
                              const auto held = weak.lock();
                              return held != nullptr ? static_cast<double>(held->memory.used_bytes()) : 0;
                            });
  std::unique_ptr<State> state(new State{.own_metrics = std::move(own_metrics),
                                         .loops = net::EventLoopPool("pg-io", options.io_threads),
                                         .context = context,
                                         .listener = nullptr});
  state->listener = PENSTOCK_TRY(net::Listener::start(
      state->loops,
      {.name = "pgwire",
       .listen = options.listen,
       .connections_max = options.connections_max,
       .descriptors_max = options.descriptors_max,
       .refusal = too_many_clients(),
       .metrics = options.metrics},
      [context](std::shared_ptr<net::Connection> connection) { return serve_connection(context, connection); }));
  return std::unique_ptr<PgServer>(new PgServer(std::move(state)));
}

PgServer::PgServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

PgServer::~PgServer() {
  // A statement's thread refers to what is about to go: wait for it.
  while (!shutdown(std::chrono::milliseconds(0))) state_->context->cancels.cancel_all();
}

std::string PgServer::address() const { return state_->listener->address(); }

int PgServer::port() const { return state_->listener->port(); }

bool PgServer::shutdown(std::chrono::milliseconds timeout) {
  state_->context->drain_cancel_ms = timeout.count() / 2;
  return state_->listener->shutdown(timeout);
}

}  // namespace penstock::pgwire
