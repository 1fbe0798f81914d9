// Bytes of any kind are refused or read as record batches; what was read is written, and reads back the same.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "log/compression.h"
#include "log/record_batch.h"

namespace penstock::log {
namespace {

// Of decompressed records: larger ones are refused, which is tested elsewhere.
constexpr size_t kRecordsBytesMax = 1 << 20;

struct ReadRecord {
  int64_t offset;
  int64_t timestamp_ms;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<RecordHeader> headers;
};

bool same(const ReadRecord& a, const ReadRecord& b) {
  const auto same_header = [](const RecordHeader& x, const RecordHeader& y) {
    return x.key == y.key && x.value == y.value;
  };
  return a.timestamp_ms == b.timestamp_ms && a.key == b.key && a.value == b.value &&
         std::ranges::equal(a.headers, b.headers, same_header);
}

// The records up to the end or the first malformed byte; `whole` tells which.
std::vector<ReadRecord> read(const RecordBatchView& batch, std::string_view records, bool* whole) {
  std::vector<ReadRecord> result;
  RecordReader reader(batch, records);
  int64_t least = batch.base_offset;
  *whole = true;
  for (Record record; reader.next(&record);) {
    PENSTOCK_CHECK(record.offset >= least && record.offset <= batch.last_offset(), "offsets rise within the batch");
    least = record.offset + 1;
    ReadRecord& one = result.emplace_back(ReadRecord{record.offset, record.timestamp_ms, record.key, record.value, {}});
    HeaderReader headers(record);
    for (RecordHeader header; headers.next(&header);) one.headers.push_back(header);
    *whole = *whole && headers.status();
  }
  *whole = *whole && reader.status();
  return result;
}

void check_reads_as(std::string_view bytes, const std::vector<ReadRecord>& expected) {
  const auto batch = parse_record_batch(bytes);
  PENSTOCK_CHECK(batch.has_value() && batch->bytes.size() == bytes.size(), "what was written is a batch");
  PENSTOCK_CHECK(batch->crc_matches(), "what was written matches its CRC");
  const auto records = uncompressed_records(*batch, nullptr);
  PENSTOCK_CHECK(records.has_value(), "what was compressed can be decompressed");
  bool whole = false;
  const std::vector<ReadRecord> again = read(*batch, records->bytes, &whole);
  PENSTOCK_CHECK(whole && std::ranges::equal(again, expected, same), "what was written reads back");
}

void check_batch(const RecordBatchView& batch) {
  const auto records = uncompressed_records(batch, nullptr, kRecordsBytesMax);
  if (!records) return;
  bool whole = false;
  const std::vector<ReadRecord> found = read(batch, records->bytes, &whole);
  if (!whole || found.empty()) return;

  RecordBatchBuilder builder;
  for (const ReadRecord& record : found) builder.add(record.timestamp_ms, record.key, record.value, record.headers);
  std::string written = builder.finish();
  check_reads_as(written, found);
  const auto compressed = compress_batch(written, static_cast<CompressionCodec>(found.size() % 5));
  PENSTOCK_CHECK(compressed.has_value(), "a good batch can be compressed");
  check_reads_as(*compressed, found);

  std::vector<ReadRecord> at_one_time = found;
  for (ReadRecord& record : at_one_time) record.timestamp_ms = 5;
  set_log_append_time(written.data(), written.size(), 5);
  check_reads_as(written, at_one_time);
}

}  // namespace
}  // namespace penstock::log

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace penstock::log;
  for (std::string_view rest(reinterpret_cast<const char*>(data), size); !rest.empty();) {
    const auto batch = parse_record_batch(rest);
    if (!batch) break;
    check_batch(*batch);
    rest.remove_prefix(batch->bytes.size());
  }
  return 0;
}
