// Fixed-width integers in bytes: big-endian for Kafka's formats, little-endian for the log's own files, and Kafka's
// zigzag varints.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::log {

// Unaligned reads and writes. The caller has checked the bounds.
template <std::integral T>
T load_big(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}
template <std::integral T>
void store_big(char* at, T value) {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(at, &value, sizeof(T));
}
template <std::integral T>
T load_little(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return std::endian::native == std::endian::little ? value : std::byteswap(value);
}
template <std::integral T>
void store_little(char* at, T value) {
  if constexpr (std::endian::native != std::endian::little) value = std::byteswap(value);
  std::memcpy(at, &value, sizeof(T));
}

// Takes a zigzag varint of at most 10 bytes off the front; false when there is none.
inline bool take_varint(std::string_view* from, int64_t* value) {
  uint64_t bits = 0;
  for (size_t i = 0; i < from->size() && i < 10; ++i) {
    const auto byte = static_cast<uint8_t>((*from)[i]);
    bits |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      from->remove_prefix(i + 1);
      *value = static_cast<int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
      return true;
    }
  }
  return false;
}

// The bytes that append_varint() adds for `value`.
inline size_t varint_size(int64_t value) {
  const uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  return static_cast<size_t>(std::bit_width(zigzag | 1) + 6) / 7;
}

inline void append_varint(std::string* to, int64_t value) {
  uint64_t zigzag = (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
  while (zigzag >= 0x80) {
    to->push_back(static_cast<char>(zigzag | 0x80));
    zigzag >>= 7;
  }
  to->push_back(static_cast<char>(zigzag));
}

// Appends little-endian integers and length-prefixed strings to a string.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* to) : to_(to) {}

  template <std::integral T>
  void put(T value) {
    char bytes[sizeof(T)];
    store_little(bytes, value);
    to_->append(bytes, sizeof(T));
  }
  void put_string(std::string_view text) {
    put(static_cast<uint32_t>(text.size()));
    to_->append(text);
  }

 private:
  std::string* to_;
};

// Reads what ByteWriter wrote. Once something did not fit, ok() is false and everything reads as zero or empty.
class ByteReader {
 public:
  explicit ByteReader(std::string_view from) : rest_(from) {}

  template <std::integral T>
  T get() {
    if (!ok_ || rest_.size() < sizeof(T)) {
      ok_ = false;
      return T{};
    }
    T value = load_little<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view get_string() {
    const auto size = get<uint32_t>();
    if (!ok_ || rest_.size() < size) {
      ok_ = false;
      return {};
    }
    std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  // A count of things of at least `bytes_each`: what cannot fit in the rest is an error, not an allocation.
  uint32_t get_count(size_t bytes_each) {
    const auto count = get<uint32_t>();
    if (ok_ && count > rest_.size() / bytes_each) ok_ = false;
    return ok_ ? count : 0;
  }

  bool ok() const { return ok_; }
  // Everything was read, and nothing is left.
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace penstock::log
