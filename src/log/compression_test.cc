#include "log/compression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <snappy.h>

#include <random>

namespace penstock::log {
namespace {

constexpr CompressionCodec kCodecs[] = {CompressionCodec::kNone, CompressionCodec::kGzip, CompressionCodec::kSnappy,
                                        CompressionCodec::kLz4, CompressionCodec::kZstd};

class CompressionTest : public testing::TestWithParam<CompressionCodec> {};
INSTANTIATE_TEST_SUITE_P(Codecs, CompressionTest, testing::ValuesIn(kCodecs),
                         [](const auto& param) { return std::string(compression_codec_name(param.param)); });

std::string compressible(size_t size) {
  std::string text;
  while (text.size() < size) text += "{\"sensor\":" + std::to_string(text.size() % 977) + "}";
  text.resize(size);
  return text;
}

std::string random_bytes(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

TEST_P(CompressionTest, RoundTrip) {
  for (const size_t size : {0, 1, 100, 4096, 32 << 10, 100'000, 1 << 20}) {
    for (const std::string& text : {compressible(size), random_bytes(size, size)}) {
      auto compressed = compress(GetParam(), text);
      ASSERT_TRUE(compressed);
      auto back = decompress(GetParam(), *compressed);
      ASSERT_TRUE(back) << back.error().to_string();
      EXPECT_EQ(*back, text);
    }
  }
}

TEST_P(CompressionTest, TheLimitIsExact) {
  for (const size_t size : {1000, 4096, 70'000}) {
    const std::string compressed = *compress(GetParam(), compressible(size));
    EXPECT_TRUE(decompress(GetParam(), compressed, size)) << size;
    auto refused = decompress(GetParam(), compressed, size - 1);
    ASSERT_FALSE(refused) << size;
    EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
  }
}

TEST_P(CompressionTest, EveryTruncationIsRefused) {
  if (GetParam() == CompressionCodec::kNone) GTEST_SKIP() << "has no framing";
  const std::string compressed = *compress(GetParam(), compressible(40'000));
  for (size_t size = 0; size < compressed.size(); ++size) {
    // A xerial stream may end after any block.
    auto cut = decompress(GetParam(), std::string_view(compressed).substr(0, size));
    if (cut) {
      EXPECT_EQ(GetParam(), CompressionCodec::kSnappy);
      EXPECT_LT(cut->size(), 40'000U);
    }
  }
}

TEST_P(CompressionTest, DamageNeverCrashes) {
  const std::string good = *compress(GetParam(), compressible(5'000));
  std::mt19937_64 random(7);
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes = good;
    for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    auto out = decompress(GetParam(), bytes, 1 << 20);
    if (out) {
      EXPECT_LE(out->size(), 1U << 20);
    }
  }
}

TEST_P(CompressionTest, BatchesKeepTheirRecords) {
  RecordBatchBuilder builder;
  for (int i = 0; i < 100; ++i) builder.add(i, "key", "the same value again and again");
  const std::string plain = builder.finish();
  auto batch = compress_batch(plain, GetParam());
  ASSERT_TRUE(batch);
  auto view = parse_record_batch(*batch);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->crc_matches());
  EXPECT_EQ(view->codec(), GetParam());
  auto records = uncompressed_records(*view, {});
  ASSERT_TRUE(records);
  EXPECT_EQ(records->bytes, parse_record_batch(plain)->records());
}

TEST(Compression, RawSnappyAsLibrdkafkaWritesIt) {
  std::string raw;
  const std::string text = compressible(10'000);
  snappy::Compress(text.data(), text.size(), &raw);
  EXPECT_EQ(*decompress(CompressionCodec::kSnappy, raw), text);
}

TEST(Compression, ASmallLieAllocatesNothingLarge) {
  // A raw snappy preamble of 4 GB and nothing behind it.
  auto lie = decompress(CompressionCodec::kSnappy, "\xff\xff\xff\xff\x0f", SIZE_MAX);
  ASSERT_FALSE(lie);
  EXPECT_EQ(lie.error().code(), ErrorCode::kCorruption);
}

TEST(Compression, GzipMembersFollowOneAnother) {
  const std::string two = *compress(CompressionCodec::kGzip, "one") + *compress(CompressionCodec::kGzip, "two");
  EXPECT_EQ(*decompress(CompressionCodec::kGzip, two), "onetwo");
}

TEST(Compression, UnknownCodec) {
  EXPECT_EQ(decompress(static_cast<CompressionCodec>(5), "x").error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace penstock::log
