#include "kafka/frame_reader.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

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
  if (large_size_ > 0) {
    if (large_ == nullptr) begin_large();
    return {large_.get() + large_filled_, large_size_ - large_filled_};
  }
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (end_ == buffer_.size()) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, buffered());
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void FrameReader::received(size_t bytes) { (large_size_ > 0 ? large_filled_ : end_) += bytes; }

void FrameReader::begin_large() {
  large_ = std::make_shared_for_overwrite<char[]>(large_size_);
  large_filled_ = buffered();
  std::memcpy(large_.get(), buffer_.data() + begin_, large_filled_);
  begin_ = end_;
}

Result<std::optional<Frame>> FrameReader::next() {
  if (large_size_ > 0) {
    if (large_filled_ < large_size_) return std::nullopt;
    large_filled_ = 0;
    return make_frame(std::exchange(large_, nullptr), std::exchange(large_size_, 0));
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

  begin_ += kLengthBytes;
  if (available < size) {
    large_size_ = size;
    return std::nullopt;
  }
  auto bytes = std::make_shared_for_overwrite<char[]>(std::max<size_t>(size, 1));
  std::memcpy(bytes.get(), buffer_.data() + begin_, size);
  begin_ += size;
  return make_frame(std::move(bytes), size);
}

}  // namespace penstock::kafka
