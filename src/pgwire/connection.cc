#include "pgwire/connection.h"

#include <array>
#include <string>
#include <utility>

#include "base/logging.h"
#include "net/blocking_pool.h"
#include "net/hangup.h"
#include "net/run_blocking.h"

namespace penstock::pgwire {
namespace {

using boost::system::error_code;
using net::asio::buffer;
using std::chrono::milliseconds;

constexpr size_t kReadBytes = 16 * 1024;
// The output buffer of a large result is given back.
constexpr size_t kOutputKeptBytes = 256 * 1024;
constexpr milliseconds kHangupCheckInterval{250};
constexpr milliseconds kCancelAgainDelay{50};

// All of it is touched on the loop's thread, but for what Conversation promises to other threads.
class PgConnection : public std::enable_shared_from_this<PgConnection> {
 public:
  PgConnection(std::shared_ptr<ConnectionContext> context, std::shared_ptr<net::Connection> connection)
      : context_(std::move(context)),
        connection_(std::move(connection)),
        loop_(connection_->loop().shared_from_this()),
        conversation_(context_->engine, context_->cancels, options()),
        thread_("pg-session", 1) {}

  net::awaitable<void> serve() {
    connection_->on_drain([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->drain();
    });
    error_code ignored;
    connection_->socket().set_option(net::tcp::no_delay(true), ignored);
    connection_->socket().set_option(net::asio::socket_base::keep_alive(true), ignored);
    close_unless_established();

    for (;;) {
      watch_for_hangup();
      const auto step = co_await net::run_blocking(thread_, [this] { return conversation_.advance(output_); });
      process_id_ = conversation_.process_id();
      if (!output_.empty() && !co_await write_output()) break;
      if (step == Conversation::Step::kClose) break;
      if (step == Conversation::Step::kNeedInput && !co_await receive()) break;
    }
    if (connection_->draining()) co_await say_goodbye();
    connection_->on_drain(nullptr);
  }

 private:
  ConversationOptions options() {
    ConversationOptions options = context_->conversation;
    options.on_timed_statement = [this](uint64_t number, int64_t timeout_ms) {
      // On the statement's thread, which ends before this object does.
      loop_->run_after(milliseconds(timeout_ms), [weak = weak_from_this(), number] {
        const auto self = weak.lock();
        if (self == nullptr || !self->runs(number)) return;
        self->conversation_.running().timed_out = true;
        self->cancel_until_ended(number);
      });
    };
    return options;
  }

  net::awaitable<bool> write_output() {
    const auto [error, n] = co_await net::asio::async_write(connection_->socket(), buffer(output_), net::kAwait);
    output_.clear();
    if (output_.capacity() > kOutputKeptBytes) output_.shrink_to_fit();
    co_return !error;
  }

  // False at the end of the stream, or when the server shuts down.
  net::awaitable<bool> receive() {
    if (connection_->draining()) co_return false;
    receiving_ = true;
    const auto [error, n] = co_await connection_->socket().async_read_some(buffer(input_), net::kAwait);
    receiving_ = false;
    if (error) co_return false;
    conversation_.feed({input_.data(), n});
    co_return true;
  }

  // A statement must not go on for a client that is not there any more.
  void watch_for_hangup() {
    if (watching_) return;
    watching_ = true;
    loop_->run_after(kHangupCheckInterval, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self == nullptr) return;
      self->watching_ = false;
      const uint64_t running = self->conversation_.running().number;
      if (!self->connection_->socket().is_open()) return self->cancel_until_ended(running);
      if (running == 0) return;  // it is read from, or written to, and then it is seen
      if (net::peer_has_closed(self->connection_->socket().native_handle())) {
        self->cancel_until_ended(running);
      } else {
        self->watch_for_hangup();
      }
    });
  }

  void close_unless_established() {
    loop_->run_after(context_->startup_timeout, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self == nullptr || self->process_id_ != 0) return;
      logging::debug("closing a connection that sent no startup message", {{"peer", self->connection_->peer()}});
      self->connection_->close();
    });
  }

  bool runs(uint64_t number) const { return number != 0 && conversation_.running().number == number; }

  // A statement may not have reached the engine yet, which then hears nothing of the cancellation: tries until it ends.
  void cancel_until_ended(uint64_t number) {
    if (!runs(number)) return;
    context_->cancels.cancel(process_id_);
    loop_->run_after(kCancelAgainDelay, [weak = weak_from_this(), number] {
      if (const auto self = weak.lock()) self->cancel_until_ended(number);
    });
  }

  void drain() {
    error_code ignored;
    if (receiving_) {
      connection_->socket().cancel(ignored);
      return;
    }
    loop_->run_after(milliseconds(context_->drain_cancel_ms.load()), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->cancel_until_ended(self->conversation_.running().number);
    });
  }

  net::awaitable<void> say_goodbye() {
    Conversation::write_shutdown(output_);
    co_await write_output();
  }

  const std::shared_ptr<ConnectionContext> context_;
  const std::shared_ptr<net::Connection> connection_;
  const std::shared_ptr<net::EventLoop> loop_;
  Conversation conversation_;
  int32_t process_id_ = 0;  // of the conversation, once it is established
  bool receiving_ = false;
  bool watching_ = false;
  std::array<char, kReadBytes> input_{};
  std::string output_;
  net::BlockingPool thread_;
};

}  // namespace

net::awaitable<void> serve_connection(std::shared_ptr<ConnectionContext> context,
                                      std::shared_ptr<net::Connection> connection) {
  const auto client = std::make_shared<PgConnection>(std::move(context), std::move(connection));
  co_await client->serve();
}

}  // namespace penstock::pgwire
