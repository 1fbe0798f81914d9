#include "http/server.h"

#include <sys/socket.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <utility>

#include "base/logging.h"
#include "http/routes.h"
#include "http/websocket.h"
#include "net/blocking_pool.h"
#include "net/event_loop.h"
#include "net/listener.h"
#include "net/run_blocking.h"

namespace penstock::http {

namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using net::kAwait;

constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

using Request = bhttp::request<bhttp::string_body>;
using HttpResponse = bhttp::response<bhttp::string_body>;

std::string_view view_of(beast::string_view text) { return {text.data(), text.size()}; }

RequestView view_of(const Request& request) {
  return {.method = view_of(request.method_string()),
          .target = view_of(request.target()),
          .host = view_of(request[bhttp::field::host]),
          .origin = view_of(request[bhttp::field::origin]),
          .content_type = view_of(request[bhttp::field::content_type]),
          .if_none_match = view_of(request[bhttp::field::if_none_match]),
          .accepts_gzip = view_of(request[bhttp::field::accept_encoding]).find("gzip") != std::string_view::npos,
          .body = request.body()};
}

HttpResponse to_http(const Response& response, unsigned version, bool keep_alive, bool head) {
  HttpResponse out(static_cast<bhttp::status>(response.reply.status), version);
  const auto set = [&](bhttp::field field, std::string_view value) { out.set(field, {value.data(), value.size()}); };
  set(bhttp::field::content_type, response.reply.content_type);
  out.set("Content-Security-Policy", {kContentSecurityPolicy.data(), kContentSecurityPolicy.size()});
  out.set("X-Content-Type-Options", "nosniff");
  out.set("Referrer-Policy", "no-referrer");
  if (!response.allow.empty()) set(bhttp::field::allow, response.allow);
  std::string_view body = response.reply.body;
  if (response.asset != nullptr) {
    set(bhttp::field::etag, response.asset->etag);
    set(bhttp::field::vary, "Accept-Encoding");
    set(bhttp::field::cache_control, response.asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    body = response.asset->bytes;
    if (response.use_gzip) {
      set(bhttp::field::content_encoding, "gzip");
      body = response.asset->gzip;
    }
  } else {
    set(bhttp::field::cache_control, "no-store");
  }
  out.keep_alive(keep_alive);
  const bool unchanged = response.reply.status == 304;
  if (!unchanged) out.content_length(body.size());
  if (!head && !unchanged) out.body() = body;
  return out;
}

// Cancels what a session runs until it has ended and the session is gone: a statement that has not reached the engine
// yet hears nothing.
void cancel_until_gone(net::EventLoop& loop, const std::weak_ptr<engine::Session>& session) {
  constexpr std::chrono::milliseconds kAgain{50};
  const auto running = session.lock();
  if (running == nullptr) return;
  running->cancel();
  loop.run_after(kAgain, [&loop, session] { cancel_until_gone(loop, session); });
}

// The client has closed its side; what it may have sent before is still there.
bool hung_up(int socket) {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

// Closes a connection that takes too long. One at a time; arming it again moves it.
class Deadline {
 public:
  explicit Deadline(const std::shared_ptr<net::Connection>& connection)
      : connection_(connection), timer_(connection->socket().get_executor()) {}

  void arm(std::chrono::milliseconds after) {
    timer_.expires_after(after);
    timer_.async_wait([weak = connection_](const boost::system::error_code& error) {
      const auto connection = weak.lock();
      if (!error && connection != nullptr) connection->close();
    });
  }
  void disarm() { timer_.cancel(); }

 private:
  const std::weak_ptr<net::Connection> connection_;
  net::asio::steady_timer timer_;
};

}  // namespace

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
        pool_(std::make_unique<net::BlockingPool>("http-sql", options_.blocking_threads)) {}

  ~Impl() {
    listener_.reset();
    loops_.stop();
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
      const auto used_bytes = [weak] {
        const auto web_sockets = weak.lock();
        return web_sockets != nullptr ? static_cast<double>(web_sockets->memory.used_bytes()) : 0;
      };
      options_.api.metrics->callback("penstock_http_subscription_bytes",
                                     "Changes that wait for slow subscribers, and messages on their way", {},
                                     used_bytes);
    }
    listener_ = PENSTOCK_TRY(net::Listener::start(
        loops_,
        {.name = "http",
         .listen = PENSTOCK_TRY(net::parse_endpoint(options_.listen)),
         .connections_max = options_.connections_max,
         .metrics = options_.api.metrics},
        [this](std::shared_ptr<net::Connection> connection) { return serve(std::move(connection)); }));
    return {};
  }

  void shutdown(std::chrono::milliseconds timeout) { listener_->shutdown(timeout); }
  const net::Listener& listener() const { return *listener_; }

 private:
  net::awaitable<void> serve(std::shared_ptr<net::Connection> connection) {
    beast::flat_buffer buffer;
    Deadline deadline(connection);
    auto idle = std::make_shared<bool>(true);
    connection->on_drain([idle, weak = std::weak_ptr(connection)] {
      const auto c = weak.lock();
      if (c != nullptr && *idle) c->close();
    });
    for (bool first = true;; first = false) {
      *idle = true;
      deadline.arm(first ? options_.read_timeout : options_.idle_timeout);
      bhttp::request_parser<bhttp::string_body> parser;
      parser.header_limit(static_cast<uint32_t>(options_.header_bytes_max));
      parser.body_limit(options_.body_bytes_max);
      const auto [header_error, header_bytes] =
          co_await bhttp::async_read_header(connection->socket(), buffer, parser, kAwait);
      *idle = false;
      if (header_error) {
        co_await answer_bad_request(*connection, deadline, header_error);
        co_return;
      }
      deadline.arm(options_.read_timeout);
      const auto [error, bytes] = co_await bhttp::async_read(connection->socket(), buffer, parser, kAwait);
      if (error) {
        co_await answer_bad_request(*connection, deadline, error);
        co_return;
      }
      deadline.disarm();
      Request request = parser.release();
      const RequestView view = view_of(request);
      std::optional<Reply> refusal = routes_.refuse(view);
      if (!refusal && routes_.is_websocket(view) && beast::websocket::is_upgrade(request)) {
        co_await serve_websocket(connection, std::move(request), *web_sockets_);
        co_return;
      }
      // Not in a conditional expression: g++ 12 destroys the operands of one with co_await in it twice.
      Response response;
      if (refusal) {
        response.reply = *std::move(refusal);
      } else {
        response = co_await answer(view, *connection);
      }
      const bool keep_alive = request.keep_alive() && !connection->draining();
      HttpResponse out = to_http(response, request.version(), keep_alive, request.method() == bhttp::verb::head);
      const bool written = co_await write(*connection, deadline, out);
      if (!written || !keep_alive) co_return;
    }
  }

  net::awaitable<Response> answer(const RequestView& request, net::Connection& connection) {
    if (!routes_.blocks(request)) co_return routes_.answer(request, nullptr);
    const std::shared_ptr<engine::Session> session = api_.create_session();
    // A statement that goes on for too long is cancelled, and the client is told; so is one whose client has gone.
    net::asio::steady_timer timer(connection.socket().get_executor(), options_.sql_timeout);
    timer.async_wait([weak = std::weak_ptr(session), &connection](const boost::system::error_code& error) {
      if (!error) cancel_until_gone(connection.loop(), weak);
    });
    connection.socket().async_wait(net::tcp::socket::wait_read, [weak = std::weak_ptr(session),
                                                                 &connection](const boost::system::error_code& error) {
      if (weak.expired()) return;
      if (error || hung_up(connection.socket().native_handle())) cancel_until_gone(connection.loop(), weak);
    });
    const auto call = [&] { return routes_.answer(request, session.get()); };
    Response response = co_await net::run_blocking(*pool_, call);
    co_return response;
  }

  net::awaitable<void> answer_bad_request(net::Connection& connection, Deadline& deadline,
                                          const boost::system::error_code& error) {
    if (error.category() != bhttp::make_error_code(bhttp::error::bad_method).category()) co_return;
    if (error == bhttp::error::end_of_stream || error == bhttp::error::partial_message) co_return;
    Response response{.reply = Api::error_reply(invalid_argument("bad request: {}", error.message()))};
    if (error == bhttp::error::body_limit) {
      response.reply = Api::error_reply(
          make_error(ErrorCode::kResourceExhausted, "the body is longer than {} bytes", options_.body_bytes_max));
    }
    if (error == bhttp::error::header_limit) response.reply.status = 431;
    constexpr unsigned kHttp11 = 11;
    HttpResponse out = to_http(response, kHttp11, false, false);
    co_await write(connection, deadline, out);
    // What the client still sends would make the kernel reset the connection before it has read the answer.
    boost::system::error_code ignored;
    connection.socket().shutdown(net::tcp::socket::shutdown_send, ignored);
  }

  net::awaitable<bool> write(net::Connection& connection, Deadline& deadline, HttpResponse& response) {
    deadline.arm(options_.write_timeout);
    const auto [error, bytes] = co_await bhttp::async_write(connection.socket(), response, kAwait);
    deadline.disarm();
    co_return !error;
  }

  const HttpServerOptions options_;
  Api api_;
  const Routes routes_;
  const std::shared_ptr<WebSocketContext> web_sockets_;
  net::EventLoopPool loops_;
  std::unique_ptr<net::BlockingPool> pool_;
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
