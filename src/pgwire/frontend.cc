#include "pgwire/frontend.h"

#include "pgwire/wire.h"

namespace penstock::pgwire {
namespace {

constexpr int32_t kCancelRequestCode = protocol_version(1234, 5678);
constexpr int32_t kSslRequestCode = protocol_version(1234, 5679);
constexpr int32_t kGssEncryptionRequestCode = protocol_version(1234, 5680);
constexpr size_t kCancelKeyBytesMax = 256;

Error malformed(std::string_view message) { return invalid_argument("malformed {} message", message); }

// A count that precedes a list. Every element takes at least `element_bytes`, so a count that promises more than there
// is cannot make us reserve memory for it.
size_t list_size(WireReader& in, size_t element_bytes) {
  const auto count = static_cast<uint16_t>(in.int16());
  if (size_t{count} * element_bytes > in.rest().size()) {
    in.bytes(in.rest().size() + 1);
    return 0;
  }
  return count;
}

Result<std::vector<Format>> formats(WireReader& in) {
  std::vector<Format> formats(list_size(in, 2));
  for (Format& format : formats) {
    const int16_t code = in.int16();
    if (code != 0 && code != 1) return invalid_argument("unsupported format code {}", code);
    format = static_cast<Format>(code);
  }
  return formats;
}

Result<FrontendMessage> decode_parse(WireReader& in) {
  ParseMessage message{.statement = in.cstring(), .sql = in.cstring(), .parameter_oids = {}};
  message.parameter_oids.resize(list_size(in, 4));
  for (uint32_t& oid : message.parameter_oids) oid = static_cast<uint32_t>(in.int32());
  if (!in.complete()) return malformed("Parse");
  return message;
}

Result<FrontendMessage> decode_bind(WireReader& in) {
  BindMessage message;
  message.portal = in.cstring();
  message.statement = in.cstring();
  message.parameter_formats = PENSTOCK_TRY(formats(in));
  message.parameters.resize(list_size(in, 4));
  for (auto& parameter : message.parameters) {
    const int32_t size = in.int32();
    if (size < -1) return malformed("Bind");
    if (size >= 0) parameter = in.bytes(static_cast<size_t>(size));
  }
  message.result_formats = PENSTOCK_TRY(formats(in));
  if (!in.complete()) return malformed("Bind");
  if (message.parameter_formats.size() > 1 && message.parameter_formats.size() != message.parameters.size()) {
    return invalid_argument("bind message has {} parameter formats but {} parameters", message.parameter_formats.size(),
                            message.parameters.size());
  }
  return message;
}

template <class Message>
Result<FrontendMessage> decode_target(WireReader& in, std::string_view name) {
  const auto target = static_cast<char>(in.byte());
  Message message{.target = static_cast<Target>(target), .name = in.cstring()};
  if (!in.complete() || (target != 'S' && target != 'P')) return malformed(name);
  return message;
}

template <class Message>
Result<FrontendMessage> decode_empty(WireReader& in, std::string_view name) {
  if (!in.complete()) return malformed(name);
  return Message{};
}

void append_formats(std::string& out, const std::vector<Format>& formats) {
  append_int16(out, static_cast<int16_t>(formats.size()));
  for (const Format format : formats) append_int16(out, static_cast<int16_t>(format));
}

}  // namespace

Result<StartupPacket> decode_startup(std::string_view payload) {
  WireReader in(payload);
  const int32_t code = in.int32();
  if (!in.ok()) return malformed("startup");
  switch (code) {
    case kSslRequestCode: return SslRequest{};
    case kGssEncryptionRequestCode: return GssEncryptionRequest{};
    case kCancelRequestCode: {
      const CancelRequest request{.process_id = in.int32(), .secret_key = in.rest()};
      if (!in.ok() || request.secret_key.empty() || request.secret_key.size() > kCancelKeyBytesMax) {
        return malformed("CancelRequest");
      }
      return request;
    }
    default: break;
  }
  if (code >> 16 != 3) {
    return unsupported("unsupported frontend protocol {}.{}: server supports 3.0 to 3.2", code >> 16, code & 0xffff);
  }
  StartupMessage message{.protocol = code, .parameters = {}};
  for (;;) {
    const std::string_view name = in.cstring();
    if (!in.ok()) return malformed("startup");
    if (name.empty()) break;
    const std::string_view value = in.cstring();
    message.parameters.emplace_back(name, value);
  }
  if (!in.complete()) return malformed("startup");
  return message;
}

Result<FrontendMessage> decode_frontend(const Frame& frame) {
  WireReader in(frame.payload);
  switch (frame.type) {
    case 'Q': {
      const QueryMessage message{.sql = in.cstring()};
      if (!in.complete()) return malformed("Query");
      return message;
    }
    case 'P': return decode_parse(in);
    case 'B': return decode_bind(in);
    case 'D': return decode_target<DescribeMessage>(in, "Describe");
    case 'E': {
      const ExecuteMessage message{.portal = in.cstring(), .rows_max = in.int32()};
      if (!in.complete()) return malformed("Execute");
      return message;
    }
    case 'C': return decode_target<CloseMessage>(in, "Close");
    case 'S': return decode_empty<SyncMessage>(in, "Sync");
    case 'H': return decode_empty<FlushMessage>(in, "Flush");
    case 'X': return decode_empty<TerminateMessage>(in, "Terminate");
    case 'd':
    case 'c':
    case 'f': return CopyMessage{};
    case 'F': return FunctionCallMessage{};
    default: return invalid_argument("invalid frontend message type {}", static_cast<int>(frame.type));
  }
}

bool is_frontend_type(char type) { return std::string_view("QPBDECSHXdcfF").contains(type); }

void encode(std::string& out, const StartupMessage& message) {
  const MessageScope scope(out, '\0');
  append_int32(out, message.protocol);
  for (const auto& [name, value] : message.parameters) {
    append_cstring(out, name);
    append_cstring(out, value);
  }
  out += '\0';
}

void encode(std::string& out, const CancelRequest& message) {
  const MessageScope scope(out, '\0');
  append_int32(out, kCancelRequestCode);
  append_int32(out, message.process_id);
  out += message.secret_key;
}

void encode(std::string& out, const SslRequest& /*message*/) {
  const MessageScope scope(out, '\0');
  append_int32(out, kSslRequestCode);
}

void encode(std::string& out, const QueryMessage& message) {
  const MessageScope scope(out, 'Q');
  append_cstring(out, message.sql);
}

void encode(std::string& out, const ParseMessage& message) {
  const MessageScope scope(out, 'P');
  append_cstring(out, message.statement);
  append_cstring(out, message.sql);
  append_int16(out, static_cast<int16_t>(message.parameter_oids.size()));
  for (const uint32_t oid : message.parameter_oids) append_int32(out, static_cast<int32_t>(oid));
}

void encode(std::string& out, const BindMessage& message) {
  const MessageScope scope(out, 'B');
  append_cstring(out, message.portal);
  append_cstring(out, message.statement);
  append_formats(out, message.parameter_formats);
  append_int16(out, static_cast<int16_t>(message.parameters.size()));
  for (const auto& parameter : message.parameters) {
    append_int32(out, parameter ? static_cast<int32_t>(parameter->size()) : -1);
    if (parameter) out += *parameter;
  }
  append_formats(out, message.result_formats);
}

void encode(std::string& out, const DescribeMessage& message) {
  const MessageScope scope(out, 'D');
  out += static_cast<char>(message.target);
  append_cstring(out, message.name);
}

void encode(std::string& out, const ExecuteMessage& message) {
  const MessageScope scope(out, 'E');
  append_cstring(out, message.portal);
  append_int32(out, message.rows_max);
}

void encode(std::string& out, const CloseMessage& message) {
  const MessageScope scope(out, 'C');
  out += static_cast<char>(message.target);
  append_cstring(out, message.name);
}

void encode(std::string& out, const SyncMessage& /*message*/) { const MessageScope scope(out, 'S'); }
void encode(std::string& out, const FlushMessage& /*message*/) { const MessageScope scope(out, 'H'); }
void encode(std::string& out, const TerminateMessage& /*message*/) { const MessageScope scope(out, 'X'); }

}  // namespace penstock::pgwire
