// The messages that a client sends: https://www.postgresql.org/docs/15/protocol-message-formats.html.
//
// Texts are views on the payload they were read from. Decoding checks shape and bounds only; what names and numbers
// mean is the server's business. The encoders are for clients (`penstock sql`) and tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "pgwire/frame.h"

namespace penstock::pgwire {

// --- before the session ---

constexpr int32_t protocol_version(int major, int minor) { return major << 16 | minor; }
inline constexpr int32_t kProtocolOldest = protocol_version(3, 0);
inline constexpr int32_t kProtocolNewest = protocol_version(3, 2);  // cancel keys of any length

struct StartupMessage {
  int32_t protocol = 0;
  std::vector<std::pair<std::string_view, std::string_view>> parameters;
};
struct CancelRequest {
  int32_t process_id = 0;
  std::string_view secret_key;
};
struct SslRequest {};
struct GssEncryptionRequest {};
using StartupPacket = std::variant<StartupMessage, CancelRequest, SslRequest, GssEncryptionRequest>;

Result<StartupPacket> decode_startup(std::string_view payload);

// --- in the session ---

enum class Format : uint8_t { kText = 0, kBinary = 1 };
// What Describe and Close speak of.
enum class Target : char { kStatement = 'S', kPortal = 'P' };

struct QueryMessage {
  std::string_view sql;
};
struct ParseMessage {
  std::string_view statement;
  std::string_view sql;
  std::vector<uint32_t> parameter_oids;  // 0: to be inferred
};
struct BindMessage {
  std::string_view portal;
  std::string_view statement;
  std::vector<Format> parameter_formats;  // none: all text; one: of all; else one each
  std::vector<std::optional<std::string_view>> parameters;
  std::vector<Format> result_formats;  // the same
};
struct DescribeMessage {
  Target target = Target::kStatement;
  std::string_view name;
};
struct ExecuteMessage {
  std::string_view portal;
  int32_t rows_max = 0;  // 0: all
};
struct CloseMessage {
  Target target = Target::kStatement;
  std::string_view name;
};
struct SyncMessage {};
struct FlushMessage {};
struct TerminateMessage {};
// CopyData, CopyDone, CopyFail: a client may still send them after COPY was refused; they mean nothing then.
struct CopyMessage {};
struct FunctionCallMessage {};
using FrontendMessage =
    std::variant<QueryMessage, ParseMessage, BindMessage, DescribeMessage, ExecuteMessage, CloseMessage, SyncMessage,
                 FlushMessage, TerminateMessage, CopyMessage, FunctionCallMessage>;

Result<FrontendMessage> decode_frontend(const Frame& frame);
// Whether a message begins with this byte: anything else is refused before its length is believed.
bool is_frontend_type(char type);

// The format of column or parameter `i` under the rule of Bind's format lists.
inline Format format_at(const std::vector<Format>& formats, size_t i) {
  if (formats.empty()) return Format::kText;
  return formats.size() == 1 ? formats[0] : formats[i];
}

// --- encoders ---

void encode(std::string& out, const StartupMessage& message);
void encode(std::string& out, const CancelRequest& message);
void encode(std::string& out, const SslRequest& message);
void encode(std::string& out, const QueryMessage& message);
void encode(std::string& out, const ParseMessage& message);
void encode(std::string& out, const BindMessage& message);
void encode(std::string& out, const DescribeMessage& message);
void encode(std::string& out, const ExecuteMessage& message);
void encode(std::string& out, const CloseMessage& message);
void encode(std::string& out, const SyncMessage& message);
void encode(std::string& out, const FlushMessage& message);
void encode(std::string& out, const TerminateMessage& message);

}  // namespace penstock::pgwire
