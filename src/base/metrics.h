// Counters, gauges and histograms, and the registry that prints them in Prometheus' text format.
//
// A metric is made once (at start-up, or when its topic, view or job is made) and kept by reference: updating
// one is an atomic add, without a look-up. Names follow Prometheus: penstock_<module>_<what>_<unit>[_total].
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock {

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void set(int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Log-linear buckets over 1 .. 2^40 with a relative error of at most 1/16; for microseconds and bytes. What is
// smaller or larger falls into the first or last bucket.
class Histogram {
 public:
  static constexpr int kMaxBits = 40;

  void record(uint64_t value);
  uint64_t count() const;
  uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }
  // The smallest bucket bound that at least `q` (0..1) of what was recorded does not pass; 0 when nothing was.
  uint64_t quantile(double q) const;
  // How many of what was recorded were at most 2^0, 2^1, ... 2^kMaxBits.
  std::array<uint64_t, kMaxBits + 1> cumulative_by_power_of_two() const;

 private:
  // Each power of two has 16 buckets (lower, upper]; below 16 a bucket is one integer.
  static constexpr int kSubBucketBits = 4;
  static constexpr int kBuckets = (kMaxBits - kSubBucketBits + 1) << kSubBucketBits;
  static int bucket_of(uint64_t value);
  static uint64_t upper_bound_of(int bucket);

  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<uint64_t> sum_{0};
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// Thread-safe. References stay valid for the registry's life, until remove() of their labels. A name has one kind.
class MetricsRegistry {
 public:
  MetricsRegistry();
  ~MetricsRegistry();

  // The same name and labels (in any order) give the same metric. `help` is for people; the first one given counts.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  // `unit_scale` multiplies values on output: 1e-6 turns microseconds into Prometheus' seconds.
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {}, double unit_scale = 1);
  // A value computed when it is read, replacing an earlier one of that name and labels; a counter when the name ends
  // in _total, else a gauge. `read` runs under the registry's lock, on the thread that reads: it is quick, does not
  // call the registry, and takes no lock under which the registry is called. After remove() it is never called again.
  void callback(std::string_view name, std::string_view help, const Labels& labels, std::function<double()> read);

  // Forgets every metric that carries all of `labels` (at least one), as when a topic or job is dropped.
  void remove(const Labels& labels);

  // Every metric that carries all of `from` (at least one) carries `to`, the same labels with other values, in their
  // place, as when a job is renamed. One that would be another metric then keeps its labels.
  void relabel(const Labels& from, const Labels& to);

  // The whole registry in Prometheus' text exposition format 0.0.4; a histogram has a bucket per power of two.
  std::string prometheus_text() const;

 private:
  enum class Kind : uint8_t;
  struct Metric;
  struct Family;
  static bool carries(const Metric& metric, const Labels& labels);
  Metric& find_or_add(std::string_view name, std::string_view help, const Labels& labels, Kind kind);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace penstock
