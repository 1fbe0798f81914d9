// ApiVersions, DescribeCluster and InitProducerId.
#include "kafka/broker/broker.h"
#include "kafka/broker/handlers.h"

namespace penstock::kafka {

using protocol::KafkaError;

protocol::ApiVersionsResponse api_versions(RequestContext&, const protocol::ApiVersionsRequest&) {
  protocol::ApiVersionsResponse response;
  for (const Handler& handler : handlers()) {
    const auto& api = *handler.api;
    // librdkafka takes the absence of Produce 0 to mean that the broker knows no compression, so the range is said to
    // begin there, as Apache Kafka 4 does (KAFKA-18659). Versions below 3 are still refused.
    const int16_t min_version = api.key == protocol::kProduce.key ? int16_t{0} : api.versions.min;
    response.apis.push_back({.key = api.key, .min_version = min_version, .max_version = api.versions.max});
  }
  return response;
}

protocol::DescribeClusterResponse describe_cluster(RequestContext& context, const protocol::DescribeClusterRequest&) {
  const Broker& broker = context.broker;
  protocol::DescribeClusterResponse response;
  response.cluster_id = broker.options.cluster_id;
  response.controller_id = broker.options.node_id;
  response.brokers.push_back({.id = broker.options.node_id, .host = broker.host, .port = broker.port, .rack = {}});
  return response;
}

protocol::InitProducerIdResponse init_producer_id(RequestContext& context,
                                                  const protocol::InitProducerIdRequest& request) {
  protocol::InitProducerIdResponse response;
  if (request.transactional_id && !request.transactional_id->empty()) {
    response.error = KafkaError::kTransactionalIdAuthorizationFailed;  // there are no transactions
    return response;
  }
  const auto producer_id = context.broker.log.allocate_producer_id();
  if (!producer_id) {
    response.error = KafkaError::kCoordinatorNotAvailable;
    return response;
  }
  response.producer_id = producer_id->value();
  return response;
}

}  // namespace penstock::kafka
