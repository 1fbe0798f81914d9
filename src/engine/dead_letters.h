// The dead-letter table, penstock.dead_letters: events that could not be turned into rows, with their origin.
//
// They are kept in a topic of their own, `penstock.dead_letters`: the raw bytes are the record's value, and its headers
// say where it came from and what was wrong. So any Kafka client can read them, and they survive a restart.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/log_gate.h"
#include "base/metrics.h"
#include "base/result.h"
#include "connector/scan.h"
#include "engine/engine.h"
#include "log/log.h"
#include "log/record_batch.h"

namespace penstock::engine {

// Thread-safe.
class DeadLetters : public connector::DeadLetterSink {
 public:
  static constexpr std::string_view kTopic = "penstock.dead_letters";
  // The table shows the latest letters, within both bounds; the topic keeps all for its retention time.
  static constexpr size_t kShownMax = 100'000;
  static constexpr size_t kShownBytesMax = 64 << 20;
  // Origins that are remembered so that a job that starts over adds nothing twice.
  static constexpr size_t kKnownMax = 1'000'000;

  // Reads what is in the topic, which is made when it is missing.
  static Result<std::unique_ptr<DeadLetters>> open(log::Log& log, io::Env& env, MetricsRegistry* metrics);

  void add(const connector::DeadLetter& letter) override;

  uint64_t total() const;
  SystemTable system_table() const;

 private:
  struct Shown {
    std::string table;
    std::string topic;
    int32_t partition = 0;
    int64_t offset = 0;
    std::string error;
    std::string raw;
    int64_t time_us = 0;
  };

  DeadLetters(log::Log& log, io::Env& env) : log_(log), env_(env) {}
  Status read_topic();
  void show(const log::Record& record);
  // Remembers where the letter came from; false when it is known already.
  bool remember(const Shown& letter);
  void keep(Shown letter);

  log::Log& log_;
  io::Env& env_;
  Counter* counter_ = nullptr;
  mutable std::mutex mutex_;
  std::unordered_set<uint64_t> known_;  // hashes of origins
  std::deque<uint64_t> known_order_;
  std::deque<Shown> shown_;
  size_t shown_bytes_ = 0;
  uint64_t total_ = 0;
  const std::shared_ptr<logging::LogGate> failures_log_ = std::make_shared<logging::LogGate>();
};

}  // namespace penstock::engine
