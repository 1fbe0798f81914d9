#include "pgwire/frame.h"

#include "pgwire/wire.h"

namespace penstock::pgwire {
namespace {

constexpr size_t kLengthBytes = 4;
// A buffer that one large message has blown up is given back.
constexpr size_t kBufferKeptBytes = 64 * 1024;

}  // namespace

void FrameReader::feed(std::string_view bytes) {
  if (begin_ == buffer_.size()) {
    buffer_.clear();
    if (buffer_.capacity() > kBufferKeptBytes) buffer_.shrink_to_fit();
    begin_ = 0;
  } else if (begin_ > buffer_.size() / 2) {
    buffer_.erase(0, begin_);
    begin_ = 0;
  }
  buffer_ += bytes;
}

Result<std::optional<Frame>> FrameReader::next() { return cut(1, message_bytes_max_); }

Result<std::optional<Frame>> FrameReader::next_startup() { return cut(0, kStartupBytesMax); }

Result<std::optional<Frame>> FrameReader::cut(size_t header, size_t bytes_max) {
  const std::string_view bytes = unread();
  if (bytes.size() < header + kLengthBytes) return std::nullopt;
  const auto length = static_cast<uint32_t>(WireReader(bytes.substr(header)).int32());
  if (length < kLengthBytes) return invalid_argument("invalid message length {}", length);
  if (length > bytes_max) {
    return make_error(ErrorCode::kResourceExhausted, "a message of {} bytes is larger than the limit of {}", length,
                      bytes_max);
  }
  if (bytes.size() < header + length) return std::nullopt;
  begin_ += header + length;
  return Frame{.type = header == 0 ? '\0' : bytes[0],
               .payload = bytes.substr(header + kLengthBytes, length - kLengthBytes)};
}

}  // namespace penstock::pgwire
