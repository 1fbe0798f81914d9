// The HTTP server: the API of docs/http-api.md, the WebSocket, and the console.
#pragma once

#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "http/api.h"

namespace penstock::http {

struct HttpServerOptions {
  std::string listen = "127.0.0.1:7480";  // port 0: any free port
  // Names that requests may be addressed to, beside localhost, IP addresses and the host of `listen`. Any other Host
  // header is refused, so that a hostile page cannot reach the server under a name of its own (DNS rebinding).
  std::vector<std::string> allowed_hosts;
  int threads = 1;
  int statements_max = 32;   // that run at once, each on a thread of its own; more are refused
  int blocking_threads = 4;  // for everything else that reads views or the engine
  int connections_max = 10'000;
  int descriptors_max = INT_MAX;  // of the process, above which connections are refused
  size_t header_bytes_max = 16 << 10;
  size_t body_bytes_max = 16 << 20;
  size_t bodies_bytes_max = 128 << 20;  // of large bodies of all connections, read or worked on; more are refused
  size_t websocket_message_bytes_max = 64 << 10;
  int64_t view_rows_max = 100'000;  // of GET /api/v1/views/{name}
  size_t subscription_rows_max = 100'000;
  size_t subscription_bytes_max = 256 << 20;        // of the changes that wait for all slow subscribers
  std::chrono::milliseconds read_timeout{30'000};   // for the whole of a request
  std::chrono::milliseconds idle_timeout{120'000};  // between requests
  std::chrono::milliseconds write_timeout{30'000};  // until a slow reader takes something of an answer
  std::chrono::milliseconds sql_timeout{300'000};
  // How long a client may take to finish its request, or to answer the close of its WebSocket, when the server stops.
  std::chrono::milliseconds close_timeout{1'000};
  ApiOptions api;
};

// Owned by the program. Its own threads do all the work.
class HttpServer {
 public:
  // Listens and serves when it returns. What the options point to outlives the server.
  static Result<std::unique_ptr<HttpServer>> start(HttpServerOptions options);
  ~HttpServer();

  std::string address() const;
  int port() const;
  // Stops accepting, lets requests in flight finish for as long as `timeout`, then closes. Idempotent.
  void shutdown(std::chrono::milliseconds timeout);

  class Impl;

 private:
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::http
