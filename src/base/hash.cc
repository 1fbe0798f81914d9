#include "base/hash.h"

#include <xxhash.h>

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace penstock {

uint64_t hash64(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<uint32_t, 256> kTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? (c >> 1) ^ kPolynomial : c >> 1;
    table[i] = c;
  }
  return table;
}();

#if defined(__x86_64__)
// Multiplies `crc` by x^(8*n) modulo the polynomial, so that checksums of neighbouring stripes can be joined.
constexpr std::array<std::array<uint32_t, 256>, 4> make_shift_table(size_t n) {
  std::array<uint32_t, 32> power{};  // power[b] = shift of the single bit b over n zero bytes
  for (uint32_t bit = 0; bit < 32; ++bit) {
    uint32_t c = 1U << bit;
    for (size_t i = 0; i < n; ++i) c = (c >> 8) ^ kTable[c & 0xff];
    power[bit] = c;
  }
  std::array<std::array<uint32_t, 256>, 4> table{};
  for (uint32_t byte = 0; byte < 4; ++byte) {
    for (uint32_t v = 0; v < 256; ++v) {
      uint32_t c = 0;
      for (uint32_t bit = 0; bit < 8; ++bit) {
        if ((v >> bit & 1) != 0) c ^= power[byte * 8 + bit];
      }
      table[byte][v] = c;
    }
  }
  return table;
}

constexpr size_t kStripe = 1024;

uint32_t shift_stripe(const std::array<std::array<uint32_t, 256>, 4>& table, uint32_t c) {
  return table[0][c & 0xff] ^ table[1][c >> 8 & 0xff] ^ table[2][c >> 16 & 0xff] ^ table[3][c >> 24];
}

uint64_t load64(const char* p) {
  uint64_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return v;
}

// The crc32 instruction takes 3 cycles but one can start every cycle: three stripes run side by side.
__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(std::string_view bytes, uint32_t crc) {
  static const auto kShiftTable = make_shift_table(kStripe);
  const char* p = bytes.data();
  size_t n = bytes.size();
  uint64_t a = crc;
  while (n >= 3 * kStripe) {
    uint64_t b = 0;
    uint64_t c = 0;
    for (size_t i = 0; i < kStripe; i += 8) {
      a = _mm_crc32_u64(a, load64(p + i));
      b = _mm_crc32_u64(b, load64(p + kStripe + i));
      c = _mm_crc32_u64(c, load64(p + 2 * kStripe + i));
    }
    a = shift_stripe(kShiftTable, static_cast<uint32_t>(a)) ^ b;
    a = shift_stripe(kShiftTable, static_cast<uint32_t>(a)) ^ c;
    p += 3 * kStripe;
    n -= 3 * kStripe;
  }
  for (; n >= 8; p += 8, n -= 8) a = _mm_crc32_u64(a, load64(p));
  auto c32 = static_cast<uint32_t>(a);
  for (; n > 0; ++p, --n) c32 = _mm_crc32_u8(c32, static_cast<uint8_t>(*p));
  return c32;
}
#endif

}  // namespace

uint32_t crc32c(std::string_view bytes, uint32_t crc) {
#if defined(__x86_64__)
  static const bool kHasSse42 = __builtin_cpu_supports("sse4.2") != 0;
  if (kHasSse42) return ~crc32c_sse42(bytes, ~crc);
#endif
  return internal::crc32c_portable(bytes, crc);
}

uint32_t internal::crc32c_portable(std::string_view bytes, uint32_t crc) {
  uint32_t c = ~crc;
  for (const char byte : bytes) c = (c >> 8) ^ kTable[(c ^ static_cast<uint8_t>(byte)) & 0xff];
  return ~c;
}

}  // namespace penstock
