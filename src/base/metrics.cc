#include "base/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <variant>

#include "base/check.h"

namespace penstock {

int Histogram::bucket_of(uint64_t value) {
  const uint64_t x = std::min(std::max<uint64_t>(value, 1) - 1, (uint64_t{1} << kMaxBits) - 1);
  if (x < (1U << kSubBucketBits)) return static_cast<int>(x);
  const int shift = std::bit_width(x) - 1 - kSubBucketBits;
  return (shift << kSubBucketBits) + static_cast<int>(x >> shift);
}

uint64_t Histogram::upper_bound_of(int bucket) {
  const int shift = std::max(bucket >> kSubBucketBits, 1) - 1;
  const auto mantissa = static_cast<uint64_t>(bucket - (shift << kSubBucketBits));
  return (mantissa + 1) << shift;
}

void Histogram::record(uint64_t value) {
  buckets_[static_cast<size_t>(bucket_of(value))].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

uint64_t Histogram::count() const {
  uint64_t n = 0;
  for (const auto& bucket : buckets_) n += bucket.load(std::memory_order_relaxed);
  return n;
}

uint64_t Histogram::quantile(double q) const {
  const uint64_t total = count();
  if (total == 0) return 0;
  const auto rank = static_cast<uint64_t>(std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(total)));
  uint64_t seen = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += buckets_[static_cast<size_t>(i)].load(std::memory_order_relaxed);
    if (seen >= std::max<uint64_t>(rank, 1)) return upper_bound_of(i);
  }
  return upper_bound_of(kBuckets - 1);
}

std::array<uint64_t, Histogram::kMaxBits + 1> Histogram::cumulative_by_power_of_two() const {
  std::array<uint64_t, kMaxBits + 1> counts{};
  uint64_t seen = 0;
  size_t power = 0;
  for (int i = 0; i < kBuckets; ++i) {
    seen += buckets_[static_cast<size_t>(i)].load(std::memory_order_relaxed);
    if (upper_bound_of(i) == uint64_t{1} << power) counts[power++] = seen;
  }
  return counts;
}

enum class MetricsRegistry::Kind : uint8_t { kCounter, kGauge, kHistogram, kCallback };

struct MetricsRegistry::Metric {
  Labels labels;  // sorted
  std::variant<Counter, Gauge, Histogram, std::function<double()>> value;
};

struct MetricsRegistry::Family {
  std::string help;
  Kind kind;
  double unit_scale = 1;
  std::map<std::string, Metric> metrics;  // by their labels as text: a="b",c="d"
};

namespace {

bool is_valid_name(std::string_view name) {
  const auto valid = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, valid);
}

std::string escape(std::string_view text, bool quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (c == '"' && quotes)) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string labels_text(const Labels& sorted) {
  std::string out;
  for (const auto& [key, value] : sorted) {
    PENSTOCK_CHECK(is_valid_name(key), "a metric's label is no Prometheus name");
    out += fmt::format("{}{}=\"{}\"", out.empty() ? "" : ",", key, escape(value, true));
  }
  return out;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void append_sample(std::string& out, std::string_view name, std::string_view labels, std::string_view value) {
  out += name;
  if (!labels.empty()) fmt::format_to(std::back_inserter(out), "{{{}}}", labels);
  fmt::format_to(std::back_inserter(out), " {}\n", value);
}

void append_histogram(std::string& out, std::string_view name, std::string_view labels, const Histogram& histogram,
                      double unit_scale) {
  const std::string bucket_name = fmt::format("{}_bucket", name);
  const std::string_view comma = labels.empty() ? "" : ",";
  const auto counts = histogram.cumulative_by_power_of_two();
  for (size_t power = 0; power < counts.size(); ++power) {
    const double bound = std::ldexp(1.0, static_cast<int>(power)) * unit_scale;
    append_sample(out, bucket_name, fmt::format("{}{}le=\"{}\"", labels, comma, number_text(bound)),
                  fmt::to_string(counts[power]));
  }
  // What is larger than the last bound was counted in the last bucket, so it is the total.
  const std::string total = fmt::to_string(counts.back());
  append_sample(out, bucket_name, fmt::format("{}{}le=\"+Inf\"", labels, comma), total);
  append_sample(out, fmt::format("{}_sum", name), labels,
                number_text(static_cast<double>(histogram.sum()) * unit_scale));
  append_sample(out, fmt::format("{}_count", name), labels, total);
}

}  // namespace

MetricsRegistry::MetricsRegistry() = default;
MetricsRegistry::~MetricsRegistry() = default;

MetricsRegistry::Metric& MetricsRegistry::find_or_add(std::string_view name, std::string_view help,
                                                      const Labels& labels, Kind kind) {
  PENSTOCK_CHECK(is_valid_name(name), "a metric's name is no Prometheus name");
  auto family = families_.find(name);
  if (family == families_.end()) {
    family = families_.emplace(std::string(name), Family{.help = std::string(help), .kind = kind, .metrics = {}}).first;
  }
  PENSTOCK_CHECK(family->second.kind == kind, "a metric's name is used for two kinds");
  Labels sorted = labels;
  std::ranges::sort(sorted);
  const auto [at, added] = family->second.metrics.try_emplace(labels_text(sorted));
  Metric& metric = at->second;
  if (added) {
    metric.labels = std::move(sorted);
    switch (kind) {
      case Kind::kCounter: metric.value.emplace<Counter>(); break;
      case Kind::kGauge: metric.value.emplace<Gauge>(); break;
      case Kind::kHistogram: metric.value.emplace<Histogram>(); break;
      case Kind::kCallback: metric.value.emplace<std::function<double()>>(); break;
    }
  }
  return metric;
}

Counter& MetricsRegistry::counter(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return std::get<Counter>(find_or_add(name, help, labels, Kind::kCounter).value);
}

Gauge& MetricsRegistry::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return std::get<Gauge>(find_or_add(name, help, labels, Kind::kGauge).value);
}

Histogram& MetricsRegistry::histogram(std::string_view name, std::string_view help, const Labels& labels,
                                      double unit_scale) {
  const std::lock_guard lock(mutex_);
  Metric& metric = find_or_add(name, help, labels, Kind::kHistogram);
  families_.find(name)->second.unit_scale = unit_scale;
  return std::get<Histogram>(metric.value);
}

void MetricsRegistry::callback(std::string_view name, std::string_view help, const Labels& labels,
                               std::function<double()> read) {
  const std::lock_guard lock(mutex_);
  find_or_add(name, help, labels, Kind::kCallback).value = std::move(read);
}

bool MetricsRegistry::carries(const Metric& metric, const Labels& labels) {
  return std::ranges::all_of(labels,
                             [&](const auto& label) { return std::ranges::binary_search(metric.labels, label); });
}

void MetricsRegistry::remove(const Labels& labels) {
  PENSTOCK_CHECK(!labels.empty(), "removing metrics by no label would remove all");
  const std::lock_guard lock(mutex_);
  for (auto& [name, family] : families_) {
    std::erase_if(family.metrics, [&](const auto& entry) { return carries(entry.second, labels); });
  }
  std::erase_if(families_, [](const auto& entry) { return entry.second.metrics.empty(); });
}

void MetricsRegistry::relabel(const Labels& from, const Labels& to) {
  PENSTOCK_CHECK(!from.empty(), "changing the labels of metrics by no label would change all");
  const std::lock_guard lock(mutex_);
  for (auto& [name, family] : families_) {
    std::vector<std::string> found;
    for (const auto& [text, metric] : family.metrics) {
      if (carries(metric, from)) found.push_back(text);
    }
    for (const std::string& text : found) {
      Labels labels = family.metrics.at(text).labels;
      std::erase_if(labels, [&](const auto& label) { return std::ranges::find(from, label) != from.end(); });
      labels.insert(labels.end(), to.begin(), to.end());
      std::ranges::sort(labels);
      std::string new_text = labels_text(labels);
      if (family.metrics.contains(new_text)) continue;
      auto node = family.metrics.extract(text);  // the metric stays where it is: others refer to it
      node.key() = std::move(new_text);
      node.mapped().labels = std::move(labels);
      family.metrics.insert(std::move(node));
    }
  }
}

std::string MetricsRegistry::prometheus_text() const {
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, family] : families_) {
    const bool counts = family.kind == Kind::kCounter || (family.kind == Kind::kCallback && name.ends_with("_total"));
    const std::string_view type = family.kind == Kind::kHistogram ? "histogram" : counts ? "counter" : "gauge";
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, escape(family.help, false), name,
                   type);
    for (const auto& [labels, metric] : family.metrics) {
      if (const auto* counter = std::get_if<Counter>(&metric.value)) {
        append_sample(out, name, labels, fmt::to_string(counter->value()));
      } else if (const auto* gauge = std::get_if<Gauge>(&metric.value)) {
        append_sample(out, name, labels, fmt::to_string(gauge->value()));
      } else if (const auto* histogram = std::get_if<Histogram>(&metric.value)) {
        append_histogram(out, name, labels, *histogram, family.unit_scale);
      } else {
        append_sample(out, name, labels, number_text(std::get<std::function<double()>>(metric.value)()));
      }
    }
  }
  return out;
}

}  // namespace penstock
