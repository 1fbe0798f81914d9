// What the broker counts.
#pragma once

#include <map>

#include "base/metrics.h"

namespace penstock::kafka {

// Of one API.
struct ApiMetrics {
  Counter& requests;
  Counter& errors;        // responses that carry an error code
  Histogram& latency_us;  // from the whole request read to the answer known
};

struct BrokerMetrics {
  explicit BrokerMetrics(MetricsRegistry& registry)
      : records_in(registry.counter("penstock_kafka_records_in_total", "Records appended by producers")),
        records_out(registry.counter("penstock_kafka_records_out_total", "Records sent to consumers")),
        bytes_in(registry.counter("penstock_kafka_bytes_in_total", "Bytes of requests read")),
        bytes_out(registry.counter("penstock_kafka_bytes_out_total", "Bytes of responses written")),
        bad_requests(registry.counter("penstock_kafka_bad_requests_total",
                                      "Connections closed because of a request that cannot be read")),
        memory_waits(registry.counter("penstock_kafka_request_memory_waits_total",
                                      "Large requests that were not read at once for want of memory")),
        slow_readers(registry.counter("penstock_kafka_slow_readers_closed_total",
                                      "Connections closed because the client did not read its answers")) {}

  Counter& records_in;
  Counter& records_out;
  Counter& bytes_in;
  Counter& bytes_out;
  Counter& bad_requests;
  Counter& memory_waits;
  Counter& slow_readers;
  std::map<int16_t, ApiMetrics> apis;  // by key; complete before the first request
};

}  // namespace penstock::kafka
