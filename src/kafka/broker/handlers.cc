#include "kafka/broker/handlers.h"

#include <algorithm>

#include "kafka/broker/handler_impl.h"

namespace penstock::kafka {
namespace {

constexpr Handler kHandlers[] = {
    deferred<produce>(/*pipelined=*/true),
    deferred<fetch>(),
    blocking<list_offsets>(),
    deferred<metadata>(),
    deferred<offset_commit>(),
    immediate<offset_fetch>(),
    immediate<find_coordinator>(),
    deferred<join_group>(),
    immediate<heartbeat>(),
    immediate<leave_group>(),
    deferred<sync_group>(),
    immediate<describe_groups>(),
    immediate<list_groups>(),
    immediate<api_versions>(),
    blocking<create_topics>(),
    blocking<delete_topics>(),
    blocking<delete_records>(),
    blocking<init_producer_id>(),
    immediate<describe_configs>(),
    blocking<alter_configs>(),
    blocking<create_partitions>(),
    blocking<delete_groups>(),
    blocking<incremental_alter_configs>(),
    blocking<offset_delete>(),
    immediate<describe_cluster>(),
};

}  // namespace

// Where replies are encoded; the handlers' files see the declaration only.
template class Reply<protocol::MetadataResponse>;
template class Reply<protocol::ProduceResponse>;
template class Reply<protocol::FetchResponse>;
template class Reply<protocol::JoinGroupResponse>;
template class Reply<protocol::SyncGroupResponse>;
template class Reply<protocol::OffsetCommitResponse>;
template class Reply<protocol::ApiVersionsResponse>;

std::span<const Handler> handlers() { return kHandlers; }

const Handler* find_handler(int16_t api_key) {
  const auto* const found = std::ranges::find(kHandlers, api_key, [](const Handler& h) { return h.api->key; });
  return found == std::end(kHandlers) ? nullptr : found;
}

}  // namespace penstock::kafka
