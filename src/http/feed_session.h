// The subscriptions of one WebSocket, as docs/http-api.md describes them. No networking: text comes in, text goes out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/memory.h"
#include "base/result.h"
#include "http/api.h"
#include "view/view.h"

namespace penstock::http {

struct FeedSessionOptions {
  size_t subscriptions_max = 256;
  size_t subscription_rows_max = 100'000;  // of waiting changes, before a new snapshot is sent in their place
  size_t rows_per_message = 2'000;
  size_t answers_bytes_max = 64 << 10;  // of errors that wait to be sent, before nothing more is read
  MemoryBudget* memory = nullptr;       // of the changes that wait for all slow clients; outlives the session
};

// Used on one thread; `wake` is called from any thread whenever next_message() may have something.
class FeedSession {
 public:
  FeedSession(Api& api, FeedSessionOptions options, std::function<void()> wake);

  // Takes a message of the client. What is wrong with it is answered with an error message.
  void receive(std::string_view text);

  // False while so many answers wait that the client should not be heard before it has read some.
  bool can_receive() const { return answers_.size() < options_.answers_bytes_max; }

  // The next message for the client; nullopt when there is none for now. Subscriptions take turns.
  std::optional<std::string> next_message();

  // A second has passed; the views or alerts have changed.
  void tick();
  void views_changed();
  void alerts_changed();

  // Whether tick() is wanted.
  bool wants_ticks() const;

 private:
  enum class Channel : uint8_t { kView, kStatus, kAlerts, kViews };
  struct Subscription {
    Channel channel = Channel::kView;
    bool due = true;  // of the channels but views: there is something to tell
    std::shared_ptr<view::View> view;
    std::unique_ptr<view::ChangeFeed> feed;
  };

  void subscribe(int64_t id, std::string_view view, std::string_view channel);
  std::optional<std::string> next_of(int64_t id, Subscription& subscription, bool* ended);
  std::string update_message(int64_t id, const Subscription& subscription, const view::FeedUpdate& update) const;
  void mark_due(Channel channel);
  void answer_error(std::optional<int64_t> id, const Error& error);

  Api& api_;
  const FeedSessionOptions options_;
  const std::function<void()> wake_;
  std::map<int64_t, Subscription> subscriptions_;
  std::map<int64_t, Subscription>::iterator turn_ = subscriptions_.end();
  std::string answers_;  // error messages, one a line, to be sent first
};

}  // namespace penstock::http
