#include "kafka/protocol/messages/list_offsets.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<ListOffsetsResponse>;
template struct Codec<ListOffsetsRequest>;

}  // namespace penstock::kafka::protocol
