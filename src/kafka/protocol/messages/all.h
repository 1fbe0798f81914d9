// Every message, for the tests and fuzzers that go over all of them.
#pragma once

#include <tuple>

#include "kafka/protocol/messages/cluster.h"
#include "kafka/protocol/messages/configs.h"
#include "kafka/protocol/messages/fetch.h"
#include "kafka/protocol/messages/groups.h"
#include "kafka/protocol/messages/list_offsets.h"
#include "kafka/protocol/messages/membership.h"
#include "kafka/protocol/messages/metadata.h"
#include "kafka/protocol/messages/offsets.h"
#include "kafka/protocol/messages/produce.h"
#include "kafka/protocol/messages/topics.h"

namespace penstock::kafka::protocol {

using AllRequests =
    std::tuple<ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
               OffsetFetchRequest, FindCoordinatorRequest, JoinGroupRequest, HeartbeatRequest, LeaveGroupRequest,
               SyncGroupRequest, DescribeGroupsRequest, ListGroupsRequest, ApiVersionsRequest, CreateTopicsRequest,
               DeleteTopicsRequest, DeleteRecordsRequest, InitProducerIdRequest, DescribeConfigsRequest,
               AlterConfigsRequest, CreatePartitionsRequest, DeleteGroupsRequest, IncrementalAlterConfigsRequest,
               OffsetDeleteRequest, DescribeClusterRequest>;

// Calls `visit.template operator()<Message>()` for every request and response.
template <class Visit>
void for_each_message(Visit visit) {
  [&]<class... Request>(std::type_identity<std::tuple<Request...>>) {
    (visit.template operator()<Request>(), ...);
    (visit.template operator()<typename Request::Response>(), ...);
  }(std::type_identity<AllRequests>{});
}

}  // namespace penstock::kafka::protocol
