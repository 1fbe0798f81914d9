#include "kafka/protocol/messages/produce.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<ProduceResponse>;
template struct Codec<ProduceRequest>;

}  // namespace penstock::kafka::protocol
