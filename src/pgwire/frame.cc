#include "pgwire/frame.h"

#include <algorithm>

#include "pgwire/wire.h"

namespace penstock::pgwire {
namespace {

constexpr size_t kLengthBytes = 4;
// A buffer that one large message has blown up is given back.
constexpr size_t kBufferKeptBytes = 64 * 1024;

}  // namespace

void FrameReader::trim() {
  if (buffer_.capacity() > kBufferKeptBytes && std::max(incomplete_bytes(), unread().size()) <= kBufferKeptBytes) {
    buffer_ = std::string(unread());
  } else {
    buffer_.erase(0, begin_);
  }
  begin_ = 0;
}

size_t FrameReader::incomplete_bytes() const {
  const std::string_view bytes = unread();
  if (bytes.size() < 1 + kLengthBytes) return 0;
  const size_t whole = 1 + size_t{static_cast<uint32_t>(WireReader(bytes.substr(1)).int32())};
  return whole <= 1 + message_bytes_max_ && bytes.size() < whole ? whole : 0;
}

void FrameReader::feed(std::string_view bytes) {
  if (begin_ > buffer_.size() / 2) trim();
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
