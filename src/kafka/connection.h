// One client's connection: reads requests, hands them to the broker, and writes the answers in the requests' order.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "base/memory.h"
#include "kafka/broker/broker.h"
#include "kafka/broker/dispatch.h"
#include "kafka/executor.h"
#include "kafka/frame_reader.h"
#include "net/deadline.h"
#include "net/listener.h"

namespace penstock::kafka {

// Lives on its event loop, shared by its coroutine and by requests that are not answered yet.
//
// Requests are worked on one at a time, as clients expect of a broker, with one exception: a produce request may start
// while earlier ones still wait for the disk, up to the limits of the options. Answers that a slow reader has not taken
// are bounded too: above the limit nothing more is read, and one that takes nothing for long is closed.
//
// A client that sends many small produce requests is read in rounds: once all that it has sent is on its way to the
// disk, nothing is read before that is answered. What it sends in the meantime could not be a part of the commit that
// is under way; read together, it costs one read, one append and one write of answers in place of one for each request.
//
// Memory: a large request is read only when there is room for it in the budget of all connections. A small one is
// always read, so that nobody is shut out by the large ones of others, but for pipelining there must be room as well.
class KafkaConnection : public std::enable_shared_from_this<KafkaConnection> {
 public:
  KafkaConnection(Broker& broker, Loop loop, std::shared_ptr<net::Connection> connection);

  // Serves until the client leaves, sends what cannot be read, or the server shuts down.
  net::awaitable<void> run();

 private:
  // A request's place in the order of answers.
  struct Slot {
    ContextPtr context;
    size_t request_bytes = 0;
    MemoryReservation memory;           // for the request, until it is answered
    MemoryReservation response_memory;  // for the response, until it is written
    int64_t started_us = 0;
    bool answered = false;
    protocol::Encoded response;  // empty: nothing is sent
  };
  using SlotPtr = std::shared_ptr<Slot>;

  // The next request; nullopt when there is none any more.
  net::awaitable<std::optional<Frame>> read_frame();
  net::awaitable<bool> read_some();
  net::awaitable<bool> wait_for_memory();
  void timed_out();
  // Works on one request, and waits as far as the next one has to wait for it; false when the connection must end.
  net::awaitable<bool> serve(Frame frame);
  net::awaitable<void> wait_until_no_more_than(size_t slots, size_t request_bytes);
  // Whether the client has to take answers before it may ask for more.
  bool must_read_first() const;
  net::awaitable<void> changed();
  void notify() { changed_.cancel(); }

  bool bytes_wait() const;
  void finished(const SlotPtr& slot, RequestContext::Answer answer);
  // Writes the answers when the loop has done what else is to be done now: so those of a round go out together.
  void write_answers_soon();
  void write_answers();
  void expect_progress();
  void takes_nothing();
  void written(size_t slots, const boost::system::error_code& error, size_t bytes);
  void log_bad_request(const Error& error);
  void log_closed(std::string_view why);
  void drain();
  void stop();

  Broker& broker_;
  const Loop loop_;
  const std::shared_ptr<net::Connection> connection_;
  FrameReader frames_;
  MemoryReservation memory_;         // for the large frame that is being read
  net::asio::steady_timer changed_;  // cancelled when a slot was answered or written, or the end has come
  net::Deadline deadline_;           // of what is being read
  bool in_frame_ = false;            // what that is: the rest of a frame, or the next one
  bool drained_ = false;             // the last read took all that was there
  bool sends_ahead_ = false;         // the client sends requests before those before them are answered
  net::Deadline write_deadline_;     // of what is being written
  std::deque<SlotPtr> slots_;        // in the order of the requests; gone once written
  size_t request_bytes_ = 0;         // of the slots that are not answered
  size_t response_bytes_ = 0;        // of those that are
  bool writing_ = false;
  bool will_write_ = false;
  bool stopped_ = false;  // nothing is read or written any more
};

}  // namespace penstock::kafka
