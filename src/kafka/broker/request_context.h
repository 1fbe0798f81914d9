// One request on its way through the broker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/result.h"
#include "kafka/append_gatherer.h"
#include "kafka/broker/metrics.h"
#include "kafka/executor.h"
#include "kafka/protocol/header.h"

namespace penstock::kafka {

struct Broker;

// What the connections of one event loop share.
struct Loop {
  std::shared_ptr<Executor> executor;
  std::shared_ptr<AppendGatherer> appends;
};

// Lives until it is answered, shared by whatever works on it. Everything but the constants is used on the
// connection's loop only.
class RequestContext {
 public:
  // An answer to send, nothing to send (produce with acks=0), or an error that closes the connection.
  using Answer = std::variant<std::monostate, protocol::Encoded, Error>;
  using Done = std::move_only_function<void(Answer)>;

  RequestContext(Broker& broker, Loop loop, ApiMetrics& metrics, protocol::RequestHeader header, std::string peer)
      : broker(broker),
        executor(std::move(loop.executor)),
        appends(std::move(loop.appends)),
        metrics(metrics),
        header(std::move(header)),
        peer(std::move(peer)) {}

  int16_t version() const { return header.prefix.api_version; }

  // Who is told the answer; set once, before the handler runs.
  void on_finished(Done done) { done_ = std::move(done); }
  // Answers; what comes after the first answer is ignored.
  void finish(Answer answer) {
    on_cancel = nullptr;
    if (done_) std::exchange(done_, nullptr)(std::move(answer));
  }
  bool finished() const { return !done_; }
  // Tells a request that waits (a long poll, a join) to answer now with what there is: its connection is about to go.
  void cancel() {
    if (on_cancel) std::exchange(on_cancel, nullptr)();
  }

  Broker& broker;
  const std::shared_ptr<Executor> executor;
  const std::shared_ptr<AppendGatherer> appends;
  ApiMetrics& metrics;
  const protocol::RequestHeader header;
  const std::string peer;
  std::string_view body;              // after the header
  std::shared_ptr<const void> frame;  // owns the body's bytes, which are writable and this request's alone
  std::function<void()> on_cancel;    // set by handlers that wait
  bool more_follows = false;          // the client sends further requests before this one is answered

 private:
  Done done_;
};

// Answers a request with its API's response. Copyable; called on the connection's loop.
template <class Response>
class Reply {
 public:
  explicit Reply(std::shared_ptr<RequestContext> context) : context_(std::move(context)) {}

  void operator()(const Response& response) const;  // handler_impl.h
  void nothing() const { context_->finish(std::monostate()); }
  bool sent() const { return context_->finished(); }

 private:
  std::shared_ptr<RequestContext> context_;
};

}  // namespace penstock::kafka
