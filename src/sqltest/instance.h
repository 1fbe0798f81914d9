// The program under test, without its network: a log and an engine over one simulated machine.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "columnar/change_batch.h"
#include "engine/engine.h"
#include "io/simulated_env.h"
#include "log/log.h"
#include "log/record_batch.h"
#include "types/type.h"

namespace penstock::sqltest {

struct Record {
  std::optional<std::string> key;
  std::optional<std::string> value;  // none: a tombstone
  int64_t timestamp_ms = 0;
};

// The rows of a statement.
struct Rows {
  types::Schema schema;
  std::vector<columnar::ChangeBatch> batches;
};

// Used by one thread. The catalog, which SQLite keeps, is in a directory of its own in the real file system.
class Instance {
 public:
  struct Options {
    int workers = 1;
    size_t batch_rows_max = columnar::kBatchRowsMax;
    int64_t epoch_interval_busy_us = 50'000;
    uint64_t seed = 1;
  };
  static Result<std::unique_ptr<Instance>> start(Options options);
  ~Instance();

  // Stops (or, with `crash`, loses power) and starts again over the same disk.
  Status restart(int workers, bool crash);

  Result<Rows> run(std::string_view sql);
  // Appends the records, as one batch unless they are large; they are durable when it returns.
  Status append(const std::string& topic, int32_t partition, std::span<const Record> records);
  // Adds to a file of the files directory; durable when it returns.
  Status append_to_file(const std::string& name, std::string_view text);
  Status create_topic(const std::string& topic, int32_t partitions);
  void advance(int64_t us) { env_.advance(us); }
  // Waits until everything that came in has gone through every job, and what they wrote through those that read it.
  Status settle();
  // Why the job of that name has failed.
  std::optional<std::string> failure(std::string_view job) const;
  // A job that has failed, with why.
  std::optional<std::string> any_failure() const;
  std::shared_ptr<view::View> view(const std::string& name) const;

 private:
  explicit Instance(Options options) : options_(options), env_(options.seed) {}
  Status append(const std::string& topic, int32_t partition, log::RecordBatchBuilder& builder);
  Status open();
  void stop();
  std::map<log::TopicPartition, log::Offset> ends() const;

  Options options_;
  io::SimulatedEnv env_;
  std::string directory_;
  std::unique_ptr<MetricsRegistry> metrics_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::Session> session_;
};

}  // namespace penstock::sqltest
