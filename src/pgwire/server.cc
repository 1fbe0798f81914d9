#include "pgwire/server.h"

#include <fmt/format.h>

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
  net::EventLoopPool loops;
  std::shared_ptr<ConnectionContext> context;
  std::unique_ptr<net::Listener> listener;
};

Result<std::unique_ptr<PgServer>> PgServer::start(engine::Engine& engine, PgServerOptions options) {
  auto context = std::shared_ptr<ConnectionContext>(new ConnectionContext{
      .engine = engine, .conversation = conversation_options(options), .startup_timeout = options.startup_timeout});
  std::unique_ptr<State> state(
      new State{.loops = net::EventLoopPool("pg-io", options.io_threads), .context = context, .listener = nullptr});
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
