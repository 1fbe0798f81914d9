#include "kafka/protocol/messages/cluster.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<ApiVersionsResponse>;
template struct Codec<ApiVersionsRequest>;
template struct Codec<DescribeClusterResponse>;
template struct Codec<DescribeClusterRequest>;
template struct Codec<InitProducerIdResponse>;
template struct Codec<InitProducerIdRequest>;

}  // namespace penstock::kafka::protocol
