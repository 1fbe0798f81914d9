#include "kafka/protocol/messages/fetch.h"

#include "kafka/protocol/codec_impl.h"

namespace penstock::kafka::protocol {

template struct Codec<FetchResponse>;
template struct Codec<FetchRequest>;

}  // namespace penstock::kafka::protocol
