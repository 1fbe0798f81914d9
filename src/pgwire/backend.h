// The messages that a server sends. DataRow, the one that matters for speed, is written by RowEncoder.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "pgwire/frame.h"
#include "pgwire/frontend.h"

namespace penstock::pgwire {

// --- written by the server ---

// A column of a RowDescription. There is no table behind it that a client could look up.
struct ColumnDescription {
  std::string_view name;
  uint32_t oid = 0;
  int16_t size = -1;      // of the type's binary form, -1 when it varies
  int32_t modifier = -1;  // such as precision and scale of a numeric
  Format format = Format::kText;
};

// An error or notice as its fields say it.
struct Diagnostic {
  std::string_view severity = "ERROR";  // ERROR, FATAL (the connection ends), WARNING, NOTICE
  std::string_view sql_state;
  std::string_view message;
  std::string_view hint;
  std::optional<uint32_t> position;  // 1-based, in characters of the query text
};

// Status byte of ReadyForQuery.
enum class TransactionStatus : char { kIdle = 'I', kInTransaction = 'T', kFailed = 'E' };

void write_authentication_ok(std::string& out);
void write_negotiate_protocol(std::string& out, int32_t newest, std::span<const std::string_view> unknown_options);
void write_parameter_status(std::string& out, std::string_view name, std::string_view value);
void write_backend_key_data(std::string& out, int32_t process_id, std::string_view secret_key);
void write_ready_for_query(std::string& out, TransactionStatus status);
void write_row_description(std::string& out, std::span<const ColumnDescription> columns);
void write_parameter_description(std::string& out, std::span<const uint32_t> oids);
void write_command_complete(std::string& out, std::string_view tag);
void write_error(std::string& out, const Diagnostic& error);
void write_notice(std::string& out, const Diagnostic& notice);
void write_empty_query_response(std::string& out);
void write_parse_complete(std::string& out);
void write_bind_complete(std::string& out);
void write_close_complete(std::string& out);
void write_no_data(std::string& out);
void write_portal_suspended(std::string& out);

// --- read by a client; texts are views on the frame ---

struct AuthenticationRequest {
  int32_t method = 0;  // 0: accepted
};
struct ParameterStatus {
  std::string_view name;
  std::string_view value;
};
struct BackendKeyData {
  int32_t process_id = 0;
  std::string_view secret_key;
};
struct ReadyForQuery {
  TransactionStatus status = TransactionStatus::kIdle;
};
struct RowDescription {
  std::vector<ColumnDescription> columns;
};
struct DataRow {
  std::vector<std::optional<std::string_view>> values;
};
struct CommandComplete {
  std::string_view tag;
};
struct ErrorResponse {
  Diagnostic error;
};
struct NoticeResponse {
  Diagnostic notice;
};
struct EmptyQueryResponse {};
// One that a client of simple queries need not understand.
struct OtherMessage {
  char type = '\0';
};
using BackendMessage =
    std::variant<AuthenticationRequest, ParameterStatus, BackendKeyData, ReadyForQuery, RowDescription, DataRow,
                 CommandComplete, ErrorResponse, NoticeResponse, EmptyQueryResponse, OtherMessage>;

Result<BackendMessage> decode_backend(const Frame& frame);

}  // namespace penstock::pgwire
