// DescribeGroups, ListGroups and DeleteGroups.
#include <algorithm>

#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"

namespace penstock::kafka {

protocol::DescribeGroupsResponse describe_groups(RequestContext& context,
                                                 const protocol::DescribeGroupsRequest& request) {
  constexpr int16_t kNotFoundSince = 6;  // earlier versions call an unknown group dead
  protocol::DescribeGroupsResponse response;
  for (const auto& group_id : request.groups) {
    auto& group = response.groups.emplace_back();
    group.group_id = group_id;
    auto description = context.broker.coordinator->describe(group_id);
    if (!description) {
      group.state = "Dead";
      if (context.version() >= kNotFoundSince) {
        group.error = KafkaError::kGroupIdNotFound;
        group.error_message = "there is no group " + group_id;
      }
      continue;
    }
    group.state = std::move(description->state);
    group.protocol_type = std::move(description->protocol_type);
    group.protocol_name = std::move(description->protocol_name);
    for (auto& member : description->members) {
      group.members.push_back({.member_id = std::move(member.member_id),
                               .group_instance_id = std::move(member.instance_id),
                               .client_id = std::move(member.client_id),
                               .client_host = std::move(member.client_host),
                               .metadata = {std::move(member.metadata)},
                               .assignment = {std::move(member.assignment)}});
    }
  }
  return response;
}

protocol::ListGroupsResponse list_groups(RequestContext& context, const protocol::ListGroupsRequest& request) {
  constexpr std::string_view kClassic = "classic";
  const auto wanted = [](const std::vector<std::string>& filter, std::string_view value) {
    const auto same = [&](const std::string& text) {
      return std::ranges::equal(text, value, [](char a, char b) { return std::tolower(a) == std::tolower(b); });
    };
    return filter.empty() || std::ranges::any_of(filter, same);
  };
  protocol::ListGroupsResponse response;
  if (!wanted(request.types_filter, kClassic)) return response;
  for (auto& [group_id, description] : context.broker.coordinator->list()) {
    if (!wanted(request.states_filter, description.state)) continue;
    response.groups.push_back({.group_id = group_id,
                               .protocol_type = description.protocol_type,
                               .state = description.state,
                               .type = std::string(kClassic)});
  }
  return response;
}

protocol::DeleteGroupsResponse delete_groups(RequestContext& context, const protocol::DeleteGroupsRequest& request) {
  protocol::DeleteGroupsResponse response;
  for (const auto& group_id : request.groups) {
    const KafkaError error = log::is_reserved_name(group_id) ? KafkaError::kGroupAuthorizationFailed
                                                             : context.broker.coordinator->remove(group_id);
    response.results.push_back({.group_id = group_id, .error = error});
  }
  return response;
}

}  // namespace penstock::kafka
