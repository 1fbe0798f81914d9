#include "http/websocket.h"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace penstock::http {

namespace websocket = boost::beast::websocket;
using net::kAwait;

class WebSocket : public std::enable_shared_from_this<WebSocket> {
 public:
  WebSocket(std::shared_ptr<net::Connection> connection, WebSocketContext& context)
      : connection_(std::move(connection)),
        loop_(connection_->loop().shared_from_this()),
        context_(context),
        options_(context.options),
        stream_(connection_->socket()),
        wake_timer_(connection_->socket().get_executor()),
        write_deadline_(connection_->socket().get_executor()),
        changed_(connection_->socket().get_executor(), std::chrono::steady_clock::time_point::max()) {}

  net::awaitable<void> run(UpgradeRequest request) {
    session_.emplace(
        context_.api,
        FeedSessionOptions{.subscription_rows_max = options_.subscription_rows_max, .memory = &context_.memory},
        [weak = weak_from_this(), loop = std::weak_ptr(loop_)] {
          if (const auto l = loop.lock()) l->post([weak] { wake_if_there(weak); });
        });
    stream_.read_message_max(options_.websocket_message_bytes_max);
    stream_.set_option(websocket::stream_base::timeout{
        .handshake_timeout = options_.read_timeout, .idle_timeout = options_.idle_timeout, .keep_alive_pings = true});
    const auto [error] = co_await stream_.async_accept(request, kAwait);
    if (error) co_return;
    connection_->on_drain([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->close();
    });
    if (connection_->draining()) close();  // it began while the handshake was written
    reading_ = true;
    net::asio::co_spawn(connection_->socket().get_executor(), read(shared_from_this()), net::asio::detached);
    co_await write();
    session_.reset();
    connection_->close();
    while (reading_) co_await changed_.async_wait(kAwait);
  }

  // Any thread.
  void post(void (FeedSession::*action)()) {
    loop_->post([weak = weak_from_this(), action] {
      const auto self = weak.lock();
      if (self == nullptr || !self->session_) return;
      ((*self->session_).*action)();
      self->wake();
    });
  }

 private:
  static void wake_if_there(const std::weak_ptr<WebSocket>& weak) {
    if (const auto self = weak.lock()) self->wake();
  }

  void wake() {
    woken_ = true;
    wake_timer_.cancel();
  }

  void close() {
    closing_ = true;
    changed_.cancel();
    wake();
  }

  static net::awaitable<void> read(std::shared_ptr<WebSocket> self) {
    boost::beast::flat_buffer buffer;
    while (!self->closing_) {
      const auto [error, bytes] = co_await self->stream_.async_read(buffer, kAwait);
      if (error) break;
      const auto data = buffer.cdata();
      if (self->session_) self->session_->receive({static_cast<const char*>(data.data()), data.size()});
      buffer.consume(buffer.size());
      self->wake();
      while (!self->closing_ && self->session_ && !self->session_->can_receive()) {
        co_await self->changed_.async_wait(kAwait);
      }
    }
    self->reading_ = false;
    self->close();
  }

  // Only when a message has gone is the next one asked for: what waits for a slow client meanwhile is merged.
  net::awaitable<void> write() {
    auto next_tick = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    while (!closing_) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= next_tick) {
        session_->tick();
        next_tick = now + std::chrono::seconds(1);
      }
      woken_ = false;
      if (const std::optional<std::string> message = session_->next_message()) {
        const bool written = co_await write_message(*message);
        changed_.cancel();
        if (!written) break;
        continue;
      }
      if (woken_) continue;
      if (session_->wants_ticks()) {
        wake_timer_.expires_at(next_tick);
      } else {
        wake_timer_.expires_at(std::chrono::steady_clock::time_point::max());
      }
      co_await wake_timer_.async_wait(kAwait);
    }
    close();
    if (stream_.is_open()) {
      arm_write_deadline(options_.close_timeout);
      co_await stream_.async_close(websocket::close_code::going_away, kAwait);
      write_deadline_.cancel();
    }
  }

  net::awaitable<bool> write_message(const std::string& message) {
    MemoryReservation memory(&context_.memory);
    memory.force_resize(message.size());
    arm_write_deadline(options_.write_timeout);
    stream_.text(true);
    const auto [error, bytes] = co_await stream_.async_write(net::asio::buffer(message), kAwait);
    write_deadline_.cancel();
    co_return !error;
  }

  // A client that reads nothing for that long is let go.
  void arm_write_deadline(std::chrono::milliseconds after) {
    write_deadline_.expires_after(after);
    write_deadline_.async_wait([weak = std::weak_ptr(connection_)](const boost::system::error_code& error) {
      const auto connection = weak.lock();
      if (!error && connection != nullptr) connection->close();
    });
  }

  const std::shared_ptr<net::Connection> connection_;
  const std::shared_ptr<net::EventLoop> loop_;
  WebSocketContext& context_;
  const HttpServerOptions& options_;
  websocket::stream<net::tcp::socket&> stream_;
  net::asio::steady_timer wake_timer_;
  net::asio::steady_timer write_deadline_;
  net::asio::steady_timer changed_;  // never expires; cancelled when a message has gone or the end has come
  std::optional<FeedSession> session_;
  bool woken_ = false;
  bool reading_ = false;
  bool closing_ = false;
};

void WebSocketHub::add(std::weak_ptr<WebSocket> socket) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sockets_, [](const auto& weak) { return weak.expired(); });
  sockets_.push_back(std::move(socket));
}

template <class Action>
void WebSocketHub::for_each(Action action) {
  const std::lock_guard lock(mutex_);
  for (const auto& weak : sockets_) {
    if (const auto socket = weak.lock()) action(*socket);
  }
}

void WebSocketHub::views_changed() {
  for_each([](WebSocket& socket) { socket.post(&FeedSession::views_changed); });
}

void WebSocketHub::alerts_changed() {
  for_each([](WebSocket& socket) { socket.post(&FeedSession::alerts_changed); });
}

net::awaitable<void> serve_websocket(std::shared_ptr<net::Connection> connection, UpgradeRequest request,
                                     WebSocketContext& context) {
  const auto socket = std::make_shared<WebSocket>(std::move(connection), context);
  context.hub.add(socket);
  co_await socket->run(std::move(request));
}

}  // namespace penstock::http
