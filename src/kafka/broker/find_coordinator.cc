// FindCoordinator: the one broker coordinates every group.
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"

namespace penstock::kafka {

using protocol::FindCoordinatorResponse;
using protocol::KafkaError;

FindCoordinatorResponse find_coordinator(RequestContext& context, const protocol::FindCoordinatorRequest& request) {
  constexpr int8_t kGroup = 0;
  const Broker& broker = context.broker;
  const auto find = [&](const std::string& key) {
    FindCoordinatorResponse::Coordinator found{
        .key = key, .node_id = broker.options.node_id, .host = broker.host, .port = broker.port, .error_message = {}};
    if (request.key_type != kGroup) {
      found.node_id = -1;
      // Of the errors that clients do not retry for ever, this one is nearest.
      found.error = KafkaError::kTransactionalIdAuthorizationFailed;
      found.error_message = "this broker has no transactions";
    }
    return found;
  };
  FindCoordinatorResponse response;
  if (context.version() >= 4) {
    for (const auto& key : request.keys) response.coordinators.push_back(find(key));
    return response;
  }
  auto found = find(request.key);
  response.error = found.error;
  response.error_message = std::move(found.error_message);
  response.node_id = found.node_id;
  response.host = std::move(found.host);
  response.port = found.port;
  return response;
}

}  // namespace penstock::kafka
