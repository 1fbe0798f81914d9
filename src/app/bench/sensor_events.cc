#include "app/bench/sensor_events.h"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::app {
namespace {

constexpr int64_t kEventsPerMs = 100;
constexpr uint64_t kLatenessMs = 2000;
constexpr int64_t kDayMs = 86'400'000;

}  // namespace

// SplitMix64.
uint64_t SensorEventGenerator::next_random() {
  uint64_t z = random_state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

SensorEvent SensorEventGenerator::next() {
  const uint64_t who = next_random();
  const uint64_t what = next_random();
  SensorEvent event;
  event.sensor = static_cast<int32_t>(who % static_cast<uint64_t>(sensors_));
  event.time_ms = generated_++ / kEventsPerMs;
  if ((who >> 32) % 10 == 0) {
    event.time_ms = std::max<int64_t>(0, event.time_ms - static_cast<int64_t>((who >> 40) % (kLatenessMs + 1)));
  }
  event.temperature_hundredths = static_cast<int32_t>(what % 6000) - 2000;
  event.humidity_hundredths = static_cast<int32_t>((what >> 32) % 10'001);
  return event;
}

std::string_view SensorEventGenerator::to_json(const SensorEvent& event) {
  const auto written = fmt::format_to_n(
      text_.data(), text_.size(), R"({{"sensor_id":"{}","temperature":{},"humidity":{},"ts":"{}"}})",
      sensor_name(event.sensor), event.temperature(), event.humidity(), sensor_time_text(event.time_ms));
  return {text_.data(), std::min(written.size, text_.size())};
}

std::string sensor_time_text(int64_t time_ms, char separator) {
  const int64_t of_day = time_ms % kDayMs;
  return fmt::format("2026-01-{:02}{}{:02}:{:02}:{:02}.{:03}", 2 + time_ms / kDayMs, separator, of_day / 3'600'000,
                     of_day / 60'000 % 60, of_day / 1000 % 60, of_day % 1000);
}

std::string sensor_name(int32_t sensor) { return fmt::format("sensor-{:05}", sensor); }

void SensorWindows::add(const SensorEvent& event) {
  const auto window = static_cast<size_t>(event.time_ms / kSensorWindowMs);
  while (windows_.size() <= window) windows_.emplace_back(static_cast<size_t>(sensors_));
  Totals& totals = windows_[window][static_cast<size_t>(event.sensor)];
  if (totals.count++ == 0) ++rows_;
  totals.temperature += event.temperature();
  totals.humidity += event.humidity();
}

}  // namespace penstock::app
