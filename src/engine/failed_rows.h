// Rows and events that a job could not compute or read: by default they become dead letters; a strict job ends.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/log_gate.h"
#include "base/metrics.h"
#include "base/result.h"
#include "connector/scan.h"
#include "exec/failed_rows.h"
#include "exec/job.h"
#include "types/type.h"

namespace penstock::engine {

// How many rows of one job become dead letters: a join may have a condition that fails for each of a billion pairs.
// What is beyond is counted alone. Thread-safe.
class RowLetterLimit {
 public:
  struct Options {
    std::string job;
    int rows_max = 1'000;  // in an interval
    std::chrono::milliseconds interval{1'000};
    Counter* beyond = nullptr;  // outlives it
  };

  explicit RowLetterLimit(Options options);
  // Whether one more becomes a letter.
  bool pass();

 private:
  const Options options_;
  logging::LogGate rows_;
  logging::LogGate log_;
};

// Makes dead letters of the rows of one operator of a job: without a topic, and the row as JSON. Thread-safe.
class FailedRowLetters : public exec::FailedRows {
 public:
  // `schema`: of the rows, where it is known.
  FailedRowLetters(std::string job, std::string op, types::Schema schema, connector::DeadLetterSink& letters,
                   std::shared_ptr<RowLetterLimit> limit);

  void add(const columnar::ChangeBatch& batch, const expr::RowErrors& errors) override;

 private:
  std::string text_of(const columnar::ChangeBatch& batch, size_t row) const;

  const std::string job_;
  const std::string op_;
  const types::Schema schema_;
  connector::DeadLetterSink& letters_;
  const std::shared_ptr<RowLetterLimit> limit_;
};

// What a strict job tells: the first letter ends it. Thread-safe.
class StrictLetters : public connector::DeadLetterSink {
 public:
  void add(const connector::DeadLetter& letter) override;
  // The job runs; it outlives its scans.
  void set_job(exec::Job& job);
  // What the first letter makes of the job, which may have come to an end before it heard of it.
  Status status();

 private:
  std::mutex mutex_;
  exec::Job* job_ = nullptr;
  std::optional<Error> error_;  // the first one
};

}  // namespace penstock::engine
