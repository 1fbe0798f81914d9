#include "http/server.h"

#include <atomic>
#include <utility>

#include "http/http_connection.h"
#include "http/routes.h"
#include "http/websocket.h"
#include "net/blocking_pool.h"
#include "net/event_loop.h"
#include "net/listener.h"

namespace penstock::http {

class HttpServer::Impl {
 public:
  explicit Impl(HttpServerOptions options)
      : options_(std::move(options)),
        api_(options_.api),
        routes_(api_, options_),
        web_sockets_(new WebSocketContext{
            .api = api_,
            .options = options_,
            .memory = MemoryBudget("subscriptions", options_.subscription_bytes_max, options_.api.memory)}),
        loops_("http", options_.threads),
        pool_(std::make_unique<net::BlockingPool>("http-read", options_.blocking_threads)),
        statement_pool_(std::make_unique<net::BlockingPool>("http-sql", options_.statements_max)),
        context_{.options = options_,
                 .api = api_,
                 .routes = routes_,
                 .pool = *pool_,
                 .statement_pool = *statement_pool_,
                 .web_sockets = *web_sockets_,
                 .request_memory = MemoryBudget("http requests", options_.bodies_bytes_max, options_.api.memory)} {}

  ~Impl() {
    listener_.reset();
    loops_.stop();
    statement_pool_.reset();
    pool_.reset();
  }

  Status start() {
    const auto weak = std::weak_ptr(web_sockets_);
    options_.api.engine->on_catalog_changed([weak] {
      if (const auto web_sockets = weak.lock()) web_sockets->hub.views_changed();
    });
    if (options_.api.alerts != nullptr) {
      options_.api.alerts->on_changed([weak] {
        if (const auto web_sockets = weak.lock()) web_sockets->hub.alerts_changed();
      });
    }
    if (options_.api.metrics != nullptr) {
      const std::shared_ptr<const std::atomic<int>> running = context_.statements_running;
      options_.api.metrics->callback("penstock_http_statements", "Statements that run over HTTP", {},
                                     [running] { return static_cast<double>(*running); });
      const auto used_bytes = [weak] {
        const auto web_sockets = weak.lock();
        return web_sockets != nullptr ? static_cast<double>(web_sockets->memory.used_bytes()) : 0;
      };
      options_.api.metrics->callback("penstock_http_subscription_bytes",
                                     "Changes that wait for slow subscribers, and messages on their way", {},
                                     used_bytes);
    }
    listener_ = PENSTOCK_TRY(net::Listener::start(loops_,
                                                  {.name = "http",
                                                   .listen = PENSTOCK_TRY(net::parse_endpoint(options_.listen)),
                                                   .connections_max = options_.connections_max,
                                                   .descriptors_max = options_.descriptors_max,
                                                   .refusal = too_many_connections(),
                                                   .metrics = options_.api.metrics},
                                                  [this](std::shared_ptr<net::Connection> connection) {
                                                    return serve_connection(std::move(connection), context_);
                                                  }));
    return {};
  }

  void shutdown(std::chrono::milliseconds timeout) { listener_->shutdown(timeout); }
  const net::Listener& listener() const { return *listener_; }

 private:
  const HttpServerOptions options_;
  Api api_;
  const Routes routes_;
  const std::shared_ptr<WebSocketContext> web_sockets_;
  net::EventLoopPool loops_;
  std::unique_ptr<net::BlockingPool> pool_;
  std::unique_ptr<net::BlockingPool> statement_pool_;
  HttpContext context_;
  std::unique_ptr<net::Listener> listener_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  PENSTOCK_TRY(impl->start());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

std::string HttpServer::address() const { return impl_->listener().address(); }
int HttpServer::port() const { return impl_->listener().port(); }
void HttpServer::shutdown(std::chrono::milliseconds timeout) { impl_->shutdown(timeout); }

}  // namespace penstock::http
