// Cuts a stream of bytes into requests.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::kafka {

// One request without its length. The bytes are this frame's alone and may be written.
struct Frame {
  std::string_view bytes;
  std::shared_ptr<const void> owner;
};

// Sans-I/O: the caller reads from its socket into writable() and says how much came. Small requests are read several
// at a time through a small buffer; the bytes of a large one go straight into its own memory, which is as large as
// its length says. It is taken by writable(), so that a caller can see to it before that there is room for it.
class FrameReader {
 public:
  explicit FrameReader(size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max), buffer_(kBufferBytes) {}

  // Where the next bytes go; never empty after next() gave nullopt.
  std::span<char> writable();
  void received(size_t bytes);
  // The next complete frame, or nullopt when more bytes are needed. kInvalidArgument: the length is negative or above
  // the limit; the stream cannot be read any further.
  Result<std::optional<Frame>> next();
  // The size of the frame that the next bytes are for when it has no room in the small buffer, else 0.
  size_t large_bytes() const { return large_size_; }
  // Whether a frame has begun and is not complete.
  bool in_frame() const { return large_size_ > 0 || begin_ < end_; }

 private:
  static constexpr size_t kBufferBytes = 16 << 10;
  static constexpr size_t kLengthBytes = 4;

  size_t buffered() const { return end_ - begin_; }
  void begin_large();

  const size_t frame_bytes_max_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what is buffered and not given out
  size_t end_ = 0;
  size_t large_size_ = 0;          // of a frame that the small buffer is too small for; 0: there is none
  std::shared_ptr<char[]> large_;  // its bytes, once they are read
  size_t large_filled_ = 0;
};

}  // namespace penstock::kafka
