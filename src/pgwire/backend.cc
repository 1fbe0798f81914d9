#include "pgwire/backend.h"

#include <charconv>

#include "pgwire/wire.h"

namespace penstock::pgwire {
namespace {

void write_empty(std::string& out, char type) { const MessageScope scope(out, type); }

void write_diagnostic(std::string& out, char type, const Diagnostic& diagnostic) {
  const MessageScope scope(out, type);
  const auto field = [&out](char code, std::string_view text) {
    if (text.empty()) return;
    out += code;
    append_cstring(out, text);
  };
  field('S', diagnostic.severity);
  field('V', diagnostic.severity);
  field('C', diagnostic.sql_state);
  field('M', diagnostic.message);
  field('H', diagnostic.hint);
  if (diagnostic.position) field('P', std::to_string(*diagnostic.position));
  out += '\0';
}

Error malformed(std::string_view message) {
  return make_error(ErrorCode::kUnavailable, "the server sent a malformed {} message", message);
}

Result<Diagnostic> decode_diagnostic(WireReader& in) {
  Diagnostic diagnostic{.severity = "ERROR", .sql_state = "", .message = "", .hint = "", .position = std::nullopt};
  for (;;) {
    const auto code = static_cast<char>(in.byte());
    if (!in.ok()) return malformed("error");
    if (code == '\0') return diagnostic;
    const std::string_view text = in.cstring();
    if (code == 'S') diagnostic.severity = text;
    if (code == 'C') diagnostic.sql_state = text;
    if (code == 'M') diagnostic.message = text;
    if (code == 'H') diagnostic.hint = text;
    uint32_t position = 0;
    if (code == 'P' && std::from_chars(text.data(), text.data() + text.size(), position).ec == std::errc()) {
      diagnostic.position = position;
    }
  }
}

Result<BackendMessage> decode_row_description(WireReader& in) {
  RowDescription message;
  const auto count = static_cast<uint16_t>(in.int16());
  for (int i = 0; i < count && in.ok(); ++i) {
    ColumnDescription column{.name = in.cstring()};
    in.bytes(sizeof(int32_t) + sizeof(int16_t));  // the table and its column
    column.oid = static_cast<uint32_t>(in.int32());
    column.size = in.int16();
    column.modifier = in.int32();
    column.format = in.int16() == 0 ? Format::kText : Format::kBinary;
    message.columns.push_back(column);
  }
  if (!in.complete()) return malformed("RowDescription");
  return message;
}

Result<BackendMessage> decode_data_row(WireReader& in) {
  DataRow message;
  const auto count = static_cast<uint16_t>(in.int16());
  for (int i = 0; i < count && in.ok(); ++i) {
    const int32_t size = in.int32();
    if (size < 0) {
      message.values.emplace_back();
    } else {
      message.values.emplace_back(in.bytes(static_cast<size_t>(size)));
    }
  }
  if (!in.complete()) return malformed("DataRow");
  return message;
}

}  // namespace

void write_authentication_ok(std::string& out) {
  const MessageScope scope(out, 'R');
  append_int32(out, 0);
}

void write_negotiate_protocol(std::string& out, int32_t newest, std::span<const std::string_view> unknown_options) {
  const MessageScope scope(out, 'v');
  append_int32(out, newest);
  append_int32(out, static_cast<int32_t>(unknown_options.size()));
  for (const std::string_view option : unknown_options) append_cstring(out, option);
}

void write_parameter_status(std::string& out, std::string_view name, std::string_view value) {
  const MessageScope scope(out, 'S');
  append_cstring(out, name);
  append_cstring(out, value);
}

void write_backend_key_data(std::string& out, int32_t process_id, std::string_view secret_key) {
  const MessageScope scope(out, 'K');
  append_int32(out, process_id);
  out += secret_key;
}

void write_ready_for_query(std::string& out, TransactionStatus status) {
  const MessageScope scope(out, 'Z');
  out += static_cast<char>(status);
}

void write_row_description(std::string& out, std::span<const ColumnDescription> columns) {
  const MessageScope scope(out, 'T');
  append_int16(out, static_cast<int16_t>(columns.size()));
  for (const ColumnDescription& column : columns) {
    append_cstring(out, column.name);
    append_int32(out, 0);  // no table
    append_int16(out, 0);  // and no column of one
    append_int32(out, static_cast<int32_t>(column.oid));
    append_int16(out, column.size);
    append_int32(out, column.modifier);
    append_int16(out, static_cast<int16_t>(column.format));
  }
}

void write_parameter_description(std::string& out, std::span<const uint32_t> oids) {
  const MessageScope scope(out, 't');
  append_int16(out, static_cast<int16_t>(oids.size()));
  for (const uint32_t oid : oids) append_int32(out, static_cast<int32_t>(oid));
}

void write_command_complete(std::string& out, std::string_view tag) {
  const MessageScope scope(out, 'C');
  append_cstring(out, tag);
}

void write_error(std::string& out, const Diagnostic& error) { write_diagnostic(out, 'E', error); }
void write_notice(std::string& out, const Diagnostic& notice) { write_diagnostic(out, 'N', notice); }
void write_empty_query_response(std::string& out) { write_empty(out, 'I'); }
void write_parse_complete(std::string& out) { write_empty(out, '1'); }
void write_bind_complete(std::string& out) { write_empty(out, '2'); }
void write_close_complete(std::string& out) { write_empty(out, '3'); }
void write_no_data(std::string& out) { write_empty(out, 'n'); }
void write_portal_suspended(std::string& out) { write_empty(out, 's'); }

Result<BackendMessage> decode_backend(const Frame& frame) {
  WireReader in(frame.payload);
  switch (frame.type) {
    case 'R': {
      const AuthenticationRequest message{.method = in.int32()};
      if (!in.ok()) return malformed("Authentication");
      return message;
    }
    case 'S': {
      const ParameterStatus message{.name = in.cstring(), .value = in.cstring()};
      if (!in.complete()) return malformed("ParameterStatus");
      return message;
    }
    case 'K': {
      const BackendKeyData message{.process_id = in.int32(), .secret_key = in.rest()};
      if (!in.ok()) return malformed("BackendKeyData");
      return message;
    }
    case 'Z': {
      const ReadyForQuery message{.status = static_cast<TransactionStatus>(in.byte())};
      if (!in.complete()) return malformed("ReadyForQuery");
      return message;
    }
    case 'T': return decode_row_description(in);
    case 'D': return decode_data_row(in);
    case 'C': {
      const CommandComplete message{.tag = in.cstring()};
      if (!in.complete()) return malformed("CommandComplete");
      return message;
    }
    case 'E': return ErrorResponse{.error = PENSTOCK_TRY(decode_diagnostic(in))};
    case 'N': return NoticeResponse{.notice = PENSTOCK_TRY(decode_diagnostic(in))};
    case 'I': return EmptyQueryResponse{};
    default: return OtherMessage{.type = frame.type};
  }
}

}  // namespace penstock::pgwire
