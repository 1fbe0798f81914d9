// The dead-letter table, penstock.dead_letters: events that could not be turned into rows, with their origin.
//
// They are kept in a topic of their own, `penstock.dead_letters`: the raw bytes are the record's value, and its headers
// say where it came from and what was wrong. So any Kafka client can read them, and they survive a restart. While the
// disk is full they wait.
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
#include "connector/ordered_writes.h"
#include "connector/scan.h"
#include "connector/timer.h"
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

  // Reads what is in the topic, which is made when it is missing. What the arguments point to outlives it.
  static Result<std::unique_ptr<DeadLetters>> open(log::Log& log, io::Env& env, connector::Timer& timer,
                                                   MetricsRegistry* metrics);
  ~DeadLetters() override { writes_->give_up(); }

  void add(const connector::DeadLetter& letter) override;

  uint64_t total() const;
  SystemTable system_table() const;

 private:
  struct Shown {
    std::string table;
    std::string topic;
    std::string topic_id;  // a topic that was made anew is another one; empty for what is no topic
    int32_t partition = 0;
    int64_t offset = 0;
    std::string error;
    std::string raw;
    int64_t time_us = 0;
  };

  // Where letters came from, as hashes. Thread-safe; shared with the log's callbacks, which may come late.
  class Origins {
   public:
    // False when it is known already.
    bool add(uint64_t origin);
    void forget(uint64_t origin);

   private:
    std::mutex mutex_;
    std::unordered_set<uint64_t> known_;
    std::deque<uint64_t> order_;
  };

  DeadLetters(log::Log& log, io::Env& env, connector::Timer& timer)
      : log_(log), env_(env), writes_(std::make_shared<connector::OrderedWrites>(log, timer, "")) {}
  Status read_topic();
  void show(const log::Record& record);
  static uint64_t origin_of(const Shown& letter);
  void keep(Shown letter);

  log::Log& log_;
  io::Env& env_;
  Counter* counter_ = nullptr;
  const std::shared_ptr<Origins> origins_ = std::make_shared<Origins>();
  std::mutex write_mutex_;  // one letter at a time goes to writes_
  const std::shared_ptr<connector::OrderedWrites> writes_;
  mutable std::mutex mutex_;  // guards what follows
  std::deque<Shown> shown_;
  size_t shown_bytes_ = 0;
  uint64_t total_ = 0;
  const std::shared_ptr<logging::LogGate> failures_log_ = std::make_shared<logging::LogGate>();
};

}  // namespace penstock::engine
