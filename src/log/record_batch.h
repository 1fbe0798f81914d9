// Kafka's RecordBatch v2 (magic 2), read in place and written: the one form in which records are stored and sent.
//
//   for (std::string_view rest = bytes; !rest.empty();) {
//     RecordBatchView batch = PENSTOCK_TRY(parse_record_batch(rest));
//     rest.remove_prefix(batch.bytes.size());
//     SharedBytes records = PENSTOCK_TRY(uncompressed_records(batch, {}));   // compression.h
//     RecordReader reader(batch, records.bytes);
//     for (Record record; reader.next(&record);) { ... }
//     PENSTOCK_TRY(reader.status());
//   }
//
// Layout (big-endian; https://kafka.apache.org/documentation/#recordbatch):
//
//   at  0 base offset i64           at 27 base timestamp i64      at 53 base sequence i32
//   at  8 length i32 (what follows) at 35 max timestamp i64       at 57 records count i32
//   at 12 leader epoch i32          at 43 producer id i64         at 61 records, compressed as a whole
//   at 16 magic i8 = 2              at 51 producer epoch i16
//   at 17 CRC-32C u32, of everything from 21 on
//   at 21 attributes i16            at 23 last offset delta i32
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "log/shared_bytes.h"

namespace penstock::log {

enum class CompressionCodec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

inline constexpr size_t kRecordBatchHeaderBytes = 61;
// Where the bytes that the CRC covers begin.
inline constexpr size_t kRecordBatchCrcStart = 21;
// A record of no key, no value and no headers: length, attributes, two deltas, two lengths, a count.
inline constexpr size_t kRecordBytesMin = 7;
inline constexpr int64_t kNoTimestamp = -1;
inline constexpr int64_t kNoProducerId = -1;

// The decoded header of a batch, and the batch. Valid as long as the bytes are.
struct RecordBatchView {
  std::string_view bytes;  // the whole batch: header and records
  int64_t base_offset = 0;
  int32_t partition_leader_epoch = -1;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp_ms = kNoTimestamp;
  int64_t max_timestamp_ms = kNoTimestamp;
  int64_t producer_id = kNoProducerId;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  int32_t records_count = 0;

  // May be a value that is no CompressionCodec (5..7): reading its records is then kUnsupported.
  CompressionCodec codec() const { return static_cast<CompressionCodec>(attributes & 7); }
  bool uses_log_append_time() const { return (attributes & 0x08) != 0; }
  bool is_transactional() const { return (attributes & 0x10) != 0; }
  bool is_control() const { return (attributes & 0x20) != 0; }
  int64_t last_offset() const { return base_offset + last_offset_delta; }
  int64_t next_offset() const { return last_offset() + 1; }
  // The records as they are stored, that is compressed when codec() says so.
  std::string_view records() const { return bytes.substr(kRecordBatchHeaderBytes); }
  // Reads all of the bytes.
  bool crc_matches() const;
};

// Decodes the header of the first batch in `bytes`, checking lengths, magic and that counts and deltas are not
// negative; not the CRC. kCorruption says what is wrong; an incomplete batch is kCorruption too.
Result<RecordBatchView> parse_record_batch(std::string_view bytes);

// The size of the batch at the start of `bytes` from its length field; nullopt when there are fewer than 12 bytes or
// the field is out of range. The batch may be longer than `bytes`.
std::optional<size_t> record_batch_size(std::string_view bytes);

// Write the fields outside the CRC in place.
void set_base_offset(char* batch, int64_t base_offset);
void set_partition_leader_epoch(char* batch, int32_t epoch);
// Turns the batch into one with LogAppendTime at `now_ms` and computes its CRC anew.
void set_log_append_time(char* batch, size_t size, int64_t now_ms);

struct RecordHeader {
  std::string_view key;
  std::optional<std::string_view> value;
};

struct Record {
  int64_t offset = 0;
  int64_t timestamp_ms = kNoTimestamp;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;  // no value: a tombstone
  bool log_append_time = false;           // what the timestamp is: of the append, or as the producer gave it
  int32_t headers_count = 0;
  std::string_view headers_bytes;  // for HeaderReader
};

// Walks over the uncompressed record section of a batch. Never reads outside of it, whatever it holds; the offsets that
// it gives rise and are the batch's.
class RecordReader {
 public:
  // `records` is the section, decompressed when the batch is compressed.
  RecordReader(const RecordBatchView& batch, std::string_view records)
      : rest_(records),
        records_left_(batch.records_count),
        base_offset_(batch.base_offset),
        last_offset_delta_(batch.last_offset_delta),
        base_timestamp_ms_(batch.base_timestamp_ms),
        log_append_time_ms_(batch.uses_log_append_time() ? batch.max_timestamp_ms : kNoTimestamp) {}

  // Gives the next record; false at the end or when the bytes are malformed, which status() tells apart.
  bool next(Record* record);
  Status status() const;

 private:
  bool fail(const char* what);

  std::string_view rest_;
  int32_t records_left_;
  int32_t records_read_ = 0;
  int64_t base_offset_;
  int64_t last_offset_delta_;
  int64_t next_offset_delta_ = 0;  // the least that the next record may have
  int64_t base_timestamp_ms_;
  int64_t log_append_time_ms_;
  const char* error_ = nullptr;
};

// Walks over the headers of one record.
class HeaderReader {
 public:
  explicit HeaderReader(const Record& record) : rest_(record.headers_bytes), headers_left_(record.headers_count) {}

  // Gives the next header; false at the end or when the bytes are malformed, which status() tells apart.
  bool next(RecordHeader* header);
  Status status() const;

 private:
  std::string_view rest_;
  int32_t headers_left_;
  bool malformed_ = false;
};

// Builds uncompressed batches. Not thread-safe; used again and again by its owner.
class RecordBatchBuilder {
 public:
  explicit RecordBatchBuilder(size_t reserve_bytes = 16 << 10);

  void add(int64_t timestamp_ms, std::optional<std::string_view> key, std::optional<std::string_view> value,
           std::span<const RecordHeader> headers = {});
  // Marks the batch as one of an idempotent producer; holds until finish().
  void set_producer(int64_t producer_id, int16_t producer_epoch, int32_t base_sequence);

  int32_t records_count() const { return records_count_; }
  // Of the batch as it stands, header included.
  size_t size_bytes() const { return bytes_.size(); }

  // The batch with base offset 0 and its CRC; the builder is empty again. At least one record must have been added.
  std::string finish();
  SharedBytes finish_shared() { return SharedBytes::own(finish()); }

 private:
  void start();

  const size_t reserve_bytes_;
  std::string bytes_;
  int32_t records_count_ = 0;
  int64_t base_timestamp_ms_ = kNoTimestamp;
  int64_t max_timestamp_ms_ = kNoTimestamp;
  int64_t producer_id_ = kNoProducerId;
  int16_t producer_epoch_ = -1;
  int32_t base_sequence_ = -1;
};

}  // namespace penstock::log
