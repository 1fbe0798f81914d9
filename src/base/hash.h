// Hashes and checksums of bytes.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock {

// XXH3, 64 bits. Stable across runs and builds: vnodes are taken from it and live as long as a data directory.
uint64_t hash64(std::string_view bytes, uint64_t seed = 0);

// A fast bijective mix of 64 bits, as stable as hash64; for integer keys.
constexpr uint64_t mix64(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93U;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93U;
  x ^= x >> 32;
  return x;
}

// CRC-32C (Castagnoli) as Kafka's RecordBatch v2 uses it; SSE4.2 where the processor has it.
// `crc` continues an earlier call: crc32c(ab) == crc32c(b, crc32c(a)).
uint32_t crc32c(std::string_view bytes, uint32_t crc = 0);

namespace internal {
// The same, for a processor without SSE4.2; named here so that a test can hold one against the other.
uint32_t crc32c_portable(std::string_view bytes, uint32_t crc = 0);
}  // namespace internal

}  // namespace penstock
