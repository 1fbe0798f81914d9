#include "kafka/frame_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace penstock::kafka {
namespace {

int32_t read_length(const char* p) {
  uint32_t length = 0;
  for (int i = 0; i < 4; ++i) length = length << 8 | static_cast<uint8_t>(p[i]);
  return static_cast<int32_t>(length);
}

Frame make_frame(std::shared_ptr<char[]> bytes, size_t size) {
  const std::string_view view(bytes.get(), size);
  return {.bytes = view, .owner = std::move(bytes)};
}

}  // namespace

std::span<char> FrameReader::writable() {
  if (large_ != nullptr) return {large_.get() + large_filled_, large_size_ - large_filled_};
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, buffered());
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void FrameReader::received(size_t bytes) { (large_ != nullptr ? large_filled_ : end_) += bytes; }

Result<std::optional<Frame>> FrameReader::next() {
  if (large_ != nullptr) {
    if (large_filled_ < large_size_) return std::nullopt;
    return make_frame(std::exchange(large_, nullptr), large_size_);
  }
  if (buffered() < kLengthBytes) return std::nullopt;
  const int32_t length = read_length(buffer_.data() + begin_);
  if (length < 0 || static_cast<size_t>(length) > frame_bytes_max_) {
    return invalid_argument("a request of {} bytes, the limit is {}", length, frame_bytes_max_);
  }
  const auto size = static_cast<size_t>(length);
  const size_t available = buffered() - kLengthBytes;
  // A frame that fits into the buffer is waited for there, so that it takes no memory before it is complete.
  if (available < size && size + kLengthBytes <= buffer_.size()) return std::nullopt;

  auto bytes = std::make_shared_for_overwrite<char[]>(std::max<size_t>(size, 1));
  const size_t have = std::min(size, available);
  std::memcpy(bytes.get(), buffer_.data() + begin_ + kLengthBytes, have);
  begin_ += kLengthBytes + have;
  if (have == size) return make_frame(std::move(bytes), size);
  large_ = std::move(bytes);
  large_size_ = size;
  large_filled_ = have;
  return std::nullopt;
}

}  // namespace penstock::kafka
