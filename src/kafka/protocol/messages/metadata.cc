#include "kafka/protocol/messages/metadata.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<MetadataResponse>;
template struct Codec<MetadataRequest>;

}  // namespace penstock::kafka::protocol
