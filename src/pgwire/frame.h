// Cuts a stream of bytes into the messages of the PostgreSQL protocol: one type byte, then a length that counts itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::pgwire {

struct Frame {
  char type = '\0';  // '\0': a startup packet, which has no type byte
  std::string_view payload;
};

// The first packet of a connection: PostgreSQL's own bound.
inline constexpr size_t kStartupBytesMax = 10'000;

// Holds what has been received and not been read yet: at most one incomplete message and one read of the socket more.
// Not thread-safe.
class FrameReader {
 public:
  explicit FrameReader(size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  void feed(std::string_view bytes);
  // Gives back the memory of messages that have been read, which is for nothing until feed().
  void trim();
  // The whole length of the message (with a type byte) of which a part was fed; 0 when there is none, or its length has
  // not come yet. make_room() takes memory for that much.
  size_t incomplete_bytes() const;
  void make_room() { buffer_.reserve(begin_ + incomplete_bytes()); }

  // The next whole message, or nothing when more bytes are needed. Its payload is valid until feed(). An error (a
  // length that cannot be, or beyond the bound) is final: the stream has lost its meaning.
  Result<std::optional<Frame>> next();
  // The same for a packet without a type byte.
  Result<std::optional<Frame>> next_startup();

  // Bytes that were fed and not handed out.
  std::string_view unread() const { return std::string_view(buffer_).substr(begin_); }

 private:
  Result<std::optional<Frame>> cut(size_t header, size_t bytes_max);

  const size_t message_bytes_max_;
  std::string buffer_;
  size_t begin_ = 0;
};

}  // namespace penstock::pgwire
