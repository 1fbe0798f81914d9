#include "kafka/protocol/writer.h"

#include <algorithm>

namespace penstock::kafka::protocol {

size_t Encoded::size() const {
  size_t total = bytes.size();
  for (const auto& insert : inserts) total += insert.piece.bytes.size();
  return total;
}

std::vector<std::string_view> Encoded::pieces() const {
  std::vector<std::string_view> result;
  result.reserve(inserts.size() * 2 + 1);
  size_t at = 0;
  for (const auto& insert : inserts) {
    if (insert.at > at) result.push_back(std::string_view(bytes).substr(at, insert.at - at));
    result.push_back(insert.piece.bytes);
    at = insert.at;
  }
  if (at < bytes.size()) result.push_back(std::string_view(bytes).substr(at));
  return result;
}

std::string Encoded::joined() const {
  std::string all;
  for (const auto piece : pieces()) all += piece;
  return all;
}

void Writer::big_endian(uint64_t value, size_t width) {
  char buffer[8];
  for (size_t i = 0; i < width; ++i) buffer[i] = static_cast<char>(value >> 8 * (width - 1 - i));
  out_.bytes.append(buffer, width);
}

void Writer::unsigned_varint(uint32_t value) {
  for (; value >= 0x80; value >>= 7) u8(static_cast<uint8_t>(value | 0x80));
  u8(static_cast<uint8_t>(value));
}

void Writer::length32(size_t length, bool flexible) {
  if (flexible) {
    unsigned_varint(static_cast<uint32_t>(length) + 1);
  } else {
    u32(static_cast<uint32_t>(length));
  }
}

void Writer::string(std::string_view value, bool flexible) {
  if (flexible) {
    unsigned_varint(static_cast<uint32_t>(value.size()) + 1);
  } else {
    value = value.substr(0, INT16_MAX);
    u16(static_cast<uint16_t>(value.size()));
  }
  raw(value);
}

void Writer::null_string(bool flexible) { flexible ? unsigned_varint(0) : u16(UINT16_MAX); }

void Writer::null_length(bool flexible) { flexible ? unsigned_varint(0) : u32(UINT32_MAX); }

void Writer::byte_field(std::string_view value, bool flexible) {
  length32(value.size(), flexible);
  raw(value);
}

void Writer::records(const Records& records, bool flexible) {
  if (records.is_null) return null_length(flexible);
  length32(records.size(), flexible);
  for (const auto& piece : records.pieces) {
    if (!piece.bytes.empty()) out_.inserts.push_back({.at = out_.bytes.size(), .piece = piece});
  }
}

Encoded Writer::finish_frame() && {
  const size_t length = out_.size() - sizeof(uint32_t);
  for (size_t i = 0; i < sizeof(uint32_t); ++i) out_.bytes[i] = static_cast<char>(length >> 8 * (3 - i));
  return std::move(out_);
}

}  // namespace penstock::kafka::protocol
