// The I/O of one client: a coroutine on an event loop around a Conversation, whose statements run on a thread of the
// connection's own, so that one that waits for data (SUBSCRIBE) holds up nobody else.
//
// Private to pgwire: it includes Asio.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "base/log_gate.h"
#include "base/memory.h"
#include "base/metrics.h"
#include "engine/engine.h"
#include "net/asio.h"
#include "net/listener.h"
#include "pgwire/cancel_registry.h"
#include "pgwire/conversation.h"

namespace penstock::pgwire {

// What the connections of a server share. Outlives them and what they have posted to event loops.
struct ConnectionContext {
  engine::Engine& engine;
  // Of large messages that are read or worked on, and what ConversationOptions::memory says.
  MemoryBudget memory;
  ConversationOptions conversation;
  std::chrono::milliseconds startup_timeout;
  std::chrono::milliseconds message_timeout;
  std::chrono::milliseconds write_timeout;
  Gauge& output_bytes;                         // that are being written
  logging::LogGate closed_log{{.lines = 20}};  // of lines about connections that were closed for what they did
  CancelRegistry cancels;
  // How long a statement may go on after the shutdown has begun.
  std::atomic<int64_t> drain_cancel_ms{0};
};

// Runs until the client or the server ends the connection.
net::awaitable<void> serve_connection(std::shared_ptr<ConnectionContext> context,
                                      std::shared_ptr<net::Connection> connection);

}  // namespace penstock::pgwire
