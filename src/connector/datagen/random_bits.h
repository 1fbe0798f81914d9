// Random bits by number: the hash of SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators").
#pragma once

#include <cstdint>
#include <limits>

namespace penstock::connector {

inline uint64_t random_bits(uint64_t seed, uint64_t number) {
  uint64_t z = seed + (number + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

// Bits mapped to [0, span); a span of 0 stands for 2^64.
inline uint64_t scaled(uint64_t bits, uint64_t span) {
  if (span == 0) return bits;
  return static_cast<uint64_t>((static_cast<unsigned __int128>(bits) * span) >> 64);
}

// Bits mapped to [0, 1).
inline double unit_fraction(uint64_t bits) { return static_cast<double>(static_cast<int64_t>(bits >> 11)) * 0x1.0p-53; }

}  // namespace penstock::connector
