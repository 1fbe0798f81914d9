#include "exec/input_gate.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace penstock::exec {

InputGate::InputGate(const std::vector<std::vector<Input>>& ports, std::optional<int> loaded_port)
    : loading_port_(loaded_port) {
  size_t steps = 0;
  for (size_t port = 0; port < ports.size(); ++port) {
    for (const Input& input : ports[port]) {
      inputs_.push_back({.channel = input.channel, .port = static_cast<int>(port), .step = input.step});
      steps = std::max(steps, input.step + 1);
    }
  }
  steps_.resize(steps);
  PENSTOCK_CHECK(!inputs_.empty(), "a gate without channels");
}

std::optional<InputGate::Event> InputGate::poll() {
  if (std::exchange(watermark_due_, false)) {
    if (std::optional<Event> event = merged_watermark()) return event;
  }
  size_t empty_in_a_row = 0;
  while (empty_in_a_row < inputs_.size()) {
    State& input = inputs_[next_];
    next_ = next_ + 1 == inputs_.size() ? 0 : next_ + 1;
    std::optional<Message> message;
    if (may_read(input)) message = input.channel->try_pop();
    if (!message) {
      ++empty_in_a_row;
      continue;
    }
    empty_in_a_row = 0;
    if (std::optional<Event> event = take(input, std::move(*message))) return event;
  }
  return std::nullopt;
}

bool InputGate::may_read(const State& input) const {
  if (input.parked || input.ended) return false;
  if (loading_port_ && input.port != *loading_port_) return false;
  return input.watermark <= steps_[input.step].least;
}

void InputGate::refuse_data() {
  for (State& input : inputs_) input.channel->refuse_data();
}

std::optional<InputGate::Event> InputGate::take(State& input, Message message) {
  if (std::holds_alternative<columnar::ChangeBatch>(message)) return Event{input.port, std::move(message)};
  if (const auto* watermark = std::get_if<Watermark>(&message)) {
    input.watermark = std::max(input.watermark, watermark->time);
    input.idle = watermark->idle;
    note_step(input.step);
    note_loaded();
    return merged_watermark();
  }
  if (const auto* barrier = std::get_if<Barrier>(&message)) {
    PENSTOCK_CHECK(!barrier_ || *barrier_ == barrier->epoch, "barriers of different epochs meet");
    barrier_ = barrier->epoch;
    input.parked = true;
    note_step(input.step);
    return aligned_barrier();
  }
  input.ended = true;
  input.watermark = kMaxEventTime;
  note_step(input.step);
  note_loaded();
  if (std::ranges::all_of(inputs_, &State::ended)) return Event{kAllPorts, EndOfInput{}};
  // The others may have waited for this channel only.
  if (std::optional<Event> barrier = aligned_barrier()) {
    watermark_due_ = true;
    return barrier;
  }
  return merged_watermark();
}

void InputGate::note_step(size_t step) {
  Step noted{.least = kMaxEventTime, .idle = true};
  for (const State& input : inputs_) {
    if (input.step != step || input.ended) continue;
    if (!input.parked) noted.least = std::min(noted.least, input.watermark);
    noted.idle = noted.idle && input.idle;
  }
  steps_[step] = noted;
}

void InputGate::note_loaded() {
  const bool loading = std::ranges::any_of(
      inputs_, [&](const State& input) { return input.port == loading_port_ && input.watermark != kMaxEventTime; });
  if (!loading) loading_port_.reset();
}

std::optional<InputGate::Event> InputGate::aligned_barrier() {
  if (!barrier_) return std::nullopt;
  if (!std::ranges::all_of(inputs_, [](const State& input) { return input.parked || input.ended; })) {
    return std::nullopt;
  }
  for (State& input : inputs_) input.parked = false;
  for (size_t step = 0; step < steps_.size(); ++step) note_step(step);
  return Event{kAllPorts, Barrier{*std::exchange(barrier_, std::nullopt)}};
}

EventTime InputGate::reached_by_idle() const {
  EventTime least = kMaxEventTime;
  for (auto input = inputs_.begin(); input != inputs_.end();) {
    const int port = input->port;
    EventTime furthest = kMinEventTime;
    bool any = false;
    for (; input != inputs_.end() && input->port == port; ++input) {
      if (input->watermark == kMaxEventTime) continue;
      any = true;
      furthest = std::max(furthest, input->watermark);
    }
    if (any) least = std::min(least, furthest);
  }
  return least;
}

std::optional<InputGate::Event> InputGate::merged_watermark() {
  EventTime least = kMaxEventTime;
  bool any_active = false;
  bool any_idle = false;
  for (const State& input : inputs_) {
    if (input.watermark == kMaxEventTime) continue;
    if (steps_[input.step].idle) {
      any_idle = true;
    } else {
      any_active = true;
      least = std::min(least, input.watermark);
    }
  }
  Watermark merged = watermark_;
  merged.idle = any_idle && !any_active;
  merged.time = std::max(watermark_.time, merged.idle ? reached_by_idle() : least);
  if (merged == watermark_) return std::nullopt;
  watermark_ = merged;
  return Event{kAllPorts, merged};
}

}  // namespace penstock::exec
