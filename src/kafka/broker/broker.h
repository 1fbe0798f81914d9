// What all handlers share.
#pragma once

#include <memory>
#include <string>

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
  MemoryBudget request_memory;  // of large requests, being read or worked on, over all connections
  const std::shared_ptr<GroupCoordinator> coordinator;
};

}  // namespace penstock::kafka
