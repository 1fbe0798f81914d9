// Reads the protocol's primitive types from a frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

// How many array elements one message may have in all. Together with the frame's size it bounds what a message takes
// in memory; the widest element is a few hundred bytes.
inline constexpr size_t kElementsMax = 1'000'000;

// A cursor over bytes that somebody else owns. After the first failure every read gives zero or empty and the first
// error is kept, so a caller looks once, at the end. Nothing is allocated from a length before it is known that the
// bytes are there.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return !error_; }
  Status status() const;
  size_t remaining() const { return bytes_.size() - at_; }
  void fail(std::string what);

  uint8_t u8() { return static_cast<uint8_t>(big_endian(1)); }
  uint16_t u16() { return static_cast<uint16_t>(big_endian(2)); }
  uint32_t u32() { return static_cast<uint32_t>(big_endian(4)); }
  uint64_t u64() { return big_endian(8); }
  uint32_t unsigned_varint();

  // The next `size` bytes, as a view.
  std::string_view view(size_t size);
  void skip(size_t size) { view(size); }

  // Lengths before strings, bytes and arrays; nullopt for null. `flexible`: compact, length + 1 as a varint.
  std::optional<size_t> string_length(bool flexible);
  std::optional<size_t> bytes_length(bool flexible);
  // Fails when there are more elements than bytes left, or more than kElementsMax in this message.
  std::optional<size_t> array_length(bool flexible);
  // Skips a section of tagged fields.
  void skip_tags();

 private:
  uint64_t big_endian(size_t width);
  std::optional<size_t> checked(int64_t length, std::string_view what);

  std::string_view bytes_;
  size_t at_ = 0;
  size_t elements_left_ = kElementsMax;
  std::optional<std::string> error_;
};

}  // namespace penstock::kafka::protocol
