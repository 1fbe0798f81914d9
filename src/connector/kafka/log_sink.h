// Writes rows into a topic of the embedded log, exactly once: the records of an epoch and the positions that its input
// had reached go into the log as one atomic append.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "connector/sink.h"

namespace penstock::connector {

Result<std::shared_ptr<Sink>> make_log_sink(const ConnectorContext& context, SinkRequest request);

// The partition that Kafka's Java client would choose for a key.
int32_t partition_for_key(std::string_view key, int32_t partitions);

}  // namespace penstock::connector
