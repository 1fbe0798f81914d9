// Topic ids between the log's and the protocol's type.
#pragma once

#include "kafka/protocol/types.h"
#include "log/log.h"

namespace penstock::kafka {

inline protocol::Uuid to_uuid(log::TopicId id) { return {.high = id.high, .low = id.low}; }
inline log::TopicId to_topic_id(protocol::Uuid uuid) { return {.high = uuid.high, .low = uuid.low}; }

}  // namespace penstock::kafka
