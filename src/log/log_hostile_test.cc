// Starts over files whose checksums are all right and whose content is not: it must be refused, naming file and place,
// and left as it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/hash.h"
#include "base/logging.h"
#include "io/simulated_env.h"
#include "log/coding.h"
#include "log/log_core.h"
#include "log/log_test_fixture.h"

namespace penstock::log {
namespace {

using testing::HasSubstr;

constexpr const char* kDirectory = "/data/log";
constexpr uint32_t kHandle = 1;       // of the only partition
constexpr uint32_t kHandleGiven = 2;  // to a topic that was deleted

// A log of one partition with three records in three commits; then the machine dies, and an enemy writes.
class LogHostile : public testing::Test {
 protected:
  LogHostile() {
    logging::configure(logging::Level::kOff, logging::Format::kLogfmt);
    EXPECT_TRUE(env_.create_directories("/data"));
    EXPECT_TRUE(env_.sync_directory("/"));
    auto core = *LogCore::open(env_, kDirectory, {});
    EXPECT_TRUE(core->create_topic("t", 1, {}));
    EXPECT_TRUE(core->create_topic("deleted", 1, {}));
    EXPECT_TRUE(core->delete_topic("deleted"));
    for (const char* value : {"a", "b", "c"}) {
      core->append(partition_of("t", 0), batch_of({value}), [](const AppendResult&) {});
      core->commit_once();
    }
    env_.crash(io::SimulatedEnv::CrashKind::kProcess);
    catalog_ = *Catalog::decode(*env_.read_file(kCatalog));
  }
  ~LogHostile() override { logging::configure(logging::Level::kInfo, logging::Format::kLogfmt); }

  void write(const std::string& path, std::string_view bytes, uint64_t at = 0) {
    EXPECT_TRUE((*env_.open(path, io::OpenMode::kCreateOrOpen))->write_at(at, bytes));
  }
  void replace(const std::string& path, std::string_view bytes) {
    EXPECT_TRUE((*env_.open(path, io::OpenMode::kCreateOrOpen))->truncate(0));
    write(path, bytes);
  }
  // Adds a commit to the journal; each takes a page.
  void add_commit(const std::function<void(CommitBuilder&)>& frames) {
    CommitBuilder commit;
    commit.start(catalog_.journal_id, position_.sequence);
    frames(commit);
    std::string bytes;
    for (const std::string_view piece : commit.finish()) bytes += piece;
    write(kJournal, bytes, position_.offset);
    ++position_.sequence;
    position_.offset += bytes.size();
  }
  void add_control(FrameType type, uint32_t handle, std::string_view payload) {
    add_commit([&](CommitBuilder& commit) { commit.add_control(type, handle, payload); });
  }
  void add_log_start(uint32_t handle, int64_t offset) {
    std::string payload;
    ByteWriter(&payload).put(offset);
    add_control(FrameType::kLogStartOffset, handle, payload);
  }
  template <class T>
  static void set(std::string* batch, size_t at, T value) {
    store_big(batch->data() + at, value);
    store_big(batch->data() + 17, crc32c(std::string_view(*batch).substr(kRecordBatchCrcStart)));
  }
  void add_batch(uint32_t handle, int64_t base_offset, const std::function<void(std::string*)>& change = {}) {
    std::string batch(batch_of({"x", "y"}).bytes);
    set_base_offset(batch.data(), base_offset);
    if (change) change(&batch);
    add_commit([&](CommitBuilder& commit) { commit.add_record_batch(handle, batch); });
  }
  void write_checkpoint(const std::function<void(CheckpointEncoder&)>& partition, const std::string& groups = {},
                        JournalPosition position = {}) {
    CheckpointEncoder encoder(catalog_.journal_id, position, partition ? 1 : 0);
    if (partition) partition(encoder);
    replace(kCheckpoint, encoder.finish(groups.empty() ? kNone : groups));
  }

  std::map<std::string, std::string> everything(const std::string& at = kDirectory) {
    std::map<std::string, std::string> files;
    for (const std::string& name : env_.list(at).value()) {
      const std::string path = at + "/" + name;
      if (env_.list(path)) {
        files.merge(everything(path));
      } else {
        files[path] = *env_.read_file(path);
      }
    }
    return files;
  }
  // Why the log does not open; nothing may change.
  std::string refusal(ErrorCode expected = ErrorCode::kCorruption) {
    const auto before = everything();
    const auto opened = LogCore::open(env_, kDirectory, {});
    if (opened) return "it opens";
    EXPECT_EQ(opened.error().code(), expected) << opened.error().to_string();
    EXPECT_EQ(everything(), before);
    // Else the test, not the log, made the damage.
    EXPECT_THAT(opened.error().message(), testing::Not(HasSubstr("CRC")));
    return opened.error().to_string();
  }

  static constexpr const char* kJournal = "/data/log/journal/00000000000000000001.journal";
  static constexpr const char* kCatalog = "/data/log/catalog";
  static constexpr const char* kCheckpoint = "/data/log/checkpoint";
  const std::string kNone = std::string(4, '\0');  // no producers, no groups
  const std::string kAtTheCommit = std::string(kJournal) + " at offset 16424: ";
  io::SimulatedEnv env_{1};
  Catalog catalog_;
  JournalPosition position_{.segment = 1, .offset = kFirstCommitOffset + 3 * kJournalPageBytes, .sequence = 4};
};

TEST_F(LogHostile, ALogStartBeyondTheEndIsRefused) {
  add_log_start(kHandle, 130);
  add_control(FrameType::kGroupDeletion, 0, "a commit behind it, which must stay");
  EXPECT_THAT(refusal(), HasSubstr(kAtTheCommit + "the journal has a frame that the log never writes: the log start "
                                                  "offset 130 of partition 1, which ends at 3"));
}

TEST_F(LogHostile, ALogStartAtTheEndIsGood) {
  add_log_start(kHandle, 3);
  add_log_start(kHandle, 2);  // later, and lower: the start never goes back
  const auto core = LogCore::open(env_, kDirectory, {});
  ASSERT_TRUE(core) << core.error().to_string();
  EXPECT_EQ((*core)->log_start_offset(partition_of("t", 0)), Offset(3));
  EXPECT_EQ((*core)->high_watermark(partition_of("t", 0)), Offset(3));
}

TEST_F(LogHostile, ANegativeLogStartIsRefused) {
  add_log_start(kHandle, -1);
  EXPECT_THAT(refusal(), HasSubstr(kAtTheCommit));
}

TEST_F(LogHostile, ALogStartOfMoreBytesIsRefused) {
  add_control(FrameType::kLogStartOffset, kHandle, std::string(9, '\0'));
  EXPECT_THAT(refusal(), HasSubstr(kAtTheCommit));
}

TEST_F(LogHostile, HandlesThatWereNeverGivenAreRefused) {
  for (const uint32_t handle : {0U, 3U, UINT32_MAX}) {
    const JournalPosition before = position_;
    add_log_start(handle, 0);
    EXPECT_THAT(refusal(), HasSubstr(fmt::format("partition handle {} was never given", handle)));
    position_ = before;
    add_batch(handle, 0);
    EXPECT_THAT(refusal(), HasSubstr(fmt::format("partition handle {} was never given", handle)));
    position_ = before;
    std::string offsets;
    ByteWriter writer(&offsets);
    GroupOffsets{.group = "g", .offsets = {{handle, CommittedOffset{}}}}.encode(&writer);
    add_control(FrameType::kGroupOffsets, 0, offsets);
    EXPECT_THAT(refusal(), HasSubstr(fmt::format("partition handle {} was never given", handle)));
    position_ = before;
  }
}

TEST_F(LogHostile, FramesOfADeletedTopicMeanNothing) {
  add_log_start(kHandleGiven, 1000);
  add_batch(kHandleGiven, 1000);
  const auto core = LogCore::open(env_, kDirectory, {});
  ASSERT_TRUE(core) << core.error().to_string();
  EXPECT_EQ((*core)->high_watermark(partition_of("t", 0)), Offset(3));
}

TEST_F(LogHostile, BatchesThatDoNotFollowTheEndAreRefused) {
  for (const int64_t base : {int64_t{0}, int64_t{2}, int64_t{4}, kOffsetMax}) {
    const JournalPosition before = position_;
    add_batch(kHandle, base);
    EXPECT_THAT(refusal(), HasSubstr(kAtTheCommit)) << base;
    position_ = before;
  }
}

TEST_F(LogHostile, BatchesThatAnAppendWouldRefuseAreRefused) {
  const auto refused = [&](const std::function<void(std::string*)>& change) {
    const JournalPosition before = position_;
    add_batch(kHandle, 3, change);
    const std::string why = refusal();
    position_ = before;
    return why;
  };
  EXPECT_THAT(refused([](std::string* batch) { set(batch, 57, int32_t{0}); }), HasSubstr(kAtTheCommit)) << "no records";
  EXPECT_THAT(refused([](std::string* batch) { set(batch, 23, int32_t{7}); }), HasSubstr(kAtTheCommit)) << "last delta";
  EXPECT_THAT(refused([](std::string* batch) { set(batch, 43, int64_t{7}); }), HasSubstr(kAtTheCommit)) << "no epoch";
}

TEST_F(LogHostile, DamageBehindManyGoodRecordsIsSeenBeforeAnythingIsFlushed) {
  for (int i = 0; i < 20; ++i) add_batch(kHandle, 3 + 2 * i);
  add_log_start(kHandle, 44);
  const auto before = everything();
  LogOptions options;
  options.tail_bytes_max = 100;  // so that the replay flushes again and again
  const auto opened = LogCore::open(env_, kDirectory, options);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(everything(), before);
}

TEST_F(LogHostile, GroupFramesThatCannotBeAreRefused) {
  const auto refused = [&](FrameType type, const std::string& payload) {
    const JournalPosition before = position_;
    add_control(type, 0, payload);
    const std::string why = refusal();
    position_ = before;
    return why;
  };
  const auto encoded = [](const GroupOffsets& offsets) {
    std::string bytes;
    ByteWriter writer(&bytes);
    offsets.encode(&writer);
    return bytes;
  };
  const CommittedOffset one{.offset = Offset(1)};
  EXPECT_THAT(refused(FrameType::kGroupOffsets, ""), HasSubstr(kAtTheCommit));
  EXPECT_THAT(refused(FrameType::kGroupOffsets, encoded({.group = "g", .offsets = {{1, one}}}) + "x"),
              HasSubstr(kAtTheCommit));
  EXPECT_THAT(refused(FrameType::kGroupOffsets, encoded({.group = "", .offsets = {{1, one}}})),
              HasSubstr(kAtTheCommit));
  EXPECT_THAT(refused(FrameType::kGroupOffsets,
                      encoded({.group = std::string(kGroupNameBytesMax + 1, 'g'), .offsets = {{1, one}}})),
              HasSubstr(kAtTheCommit));
  CommittedOffset long_metadata = one;
  long_metadata.metadata.assign(kOffsetMetadataBytesMax + 1, 'm');
  EXPECT_THAT(refused(FrameType::kGroupOffsets, encoded({.group = "g", .offsets = {{1, long_metadata}}})),
              HasSubstr(kAtTheCommit));
  EXPECT_THAT(refused(FrameType::kGroupDeletion, ""), HasSubstr(kAtTheCommit));
}

TEST_F(LogHostile, AFrameOfALaterVersionIsNamed) {
  add_control(static_cast<FrameType>(9), 0, "x");
  EXPECT_THAT(refusal(ErrorCode::kUnsupported), HasSubstr(kAtTheCommit + "the journal has a frame of type 9"));
}

TEST_F(LogHostile, CheckpointsOfPartitionsThatCannotBeAreRefused) {
  const SegmentInfo good{.base_offset = 0, .next_offset = 3, .bytes = 300, .created_ms = 5};
  const auto refused = [&](int64_t log_start, int64_t next_offset, std::vector<SegmentInfo> segments,
                           uint32_t handle = kHandle) {
    write_checkpoint(
        [&](CheckpointEncoder& encoder) { encoder.add_partition(handle, log_start, next_offset, segments, kNone); });
    const std::string why = refusal();
    EXPECT_THAT(why, HasSubstr(kCheckpoint));
    return why.find(kCheckpoint) == 0;
  };
  const auto with = [&](const std::function<void(SegmentInfo&)>& change) {
    SegmentInfo segment = good;
    change(segment);
    return refused(0, segment.next_offset, {segment});
  };
  EXPECT_TRUE(refused(130, 3, {good}));
  EXPECT_TRUE(refused(-1, 3, {good}));
  EXPECT_TRUE(refused(0, 4, {good})) << "the last record is nowhere";
  EXPECT_TRUE(refused(0, 2, {good})) << "there are more records than there are";
  EXPECT_TRUE(refused(0, 3, {})) << "no segments";
  EXPECT_TRUE(refused(kOffsetMax + 1, kOffsetMax + 1, {}));
  EXPECT_TRUE(refused(0, 0, {}, 0)) << "handle";
  EXPECT_TRUE(refused(0, 0, {}, 3)) << "handle";
  EXPECT_TRUE(with([](SegmentInfo& s) { s.base_offset = 1; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.base_offset = s.next_offset; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.base_offset = -1; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.next_offset = INT64_MIN; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.bytes = 0; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.bytes = UINT64_MAX; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.max_timestamp_ms = -2; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.created_ms = INT64_MIN; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.index_entries = UINT32_MAX; }));
  EXPECT_TRUE(with([](SegmentInfo& s) { s.last_index_position = UINT64_MAX; }));
  SegmentInfo overlapping = good;
  overlapping.base_offset = 2;
  overlapping.next_offset = 5;
  EXPECT_TRUE(refused(0, 5, {good, overlapping}));
  SegmentInfo behind_a_gap = good;
  behind_a_gap.base_offset = 5;
  behind_a_gap.next_offset = 9;
  EXPECT_TRUE(refused(4, 9, {good, behind_a_gap})) << "4 is nowhere";
  // Below the log start records may be missing: here only the file is.
  write_checkpoint(
      [&](CheckpointEncoder& encoder) { encoder.add_partition(kHandle, 5, 9, {good, behind_a_gap}, kNone); });
  EXPECT_THAT(refusal(), HasSubstr("00000000000000000000.log is missing"));
}

TEST_F(LogHostile, CheckpointsOfProducersThatCannotBeAreRefused) {
  struct Producer {
    int64_t id = 7;
    int64_t last_used_ms = 5;
    std::vector<ProducerBatch> batches = {
        {.epoch = 0, .first_sequence = 0, .last_sequence = 1, .base_offset = 0, .last_offset = 1},
        {.epoch = 0, .first_sequence = 2, .last_sequence = 2, .base_offset = 2, .last_offset = 2}};
  };
  const auto opens = [&](const std::vector<Producer>& producers) {
    std::string bytes;
    ByteWriter writer(&bytes);
    writer.put(static_cast<uint32_t>(producers.size()));
    for (const Producer& producer : producers) {
      writer.put(producer.id);
      writer.put(producer.last_used_ms);
      writer.put(static_cast<uint32_t>(producer.batches.size()));
      for (const ProducerBatch& batch : producer.batches) {
        writer.put(batch.epoch);
        writer.put(batch.first_sequence);
        writer.put(batch.last_sequence);
        writer.put(batch.base_offset);
        writer.put(batch.last_offset);
      }
    }
    write_checkpoint([&](CheckpointEncoder& encoder) { encoder.add_partition(kHandle, 3, 3, {}, bytes); }, {},
                     position_);
    if (LogCore::open(env_, kDirectory, {})) return true;
    EXPECT_THAT(refusal(), HasSubstr(kCheckpoint));
    return false;
  };
  const auto with = [&](const std::function<void(Producer&)>& change) {
    Producer producer;
    change(producer);
    return opens({producer});
  };
  EXPECT_FALSE(opens({Producer{}, Producer{}})) << "twice the same";
  EXPECT_FALSE(with([](Producer& p) { p.id = -1; }));
  EXPECT_FALSE(with([](Producer& p) { p.last_used_ms = INT64_MIN; }));
  EXPECT_FALSE(with([](Producer& p) { p.batches.clear(); }));
  EXPECT_FALSE(with([](Producer& p) { p.batches[0].epoch = -1; }));
  EXPECT_FALSE(with([](Producer& p) { p.batches[0].first_sequence = -1; }));
  EXPECT_FALSE(with([](Producer& p) { p.batches[0].last_sequence = 5; }));
  EXPECT_FALSE(with([](Producer& p) { p.batches[0].base_offset = -1; }));
  EXPECT_FALSE(with([](Producer& p) { p.batches[0].last_offset = INT64_MAX; }));
  EXPECT_FALSE(with([](Producer& p) { p.batches[1].base_offset = 1; }));
  EXPECT_FALSE(with([](Producer& p) { p.batches[1].last_offset = p.batches[1].base_offset = 3; })) << "above the end";
  EXPECT_FALSE(with([](Producer& p) { std::swap(p.batches[0], p.batches[1]); }));
  EXPECT_TRUE(opens({Producer{}}));
}

TEST_F(LogHostile, CheckpointsOfGroupsThatCannotBeAreRefused) {
  const auto refused = [&](const std::function<void(ByteWriter&)>& groups) {
    std::string bytes;
    ByteWriter writer(&bytes);
    groups(writer);
    write_checkpoint({}, bytes);
    EXPECT_THAT(refusal(), HasSubstr(kCheckpoint));
  };
  const GroupOffsets g{.group = "g", .offsets = {{kHandle, CommittedOffset{.offset = Offset(1)}}}};
  refused([&](ByteWriter& writer) {
    writer.put(uint32_t{2});
    g.encode(&writer);
    g.encode(&writer);
  });
  refused([&](ByteWriter& writer) {
    writer.put(uint32_t{1});
    GroupOffsets{.group = "g", .offsets = {}}.encode(&writer);
  });
  refused([&](ByteWriter& writer) {
    writer.put(uint32_t{1});
    GroupOffsets{.group = "g", .offsets = {{3, CommittedOffset{}}}}.encode(&writer);
  });
}

TEST_F(LogHostile, OffsetsOfADeletedTopicAreForgotten) {
  std::string groups;
  ByteWriter writer(&groups);
  writer.put(uint32_t{1});
  GroupOffsets{.group = "g", .offsets = {{kHandleGiven, CommittedOffset{}}}}.encode(&writer);
  write_checkpoint({}, groups);
  const auto core = LogCore::open(env_, kDirectory, {});
  ASSERT_TRUE(core) << core.error().to_string();
  EXPECT_THAT((*core)->groups_with_offsets(), testing::IsEmpty());
}

TEST_F(LogHostile, JournalPositionsThatCannotBeAreRefused) {
  const JournalPosition good = position_;
  const auto refused = [&](JournalPosition position) {
    write_checkpoint({}, {}, position);
    EXPECT_THAT(refusal(), HasSubstr(kCheckpoint));
  };
  refused({0, good.offset, good.sequence});
  refused({UINT64_MAX, good.offset, good.sequence});
  refused({good.segment, 0, good.sequence});
  refused({good.segment, good.offset + 1, good.sequence});
  refused({good.segment, UINT64_MAX / kJournalPageBytes * kJournalPageBytes, good.sequence});
  refused({good.segment, good.offset, 0});
  refused({good.segment, good.offset, UINT64_MAX});
}

TEST_F(LogHostile, AJournalFileWithAnImpossibleNumberIsRefused) {
  write("/data/log/journal/18446744073709551615.journal", "x");
  EXPECT_THAT(refusal(), HasSubstr("18446744073709551615.journal is no file of a journal"));
}

TEST_F(LogHostile, CatalogsThatCannotBeAreRefused) {
  const auto refused = [&](const std::function<void(Catalog&)>& change) {
    Catalog catalog = catalog_;
    change(catalog);
    replace(kCatalog, catalog.encode());
    const std::string why = refusal();
    EXPECT_THAT(why, HasSubstr(kCatalog));
    replace(kCatalog, catalog_.encode());
    return why.find(kCatalog) == 0;
  };
  const auto with_topic = [&](const std::function<void(Catalog::Topic&)>& change) {
    return refused([&](Catalog& catalog) { change(catalog.topics.at("t")); });
  };
  const auto rename = [&](const std::string& name) {
    return refused([&](Catalog& catalog) {
      auto node = catalog.topics.extract("t");
      node.key() = node.mapped().info.name = name;
      catalog.topics.insert(std::move(node));
    });
  };
  EXPECT_TRUE(rename("../../etc"));
  EXPECT_TRUE(rename(".."));
  EXPECT_TRUE(rename(""));
  EXPECT_TRUE(rename(std::string(kTopicNameBytesMax + 1, 'n')));
  EXPECT_TRUE(with_topic([](Catalog::Topic& topic) { topic.handles.clear(); }));
  EXPECT_TRUE(with_topic([](Catalog::Topic& topic) { topic.handles = {1, 1}; }));
  EXPECT_TRUE(with_topic([](Catalog::Topic& topic) { topic.handles = {0}; }));
  EXPECT_TRUE(with_topic([](Catalog::Topic& topic) { topic.handles = {3}; }));
  EXPECT_TRUE(with_topic([](Catalog::Topic& topic) { topic.info.config.segment_bytes = 0; }));
  EXPECT_TRUE(with_topic([](Catalog::Topic& topic) { topic.info.config.retention_ms = INT64_MIN; }));
  EXPECT_TRUE(refused([](Catalog& catalog) { catalog.next_handle = 0; }));
  EXPECT_TRUE(refused([](Catalog& catalog) { catalog.next_producer_id = -1; }));
  EXPECT_TRUE(refused([](Catalog& catalog) { catalog.next_producer_id = INT64_MAX; }));
  EXPECT_TRUE(refused([](Catalog& catalog) {
    Catalog::Topic copy = catalog.topics.at("t");
    copy.info.name = "u";
    copy.handles = {kHandleGiven};
    catalog.topics.emplace("u", copy);
  })) << "two topics with one id have one directory";
}

TEST_F(LogHostile, NumbersThatAreUsedUpAreNotGivenAgain) {
  Catalog catalog = catalog_;
  catalog.next_handle = UINT32_MAX - 1;
  catalog.next_producer_id = kProducerIdMax;
  replace(kCatalog, catalog.encode());
  const auto core = LogCore::open(env_, kDirectory, {});
  ASSERT_TRUE(core) << core.error().to_string();
  EXPECT_EQ((*core)->create_topic("u", 2, {}).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ((*core)->add_partitions("t", 3).error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ((*core)->allocate_producer_id().error().code(), ErrorCode::kResourceExhausted);
  EXPECT_TRUE((*core)->create_topic("u", 1, {}));
}

TEST_F(LogHostile, APartitionAtTheLastOffsetTakesNoMore) {
  write_checkpoint(
      [&](CheckpointEncoder& encoder) { encoder.add_partition(kHandle, kOffsetMax - 2, kOffsetMax - 2, {}, kNone); },
      {}, position_);
  auto opened = LogCore::open(env_, kDirectory, {});
  ASSERT_TRUE(opened) << opened.error().to_string();
  const auto error = [&](int records) {
    AppendResult answer;
    (*opened)->append(partition_of("t", 0), batch_of(std::vector<std::string>(static_cast<size_t>(records), "v")),
                      [&](AppendResult result) { answer = std::move(result); });
    (*opened)->commit_once();
    return answer.error;
  };
  EXPECT_EQ(error(3), AppendError::kStorage);
  EXPECT_EQ(error(2), AppendError::kNone);
  EXPECT_EQ(error(1), AppendError::kStorage);
  ASSERT_TRUE((*opened)->close());
  opened = LogCore::open(env_, kDirectory, {});
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_EQ((*opened)->high_watermark(partition_of("t", 0)), Offset(kOffsetMax));
}

}  // namespace
}  // namespace penstock::log
