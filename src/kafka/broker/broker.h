// What all handlers share.
#pragma once

#include <memory>
#include <string>

#include "base/log_gate.h"
#include "base/memory.h"
#include "kafka/broker/metrics.h"
#include "kafka/broker/topic_ids.h"
#include "kafka/coordinator/coordinator.h"
#include "kafka/server.h"
#include "log/log.h"

namespace penstock::kafka {

// Owned by the server; made before the first connection and constant from then on, but for what is thread-safe.
struct Broker {
  log::Log& log;
  const KafkaServerOptions options;
  const std::string host;  // as advertised
  const int port;
  BrokerMetrics metrics;
  TopicIds topic_ids;
  MemoryBudget request_memory;   // of requests that are read or worked on, over all connections
  MemoryBudget response_memory;  // of responses from when they are made until they are written, likewise
  const std::shared_ptr<GroupCoordinator> coordinator;
  // Of lines about connections that were closed for what they did, and about topics that could not be made.
  logging::LogGate closed_log{{.lines = 20}};
  mutable logging::LogGate topics_log{{.lines = 20}};
};

}  // namespace penstock::kafka
