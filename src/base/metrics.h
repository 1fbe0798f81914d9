// Counters, gauges and histograms, and the registry that prints them in Prometheus' text format.
//
// A metric is made once (at start-up, or when its topic, view or job is made) and kept by reference: updating
// one is an atomic add, without a look-up. Names follow Prometheus: penstock_<module>_<what>_<unit>[_total].
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
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

// Log-linear buckets over 1 .. 2^40 with a relative error of at most 1/16; for microseconds and bytes.
class Histogram {
 public:
  void record(uint64_t value);
  uint64_t count() const;
  uint64_t sum() const;
  // The value below which `q` (0..1) of what was recorded lies; 0 when nothing was.
  uint64_t quantile(double q) const;

 private:
  static constexpr int kSubBucketBits = 4;
  static constexpr int kBuckets = (40 - kSubBucketBits + 1) << kSubBucketBits;
  std::atomic<uint64_t> buckets_[kBuckets]{};
  std::atomic<uint64_t> sum_{0};
};

using Labels = std::vector<std::pair<std::string, std::string>>;

// Thread-safe. References stay valid for the registry's life, until remove() of their labels.
class MetricsRegistry {
 public:
  // The same name and labels give the same metric. `help` is for people; the first one given counts.
  Counter& counter(std::string_view name, std::string_view help, const Labels& labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, const Labels& labels = {});
  // `unit_scale` multiplies values on output: 1e-6 turns microseconds into Prometheus' seconds.
  Histogram& histogram(std::string_view name, std::string_view help, const Labels& labels = {}, double unit_scale = 1);
  // A value computed when it is read.
  void callback(std::string_view name, std::string_view help, const Labels& labels, std::function<double()> read);

  // Forgets every metric that carries all of `labels`, as when a topic or job is dropped.
  void remove(const Labels& labels);

  // The whole registry in Prometheus' text exposition format 0.0.4.
  std::string prometheus_text() const;

 private:
  struct Family;
  struct Metric;
  Metric& find_or_add(std::string_view name, std::string_view help, const Labels& labels, int kind);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;

 public:
  MetricsRegistry();
  ~MetricsRegistry();
};

}  // namespace penstock
