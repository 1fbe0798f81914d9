// Any bytes as a request: header and body of every API. What can be read must survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "kafka/protocol/header.h"
#include "kafka/protocol/messages/all.h"

namespace penstock::kafka::protocol {
namespace {

template <class Request>
void try_request(const RequestPrefix& prefix, std::string_view frame) {
  const int16_t version = prefix.api_version;
  if (prefix.api_key != Request::kApi.key || !Request::kApi.versions.contains(version)) return;
  std::string_view body;
  if (!decode_request_header(frame, Request::kApi.is_flexible(version), &body)) return;
  const auto request = Codec<Request>::decode(body, version);
  if (!request) return;
  Writer out;
  Codec<Request>::encode(*request, version, out);
  const std::string written = std::move(out).finish().joined();
  const auto again = Codec<Request>::decode(written, version);
  PENSTOCK_CHECK(again.has_value() && *again == *request, "a request does not survive a round trip");
}

}  // namespace
}  // namespace penstock::kafka::protocol

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::kafka::protocol;
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  const auto prefix = decode_request_prefix(frame);
  if (!prefix) return 0;
  for_each_message([&]<class Message>() {
    if constexpr (requires { typename Message::Response; }) try_request<Message>(*prefix, frame);
  });
  return 0;
}
