#include "pgwire/connection.h"

#include <array>
#include <functional>
#include <string>
#include <utility>

#include "base/logging.h"
#include "net/blocking_pool.h"
#include "net/deadline.h"
#include "net/hangup.h"
#include "net/memory_wait.h"
#include "net/run_blocking.h"

namespace penstock::pgwire {
namespace {

using boost::system::error_code;
using net::asio::buffer;
using std::chrono::milliseconds;

using Clock = net::asio::steady_timer::clock_type;

constexpr size_t kReadBytes = 16 * 1024;
// The output buffer of a large result is given back.
constexpr size_t kOutputKeptBytes = 256 * 1024;
// Messages up to this size are not accounted.
constexpr size_t kSmallMessageBytes = 64 * 1024;
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
        input_memory_(&context_->memory),
        message_deadline_(*loop_, [this] { close("a message stopped in its middle"); }),
        write_deadline_(*loop_, [this] { close("the client does not read its answers"); }),
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
    const auto until_all_is_sent = [this](const error_code& failed, size_t sent) {
      write_deadline_.move_to(Clock::now() + context_->write_timeout);
      return net::asio::transfer_all()(failed, sent);
    };
    const auto bytes = static_cast<int64_t>(output_.size());
    context_->output_bytes.add(bytes);
    const auto [error, n] =
        co_await net::asio::async_write(connection_->socket(), buffer(output_), until_all_is_sent, net::kAwait);
    context_->output_bytes.add(-bytes);
    write_deadline_.clear();
    output_.clear();
    if (output_.capacity() > kOutputKeptBytes) output_.shrink_to_fit();
    co_return !error;
  }

  // False at the end of the stream, or when the server shuts down.
  net::awaitable<bool> receive() {
    if (connection_->draining()) co_return false;
    conversation_.trim_input();
    const size_t message_bytes = conversation_.incomplete_bytes();
    const size_t wanted = message_bytes > kSmallMessageBytes ? message_bytes : 0;
    if (!input_memory_.try_resize(wanted)) {
      const bool there_is_some = co_await wait_for_memory(wanted);
      if (!there_is_some) co_return false;
      messages_ = 0;  // the message's time begins now
    }
    conversation_.make_room();
    expect_rest_of_message();
    receiving_ = true;
    const auto [error, n] = co_await connection_->socket().async_read_some(buffer(input_), net::kAwait);
    receiving_ = false;
    message_deadline_.clear();
    if (error) co_return false;
    conversation_.feed({input_.data(), n});
    co_return true;
  }

  // Meanwhile the client is not read, and its own time stands still.
  net::awaitable<bool> wait_for_memory(size_t bytes) {
    const std::function<bool()> ended = [this] { return !connection_->socket().is_open() || connection_->draining(); };
    const bool there_is_some = co_await net::wait_for_memory(input_memory_, bytes, context_->message_timeout, ended);
    if (!there_is_some && !ended()) {
      Conversation::write_no_memory(output_, bytes);
      co_await write_output();
      close("there is no memory for its message");
    }
    co_return there_is_some;
  }

  // The time of a message runs from its beginning; between messages a client may be silent for as long as it likes.
  void expect_rest_of_message() {
    if (conversation_.unread().empty() || !conversation_.established()) return;
    if (messages_ != conversation_.messages()) {
      messages_ = conversation_.messages();
      message_end_ = Clock::now() + context_->message_timeout;
    }
    message_deadline_.move_to(message_end_);
  }

  void close(std::string_view why) {
    if (const auto held_back = context_->closed_log.pass()) {
      logging::warning("closing a pg connection",
                       {{"peer", connection_->peer()}, {"why", why}, {"not_logged", *held_back}});
    }
    connection_->close();
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
    // What does not end by itself need not be waited for.
    const bool live = conversation_.running().live;
    loop_->run_after(milliseconds(live ? 0 : context_->drain_cancel_ms.load()), [weak = weak_from_this()] {
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
  MemoryReservation input_memory_;  // for a large message that is read or worked on
  net::Deadline message_deadline_;
  net::Deadline write_deadline_;
  uint64_t messages_ = 0;  // how many had come when the one that is being read began
  Clock::time_point message_end_;
  net::BlockingPool thread_;
};

}  // namespace

net::awaitable<void> serve_connection(std::shared_ptr<ConnectionContext> context,
                                      std::shared_ptr<net::Connection> connection) {
  const auto client = std::make_shared<PgConnection>(std::move(context), std::move(connection));
  co_await client->serve();
}

}  // namespace penstock::pgwire
