// Writes the protocol's primitive types into a frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kafka/protocol/types.h"

namespace penstock::kafka::protocol {

// A message to be sent: `bytes`, with record batches put in between without having been copied.
struct Encoded {
  struct Insert {
    size_t at;  // before this index of `bytes`
    Records::Piece piece;
  };
  std::string bytes;
  std::vector<Insert> inserts;  // in order

  size_t size() const;
  // What goes over the wire, in order.
  std::vector<std::string_view> pieces() const;
  std::string joined() const;
};

class Writer {
 public:
  void u8(uint8_t value) { big_endian(value, 1); }
  void u16(uint16_t value) { big_endian(value, 2); }
  void u32(uint32_t value) { big_endian(value, 4); }
  void u64(uint64_t value) { big_endian(value, 8); }
  void unsigned_varint(uint32_t value);
  void raw(std::string_view bytes) { out_.bytes += bytes; }

  // `flexible` as in Reader. A string in the classic encoding is cut at 32,767 bytes, the longest that it has.
  void string(std::string_view value, bool flexible);
  void null_string(bool flexible);
  void byte_field(std::string_view value, bool flexible);
  void array_length(size_t length, bool flexible) { length32(length, flexible); }
  // For arrays, byte fields and records.
  void null_length(bool flexible);
  void records(const Records& records, bool flexible);

  // Leaves room for the frame's length, and fills it in.
  void begin_frame() { u32(0); }
  Encoded finish_frame() &&;
  Encoded finish() && { return std::move(out_); }

 private:
  void big_endian(uint64_t value, size_t width);
  void length32(size_t length, bool flexible);

  Encoded out_;
};

}  // namespace penstock::kafka::protocol
