#include "kafka/protocol/messages/groups.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<DescribeGroupsResponse>;
template struct Codec<DescribeGroupsRequest>;
template struct Codec<ListGroupsResponse>;
template struct Codec<ListGroupsRequest>;
template struct Codec<DeleteGroupsResponse>;
template struct Codec<DeleteGroupsRequest>;

}  // namespace penstock::kafka::protocol
