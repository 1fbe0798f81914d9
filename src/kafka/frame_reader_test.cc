#include "kafka/frame_reader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace penstock::kafka {
namespace {

std::string framed(std::string_view body) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(body.size() >> shift);
  return bytes.append(body);
}

// Feeds `bytes` in pieces of random sizes and gives what frames come out.
std::vector<std::string> read_all(FrameReader& reader, std::string_view bytes, std::mt19937& random, size_t piece_max) {
  std::vector<std::string> frames;
  while (!bytes.empty()) {
    const auto space = reader.writable();
    EXPECT_FALSE(space.empty());
    const size_t n = std::min({bytes.size(), space.size(), 1 + random() % piece_max});
    std::memcpy(space.data(), bytes.data(), n);
    reader.received(n);
    bytes.remove_prefix(n);
    for (;;) {
      auto frame = reader.next();
      EXPECT_TRUE(frame);
      if (!frame || !*frame) break;
      frames.emplace_back((*frame)->bytes);
    }
  }
  return frames;
}

TEST(FrameReaderTest, CutsTheStreamWhereverItIsCut) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::string> bodies;
    std::string stream;
    for (int i = 0; i < 20; ++i) {
      constexpr size_t kSizes[] = {0, 1, 100, 16'379, 16'380, 16'381, 16'384, 50'000};
      std::string body(kSizes[random() % std::size(kSizes)], '\0');
      for (char& c : body) c = static_cast<char>(random());
      stream += framed(body);
      bodies.push_back(std::move(body));
    }
    FrameReader reader(100'000);
    ASSERT_EQ(read_all(reader, stream, random, seed % 3 == 0 ? 7 : 40'000), bodies) << seed;
    EXPECT_FALSE(reader.in_frame());
  }
}

TEST(FrameReaderTest, LengthsOutOfBoundsAreErrors) {
  for (const uint32_t length : {1001U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
    FrameReader reader(1000);
    const auto space = reader.writable();
    for (size_t i = 0; i < 4; ++i) space[i] = static_cast<char>(length >> (24 - 8 * i));
    reader.received(4);
    EXPECT_FALSE(reader.next()) << length;
  }
}

TEST(FrameReaderTest, AFrameOwnsItsBytes) {
  std::mt19937 random(1);
  std::optional<Frame> kept;
  {
    FrameReader reader(1 << 20);
    const std::string bytes = framed(std::string(100'000, 'x'));
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto space = reader.writable();
      const size_t n = std::min(space.size(), rest.size());
      std::memcpy(space.data(), rest.data(), n);
      reader.received(n);
      rest.remove_prefix(n);
      if (auto frame = *reader.next()) kept = std::move(frame);
    }
  }
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->bytes, std::string(100'000, 'x'));
}

}  // namespace
}  // namespace penstock::kafka
