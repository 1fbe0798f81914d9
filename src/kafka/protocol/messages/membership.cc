#include "kafka/protocol/messages/membership.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<FindCoordinatorResponse>;
template struct Codec<FindCoordinatorRequest>;
template struct Codec<JoinGroupResponse>;
template struct Codec<JoinGroupRequest>;
template struct Codec<SyncGroupResponse>;
template struct Codec<SyncGroupRequest>;
template struct Codec<HeartbeatResponse>;
template struct Codec<HeartbeatRequest>;
template struct Codec<LeaveGroupResponse>;
template struct Codec<LeaveGroupRequest>;

}  // namespace penstock::kafka::protocol
