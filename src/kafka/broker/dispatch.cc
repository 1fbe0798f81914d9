#include "kafka/broker/dispatch.h"

namespace penstock::kafka {
namespace {

// Answers an ApiVersions request of a version that is newer than this broker.
void answer_unknown_api_versions(const ContextPtr& context) {
  auto response = api_versions(*context, {});
  response.error = protocol::KafkaError::kUnsupportedVersion;
  context->metrics.errors.add();
  context->finish(protocol::encode_response(response, 0, context->header.prefix.correlation_id));
}

constexpr Handler kUnknownApiVersions{.api = &protocol::kApiVersions, .run = answer_unknown_api_versions};

}  // namespace

Result<Dispatched> dispatch(Broker& broker, const Loop& loop, std::string_view frame, std::shared_ptr<const void> owner,
                            const std::string& peer) {
  const auto prefix = PENSTOCK_TRY(protocol::decode_request_prefix(frame));
  const Handler* handler = find_handler(prefix.api_key);
  if (handler == nullptr) return unsupported("API {} is not supported", prefix.api_key);

  protocol::RequestHeader header{.prefix = prefix, .client_id = {}};
  std::string_view body;
  if (handler->api->versions.contains(prefix.api_version)) {
    header = PENSTOCK_TRY(protocol::decode_request_header(frame, handler->api->is_flexible(prefix.api_version), &body));
  } else if (handler->api == &protocol::ApiVersionsRequest::kApi) {
    handler = &kUnknownApiVersions;
  } else {
    return unsupported("{} version {} is not supported", handler->api->name, prefix.api_version)
        .hint(fmt::format("this broker speaks versions {} to {}", handler->api->versions.min,
                          handler->api->versions.max));
  }
  auto& metrics = broker.metrics.apis.at(prefix.api_key);
  metrics.requests.add();
  auto context = std::make_shared<RequestContext>(broker, loop, metrics, std::move(header), peer);
  context->body = body;
  context->frame = std::move(owner);
  return Dispatched{.context = std::move(context), .handler = handler};
}

void register_api_metrics(BrokerMetrics& metrics, MetricsRegistry& registry) {
  for (const Handler& handler : handlers()) {
    const Labels labels{{"api", std::string(handler.api->name)}};
    metrics.apis.emplace(
        handler.api->key,
        ApiMetrics{.requests = registry.counter("penstock_kafka_requests_total", "Requests read", labels),
                   .errors = registry.counter("penstock_kafka_errors_total", "Responses with an error code", labels),
                   .latency_us = registry.histogram("penstock_kafka_request_seconds",
                                                    "From a request read to its answer known", labels, 1e-6)});
  }
}

}  // namespace penstock::kafka
