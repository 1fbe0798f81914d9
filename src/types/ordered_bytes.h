// Values as bytes whose order is the values' order, and which tell their own end: what keys and nested values are made
// of.
//
//   boolean            1 byte
//   int64, int128      big-endian with the sign bit flipped
//   double             its bits, big-endian; all flipped when negative, else only the sign bit. 0.0 and -0.0, and all
//                      NaNs, are one value each
//   string             its bytes with 00 written as 00 ff, then 00 00
//
// Reading trusts the bytes: they were written here.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/check.h"
#include "types/value.h"

namespace penstock::types {

namespace ordered_bytes {
inline constexpr uint64_t kSignBit = uint64_t{1} << 63;
inline constexpr std::string_view kStringEnd("\0\0", 2);
inline constexpr std::string_view kEscapedZero("\0\xff", 2);

inline void append_big_endian(std::string& out, uint64_t value) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i));
  out.append(bytes, sizeof bytes);
}
inline uint64_t read_big_endian(std::string_view& bytes) {
  PENSTOCK_CHECK(bytes.size() >= 8, "encoded values are cut off");
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  bytes.remove_prefix(8);
  return value;
}
}  // namespace ordered_bytes

// 0.0 and -0.0, and all NaNs, as one value each.
inline double normalized(double value) {
  if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
  return value == 0 ? 0.0 : value;
}

inline void append_ordered(std::string& out, bool value) { out += static_cast<char>(value ? 1 : 0); }
inline void append_ordered(std::string& out, int64_t value) {
  ordered_bytes::append_big_endian(out, static_cast<uint64_t>(value) ^ ordered_bytes::kSignBit);
}
inline void append_ordered(std::string& out, double value) {
  uint64_t bits = std::bit_cast<uint64_t>(normalized(value));
  ordered_bytes::append_big_endian(out, (bits & ordered_bytes::kSignBit) != 0 ? ~bits : bits ^ ordered_bytes::kSignBit);
}
inline void append_ordered(std::string& out, Int128 value) {
  auto bits = static_cast<unsigned __int128>(value);
  ordered_bytes::append_big_endian(out, static_cast<uint64_t>(bits >> 64) ^ ordered_bytes::kSignBit);
  ordered_bytes::append_big_endian(out, static_cast<uint64_t>(bits));
}
inline void append_ordered(std::string& out, std::string_view value) {
  while (true) {
    size_t zero = value.find('\0');
    if (zero == std::string_view::npos) break;
    out.append(value.substr(0, zero)).append(ordered_bytes::kEscapedZero);
    value.remove_prefix(zero + 1);
  }
  out.append(value).append(ordered_bytes::kStringEnd);
}

// Each takes a value from the front of `bytes` and moves `bytes` past it.
inline bool read_ordered_bool(std::string_view& bytes) {
  PENSTOCK_CHECK(!bytes.empty(), "encoded values are cut off");
  bool value = bytes[0] != 0;
  bytes.remove_prefix(1);
  return value;
}
inline int64_t read_ordered_int64(std::string_view& bytes) {
  return static_cast<int64_t>(ordered_bytes::read_big_endian(bytes) ^ ordered_bytes::kSignBit);
}
inline double read_ordered_double(std::string_view& bytes) {
  uint64_t bits = ordered_bytes::read_big_endian(bytes);
  return std::bit_cast<double>((bits & ordered_bytes::kSignBit) != 0 ? bits ^ ordered_bytes::kSignBit : ~bits);
}
inline Int128 read_ordered_int128(std::string_view& bytes) {
  uint64_t high = ordered_bytes::read_big_endian(bytes) ^ ordered_bytes::kSignBit;
  uint64_t low = ordered_bytes::read_big_endian(bytes);
  return static_cast<Int128>(static_cast<unsigned __int128>(high) << 64 | low);
}

// The bytes of a string as they stand, escaped and without their end.
inline std::string_view take_ordered_string(std::string_view& bytes) {
  size_t at = 0;
  while (true) {
    at = bytes.find('\0', at);
    PENSTOCK_CHECK(at != std::string_view::npos && at + 1 < bytes.size(), "encoded values are cut off");
    if (bytes[at + 1] == '\0') break;
    at += 2;
  }
  std::string_view escaped = bytes.substr(0, at);
  bytes.remove_prefix(at + 2);
  return escaped;
}
// What was escaped: `escaped` itself where it has no 00, else in `buffer`.
inline std::string_view unescape_ordered_string(std::string_view escaped, std::string& buffer) {
  size_t zero = escaped.find('\0');
  if (zero == std::string_view::npos) return escaped;
  buffer.clear();
  for (; zero != std::string_view::npos; zero = escaped.find('\0')) {
    buffer.append(escaped.substr(0, zero + 1));
    escaped.remove_prefix(zero + 2);
  }
  buffer.append(escaped);
  return buffer;
}

}  // namespace penstock::types
