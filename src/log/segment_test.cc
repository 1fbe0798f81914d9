#include "log/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "io/simulated_env.h"
#include "log/log_test_fixture.h"
#include "log/segment_writer.h"

namespace penstock::log {
namespace {

using testing::HasSubstr;

constexpr const char* kDirectory = "/p/topics/t/0";

// A segment of batches with random sizes and times, and the plain list of them.
class SegmentTest : public testing::Test {
 protected:
  struct Batch {
    std::string bytes;
    int64_t base_offset;
    int64_t next_offset;
    int64_t timestamp_ms;
    uint64_t position;
  };

  void append(int count, size_t bytes_max) {
    std::vector<StoredBatch> stored;
    const size_t first = batches_.size();
    for (int i = 0; i < count; ++i) {
      const int64_t base = batches_.empty() ? 100 : batches_.back().next_offset;
      const auto at_ms = static_cast<int64_t>(1000 + batches_.size() * 10 + random_() % 500);
      std::vector<std::string> values(1 + random_() % 3, std::string(random_() % bytes_max, 'x'));
      std::string bytes(batch_of(values, at_ms).bytes);
      set_base_offset(bytes.data(), base);
      const uint64_t position = batches_.empty() ? 0 : batches_.back().position + batches_.back().bytes.size();
      batches_.push_back({bytes, base, base + static_cast<int64_t>(values.size()), at_ms, position});
    }
    for (size_t i = first; i < batches_.size(); ++i) {
      const Batch& batch = batches_[i];
      stored.push_back({batch.bytes, batch.base_offset, batch.next_offset, batch.timestamp_ms});
    }
    ASSERT_TRUE(writer_.append(kDirectory, stored, &info_));
    EXPECT_EQ(info_.bytes, batches_.back().position + batches_.back().bytes.size());
    EXPECT_EQ(info_.next_offset, batches_.back().next_offset);
  }
  void check_lookups(SegmentReader& reader) {
    for (int i = 0; i < 300; ++i) {
      const auto offset = static_cast<int64_t>(90 + random_() % (batches_.back().next_offset - 85));
      const auto by_offset = std::ranges::find_if(batches_, [&](const Batch& b) { return b.next_offset > offset; });
      EXPECT_EQ(*reader.find_offset(info_, offset), by_offset == batches_.end() ? info_.bytes : by_offset->position);

      const auto at_ms = static_cast<int64_t>(random_() % (2000 + batches_.size() * 10));
      const uint64_t from = batches_[random_() % batches_.size()].position;
      const auto by_time =
          std::ranges::find_if(batches_, [&](const Batch& b) { return b.position >= from && b.timestamp_ms >= at_ms; });
      EXPECT_EQ(*reader.find_timestamp(info_, from, at_ms),
                by_time == batches_.end() ? info_.bytes : by_time->position);
    }
  }
  std::shared_ptr<SegmentReader> open_reader() { return *SegmentReader::open(env_, kDirectory, 100); }

  io::SimulatedEnv env_{1};
  SegmentWriter writer_{env_};
  std::mt19937_64 random_{5};
  SegmentInfo info_;
  std::vector<Batch> batches_;
  const std::string index_ = segment_index_path(kDirectory, 100);
};

TEST_F(SegmentTest, LookupsAgreeWithTheListOfBatches) {
  append(1, 100);
  const auto reader = open_reader();
  check_lookups(*reader);
  // The reader sees what is added later, by new index entries too.
  for (int round = 0; round < 6; ++round) {
    append(200, 1500);
    check_lookups(*reader);
  }
  EXPECT_GT(info_.index_entries, 5U);
  check_lookups(*open_reader());
}

TEST_F(SegmentTest, ABrokenIndexMakesLookupsSlowNotWrong) {
  append(600, 1500);
  for (uint64_t at = 0; at < info_.index_entries * kIndexEntryBytes; at += 24) {
    env_.flip_byte(index_, at, 0x04);
    check_lookups(*open_reader());
    env_.flip_byte(index_, at, 0x04);
  }
  ASSERT_TRUE(env_.open(index_, io::OpenMode::kReadWrite).value()->truncate(40));
  check_lookups(*open_reader());
  ASSERT_TRUE(env_.remove_file(index_));
  check_lookups(*open_reader());
}

TEST_F(SegmentTest, ReadsWholeBatchesWithinTheLimit) {
  append(100, 500);
  const auto reader = open_reader();
  for (int i = 0; i < 200; ++i) {
    const size_t first = random_() % batches_.size();
    const size_t max_bytes = random_() % 5000;
    const bool at_least_one = random_() % 2 == 0;
    const auto read = reader->read(info_, batches_[first].position, max_bytes, at_least_one);
    ASSERT_TRUE(read);
    size_t bytes = 0;
    size_t expected = 0;
    while (first + expected < batches_.size() && bytes + batches_[first + expected].bytes.size() <= max_bytes) {
      bytes += batches_[first + expected++].bytes.size();
    }
    if (expected == 0 && at_least_one) expected = 1;
    ASSERT_EQ(read->size(), expected);
    for (size_t j = 0; j < expected; ++j) EXPECT_EQ((*read)[j].bytes, batches_[first + j].bytes);
  }
  EXPECT_TRUE(reader->read(info_, info_.bytes, 1000, true)->empty());
}

TEST_F(SegmentTest, BytesBeyondTheSegmentAreNotPartOfIt) {
  append(10, 100);
  const SegmentInfo before = info_;
  const std::vector<Batch> kept = batches_;
  append(10, 100);
  info_ = before;
  batches_ = kept;
  check_lookups(*open_reader());
  EXPECT_EQ(open_reader()->read(info_, 0, 1 << 20, true)->size(), kept.size());
}

TEST_F(SegmentTest, DamageIsNamedByFileAndOffset) {
  append(20, 100);
  const std::string path = segment_path(kDirectory, 100);
  const Batch& hit = batches_[7];
  const auto error = [&] { return open_reader()->read(info_, hit.position, 1 << 20, true).error(); };
  env_.flip_byte(path, hit.position + 70, 1);
  EXPECT_EQ(error().code(), ErrorCode::kCorruption);
  EXPECT_THAT(error().message(), HasSubstr(fmt::format("{} at offset {}", path, hit.position)));
  env_.flip_byte(path, hit.position + 8, 0x40);  // the length
  EXPECT_THAT(error().message(), HasSubstr(fmt::format("{} at offset {}", path, hit.position)));
  EXPECT_EQ(open_reader()->find_offset(info_, batches_[9].base_offset).error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(*open_reader()->find_offset(info_, hit.base_offset - 1), batches_[6].position);
}

TEST_F(SegmentTest, OffsetsAreCheckedAlthoughTheCrcLeavesThemOut) {
  append(20, 100);
  const std::string path = segment_path(kDirectory, 100);
  for (const size_t i : {size_t{0}, size_t{7}, size_t{19}}) {
    const Batch& hit = batches_[i];
    for (uint64_t at = 0; at < 8; ++at) {
      env_.flip_byte(path, hit.position + at, 0x01);
      const auto wrong =
          HasSubstr(fmt::format("{} at offset {}: a record batch has a wrong offset", path, hit.position));
      EXPECT_THAT(open_reader()->read(info_, 0, 1 << 20, true).error().message(), wrong);
      EXPECT_THAT(open_reader()->find_offset(info_, hit.base_offset).error().message(), wrong);
      env_.flip_byte(path, hit.position + at, 0x01);
    }
  }
  // The last batch ends where the checkpoint says that the segment does.
  ++info_.next_offset;
  EXPECT_THAT(open_reader()->find_offset(info_, info_.next_offset - 1).error().message(),
              HasSubstr("record batches are missing at the end"));
}

TEST_F(SegmentTest, TheCacheIsBoundedAndForgets) {
  append(1, 10);
  SegmentCache cache(env_);
  const auto first = *cache.get(1, kDirectory, 100);
  EXPECT_EQ(*cache.get(1, kDirectory, 100), first);
  for (uint32_t handle = 2; handle < 2 + kOpenSegmentsMax; ++handle) ASSERT_TRUE(cache.get(handle, kDirectory, 100));
  EXPECT_NE(*cache.get(1, kDirectory, 100), first);
  EXPECT_EQ(first.use_count(), 1);
  const auto again = *cache.get(1, kDirectory, 100);
  cache.erase(1, 100);
  EXPECT_EQ(*cache.get(1, kDirectory, 100), again);
  cache.erase(1, 101);
  EXPECT_NE(*cache.get(1, kDirectory, 100), again);
}

}  // namespace
}  // namespace penstock::log
