// Records of 100 bytes into the log with acks=all, and out of it again.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "app/bench/cases.h"
#include "app/bench/client_cores.h"
#include "app/bench/server_process.h"
#include "app/client/kafka_client.h"
#include "base/time.h"

namespace penstock::app {
namespace {

constexpr int64_t kDefaultEvents = 4'000'000;
constexpr size_t kRecordBytes = 100;
constexpr int kPartitions = 4;
constexpr int64_t kDistinctMax = 1'000'000;  // records made beforehand; more events repeat them
constexpr size_t kBatch = 1000;              // records handed to the client at once
constexpr int kTimeoutMs = 60'000;
const std::string kTopic = "bench-ingest";

// The records of one partition: record at offset n is number n modulo their count.
struct PartitionRecords {
  std::string bytes;
  std::vector<std::string_view> records;
};

std::vector<PartitionRecords> make_records(int64_t events) {
  const auto each = static_cast<size_t>(std::min(events, kDistinctMax) / kPartitions);
  std::vector<PartitionRecords> partitions(kPartitions);
  std::mt19937_64 random(1);
  for (PartitionRecords& partition : partitions) {
    partition.bytes.resize(each * kRecordBytes);
    for (char& byte : partition.bytes) byte = static_cast<char>('!' + random() % 94);
    for (size_t i = 0; i < each; ++i) {
      partition.records.push_back(std::string_view(partition.bytes).substr(i * kRecordBytes, kRecordBytes));
    }
  }
  return partitions;
}

ClientConfig producer_config() {
  return {{"acks", "all"},
          {"enable.idempotence", "true"},
          {"linger.ms", "5"},
          {"batch.num.messages", "10000"},
          {"queue.buffering.max.messages", "1000000"},
          {"delivery.report.only.error", "true"}};
}

ClientConfig consumer_config() {
  return {{"fetch.wait.max.ms", "100"}, {"queued.min.messages", "500000"}, {"fetch.message.max.bytes", "4194304"}};
}

Status produce_all(KafkaProducer& producer, const std::vector<PartitionRecords>& partitions, size_t per_partition) {
  for (size_t done = 0; done < per_partition;) {
    const size_t distinct = partitions[0].records.size();
    const size_t first = done % distinct;
    const size_t n = std::min({kBatch, distinct - first, per_partition - done});
    for (int p = 0; p < kPartitions; ++p) {
      const std::span records(partitions[static_cast<size_t>(p)].records);
      PENSTOCK_TRY(producer.produce_batch(kTopic, p, records.subspan(first, n)));
    }
    done += n;
  }
  return producer.flush(kTimeoutMs);
}

// Reads everything, compares each record, in order, with what was produced to its partition, and returns when the last
// has come.
Result<int64_t> consume_all(const std::string& kafka, const std::vector<PartitionRecords>& partitions,
                            size_t per_partition, Measurement& measurement) {
  auto consumer = PENSTOCK_TRY(KafkaConsumer::make(kafka, kTopic, consumer_config()));
  std::vector<size_t> next(partitions.size());
  size_t wrong = 0;
  size_t total = 0;
  while (total < per_partition * kPartitions) {
    const size_t n = PENSTOCK_TRY(consumer->consume(kTimeoutMs, [&](const ConsumedRecord& record) {
      const auto p = static_cast<size_t>(record.partition);
      const std::vector<std::string_view>& expected = partitions[p].records;
      const size_t offset = next[p]++;
      if (record.offset != static_cast<int64_t>(offset) || record.value != expected[offset % expected.size()]) ++wrong;
    }));
    if (n == 0) break;
    total += n;
  }
  const int64_t end_us = monotonic_time_us();
  const size_t extra = PENSTOCK_TRY(consumer->consume(200, [](const ConsumedRecord& /*record*/) {}));
  if (wrong > 0) measurement.problems.push_back(fmt::format("{} records are not what was produced", wrong));
  for (size_t p = 0; p < next.size(); ++p) {
    if (next[p] == per_partition) continue;
    measurement.problems.push_back(fmt::format("partition {} gave {} records of {}", p, next[p], per_partition));
  }
  if (extra > 0) measurement.problems.push_back(fmt::format("{} records more than were produced", extra));
  return end_us;
}

}  // namespace

Result<Measurement> run_ingest_case(const BenchOptions& options) {
  const int64_t events = std::max<int64_t>(options.events == 0 ? kDefaultEvents : options.events, kPartitions);
  const auto per_partition = static_cast<size_t>(events / kPartitions);
  const std::vector<PartitionRecords> records = make_records(events);
  auto server = PENSTOCK_TRY(ServerProcess::start({.data_dir = options.data_dir, .workers = options.workers}));
  PENSTOCK_TRY(create_topic(server->kafka(), kTopic, kPartitions));
  Measurement result{.case_name = "ingest", .events = static_cast<int64_t>(per_partition) * kPartitions};

  const ClientCores client_cores;
  auto producer = PENSTOCK_TRY(KafkaProducer::make(server->kafka(), producer_config()));
  const double cpu_before = PENSTOCK_TRY(server->cpu_seconds());
  const double client_cpu_before = client_cpu_seconds();
  const int64_t produce_start_us = monotonic_time_us();
  PENSTOCK_TRY(produce_all(*producer, records, per_partition));
  const int64_t produce_end_us = monotonic_time_us();
  result.seconds = static_cast<double>(produce_end_us - produce_start_us) / 1e6;
  result.cpu_seconds = PENSTOCK_TRY(server->cpu_seconds()) - cpu_before;
  const double client_cpu = client_cpu_seconds() - client_cpu_before;
  if (producer->failed() > 0) result.problems.push_back(fmt::format("{} records were refused", producer->failed()));
  producer.reset();

  PENSTOCK_TRY(server->wait_until_idle());
  const double consume_cpu_before = PENSTOCK_TRY(server->cpu_seconds());
  const int64_t consume_start_us = monotonic_time_us();
  const int64_t consume_end_us = PENSTOCK_TRY(consume_all(server->kafka(), records, per_partition, result));
  const double consume_seconds = static_cast<double>(consume_end_us - consume_start_us) / 1e6;
  const double millions = static_cast<double>(*result.events) / 1e6;
  result.extra = {
      {"client_cpu_s_per_million", client_cpu / millions},
      {"consume_seconds", consume_seconds},
      {"consume_events_per_s", millions * 1e6 / consume_seconds},
      {"consume_cpu_s_per_million", (PENSTOCK_TRY(server->cpu_seconds()) - consume_cpu_before) / millions},
  };
  result.peak_rss_mb = PENSTOCK_TRY(server->memory()).peak_rss_mb;
  PENSTOCK_TRY(server->stop());
  return result;
}

}  // namespace penstock::app
