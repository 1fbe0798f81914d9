// Request and response headers, and whole frames.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kafka/protocol/codec.h"
#include "kafka/protocol/types.h"
#include "kafka/protocol/writer.h"

namespace penstock::kafka::protocol {

// The part that every version of the request header begins with.
struct RequestPrefix {
  int16_t api_key = -1;
  int16_t api_version = -1;
  int32_t correlation_id = 0;
};
inline constexpr size_t kRequestPrefixSize = 8;

struct RequestHeader {
  RequestPrefix prefix;
  std::string client_id;
};

// `frame` is a request without its length.
Result<RequestPrefix> decode_request_prefix(std::string_view frame);

// The header; `body` becomes what follows it. `flexible` is the API's answer for the version in the prefix.
Result<RequestHeader> decode_request_header(std::string_view frame, bool flexible, std::string_view* body);

// Writes a header; the frame's length comes before.
void begin_request(const Api& api, int16_t version, int32_t correlation_id, std::string_view client_id, Writer& out);
// An ApiVersions response has the classic header in every version, so that a client can read it before it knows the
// broker (KIP-511).
void begin_response(const Api& api, int16_t version, int32_t correlation_id, Writer& out);

// Reads a response's header (frame without its length); `body` becomes what follows.
Result<int32_t> decode_response_header(const Api& api, int16_t version, std::string_view frame, std::string_view* body);

// A request or response with its length and header, ready to send.
template <class Request>
Encoded encode_request(const Request& request, int16_t version, int32_t correlation_id, std::string_view client_id) {
  Writer out;
  begin_request(Request::kApi, version, correlation_id, client_id, out);
  Codec<Request>::encode(request, version, out);
  return std::move(out).finish_frame();
}
template <class Response>
Encoded encode_response(const Response& response, int16_t version, int32_t correlation_id) {
  Writer out;
  begin_response(Response::kApi, version, correlation_id, out);
  Codec<Response>::encode(response, version, out);
  return std::move(out).finish_frame();
}

}  // namespace penstock::kafka::protocol
