// The input of the windows case, and a plain recomputation of its result.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::app {

inline constexpr int64_t kSensorWindowMs = 10'000;

struct SensorEvent {
  int32_t sensor = 0;
  int64_t time_ms = 0;  // since the start of the generated time, which is the start of a window
  int32_t temperature_hundredths = 0;
  int32_t humidity_hundredths = 0;

  double temperature() const { return temperature_hundredths / 100.0; }
  double humidity() const { return humidity_hundredths / 100.0; }
};

// Deterministic: 100 events per millisecond, each from a random one of the sensors, a tenth of them up to two seconds
// out of order.
class SensorEventGenerator {
 public:
  explicit SensorEventGenerator(int32_t sensors) : sensors_(sensors) {}

  SensorEvent next();
  // The JSON of an event, about 100 bytes; valid until the next call.
  std::string_view to_json(const SensorEvent& event);

 private:
  uint64_t next_random();

  const int32_t sensors_;
  uint64_t random_state_ = 1;
  int64_t generated_ = 0;
  std::array<char, 192> text_{};
};

// "2026-01-02T03:04:05.678": a generated time as it stands in events, with another `separator` as SQL prints it.
std::string sensor_time_text(int64_t time_ms, char separator = 'T');
std::string sensor_name(int32_t sensor);

// COUNT and AVG per sensor and window, as a program without any engine would write it.
class SensorWindows {
 public:
  explicit SensorWindows(int32_t sensors) : sensors_(sensors) {}

  struct Totals {
    int64_t count = 0;
    double temperature = 0;
    double humidity = 0;
  };

  void add(const SensorEvent& event);
  // How many windows and sensors have had an event together.
  int64_t rows() const { return rows_; }
  int64_t windows() const { return static_cast<int64_t>(windows_.size()); }
  // Of one window, by sensor; a count of 0 is no row.
  const std::vector<Totals>& totals(int64_t window) const { return windows_[static_cast<size_t>(window)]; }

 private:
  const int32_t sensors_;
  int64_t rows_ = 0;
  std::vector<std::vector<Totals>> windows_;
};

}  // namespace penstock::app
