#include "kafka/protocol/messages/configs.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<DescribeConfigsResponse>;
template struct Codec<DescribeConfigsRequest>;
template struct Codec<AlterConfigsResponse>;
template struct Codec<AlterConfigsRequest>;
template struct Codec<IncrementalAlterConfigsResponse>;
template struct Codec<IncrementalAlterConfigsRequest>;

}  // namespace penstock::kafka::protocol
