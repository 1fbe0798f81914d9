// A log starts over any files: it refuses them and changes nothing, or holds everything that it promises.
//
// The input is a list of parts, each a kind (u8), a length (u16) and so many bytes, which put a log's directory
// together. Checksums are made right, so that what is behind them is reached.
#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "base/logging.h"
#include "io/simulated_env.h"
#include "log/coding.h"
#include "log/log_core.h"

namespace penstock::log {
namespace {

enum class Part : uint8_t {
  kCatalog,      // all of the file behind its checksum
  kCheckpoint,   // the same
  kRecordBatch,  // a frame: handle (u8), the batch
  kFrame,        // a frame: handle (u32), type (u8), the payload
  kCommit,       // ends the commit of the frames before it
  kJournalPage,  // bytes as they are, in a page or more
  kSegment,      // partition (u8), base offset (i64), batches
  kIndex,        // partition (u8), base offset (i64), entries without their checksum
  kCount,
};

constexpr size_t kPartHeaderBytes = 3;
constexpr uint64_t kJournalId = 0x5053544f434b;
constexpr const char* kDirectory = "/log";
// Where the topic "t" of the catalog that is there when the input brings none keeps its partitions.
constexpr const char* kTopicDirectory = "/log/topics/t-00000000000000010000000000000002";
constexpr uint8_t kPartitions = 3;
constexpr size_t kPartitionsLookedAt = 20;

void set_crc(std::string* batch) {
  if (batch->size() < kRecordBatchHeaderBytes) return;
  store_big(batch->data() + 17, crc32c(std::string_view(*batch).substr(kRecordBatchCrcStart)));
}

// Makes the CRCs of batches that follow one another right, as far as their lengths tell where they are.
std::string with_crcs(std::string_view batches) {
  std::string result;
  while (!batches.empty()) {
    const size_t size = std::min(record_batch_size(batches).value_or(batches.size()), batches.size());
    std::string batch(batches.substr(0, size));
    set_crc(&batch);
    result += batch;
    batches.remove_prefix(size);
  }
  return result;
}

class Directory {
 public:
  explicit Directory(io::SimulatedEnv& env) : env_(env) {
    PENSTOCK_CHECK(env_.create_directories("/log/journal").has_value(), "it is empty");
    for (int i = 0; i < kPartitions; ++i) {
      PENSTOCK_CHECK(env_.create_directories(fmt::format("{}/{}", kTopicDirectory, i)).has_value(), "it is empty");
    }
    journal_ = encode_segment_header(kJournalId, 1);
    journal_.resize(kFirstCommitOffset, '\0');
    commit_.start(kJournalId, sequence_);
    Catalog catalog;
    catalog.journal_id = kJournalId;
    catalog.next_handle = kPartitions + 1 + 1;  // one more was given, and deleted
    Catalog::Topic topic;
    topic.info = {.name = "t", .id = {1, 2}, .partitions = kPartitions, .config = {}};
    for (uint32_t handle = 1; handle <= kPartitions; ++handle) topic.handles.push_back(handle);
    catalog.topics.emplace("t", topic);
    write("catalog", catalog.encode());
    metadata_prefix_ = catalog.encode().substr(0, kPrefixBytes);
    checkpoint_prefix_ = CheckpointEncoder(kJournalId, {}, 0).finish("").substr(0, kPrefixBytes);
  }

  void add(Part part, std::string_view bytes) {
    ByteReader reader(bytes);
    switch (part) {
      case Part::kCatalog: return write("catalog", metadata(metadata_prefix_, bytes));
      case Part::kCheckpoint: return write("checkpoint", metadata(checkpoint_prefix_, bytes));
      case Part::kRecordBatch: return add_batch(bytes);
      case Part::kFrame: {
        const auto handle = reader.get<uint32_t>();
        const auto type = reader.get<uint8_t>();
        if (!reader.ok() || type == static_cast<uint8_t>(FrameType::kRecordBatch)) return;
        return commit_.add_control(static_cast<FrameType>(type), handle, bytes.substr(5));
      }
      case Part::kCommit: return end_commit();
      case Part::kJournalPage:
        journal_ += bytes;
        return journal_.resize((journal_.size() + kJournalPageBytes - 1) / kJournalPageBytes * kJournalPageBytes, '\0');
      case Part::kSegment:
      case Part::kIndex: return add_partition_file(part, bytes);
      case Part::kCount: return;
    }
  }
  void finish() {
    end_commit();
    write("journal/00000000000000000001.journal", journal_);
  }

 private:
  static constexpr size_t kPrefixBytes = 16;  // magic, version, CRC

  void write(const std::string& name, std::string_view bytes) {
    const auto file = env_.open(fmt::format("{}/{}", kDirectory, name), io::OpenMode::kCreateOrOpen);
    PENSTOCK_CHECK(file && (*file)->truncate(0) && (*file)->write_at(0, bytes), "nothing fails here");
  }
  static std::string metadata(const std::string& prefix, std::string_view body) {
    std::string bytes = prefix + std::string(body);
    if (body.size() >= 8) store_little(bytes.data() + kPrefixBytes, kJournalId);
    store_little(bytes.data() + 12, crc32c(std::string_view(bytes).substr(kPrefixBytes)));
    return bytes;
  }
  void add_batch(std::string_view bytes) {
    if (bytes.empty()) return;
    std::string& batch = batches_.emplace_back(bytes.substr(1));
    set_crc(&batch);
    commit_.add_record_batch(static_cast<uint8_t>(bytes[0]), batch);
  }
  void end_commit() {
    if (commit_.empty()) return;
    for (const std::string_view piece : commit_.finish()) journal_ += piece;
    commit_.start(kJournalId, ++sequence_);
    batches_.clear();
  }
  void add_partition_file(Part part, std::string_view bytes) {
    ByteReader reader(bytes);
    const int partition = reader.get<uint8_t>() % kPartitions;
    const auto base_offset = reader.get<int64_t>();
    if (!reader.ok()) return;
    bytes.remove_prefix(9);
    std::string name =
        segment_path(fmt::format("topics{}/{}", std::string_view(kTopicDirectory).substr(11), partition), base_offset);
    if (part == Part::kSegment) return write(name, with_crcs(bytes));
    std::string entries;
    for (; bytes.size() >= 24; bytes.remove_prefix(24)) {
      entries += encode_index_entry(base_offset, load_little<int64_t>(bytes.data()),
                                    load_little<uint64_t>(bytes.data() + 8), load_little<int64_t>(bytes.data() + 16));
    }
    write(name.replace(name.rfind('.'), std::string::npos, ".index"), entries);
  }

  io::SimulatedEnv& env_;
  std::string metadata_prefix_;
  std::string checkpoint_prefix_;
  std::string journal_;
  uint64_t sequence_ = 1;
  CommitBuilder commit_;
  std::list<std::string> batches_;  // of the commit
};

std::map<std::string, std::string> everything(io::SimulatedEnv& env, const std::string& at) {
  std::map<std::string, std::string> files;
  for (const std::string& name : *env.list(at)) {
    const std::string path = at + "/" + name;
    if (env.list(path)) {
      files.merge(everything(env, path));
    } else {
      files[path] = *env.read_file(path);
    }
  }
  return files;
}

struct Ends {
  int64_t start;
  int64_t end;
};

// Segment files are looked at when they are read, not at the start: what is wrong in them is an error then.
template <class T>
bool is_there(const Result<T>& result) {
  PENSTOCK_CHECK(result || result.error().code() == ErrorCode::kCorruption, "only damage is a reason to refuse");
  return result.has_value();
}

Ends check_partition(LogCore& core, const TopicPartition& name) {
  const Ends ends{core.log_start_offset(name)->value(), core.high_watermark(name)->value()};
  PENSTOCK_CHECK(ends.start >= 0 && ends.start <= ends.end && ends.end <= kOffsetMax, "the start is not above the end");
  for (int64_t offset = ends.start; offset < ends.end;) {
    const auto fetched = core.fetch(name, {.offset = Offset(offset), .max_bytes = 1000});
    if (!is_there(fetched)) break;
    PENSTOCK_CHECK(!fetched->batches.empty(), "there is something up to the end");
    for (const SharedBytes& bytes : fetched->batches) {
      const auto batch = parse_record_batch(bytes.bytes);
      PENSTOCK_CHECK(batch && batch->crc_matches(), "a batch is whole");
      PENSTOCK_CHECK(batch->base_offset == offset || (offset == ends.start && batch->base_offset < offset),
                     "offsets follow one another");
      offset = batch->next_offset();
    }
    PENSTOCK_CHECK(offset <= ends.end, "nothing is beyond the end");
  }
  for (const int64_t timestamp_ms : {INT64_MIN, int64_t{0}, INT64_MAX}) {
    const auto found = core.offset_for_time(name, timestamp_ms);
    if (!is_there(found) || !*found) continue;
    PENSTOCK_CHECK((*found)->offset.value() >= ends.start && (*found)->offset.value() < ends.end, "it is a record's");
  }
  is_there(core.offset_of_max_timestamp(name));
  return ends;
}

std::map<TopicPartition, Ends> check_all(LogCore& core) {
  std::map<TopicPartition, Ends> ends;
  for (const TopicInfo& topic : core.topics()) {
    for (int32_t i = 0; i < topic.partitions && ends.size() < kPartitionsLookedAt; ++i) {
      const TopicPartition name{topic.name, PartitionId(i)};
      ends.emplace(name, check_partition(core, name));
    }
  }
  for (const std::string& group : core.groups_with_offsets()) {
    PENSTOCK_CHECK(!core.committed_offsets(group).empty(), "a group that is there has offsets");
  }
  return ends;
}

// One record more for each partition that takes it.
void append(LogCore& core, std::map<TopicPartition, Ends>& all) {
  for (auto& [name, ends] : all) {
    RecordBatchBuilder builder;
    builder.add(1, std::nullopt, "v");
    core.append(name, builder.finish_shared(), [&ends = ends](const AppendResult& result) {
      if (result.error != AppendError::kNone) return;
      PENSTOCK_CHECK(result.base_offset.value() == ends.end, "the record follows the end");
      ++ends.end;
    });
  }
  core.commit_once();
}

void run(std::string_view input) {
  io::SimulatedEnv env(1);
  Directory directory(env);
  const bool clean_stop = input.size() % 2 == 0;
  while (input.size() >= kPartHeaderBytes) {
    ByteReader reader(input);
    const auto part = static_cast<Part>(reader.get<uint8_t>() % static_cast<uint8_t>(Part::kCount));
    const auto size = reader.get<uint16_t>();
    input.remove_prefix(kPartHeaderBytes);
    directory.add(part, input.substr(0, size));
    input.remove_prefix(std::min<size_t>(size, input.size()));
  }
  directory.finish();
  const auto before = everything(env, kDirectory);

  LogOptions options;
  options.journal_segment_bytes = 16 << 10;
  options.tail_bytes_max = 2 << 10;
  auto core = LogCore::open(env, kDirectory, options);
  if (!core) {
    const ErrorCode code = core.error().code();
    PENSTOCK_CHECK(code == ErrorCode::kCorruption || code == ErrorCode::kUnsupported, "files are refused as damaged");
    PENSTOCK_CHECK(everything(env, kDirectory) == before, "what is refused is left as it is");
    return;
  }
  auto ends = check_all(**core);
  append(**core, ends);
  PENSTOCK_CHECK((*core)->enforce_retention().has_value(), "nothing fails here");
  for (auto& [name, of] : ends) of.start = (*core)->log_start_offset(name)->value();
  if (clean_stop) PENSTOCK_CHECK((*core)->close().has_value(), "nothing fails here");
  core->reset();
  core = LogCore::open(env, kDirectory, options);
  PENSTOCK_CHECK(core.has_value(), "what the log wrote it reads");
  for (const auto& [name, of] : check_all(**core)) {
    PENSTOCK_CHECK(of.start == ends.at(name).start && of.end == ends.at(name).end, "nothing is lost or added");
  }
}

}  // namespace
}  // namespace penstock::log

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  penstock::logging::configure(penstock::logging::Level::kOff, penstock::logging::Format::kLogfmt);
  penstock::log::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
