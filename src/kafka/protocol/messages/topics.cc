#include "kafka/protocol/messages/topics.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<CreateTopicsResponse>;
template struct Codec<CreateTopicsRequest>;
template struct Codec<DeleteTopicsResponse>;
template struct Codec<DeleteTopicsRequest>;
template struct Codec<CreatePartitionsResponse>;
template struct Codec<CreatePartitionsRequest>;
template struct Codec<DeleteRecordsResponse>;
template struct Codec<DeleteRecordsRequest>;

}  // namespace penstock::kafka::protocol
