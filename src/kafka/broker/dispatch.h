// From a frame to its handler.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"

namespace penstock::kafka {

struct Dispatched {
  ContextPtr context;
  const Handler* handler;
};

// Reads the header of a request (`frame` without its length; `owner` keeps it) and finds who answers it. An error
// means that the connection must be closed: without a known API and version there is no answer that its client could
// read. ApiVersions is the exception (KIP-511): an unknown version of it is answered in version 0.
Result<Dispatched> dispatch(Broker& broker, const Loop& loop, std::string_view frame, std::shared_ptr<const void> owner,
                            const std::string& peer);

// Fills in the metrics of every API.
void register_api_metrics(BrokerMetrics& metrics, MetricsRegistry& registry);

}  // namespace penstock::kafka
