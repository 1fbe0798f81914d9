// How far a scan of topics of the embedded log has come.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "connector/kafka/log_topics.h"
#include "connector/kafka/partition_reader.h"
#include "connector/scan.h"
#include "log/log.h"

namespace penstock::connector {

// nullopt when the partition is not named.
std::optional<log::Offset> find_position(const Positions& positions, const log::TopicPartition& partition);

// Knows the log, and where each partition's reader is. Thread-safe.
class LogScanProgress : public ScanProgress {
 public:
  // `last`: where a bounded scan ends; partitions that are not named are not read.
  LogScanProgress(log::Log& log, LogTopics topics, std::optional<Positions> last, int instances);

  // A topic of a name that another one may get.
  void add_topic(const log::TopicInfo& topic);
  void add_partition(const PartitionReader& reader);
  void instance_ended() { instances_left_.fetch_sub(1, std::memory_order_acq_rel); }

  int64_t lag() const override;
  Positions ends() const override;
  std::map<std::string, log::TopicId> topics() const override;
  bool ended() const override { return instances_left_.load(std::memory_order_acquire) == 0; }

 private:
  std::optional<log::Offset> end_of(const log::TopicPartition& partition) const;

  struct Partition {
    log::TopicPartition id;
    std::shared_ptr<const std::atomic<int64_t>> position;
  };

  log::Log& log_;
  const LogTopics topics_;
  const std::optional<Positions> last_;
  std::atomic<int> instances_left_;
  mutable std::mutex mutex_;
  std::vector<Partition> partitions_;
  std::map<std::string, log::TopicId> topics_read_;
};

}  // namespace penstock::connector
