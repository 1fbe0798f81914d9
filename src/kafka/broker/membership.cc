// JoinGroup, SyncGroup, Heartbeat and LeaveGroup: between the protocol and the coordinator.
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"

namespace penstock::kafka {
namespace {

using protocol::KafkaError;

// First versions in which a client understands these (KIP-394, KIP-814).
constexpr int16_t kMemberIdRequiredSince = 4;
constexpr int16_t kSkipAssignmentSince = 9;

protocol::JoinGroupResponse to_response(JoinResult result) {
  protocol::JoinGroupResponse response;
  response.error = result.error;
  response.generation_id = result.generation_id;
  response.leader = std::move(result.leader);
  response.member_id = std::move(result.member_id);
  response.skip_assignment = result.skip_assignment;
  if (result.error == KafkaError::kNone) {
    response.protocol_type = std::move(result.protocol_type);
    response.protocol_name = std::move(result.protocol_name);
  }
  for (auto& member : result.members) {
    response.members.push_back({.member_id = std::move(member.member_id),
                                .group_instance_id = std::move(member.instance_id),
                                .metadata = {std::move(member.metadata)}});
  }
  return response;
}

}  // namespace

void join_group(const ContextPtr& context, protocol::JoinGroupRequest request,
                Reply<protocol::JoinGroupResponse> reply) {
  if (log::is_reserved_name(request.group_id)) {
    protocol::JoinGroupResponse response;
    response.error = KafkaError::kGroupAuthorizationFailed;
    return reply(response);
  }
  JoinGroup join{.member_id = std::move(request.member_id),
                 .instance_id = std::move(request.group_instance_id),
                 .client_id = context->header.client_id,
                 .client_host = "/" + context->peer.substr(0, context->peer.rfind(':')),
                 .session_timeout_ms = request.session_timeout_ms,
                 .rebalance_timeout_ms = request.rebalance_timeout_ms,
                 .protocol_type = std::move(request.protocol_type),
                 .protocols = {},
                 .require_known_member_id = context->version() >= kMemberIdRequiredSince,
                 .can_skip_assignment = context->version() >= kSkipAssignmentSince};
  for (auto& protocol : request.protocols) {
    join.protocols.emplace_back(std::move(protocol.name), std::move(protocol.metadata.value));
  }
  context->on_cancel = [reply] {
    protocol::JoinGroupResponse response;
    response.error = KafkaError::kNotCoordinator;
    reply(response);
  };
  const auto done = [executor = context->executor, reply](JoinResult result) {
    executor->post([reply, result = std::move(result)]() mutable { reply(to_response(std::move(result))); });
  };
  context->broker.coordinator->join(request.group_id, std::move(join), done);
}

void sync_group(const ContextPtr& context, protocol::SyncGroupRequest request,
                Reply<protocol::SyncGroupResponse> reply) {
  SyncGroup sync{.member_id = std::move(request.member_id),
                 .instance_id = std::move(request.group_instance_id),
                 .generation_id = request.generation_id,
                 .protocol_type = std::move(request.protocol_type),
                 .protocol_name = std::move(request.protocol_name),
                 .assignments = {}};
  for (auto& assignment : request.assignments) {
    sync.assignments.emplace_back(std::move(assignment.member_id), std::move(assignment.assignment.value));
  }
  context->on_cancel = [reply] {
    protocol::SyncGroupResponse response;
    response.error = KafkaError::kNotCoordinator;
    reply(response);
  };
  const auto done = [executor = context->executor, reply](SyncResult result) {
    executor->post([reply, result = std::move(result)]() mutable {
      protocol::SyncGroupResponse response;
      response.error = result.error;
      if (result.error == KafkaError::kNone) {
        response.protocol_type = std::move(result.protocol_type);
        response.protocol_name = std::move(result.protocol_name);
        response.assignment.value = std::move(result.assignment);
      }
      reply(response);
    });
  };
  context->broker.coordinator->sync(request.group_id, std::move(sync), done);
}

protocol::HeartbeatResponse heartbeat(RequestContext& context, const protocol::HeartbeatRequest& request) {
  protocol::HeartbeatResponse response;
  response.error = context.broker.coordinator->heartbeat(request.group_id, request.member_id, request.group_instance_id,
                                                         request.generation_id);
  return response;
}

protocol::LeaveGroupResponse leave_group(RequestContext& context, const protocol::LeaveGroupRequest& request) {
  constexpr int16_t kMembersSince = 3;
  auto& coordinator = *context.broker.coordinator;
  protocol::LeaveGroupResponse response;
  if (context.version() < kMembersSince) {
    response.error = coordinator.leave(request.group_id, request.member_id, std::nullopt);
    return response;
  }
  for (const auto& member : request.members) {
    response.members.push_back(
        {.member_id = member.member_id,
         .group_instance_id = member.group_instance_id,
         .error = coordinator.leave(request.group_id, member.member_id, member.group_instance_id)});
  }
  return response;
}

}  // namespace penstock::kafka
