#include "kafka/protocol/messages/offsets.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<OffsetCommitResponse>;
template struct Codec<OffsetCommitRequest>;
template struct Codec<OffsetFetchResponse>;
template struct Codec<OffsetFetchRequest>;
template struct Codec<OffsetDeleteResponse>;
template struct Codec<OffsetDeleteRequest>;

}  // namespace penstock::kafka::protocol
