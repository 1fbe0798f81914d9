#include "http/http_connection.h"

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "net/hangup.h"
#include "net/run_blocking.h"

namespace penstock::http {

namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using boost::system::error_code;
using net::kAwait;
using std::chrono::milliseconds;

constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

// Bodies up to this size are not accounted.
constexpr size_t kSmallBodyBytes = 64 << 10;
constexpr milliseconds kHangupCheckInterval{250};
constexpr milliseconds kCancelAgainDelay{50};
// How long a client that was refused may go on sending, so that it comes to read why.
constexpr milliseconds kLinger{2'000};

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

struct ResponseStyle {
  unsigned version = 11;
  bool keep_alive = false;
  bool head = false;  // without the body
};

HttpResponse to_http(Response& response, ResponseStyle style) {
  HttpResponse out(static_cast<bhttp::status>(response.reply.status), style.version);
  const auto set = [&](bhttp::field field, std::string_view value) { out.set(field, {value.data(), value.size()}); };
  set(bhttp::field::content_type, response.reply.content_type);
  out.set("Content-Security-Policy", {kContentSecurityPolicy.data(), kContentSecurityPolicy.size()});
  out.set("X-Content-Type-Options", "nosniff");
  out.set("Referrer-Policy", "no-referrer");
  if (!response.allow.empty()) set(bhttp::field::allow, response.allow);
  std::string body;
  if (response.asset != nullptr) {
    set(bhttp::field::etag, response.asset->etag);
    set(bhttp::field::vary, "Accept-Encoding");
    set(bhttp::field::cache_control, response.asset->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (response.use_gzip) set(bhttp::field::content_encoding, "gzip");
    body = response.use_gzip ? response.asset->gzip : response.asset->bytes;
  } else {
    set(bhttp::field::cache_control, "no-store");
    body = std::move(response.reply.body);
  }
  out.keep_alive(style.keep_alive);
  const bool unchanged = response.reply.status == 304;
  if (!unchanged) out.content_length(body.size());
  if (!style.head && !unchanged) out.body() = std::move(body);
  return out;
}

// Cancels what a session runs until it has ended and the session is gone: a statement that has not reached the engine
// yet hears nothing.
void cancel_until_gone(net::EventLoop& loop, const std::weak_ptr<engine::Session>& session) {
  const auto running = session.lock();
  if (running == nullptr) return;
  running->cancel();
  loop.run_after(kCancelAgainDelay, [&loop, session] { cancel_until_gone(loop, session); });
}

// A statement must not go on for a client that is not there any more.
void cancel_when_hung_up(const std::weak_ptr<net::Connection>& connection,
                         const std::weak_ptr<engine::Session>& session) {
  const auto c = connection.lock();
  if (c == nullptr || session.expired()) return;
  if (!c->socket().is_open() || net::peer_has_closed(c->socket().native_handle())) {
    return cancel_until_gone(c->loop(), session);
  }
  c->loop().run_after(kHangupCheckInterval, [connection, session] { cancel_when_hung_up(connection, session); });
}

// Closes a connection that takes too long. One at a time; arming it again moves it.
class Deadline {
 public:
  explicit Deadline(const std::shared_ptr<net::Connection>& connection)
      : connection_(connection), timer_(connection->socket().get_executor()) {}

  void arm(milliseconds after) {
    timer_.expires_after(after);
    timer_.async_wait([weak = connection_](const error_code& error) {
      const auto connection = weak.lock();
      if (!error && connection != nullptr) connection->close();
    });
  }
  void disarm() { timer_.cancel(); }

 private:
  const std::weak_ptr<net::Connection> connection_;
  net::asio::steady_timer timer_;
};

// One of the statements that may run at once, until it goes.
class StatementSlot {
 public:
  explicit StatementSlot(const HttpContext& context)
      : running_(context.statements_running),
        taken_(running_->fetch_add(1, std::memory_order_relaxed) < context.options.statements_max) {}
  ~StatementSlot() { running_->fetch_sub(1, std::memory_order_relaxed); }
  StatementSlot(const StatementSlot&) = delete;
  StatementSlot& operator=(const StatementSlot&) = delete;

  bool taken() const { return taken_; }

 private:
  const std::shared_ptr<std::atomic<int>> running_;
  const bool taken_;
};

class HttpConnection {
 public:
  HttpConnection(std::shared_ptr<net::Connection> connection, HttpContext& context)
      : connection_(std::move(connection)),
        context_(context),
        options_(context.options),
        deadline_(connection_),
        body_memory_(&context.request_memory) {}

  net::awaitable<void> serve() {
    connection_->on_drain([phase = phase_, weak = std::weak_ptr(connection_), grace = options_.close_timeout] {
      const auto c = weak.lock();
      if (c == nullptr) return;
      if (*phase == Phase::kIdle) c->close();
      if (*phase == Phase::kReading) c->loop().run_after(grace, [phase, weak] { close_if_reading(*phase, weak); });
    });
    for (milliseconds wait = options_.read_timeout;; wait = options_.idle_timeout) {
      const bool has_request = co_await read_request(wait);
      if (!has_request) {
        if (problem_) co_await refuse();
        co_return;
      }
      const RequestView view = view_of(request_);
      std::optional<Reply> refusal = context_.routes.refuse(view);
      if (!refusal && context_.routes.is_websocket(view) && beast::websocket::is_upgrade(request_)) {
        co_await serve_websocket(connection_, std::move(request_), context_.web_sockets);
        co_return;
      }
      // Not in a conditional expression: g++ 12 destroys the operands of one with co_await in it twice.
      Response response;
      if (refusal) {
        response.reply = *std::move(refusal);
      } else {
        response = co_await answer(view);
      }
      const bool keep_alive = request_.keep_alive() && !connection_->draining();
      const bool written = co_await write(
          response,
          {.version = request_.version(), .keep_alive = keep_alive, .head = request_.method() == bhttp::verb::head});
      if (!written || !keep_alive || connection_->draining()) co_return;
    }
  }

 private:
  enum class Phase : uint8_t { kIdle, kReading, kAnswering };

  // One that does not finish its request does not hold up a shutdown.
  static void close_if_reading(Phase phase, const std::weak_ptr<net::Connection>& connection) {
    const auto c = connection.lock();
    if (c != nullptr && phase == Phase::kReading) c->close();
  }

  using Parser = bhttp::request_parser<bhttp::string_body>;

  // Reads a whole request into request_; false when there is none any more. `problem_` is then what the client is told,
  // if it is there to be told anything.
  net::awaitable<bool> read_request(milliseconds wait) {
    request_ = {};  // with its body
    body_memory_ = MemoryReservation(&context_.request_memory);
    Parser parser;
    parser.header_limit(static_cast<uint32_t>(options_.header_bytes_max));
    parser.body_limit(options_.body_bytes_max);
    *phase_ = Phase::kIdle;
    deadline_.arm(wait);
    const auto [error, bytes] = co_await bhttp::async_read_header(connection_->socket(), buffer_, parser, kAwait);
    *phase_ = error ? Phase::kAnswering : Phase::kReading;
    if (error) {
      problem_ = problem_of(error);
      co_return false;
    }
    problem_ = problem_of(parser);
    if (problem_) {
      *phase_ = Phase::kAnswering;
      co_return false;
    }
    deadline_.arm(options_.read_timeout);
    const bool whole = co_await read_body(parser);
    *phase_ = Phase::kAnswering;
    deadline_.disarm();
    if (whole) request_ = parser.release();
    co_return whole;
  }

  net::awaitable<bool> read_body(Parser& parser) {
    while (!parser.is_done()) {
      const auto [error, bytes] = co_await bhttp::async_read_some(connection_->socket(), buffer_, parser, kAwait);
      if (error) {
        problem_ = problem_of(error);
        co_return false;
      }
      const size_t body_bytes = parser.get().body().size();
      if (body_bytes > kSmallBodyBytes && !body_memory_.try_resize(body_bytes)) {
        problem_ = Api::error_reply(
            Error(ErrorCode::kUnavailable, "too many large requests are being worked on").hint("try again"));
        co_return false;
      }
    }
    co_return true;
  }

  // What is wrong with a header that could be read: what it would be misunderstood by, here or by a proxy on the way.
  static std::optional<Reply> problem_of(const Parser& parser) {
    const Request& header = parser.get();
    if (header.count(bhttp::field::host) > 1) {
      return Api::error_reply(invalid_argument("the request has more than one Host"));
    }
    if (header.count(bhttp::field::transfer_encoding) == 0 || parser.chunked()) return std::nullopt;
    Reply reply = Api::error_reply(unsupported("the only Transfer-Encoding is chunked"));
    reply.status = 501;
    return reply;
  }

  // Nothing when the client has gone.
  std::optional<Reply> problem_of(const error_code& error) const {
    if (error.category() != bhttp::make_error_code(bhttp::error::bad_method).category()) return std::nullopt;
    if (error == bhttp::error::end_of_stream || error == bhttp::error::partial_message) return std::nullopt;
    if (error == bhttp::error::body_limit) {
      return Api::error_reply(
          make_error(ErrorCode::kResourceExhausted, "the body is longer than {} bytes", options_.body_bytes_max));
    }
    Reply reply = Api::error_reply(invalid_argument("bad request: {}", error.message()));
    if (error == bhttp::error::header_limit) reply.status = 431;
    return reply;
  }

  net::awaitable<Response> answer(const RequestView& request) {
    if (!context_.routes.blocks(request)) co_return context_.routes.answer(request, nullptr);
    if (!context_.routes.runs_statements(request)) {
      const auto read = [&] { return context_.routes.answer(request, nullptr); };
      Response response = co_await net::run_blocking(context_.pool, read);
      co_return response;
    }
    const StatementSlot slot(context_);
    if (!slot.taken()) {
      co_return Response{
          .reply = Api::error_reply(
              make_error(ErrorCode::kUnavailable, "{} statements run over HTTP already", options_.statements_max)
                  .hint("try again, raise http.statements_max, or use the PostgreSQL port"))};
    }
    const std::shared_ptr<engine::Session> session = context_.api.create_session();
    // A statement that goes on for too long is cancelled, and the client is told.
    net::asio::steady_timer timer(connection_->socket().get_executor(), options_.sql_timeout);
    timer.async_wait([weak = std::weak_ptr(session), &loop = connection_->loop()](const error_code& error) {
      if (!error) cancel_until_gone(loop, weak);
    });
    cancel_when_hung_up(connection_, session);
    const auto call = [&] { return context_.routes.answer(request, session.get()); };
    Response response = co_await net::run_blocking(context_.statement_pool, call);
    co_return response;
  }

  // The time limit is for each piece that the client takes, not for the whole.
  net::awaitable<bool> write(Response& response, ResponseStyle style) {
    HttpResponse out = to_http(response, style);
    bhttp::response_serializer<bhttp::string_body> serializer(out);
    while (!serializer.is_done()) {
      deadline_.arm(options_.write_timeout);
      const auto [error, bytes] = co_await bhttp::async_write_some(connection_->socket(), serializer, kAwait);
      if (error) co_return false;
    }
    deadline_.disarm();
    co_return true;
  }

  // Tells what is wrong, as the last thing. What the client still sends is thrown away: closing with it unread would
  // make the kernel reset the connection before the client has read the answer.
  net::awaitable<void> refuse() {
    Response response{.reply = *std::exchange(problem_, std::nullopt)};
    const bool written = co_await write(response, {});
    if (!written) co_return;
    error_code ignored;
    connection_->socket().shutdown(net::tcp::socket::shutdown_send, ignored);
    deadline_.arm(kLinger);
    std::array<char, 16 << 10> rest;
    for (;;) {
      const auto [error, bytes] = co_await connection_->socket().async_read_some(net::asio::buffer(rest), kAwait);
      if (error) co_return;
    }
  }

  const std::shared_ptr<net::Connection> connection_;
  HttpContext& context_;
  const HttpServerOptions& options_;
  Deadline deadline_;
  beast::flat_buffer buffer_;
  Request request_;
  MemoryReservation body_memory_;
  std::optional<Reply> problem_;
  const std::shared_ptr<Phase> phase_ = std::make_shared<Phase>(Phase::kIdle);
};

}  // namespace

std::string too_many_connections() {
  Response response{.reply =
                        Api::error_reply(Error(ErrorCode::kUnavailable, "too many connections").hint("try again"))};
  std::ostringstream text;
  text << to_http(response, {});
  return text.str();
}

net::awaitable<void> serve_connection(std::shared_ptr<net::Connection> connection, HttpContext& context) {
  HttpConnection served(std::move(connection), context);
  co_await served.serve();
}

}  // namespace penstock::http
