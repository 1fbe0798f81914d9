#include "kafka/protocol/header.h"

#include "kafka/protocol/reader.h"

namespace penstock::kafka::protocol {
namespace {

constexpr int16_t kApiVersionsKey = 18;

bool has_flexible_response_header(const Api& api, int16_t version) {
  return api.key != kApiVersionsKey && api.is_flexible(version);
}

}  // namespace

Result<RequestPrefix> decode_request_prefix(std::string_view frame) {
  Reader in(frame);
  RequestPrefix prefix;
  prefix.api_key = static_cast<int16_t>(in.u16());
  prefix.api_version = static_cast<int16_t>(in.u16());
  prefix.correlation_id = static_cast<int32_t>(in.u32());
  PENSTOCK_TRY(in.status());
  return prefix;
}

Result<RequestHeader> decode_request_header(std::string_view frame, bool flexible, std::string_view* body) {
  RequestHeader header;
  header.prefix = PENSTOCK_TRY(decode_request_prefix(frame));
  Reader in(frame.substr(kRequestPrefixSize));
  // The client id keeps its classic encoding even in the flexible header.
  header.client_id = in.view(in.string_length(false).value_or(0));
  if (flexible) in.skip_tags();
  PENSTOCK_TRY(in.status());
  *body = frame.substr(frame.size() - in.remaining());
  return header;
}

void begin_request(const Api& api, int16_t version, int32_t correlation_id, std::string_view client_id, Writer& out) {
  out.begin_frame();
  out.u16(static_cast<uint16_t>(api.key));
  out.u16(static_cast<uint16_t>(version));
  out.u32(static_cast<uint32_t>(correlation_id));
  out.string(client_id, false);
  if (api.is_flexible(version)) out.unsigned_varint(0);
}

void begin_response(const Api& api, int16_t version, int32_t correlation_id, Writer& out) {
  out.begin_frame();
  out.u32(static_cast<uint32_t>(correlation_id));
  if (has_flexible_response_header(api, version)) out.unsigned_varint(0);
}

Result<int32_t> decode_response_header(const Api& api, int16_t version, std::string_view frame,
                                       std::string_view* body) {
  Reader in(frame);
  const auto correlation_id = static_cast<int32_t>(in.u32());
  if (has_flexible_response_header(api, version)) in.skip_tags();
  PENSTOCK_TRY(in.status());
  *body = frame.substr(frame.size() - in.remaining());
  return correlation_id;
}

}  // namespace penstock::kafka::protocol
