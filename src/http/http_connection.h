// Serves one connection: reads requests, has them answered, and writes the answers. Private to this module.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/memory.h"
#include "http/api.h"
#include "http/routes.h"
#include "http/server.h"
#include "http/websocket.h"
#include "net/asio.h"
#include "net/blocking_pool.h"
#include "net/listener.h"

namespace penstock::http {

// What the connections of a server share. Outlives them.
struct HttpContext {
  const HttpServerOptions& options;
  Api& api;
  const Routes& routes;
  net::BlockingPool& pool;            // for what takes a moment
  net::BlockingPool& statement_pool;  // with a thread for each of statements_max
  WebSocketContext& web_sockets;
  MemoryBudget request_memory;  // of large bodies that are read or worked on
  const std::shared_ptr<std::atomic<int>> statements_running = std::make_shared<std::atomic<int>>(0);
};

// What a connection that is refused is sent, whatever it asks for.
std::string too_many_connections();

// Runs until the client or the server ends the connection.
net::awaitable<void> serve_connection(std::shared_ptr<net::Connection> connection, HttpContext& context);

}  // namespace penstock::http
