// A deadline that is moved often and reached seldom: moving it further is a store, not a timer.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "net/event_loop.h"

namespace penstock::net {

// Lives on one loop. Calls `reached` once each time that it is reached.
class Deadline {
 public:
  using Time = asio::steady_timer::time_point;

  Deadline(EventLoop& loop, std::function<void()> reached)
      : state_(std::make_shared<State>(loop.context(), std::move(reached))) {}

  void move_to(Time at) {
    state_->at = at;
    if (at < state_->armed) arm(state_);
  }
  void clear() { state_->at = kNever; }

 private:
  static constexpr Time kNever = Time::max();

  // Apart, so that a timer that fires late finds it gone.
  struct State {
    State(asio::io_context& context, std::function<void()> reached) : timer(context), reached(std::move(reached)) {}
    asio::steady_timer timer;
    const std::function<void()> reached;
    Time at = kNever;
    Time armed = kNever;  // when the timer fires
  };

  static void arm(const std::shared_ptr<State>& state) {
    state->armed = state->at;
    if (state->at == kNever) return;
    state->timer.expires_at(state->at);
    state->timer.async_wait([weak = std::weak_ptr(state)](boost::system::error_code error) {
      const auto state = weak.lock();
      if (error || state == nullptr) return;
      const bool reached = state->at <= asio::steady_timer::clock_type::now();
      if (reached) state->at = kNever;
      arm(state);
      if (reached) state->reached();
    });
  }

  std::shared_ptr<State> state_;
};

}  // namespace penstock::net
