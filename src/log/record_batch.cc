#include "log/record_batch.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "log/coding.h"

namespace penstock::log {
namespace {

constexpr size_t kLengthAt = 8;
constexpr size_t kLeaderEpochAt = 12;
constexpr size_t kMagicAt = 16;
constexpr size_t kCrcAt = 17;
constexpr size_t kAttributesAt = 21;
constexpr size_t kLastOffsetDeltaAt = 23;
constexpr size_t kBaseTimestampAt = 27;
constexpr size_t kMaxTimestampAt = 35;
constexpr size_t kProducerIdAt = 43;
constexpr size_t kProducerEpochAt = 51;
constexpr size_t kBaseSequenceAt = 53;
constexpr size_t kRecordsCountAt = 57;
// The length field counts from after itself.
constexpr size_t kLengthBase = 12;
constexpr int16_t kLogAppendTimeAttribute = 0x08;

// Takes a varint that is the length of what follows, -1 for null; false when it does not fit.
bool take_bytes(std::string_view* from, std::optional<std::string_view>* out) {
  int64_t size = 0;
  if (!take_varint(from, &size)) return false;
  if (size == -1) {
    out->reset();
    return true;
  }
  if (size < 0 || static_cast<uint64_t>(size) > from->size()) return false;
  *out = from->substr(0, static_cast<size_t>(size));
  from->remove_prefix(static_cast<size_t>(size));
  return true;
}

size_t bytes_size(const std::optional<std::string_view>& bytes) {
  return bytes ? varint_size(static_cast<int64_t>(bytes->size())) + bytes->size() : 1;
}

void append_bytes(std::string* to, const std::optional<std::string_view>& bytes) {
  append_varint(to, bytes ? static_cast<int64_t>(bytes->size()) : -1);
  if (bytes) to->append(*bytes);
}

// Two's complement, as Kafka's clients calculate: a delta between the ends of the range wraps, and wraps back.
int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t wrapping_subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

}  // namespace

bool RecordBatchView::crc_matches() const { return crc32c(bytes.substr(kRecordBatchCrcStart)) == crc; }

std::optional<size_t> record_batch_size(std::string_view bytes) {
  if (bytes.size() < kLengthBase) return std::nullopt;
  const auto length = load_big<int32_t>(bytes.data() + kLengthAt);
  if (length < static_cast<int32_t>(kRecordBatchHeaderBytes - kLengthBase)) return std::nullopt;
  return kLengthBase + static_cast<size_t>(length);
}

Result<RecordBatchView> parse_record_batch(std::string_view bytes) {
  // Magic 0 and 1 are other formats with this byte in the same place: say so first.
  if (bytes.size() > kMagicAt && bytes[kMagicAt] != 2) {
    return make_error(ErrorCode::kCorruption, "record batch has magic {}, only 2 is supported",
                      static_cast<int>(bytes[kMagicAt]));
  }
  const std::optional<size_t> size = record_batch_size(bytes);
  if (!size) return make_error(ErrorCode::kCorruption, "record batch of {} bytes has no valid length", bytes.size());
  if (*size > bytes.size()) {
    return make_error(ErrorCode::kCorruption, "record batch says it has {} bytes, there are {}", *size, bytes.size());
  }
  const char* at = bytes.data();
  RecordBatchView batch{
      .bytes = bytes.substr(0, *size),
      .base_offset = load_big<int64_t>(at),
      .partition_leader_epoch = load_big<int32_t>(at + kLeaderEpochAt),
      .crc = load_big<uint32_t>(at + kCrcAt),
      .attributes = load_big<int16_t>(at + kAttributesAt),
      .last_offset_delta = load_big<int32_t>(at + kLastOffsetDeltaAt),
      .base_timestamp_ms = load_big<int64_t>(at + kBaseTimestampAt),
      .max_timestamp_ms = load_big<int64_t>(at + kMaxTimestampAt),
      .producer_id = load_big<int64_t>(at + kProducerIdAt),
      .producer_epoch = load_big<int16_t>(at + kProducerEpochAt),
      .base_sequence = load_big<int32_t>(at + kBaseSequenceAt),
      .records_count = load_big<int32_t>(at + kRecordsCountAt),
  };
  if (batch.records_count < 0 || batch.last_offset_delta < 0 || batch.base_offset < 0 ||
      batch.base_offset > INT64_MAX - batch.last_offset_delta - 1LL) {
    return make_error(ErrorCode::kCorruption, "record batch has {} records, base offset {} and last offset delta {}",
                      batch.records_count, batch.base_offset, batch.last_offset_delta);
  }
  return batch;
}

void set_base_offset(char* batch, int64_t base_offset) { store_big(batch, base_offset); }

void set_partition_leader_epoch(char* batch, int32_t epoch) { store_big(batch + kLeaderEpochAt, epoch); }

void set_log_append_time(char* batch, size_t size, int64_t now_ms) {
  const auto attributes = load_big<int16_t>(batch + kAttributesAt);
  store_big(batch + kAttributesAt, static_cast<int16_t>(attributes | kLogAppendTimeAttribute));
  store_big(batch + kMaxTimestampAt, now_ms);
  store_big(batch + kCrcAt, crc32c({batch + kRecordBatchCrcStart, size - kRecordBatchCrcStart}));
}

bool RecordReader::fail(const char* what) {
  error_ = what;
  return false;
}

bool RecordReader::next(Record* record) {
  if (error_ != nullptr) return false;
  if (records_left_ == 0) return rest_.empty() ? false : fail("bytes after the last record");
  int64_t length = 0;
  if (!take_varint(&rest_, &length)) return fail("the length is cut off");
  if (length < static_cast<int64_t>(kRecordBytesMin) - 1 || static_cast<uint64_t>(length) > rest_.size()) {
    return fail("the length is out of range");
  }
  std::string_view body = rest_.substr(0, static_cast<size_t>(length));
  rest_.remove_prefix(static_cast<size_t>(length));
  body.remove_prefix(1);  // attributes: none are defined

  int64_t timestamp_delta = 0;
  int64_t offset_delta = 0;
  int64_t headers_count = 0;
  if (!take_varint(&body, &timestamp_delta) || !take_varint(&body, &offset_delta)) return fail("a delta is cut off");
  if (!take_bytes(&body, &record->key)) return fail("the key is cut off");
  if (!take_bytes(&body, &record->value)) return fail("the value is cut off");
  if (!take_varint(&body, &headers_count) || headers_count < 0 || static_cast<uint64_t>(headers_count) > body.size()) {
    return fail("the number of headers is out of range");
  }
  if (headers_count == 0 && !body.empty()) return fail("bytes after the headers");
  if (offset_delta < next_offset_delta_ || offset_delta > last_offset_delta_) return fail("the offset is out of order");
  next_offset_delta_ = offset_delta + 1;
  record->headers_count = static_cast<int32_t>(headers_count);
  record->headers_bytes = body;
  record->offset = base_offset_ + offset_delta;
  record->log_append_time = log_append_time_ms_ != kNoTimestamp;
  record->timestamp_ms =
      record->log_append_time ? log_append_time_ms_ : wrapping_add(base_timestamp_ms_, timestamp_delta);
  --records_left_;
  ++records_read_;
  return true;
}

Status RecordReader::status() const {
  if (error_ == nullptr) return {};
  return make_error(ErrorCode::kCorruption, "record {} of the batch at offset {} is malformed: {}", records_read_,
                    base_offset_, error_);
}

bool HeaderReader::next(RecordHeader* header) {
  if (malformed_ || headers_left_ == 0) return false;
  std::optional<std::string_view> key;
  if (!take_bytes(&rest_, &key) || !key || !take_bytes(&rest_, &header->value)) {
    malformed_ = true;
    return false;
  }
  header->key = *key;
  --headers_left_;
  malformed_ = headers_left_ == 0 && !rest_.empty();
  return true;
}

Status HeaderReader::status() const {
  if (!malformed_) return {};
  return make_error(ErrorCode::kCorruption, "the headers of a record are malformed");
}

RecordBatchBuilder::RecordBatchBuilder(size_t reserve_bytes) : reserve_bytes_(reserve_bytes) { start(); }

void RecordBatchBuilder::start() {
  bytes_.clear();
  bytes_.reserve(std::max(reserve_bytes_, kRecordBatchHeaderBytes));
  bytes_.assign(kRecordBatchHeaderBytes, '\0');
  records_count_ = 0;
  base_timestamp_ms_ = max_timestamp_ms_ = kNoTimestamp;
  producer_id_ = kNoProducerId;
  producer_epoch_ = -1;
  base_sequence_ = -1;
}

void RecordBatchBuilder::set_producer(int64_t producer_id, int16_t producer_epoch, int32_t base_sequence) {
  producer_id_ = producer_id;
  producer_epoch_ = producer_epoch;
  base_sequence_ = base_sequence;
}

void RecordBatchBuilder::add(int64_t timestamp_ms, std::optional<std::string_view> key,
                             std::optional<std::string_view> value, std::span<const RecordHeader> headers) {
  if (records_count_ == 0) base_timestamp_ms_ = max_timestamp_ms_ = timestamp_ms;
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  const int64_t timestamp_delta = wrapping_subtract(timestamp_ms, base_timestamp_ms_);
  const auto headers_count = static_cast<int64_t>(headers.size());

  size_t length = 1 + varint_size(timestamp_delta) + varint_size(records_count_) + bytes_size(key) + bytes_size(value) +
                  varint_size(headers_count);
  for (const RecordHeader& header : headers) length += bytes_size(header.key) + bytes_size(header.value);

  append_varint(&bytes_, static_cast<int64_t>(length));
  bytes_.push_back('\0');
  append_varint(&bytes_, timestamp_delta);
  append_varint(&bytes_, records_count_);
  append_bytes(&bytes_, key);
  append_bytes(&bytes_, value);
  append_varint(&bytes_, headers_count);
  for (const RecordHeader& header : headers) {
    append_bytes(&bytes_, header.key);
    append_bytes(&bytes_, header.value);
  }
  ++records_count_;
}

std::string RecordBatchBuilder::finish() {
  PENSTOCK_CHECK(records_count_ > 0, "a record batch has at least one record");
  char* at = bytes_.data();
  store_big(at, int64_t{0});
  store_big(at + kLengthAt, static_cast<int32_t>(bytes_.size() - kLengthBase));
  store_big(at + kLeaderEpochAt, int32_t{-1});
  at[kMagicAt] = 2;
  store_big(at + kAttributesAt, int16_t{0});
  store_big(at + kLastOffsetDeltaAt, records_count_ - 1);
  store_big(at + kBaseTimestampAt, base_timestamp_ms_);
  store_big(at + kMaxTimestampAt, max_timestamp_ms_);
  store_big(at + kProducerIdAt, producer_id_);
  store_big(at + kProducerEpochAt, producer_epoch_);
  store_big(at + kBaseSequenceAt, base_sequence_);
  store_big(at + kRecordsCountAt, records_count_);
  store_big(at + kCrcAt, crc32c(std::string_view(bytes_).substr(kRecordBatchCrcStart)));
  std::string batch = std::move(bytes_);
  start();
  return batch;
}

}  // namespace penstock::log
