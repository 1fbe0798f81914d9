// The table of all APIs that this broker answers. ApiVersions is answered from it.
//
// To add one: write its messages (protocol/messages/), a function of one of the three kinds below in a file here,
// declare it here, and add its line in handlers.cc.
#pragma once

#include <memory>
#include <span>

#include "kafka/broker/request_context.h"
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

namespace penstock::kafka {

struct Handler {
  const protocol::Api* api;  // with the versions that are answered
  // May be worked on while earlier pipelined requests of the connection are; any other request waits for those before.
  bool pipelined = false;
  // Decodes the body, calls the handler's function and sees to the answer.
  void (*run)(const std::shared_ptr<RequestContext>& context) = nullptr;
};

std::span<const Handler> handlers();
const Handler* find_handler(int16_t api_key);

using ContextPtr = std::shared_ptr<RequestContext>;

// --- answered at once, on the loop ---
protocol::ApiVersionsResponse api_versions(RequestContext&, const protocol::ApiVersionsRequest&);
protocol::DescribeClusterResponse describe_cluster(RequestContext&, const protocol::DescribeClusterRequest&);
protocol::FindCoordinatorResponse find_coordinator(RequestContext&, const protocol::FindCoordinatorRequest&);
protocol::HeartbeatResponse heartbeat(RequestContext&, const protocol::HeartbeatRequest&);
protocol::LeaveGroupResponse leave_group(RequestContext&, const protocol::LeaveGroupRequest&);
protocol::OffsetFetchResponse offset_fetch(RequestContext&, const protocol::OffsetFetchRequest&);
protocol::DescribeGroupsResponse describe_groups(RequestContext&, const protocol::DescribeGroupsRequest&);
protocol::ListGroupsResponse list_groups(RequestContext&, const protocol::ListGroupsRequest&);
protocol::DescribeConfigsResponse describe_configs(RequestContext&, const protocol::DescribeConfigsRequest&);

// --- may wait for the disk: run on a blocking thread ---
protocol::ListOffsetsResponse list_offsets(RequestContext&, const protocol::ListOffsetsRequest&);
protocol::InitProducerIdResponse init_producer_id(RequestContext&, const protocol::InitProducerIdRequest&);
protocol::CreateTopicsResponse create_topics(RequestContext&, const protocol::CreateTopicsRequest&);
protocol::DeleteTopicsResponse delete_topics(RequestContext&, const protocol::DeleteTopicsRequest&);
protocol::CreatePartitionsResponse create_partitions(RequestContext&, const protocol::CreatePartitionsRequest&);
protocol::DeleteRecordsResponse delete_records(RequestContext&, const protocol::DeleteRecordsRequest&);
protocol::AlterConfigsResponse alter_configs(RequestContext&, const protocol::AlterConfigsRequest&);
protocol::IncrementalAlterConfigsResponse incremental_alter_configs(RequestContext&,
                                                                    const protocol::IncrementalAlterConfigsRequest&);
protocol::DeleteGroupsResponse delete_groups(RequestContext&, const protocol::DeleteGroupsRequest&);
protocol::OffsetDeleteResponse offset_delete(RequestContext&, const protocol::OffsetDeleteRequest&);

// --- answered later ---
void metadata(const ContextPtr&, protocol::MetadataRequest, Reply<protocol::MetadataResponse>);
void produce(const ContextPtr&, protocol::ProduceRequest, Reply<protocol::ProduceResponse>);
void fetch(const ContextPtr&, protocol::FetchRequest, Reply<protocol::FetchResponse>);
void join_group(const ContextPtr&, protocol::JoinGroupRequest, Reply<protocol::JoinGroupResponse>);
void sync_group(const ContextPtr&, protocol::SyncGroupRequest, Reply<protocol::SyncGroupResponse>);
void offset_commit(const ContextPtr&, protocol::OffsetCommitRequest, Reply<protocol::OffsetCommitResponse>);

}  // namespace penstock::kafka
