#include "kafka/connection.h"

#include <algorithm>
#include <functional>
#include <vector>

#include "base/logging.h"
#include "base/time.h"
#include "net/memory_wait.h"

namespace penstock::kafka {
namespace {

namespace asio = net::asio;
using boost::system::error_code;
using net::awaitable;
using net::kAwait;

constexpr auto kForever = asio::steady_timer::time_point::max();

}  // namespace

KafkaConnection::KafkaConnection(Broker& broker, Loop loop, std::shared_ptr<net::Connection> connection)
    : broker_(broker),
      loop_(std::move(loop)),
      connection_(std::move(connection)),
      frames_(broker.options.request_bytes_max),
      memory_(&broker.request_memory),
      changed_(connection_->loop().context(), kForever),
      deadline_(connection_->loop(), [this] { timed_out(); }),
      write_deadline_(connection_->loop(), [this] { takes_nothing(); }) {}

awaitable<void> KafkaConnection::run() {
  connection_->on_drain([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->drain();
  });
  connection_->on_close([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->stop();
  });
  for (;;) {
    std::optional<Frame> frame = co_await read_frame();
    if (!frame) break;
    const bool goes_on = co_await serve(*std::move(frame));
    if (!goes_on) break;
  }
  // A shutdown lets what was begun be answered; a client that has gone does not wait for it.
  if (connection_->draining()) co_await wait_until_no_more_than(0, 0);
  stop();
}

// --- reading ---

awaitable<std::optional<Frame>> KafkaConnection::read_frame() {
  for (;;) {
    if (stopped_ || connection_->draining()) co_return std::nullopt;
    auto frame = frames_.next();
    if (!frame) {
      log_bad_request(frame.error());
      co_return std::nullopt;
    }
    if (*frame) co_return std::move(*frame);
    if (drained_ && !frames_.in_frame()) {
      while (request_bytes_ > 0 && !stopped_) co_await changed();
      if (stopped_ || connection_->draining()) co_return std::nullopt;
    }
    const bool goes_on = co_await read_some();
    if (!goes_on) co_return std::nullopt;
  }
}

awaitable<bool> KafkaConnection::read_some() {
  if (!memory_.try_resize(frames_.large_bytes())) {
    const bool there_is_some = co_await wait_for_memory();
    if (!there_is_some) co_return false;
  }
  // A frame's time runs from its beginning, the time between frames from the last one.
  if (const bool in_frame = frames_.in_frame(); !in_frame || !in_frame_) {
    in_frame_ = in_frame;
    const auto& options = broker_.options;
    deadline_.move_to(asio::steady_timer::clock_type::now() +
                      (in_frame ? options.frame_timeout : options.connection_idle_timeout));
  }
  const auto space = frames_.writable();
  auto [error, bytes] =
      co_await connection_->socket().async_read_some(asio::buffer(space.data(), space.size()), kAwait);
  if (error) co_return false;
  broker_.metrics.bytes_in.add(bytes);
  frames_.received(bytes);
  drained_ = bytes < space.size();
  co_return true;
}

// The client's own time stands still meanwhile, since nothing is read from it.
awaitable<bool> KafkaConnection::wait_for_memory() {
  deadline_.clear();
  in_frame_ = false;
  broker_.metrics.memory_waits.add();
  const size_t wanted = frames_.large_bytes();
  const std::function<bool()> ended = [this] { return stopped_ || connection_->draining(); };
  const bool there_is_some = co_await net::wait_for_memory(memory_, wanted, broker_.options.frame_timeout, ended);
  if (!there_is_some && !ended()) {
    const MemoryBudget& budget = broker_.request_memory;
    log_bad_request(make_error(ErrorCode::kResourceExhausted,
                               "there is no memory for a request of {} bytes: others take {} of {}", wanted,
                               budget.used_bytes(), budget.limit_bytes()));
  }
  co_return there_is_some;
}

void KafkaConnection::timed_out() {
  if (in_frame_) {
    log_closed("a request stopped in its middle");
  } else {
    logging::debug("closing an idle kafka connection", {{"peer", connection_->peer()}});
  }
  stop();
}

awaitable<bool> KafkaConnection::serve(Frame frame) {
  deadline_.clear();
  in_frame_ = false;
  const auto dispatched = dispatch(broker_, loop_, frame.bytes, std::move(frame.owner), connection_->peer());
  if (!dispatched) {
    log_bad_request(dispatched.error());
    co_return false;
  }
  const bool pipelined = dispatched->handler->pipelined;
  if (!pipelined) co_await wait_until_no_more_than(0, 0);
  if (stopped_) co_return false;

  MemoryReservation memory = std::exchange(memory_, MemoryReservation(&broker_.request_memory));
  if (!memory.try_resize(frame.bytes.size())) {
    co_await wait_until_no_more_than(0, 0);
    if (stopped_) co_return false;
    memory.force_resize(frame.bytes.size());
  }
  const auto slot = std::make_shared<Slot>();
  slot->context = dispatched->context;
  if (request_bytes_ > 0) sends_ahead_ = true;
  slot->context->more_follows = sends_ahead_;
  slot->request_bytes = frame.bytes.size();
  slot->memory = std::move(memory);
  slot->response_memory = MemoryReservation(&broker_.response_memory);
  slot->started_us = monotonic_time_us();
  slots_.push_back(slot);
  request_bytes_ += slot->request_bytes;
  slot->context->on_finished(
      [self = shared_from_this(), slot](RequestContext::Answer answer) { self->finished(slot, std::move(answer)); });
  dispatched->handler->run(slot->context);

  const auto& options = broker_.options;
  if (pipelined) {
    co_await wait_until_no_more_than(options.pipelined_requests_max - 1, options.pipelined_bytes_max);
  } else {
    while (!slot->answered && !stopped_) co_await changed();
  }
  while (must_read_first() && !stopped_) co_await changed();
  co_return !stopped_;
}

bool KafkaConnection::must_read_first() const {
  const MemoryBudget& budget = broker_.response_memory;
  const size_t left = budget.limit_bytes() - std::min(budget.used_bytes(), budget.limit_bytes());
  return response_bytes_ > std::min(left, broker_.options.response_bytes_max);
}

awaitable<void> KafkaConnection::wait_until_no_more_than(size_t slots, size_t request_bytes) {
  while (!stopped_ && (slots_.size() > slots || request_bytes_ > request_bytes)) co_await changed();
}

awaitable<void> KafkaConnection::changed() { co_await changed_.async_wait(kAwait); }

// --- answering ---

void KafkaConnection::finished(const SlotPtr& slot, RequestContext::Answer answer) {
  slot->answered = true;
  request_bytes_ -= slot->request_bytes;
  // Looked at before the answers go out, which a client that waits for them would react to.
  if (request_bytes_ == 0) sends_ahead_ = bytes_wait();
  slot->context->metrics.latency_us.record(static_cast<uint64_t>(monotonic_time_us() - slot->started_us));
  slot->context.reset();
  slot->memory = MemoryReservation();
  if (const auto* error = std::get_if<Error>(&answer)) {
    log_bad_request(*error);
    stop();
  } else if (auto* response = std::get_if<protocol::Encoded>(&answer)) {
    slot->response = std::move(*response);
    response_bytes_ += slot->response.size();
    slot->response_memory.force_resize(slot->response.size());
  }
  write_answers_soon();
  notify();
}

// Whether the client has sent something that was not read yet.
bool KafkaConnection::bytes_wait() const {
  if (frames_.in_frame()) return true;
  error_code error;
  return connection_->socket().available(error) > 0 && !error;
}

void KafkaConnection::write_answers_soon() {
  if (std::exchange(will_write_, true)) return;
  loop_.executor->post([self = shared_from_this()] {
    self->will_write_ = false;
    self->write_answers();
  });
}

// Writes all answers at the front of the order at once, straight from where their bytes lie.
void KafkaConnection::write_answers() {
  if (writing_ || stopped_) return;
  constexpr size_t kPiecesMax = 256;
  std::vector<asio::const_buffer> buffers;
  size_t slots = 0;
  for (; slots < slots_.size() && slots_[slots]->answered && buffers.size() < kPiecesMax; ++slots) {
    for (const auto piece : slots_[slots]->response.pieces()) buffers.emplace_back(piece.data(), piece.size());
  }
  if (slots == 0) return;
  writing_ = true;
  if (buffers.empty()) return written(slots, {}, 0);
  asio::async_write(
      connection_->socket(), buffers,
      [self = shared_from_this()](const error_code& error, size_t bytes) {
        self->expect_progress();
        return asio::transfer_all()(error, bytes);
      },
      [self = shared_from_this(), slots](const error_code& error, size_t bytes) {
        self->written(slots, error, bytes);
      });
}

void KafkaConnection::written(size_t slots, const error_code& error, size_t bytes) {
  writing_ = false;
  write_deadline_.clear();
  broker_.metrics.bytes_out.add(bytes);
  for (; slots > 0; --slots) {
    response_bytes_ -= slots_.front()->response.size();
    slots_.front()->response_memory = MemoryReservation();  // serve() may still hold the slot
    slots_.pop_front();
  }
  if (error) stop();
  write_answers();
  notify();
}

// Asked for before each piece of a write.
void KafkaConnection::expect_progress() {
  if (!stopped_) write_deadline_.move_to(asio::steady_timer::clock_type::now() + broker_.options.write_timeout);
}

void KafkaConnection::takes_nothing() {
  broker_.metrics.slow_readers.add();
  log_closed("the client does not read its answers");
  stop();
}

// --- ending ---

void KafkaConnection::log_bad_request(const Error& error) {
  broker_.metrics.bad_requests.add();
  log_closed(error.to_string());
}

void KafkaConnection::log_closed(std::string_view why) {
  const auto held_back = broker_.closed_log.pass();
  if (!held_back) return;
  logging::warning("closing a kafka connection",
                   {{"peer", connection_->peer()}, {"why", why}, {"not_logged", *held_back}});
}

// A graceful shutdown: no further request is read, and one that waits for something answers with what there is.
void KafkaConnection::drain() {
  error_code ignored;
  connection_->socket().shutdown(net::tcp::socket::shutdown_receive, ignored);  // ends a read, not a write
  const auto slots = slots_;
  for (const auto& slot : slots) {
    if (slot->context != nullptr) slot->context->cancel();
  }
  notify();
}

void KafkaConnection::stop() {
  if (stopped_) return;
  write_answers();  // as far as the socket takes them
  stopped_ = true;
  drain();
  for (const auto& slot : slots_) {
    if (slot->context != nullptr) slot->context->on_finished(nullptr);  // nobody waits for its answer any more
  }
  deadline_.clear();
  write_deadline_.clear();
  connection_->close();
}

}  // namespace penstock::kafka
