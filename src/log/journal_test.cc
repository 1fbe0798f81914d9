#include "log/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/simulated_env.h"
#include "log/journal_recovery.h"
#include "log/log_test_fixture.h"

namespace penstock::log {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr uint64_t kId = 77;
constexpr uint64_t kSegmentBytes = 64 << 10;

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    EXPECT_TRUE(env_.create_directories("/j"));
    open({});
  }

  void open(JournalPosition start) { journal_ = std::make_unique<Journal>(env_, "/j", kId, start, kSegmentBytes); }
  Status commit(const std::vector<std::string>& payloads) {
    CommitBuilder builder;
    builder.start(kId, journal_->position().sequence);
    for (const std::string& payload : payloads) builder.add_control(FrameType::kGroupDeletion, 5, payload);
    int64_t sync_us = 0;
    return journal_->append(builder, &sync_us);
  }
  // The payloads from `start`, or the error's text.
  std::vector<std::string> read(JournalPosition start = {}) {
    std::vector<std::string> payloads;
    auto end = read_journal(env_, "/j", kId, start, [&](const JournalFrame& frame, const auto&) -> Status {
      EXPECT_EQ(frame.partition_handle, 5U);
      payloads.emplace_back(frame.payload);
      return {};
    });
    if (!end) return {end.error().message()};
    end_ = *end;
    return payloads;
  }

  io::SimulatedEnv env_{1};
  std::unique_ptr<Journal> journal_;
  JournalEnd end_;
  const std::string first_ = journal_segment_path("/j", 1);
};

TEST_F(JournalTest, CommitsComeBackInOrder) {
  EXPECT_THAT(read(), ElementsAre());
  ASSERT_TRUE(commit({"a", "b"}));
  ASSERT_TRUE(commit({"c"}));
  EXPECT_THAT(read(), ElementsAre("a", "b", "c"));
  EXPECT_EQ(end_.next_sequence, 3U);
  EXPECT_EQ(end_.next_segment, 2U);
}

TEST_F(JournalTest, RollsAndReadsFromTheMiddle) {
  std::vector<std::string> all;
  std::vector<JournalPosition> positions;
  for (int i = 0; i < 100; ++i) {
    positions.push_back(journal_->position());
    all.push_back(std::to_string(i) + std::string(3000, 'x'));
    ASSERT_TRUE(commit({all.back()}));
  }
  EXPECT_GT(journal_->position().segment, 5U);
  EXPECT_EQ(read(), all);
  for (size_t i = 0; i < positions.size(); ++i) {
    EXPECT_EQ(read(positions[i]), std::vector<std::string>(all.begin() + static_cast<ptrdiff_t>(i), all.end()));
  }
}

TEST_F(JournalTest, ACommitLargerThanASegmentHasOneForItself) {
  const std::string large(3 * kSegmentBytes, 'L');
  ASSERT_TRUE(commit({"a"}));
  ASSERT_TRUE(commit({large}));
  ASSERT_TRUE(commit({"b"}));
  EXPECT_THAT(read(), ElementsAre("a", large, "b"));
}

TEST_F(JournalTest, PreparationStaysAheadAndEnds) {
  int steps = 0;
  while (journal_->wants_preparation()) {
    ASSERT_TRUE(journal_->prepare().value());
    ASSERT_LT(++steps, 10);
  }
  EXPECT_FALSE(journal_->prepare().value());
  EXPECT_EQ(env_.read_file(first_)->size(), kSegmentBytes);
  ASSERT_TRUE(commit({"a"}));
  EXPECT_FALSE(journal_->wants_preparation());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(commit({std::string(4000, 'x')}));
  while (journal_->wants_preparation()) ASSERT_TRUE(journal_->prepare());
  EXPECT_TRUE(env_.exists(journal_segment_path("/j", 2)));
  EXPECT_EQ(read().size(), 11U);
}

TEST_F(JournalTest, RecycledSegmentsShowNothingOld) {
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(commit({"old" + std::string(3000, 'x')}));
  ASSERT_TRUE(journal_->recycle(journal_->position().segment));
  const JournalPosition from = journal_->position();
  std::vector<std::string> fresh;
  for (int i = 0; i < 40; ++i) {
    fresh.push_back(std::to_string(i) + std::string(3000, 'y'));
    ASSERT_TRUE(commit({fresh.back()}));
    EXPECT_EQ(read(from), fresh);
  }
  // Two were kept for use again, and have been used.
  EXPECT_THAT(env_.list("/j").value(), testing::Not(testing::Contains(HasSubstr(".free"))));
}

// A crash may forget that a segment was renamed to be used again, and remember the rename to its next number.
TEST_F(JournalTest, AFileUnderTwoNamesIsUsedForOneSegmentOnly) {
  int found = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    io::SimulatedEnv env(seed);
    ASSERT_TRUE(env.create_directories("/j"));
    ASSERT_TRUE(env.sync_directory("/"));
    const auto append = [](Journal& journal) -> Status {
      CommitBuilder builder;
      builder.start(kId, journal.position().sequence);
      builder.add_control(FrameType::kGroupDeletion, 5, std::string(3000, 'x'));
      int64_t sync_us = 0;
      return journal.append(builder, &sync_us);
    };
    JournalPosition next{1, kFirstCommitOffset, 1};
    for (const bool whole : {true, false}) {
      Journal journal(env, "/j", kId, next, kSegmentBytes);
      ASSERT_TRUE(journal.recycle(next.segment));
      if (!whole) env.fail(io::SimulatedEnv::Operation::kSyncDirectory, 1, true);
      EXPECT_EQ(append(journal).has_value(), whole);
      next = {next.segment + 1, kFirstCommitOffset, journal.position().sequence + 1};
    }
    env.clear_fault();
    env.crash(io::SimulatedEnv::CrashKind::kPower);
    found += env.exists(journal_segment_path("/j", 1)) && env.exists(journal_segment_path("/j", 2)) ? 1 : 0;

    Journal journal(env, "/j", kId, next, kSegmentBytes);
    ASSERT_TRUE(journal.recycle(next.segment));
    while (journal.position().segment < next.segment + 3) ASSERT_TRUE(append(journal));
    const auto end = read_journal(env, "/j", kId, next, {});
    ASSERT_TRUE(end) << end.error().to_string();
    ASSERT_EQ(end->next_sequence, journal.position().sequence);
  }
  EXPECT_GT(found, 0);
}

TEST_F(JournalTest, EveryFlippedBitBelowALaterCommitIsReported) {
  ASSERT_TRUE(commit({"first", "one"}));
  ASSERT_TRUE(commit({"second"}));
  const size_t bytes = kCommitHeaderBytes + 2 * kFrameHeaderBytes + 8;
  for (uint64_t at = 0; at < kFirstCommitOffset + bytes; ++at) {
    if (at == kSegmentHeaderBytes) at = kFirstCommitOffset;  // nothing is in between
    env_.flip_byte(first_, at, 0x10);
    const std::vector<std::string> result = read();
    ASSERT_EQ(result.size(), 1U) << at;
    EXPECT_THAT(result[0], HasSubstr(first_ + " at offset ")) << at;
    env_.flip_byte(first_, at, 0x10);
  }
  EXPECT_THAT(read(), ElementsAre("first", "one", "second"));
}

TEST_F(JournalTest, ADamagedLastCommitIsATornTail) {
  ASSERT_TRUE(commit({"first"}));
  const uint64_t at = journal_->position().offset;
  ASSERT_TRUE(commit({"second"}));
  for (uint64_t i = 0; i < kCommitHeaderBytes + kFrameHeaderBytes + 6; ++i) {
    env_.flip_byte(first_, at + i, 0x01);
    EXPECT_THAT(read(), ElementsAre("first")) << i;
    EXPECT_EQ(end_.next_sequence, 2U);
    env_.flip_byte(first_, at + i, 0x01);
  }
}

TEST_F(JournalTest, AMissingSegmentIsReported) {
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(commit({std::string(3000, 'x')}));
  ASSERT_TRUE(env_.remove_file(journal_segment_path("/j", 2)));
  EXPECT_THAT(read()[0], HasSubstr("is damaged or missing"));
  ASSERT_TRUE(env_.remove_file(first_));
  EXPECT_THAT(read({1, 8192, 2})[0], HasSubstr(first_ + " is missing"));
}

TEST_F(JournalTest, AnotherJournalsCommitsAreNoneOfThisOne) {
  ASSERT_TRUE(commit({"first"}));
  ASSERT_TRUE(commit({"second"}));
  auto end = read_journal(env_, "/j", kId + 1, {}, nullptr);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->commits_count, 0U);
}

TEST_F(JournalTest, ACommitInsideARecordIsNoCommit) {
  // A client may send what a page of this journal could look like; it does not know the id.
  CommitBuilder forged;
  forged.start(kId + 1, 100);
  forged.add_control(FrameType::kGroupDeletion, 5, "forged");
  std::string page;
  for (const std::string_view piece : forged.finish()) page += piece;
  ASSERT_TRUE(commit({std::string(kJournalPageBytes - kCommitHeaderBytes - kFrameHeaderBytes, 'x') + page}));
  env_.flip_byte(first_, kFirstCommitOffset, 1);
  EXPECT_THAT(read(), ElementsAre());
}

TEST(CommitFrames, OfAnOlderCommitDoNotFit) {
  const auto frames_of = [](uint64_t sequence) {
    CommitBuilder builder;
    builder.start(kId, sequence);
    builder.add_control(FrameType::kGroupDeletion, 1, "payload");
    std::string bytes;
    for (const std::string_view piece : builder.finish()) bytes += piece;
    return bytes;
  };
  const std::string older = frames_of(6);
  const std::string newer = frames_of(7);
  const CommitHeader header = *decode_commit_header(newer, kId);
  const auto frames = [&](const std::string& bytes) {
    return decode_frames(header, std::string_view(bytes).substr(kCommitHeaderBytes, header.frames_bytes));
  };
  EXPECT_TRUE(frames(newer));
  EXPECT_FALSE(frames(older));
}

TEST(CommitFrames, RecordBatchesAreCheckedWhole) {
  const SharedBytes batch = batch_of({std::string(5000, 'v'), "w"});
  CommitBuilder builder;
  builder.start(kId, 1);
  builder.add_record_batch(3, batch.bytes);
  std::string good;
  for (const std::string_view piece : builder.finish()) good += piece;
  EXPECT_EQ(good.size() % kJournalPageBytes, 0U);
  const CommitHeader header = *decode_commit_header(good, kId);
  const auto decode = [&](const std::string& bytes) {
    return decode_frames(header, std::string_view(bytes).substr(kCommitHeaderBytes, header.frames_bytes));
  };
  ASSERT_TRUE(decode(good));
  EXPECT_EQ(decode(good)->front().payload, batch.bytes);
  for (size_t at = kCommitHeaderBytes; at < kCommitHeaderBytes + header.frames_bytes; ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    EXPECT_FALSE(decode(bytes)) << at;
  }
}

}  // namespace
}  // namespace penstock::log
