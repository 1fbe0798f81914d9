#include "base/hash.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace penstock {
namespace {

// The definition, bit by bit; shares nothing with the implementation.
uint32_t crc32c_oracle(std::string_view bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

std::string random_bytes(std::mt19937_64& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(Crc32c, KnownVectors) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  // RFC 3720, appendix B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending += static_cast<char>(i);
  EXPECT_EQ(crc32c(ascending), 0x46dd794eU);
  EXPECT_EQ(crc32c(std::string(ascending.rbegin(), ascending.rend())), 0x113fdb5cU);
}

TEST(Crc32c, EveryPathFollowsTheDefinition) {
  std::mt19937_64 random(11);
  // Around the word size, and around the three stripes of 1 KiB that run side by side.
  for (const size_t size : {1, 7, 8, 9, 15, 63, 1024, 3071, 3072, 3073, 3080, 6143, 6144, 6151, 10'000}) {
    for (size_t unaligned = 0; unaligned < 8; ++unaligned) {
      const std::string bytes = random_bytes(random, size + unaligned);
      const std::string_view view = std::string_view(bytes).substr(unaligned);
      const uint32_t expected = crc32c_oracle(view);
      EXPECT_EQ(crc32c(view), expected) << size;
      EXPECT_EQ(internal::crc32c_portable(view), expected) << size;
    }
  }
}

TEST(Crc32c, ContinuesWhereItStopped) {
  std::mt19937_64 random(12);
  const std::string bytes = random_bytes(random, 8000);
  const std::string_view view = bytes;
  const uint32_t whole = crc32c(view);
  for (int i = 0; i < 200; ++i) {
    const size_t first = random() % (view.size() + 1);
    const size_t second = first + random() % (view.size() - first + 1);
    uint32_t crc = crc32c(view.substr(0, first));
    crc = internal::crc32c_portable(view.substr(first, second - first), crc);
    EXPECT_EQ(crc32c(view.substr(second), crc), whole) << first << " " << second;
  }
}

TEST(Crc32c, SeesEveryBit) {
  std::mt19937_64 random(13);
  std::string bytes = random_bytes(random, 4000);
  const uint32_t good = crc32c(bytes);
  for (int i = 0; i < 500; ++i) {
    const size_t at = random() % bytes.size();
    const auto flip = static_cast<char>(1 << (random() % 8));
    bytes[at] = static_cast<char>(bytes[at] ^ flip);
    EXPECT_NE(crc32c(bytes), good);
    bytes[at] = static_cast<char>(bytes[at] ^ flip);
  }
}

// Data directories live on these values: a change of one is a change of the format on disk.
TEST(Hash, IsStable) {
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2U);
  EXPECT_EQ(hash64("penstock"), 0xfb5a0b813e4c7327U);
  EXPECT_EQ(hash64("penstock", 42), 0xdf6c785c8855751cU);
  EXPECT_EQ(mix64(0), 0U);
  EXPECT_EQ(mix64(1), 0x4179b061e0c0e0d0U);
}

TEST(Hash, Mix64LosesNothing) {
  // The inverse of x ^= x >> 32 is itself, and that of a multiplication is one by the modular inverse.
  constexpr uint64_t kInverse = [] {
    const uint64_t factor = 0xd6e8feb86659fd93U;
    uint64_t inverse = factor;
    for (int i = 0; i < 6; ++i) inverse *= 2 - factor * inverse;
    return inverse;
  }();
  std::mt19937_64 random(14);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t x = random();
    uint64_t y = mix64(x);
    for (int round = 0; round < 2; ++round) y = (y ^ (y >> 32)) * kInverse;
    EXPECT_EQ(y ^ (y >> 32), x);
  }
}

}  // namespace
}  // namespace penstock
