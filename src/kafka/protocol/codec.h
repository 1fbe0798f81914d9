// Encoding and decoding of every message, derived from the one description of its fields.
//
// A message is a plain struct with its Api and a description of its fields in wire order:
//
//   struct HeartbeatRequest {
//     static constexpr Api kApi = kHeartbeat;
//     using Response = HeartbeatResponse;
//     std::string group_id;
//     int32_t generation_id = 0;
//     std::optional<std::string> group_instance_id;           // an optional may be null on the wire
//
//     static void fields(auto& f, auto& m) {
//       f(m.group_id);
//       f(m.generation_id);
//       f(m.group_instance_id, {.since = 3});                  // versions that have the field
//     }
//     bool operator==(const HeartbeatRequest&) const = default;
//   };
//
// Reading, writing, and the tests' random messages visit that description, so to add a message is to write its struct
// and to instantiate its Codec (codec_impl.h) in the .cc file. A field outside of its versions keeps its default when
// read and is left out when written. Tagged fields that this program does not use are not described: a reader skips
// them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "kafka/protocol/types.h"
#include "kafka/protocol/writer.h"

namespace penstock::kafka::protocol {

inline constexpr int16_t kLatest = INT16_MAX;

// Where a field is in the message.
struct Field {
  int16_t since = 0;
  int16_t until = kLatest;
  int16_t nullable_since = 0;  // for optionals; null is an error before
  int16_t tag = -1;            // at least 0: a tagged field, sent when it is not its type's default

  constexpr bool in(int16_t version) const { return since <= version && version <= until; }
};

// Bodies, without headers. `version` is one of Message::kApi's.
template <class Message>
struct Codec {
  // An error says what is wrong and at which byte. Records in the message are views on `bytes`. Bytes after the message
  // are ignored, as Apache Kafka does: librdkafka sends some after a request for the metadata of all topics.
  static Result<Message> decode(std::string_view bytes, int16_t version);
  static void encode(const Message& message, int16_t version, Writer& out);
};

}  // namespace penstock::kafka::protocol
