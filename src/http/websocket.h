// Serves one WebSocket: reads the client's messages, and writes what its subscriptions have whenever the socket is
// free. Private to this module.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "http/feed_session.h"
#include "http/server.h"
#include "net/asio.h"
#include "net/listener.h"

namespace penstock::http {

class WebSocket;

// All open WebSockets of a server, to be told that views or alerts have changed. Thread-safe.
class WebSocketHub {
 public:
  void add(std::weak_ptr<WebSocket> socket);
  void views_changed();
  void alerts_changed();

 private:
  template <class Action>
  void for_each(Action action);

  std::mutex mutex_;
  std::vector<std::weak_ptr<WebSocket>> sockets_;
};

using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

// What the WebSockets of a server share. Outlives them.
struct WebSocketContext {
  Api& api;
  const HttpServerOptions& options;
  // Of the changes that wait for slow clients, and of the messages that are being written to them.
  MemoryBudget memory;
  WebSocketHub hub = {};
};

// Runs until the client or the server closes it.
net::awaitable<void> serve_websocket(std::shared_ptr<net::Connection> connection, UpgradeRequest request,
                                     WebSocketContext& context);

}  // namespace penstock::http
