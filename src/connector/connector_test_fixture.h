// What the tests of connectors share: a machine in memory with a log, tables, and sources and sinks driven by hand.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "columnar/change_batch.h"
#include "connector/connector.h"
#include "connector/timer.h"
#include "io/simulated_env.h"
#include "log/log_test_fixture.h"

namespace penstock::connector {

inline types::Schema schema_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  types::Schema schema;
  for (const auto& [name, type] : fields) schema.push_back({name, types::DataType::parse(type).value()});
  return schema;
}

// Keeps what it is told: "table topic/partition@offset raw: error".
class CollectedLetters : public DeadLetterSink {
 public:
  void add(const DeadLetter& letter) override {
    const std::lock_guard lock(mutex_);
    letters_.push_back(fmt::format("{} {}/{}@{} {}: {}", letter.table, letter.topic, letter.partition, letter.offset,
                                   letter.raw, letter.error));
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(letters_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> letters_;
};

// What a source emits.
class CollectedOutput : public exec::SourceOutput {
 public:
  void emit(columnar::ChangeBatch batch) override {
    ++batches;
    EXPECT_LE(batch.rows(), columnar::kBatchRowsMax);
    rows += batch.rows();
    if (keep_text && batch.rows() > 0) text += (text.empty() ? "" : " | ") + columnar::to_text(batch);
    if (keep_batches && batch.rows() > 0) kept.push_back(std::move(batch));
  }
  void watermark(exec::Watermark watermark) override { last_watermark = watermark; }
  std::string take() { return std::exchange(text, {}); }

  bool keep_text = true;
  bool keep_batches = false;
  size_t batches = 0;
  size_t rows = 0;
  std::string text;
  std::vector<columnar::ChangeBatch> kept;
  exec::Watermark last_watermark;
};

class ConnectorTest : public testing::Test {
 protected:
  ConnectorTest() { open_log(); }

  void open_log() {
    log_.reset();
    auto log = log::Log::open(env_, "/log", {});
    ASSERT_TRUE(log) << log.error().to_string();
    log_ = std::move(*log);
  }

  ConnectorContext context(int parallelism = 1) {
    return {.env = &env_,
            .log = log_.get(),
            .timer = used_timer_,
            .dead_letters = &letters_,
            .parallelism = parallelism,
            .default_partitions = 2,
            .files_directory = files_directory_,
            .data_directory = {}};
  }

  void append(const std::string& topic, int32_t partition, const std::vector<std::string>& values,
              int64_t timestamp_ms = 1000) {
    log::Answer<log::AppendResult> answer;
    log_->append(log::partition_of(topic, partition), log::batch_of(values, timestamp_ms),
                 [&](log::AppendResult result) { answer.set(std::move(result)); });
    ASSERT_EQ(answer.wait().error, log::AppendError::kNone);
    wait_for_notices();
  }
  // Readers are told of an append after it is answered, and before the next commit begins.
  void wait_for_notices() {
    log::Answer<Status> answer;
    log_->append_together({}, {}, {}, [&](Status status) { answer.set(std::move(status)); });
    ASSERT_TRUE(answer.wait());
  }

  // A request for all columns of a table. `options_` must have its options.
  ScanRequest request(types::Schema columns) const {
    ScanRequest request;
    request.table = "t";
    request.options = &options_;
    request.columns = columns;
    request.physical = std::move(columns);
    return request;
  }

  SourcePlan plan(ScanRequest r, int parallelism = 1) {
    auto made = plan_source(context(parallelism), std::move(r));
    EXPECT_TRUE(made) << made.error().to_string();
    return std::move(*made);
  }
  std::unique_ptr<exec::Source> make_source(const SourcePlan& plan, int instance = 0) {
    auto source = plan.make(instance);
    EXPECT_TRUE(source) << source.error().to_string();
    if (!source) return nullptr;
    (*source)->set_waker([this] { wakes_.fetch_add(1); });
    return std::move(*source);
  }

  // Polls until there is nothing more for now.
  exec::SourceState poll_all(exec::Source& source, CollectedOutput& out) {
    while (true) {
      const auto state = source.poll(out);
      EXPECT_TRUE(state) << state.error().to_string();
      if (!state || *state != exec::SourceState::kMore) return state ? *state : exec::SourceState::kEnded;
    }
  }

  // The rows that a SELECT of the table would read now, by an instance after the other.
  std::string read_bounded(types::Schema columns) {
    ScanRequest bounded = request(std::move(columns));
    bounded.bounded = true;
    auto plan = plan_source(context(), std::move(bounded));
    EXPECT_TRUE(plan) << plan.error().to_string();
    CollectedOutput out;
    for (int instance = 0; plan && instance < plan->parallelism; ++instance) {
      EXPECT_EQ(poll_all(*make_source(*plan, instance), out), exec::SourceState::kEnded);
    }
    return out.text;
  }

  io::SimulatedEnv env_{1};
  std::unique_ptr<log::Log> log_;
  Timer timer_;
  Timer env_timer_{[this] { return env_.monotonic_time_us(); }};  // goes on by env_.advance()
  Timer* used_timer_ = &timer_;
  CollectedLetters letters_;
  OptionMap options_;
  std::string files_directory_;
  std::atomic<int> wakes_{0};
};

// A sink of the table that `options_` says, of one job, and what comes to it.
class SinkTest : public ConnectorTest {
 protected:
  SinkRequest sink_request() const {
    SinkRequest request;
    request.table = "t";
    request.options = options_;
    request.schema = schema_;
    request.group = group_;
    return request;
  }
  Result<std::shared_ptr<Sink>> try_open() { return make_sink(context(), sink_request()); }
  std::shared_ptr<Sink> open() {
    auto sink = try_open();
    EXPECT_TRUE(sink) << sink.error().to_string();
    return std::move(*sink);
  }
  void write(exec::Operator& op, const std::string& rows) {
    const Status status = op.process(0, columnar::batch_from_text(rows, schema_).value(), out_);
    EXPECT_TRUE(status) << status.error().to_string();
  }
  // The barrier, and the commit of the epoch with the input at `positions`.
  void commit(Sink& sink, exec::Operator& op, int64_t epoch, const Positions& positions) {
    EXPECT_TRUE(op.on_barrier(Epoch(epoch), out_));
    const Status committed = sink.commit(Epoch(epoch), positions);
    EXPECT_TRUE(committed) << committed.error().to_string();
  }

  class NoOutput : public exec::Output {
   public:
    void emit(columnar::ChangeBatch /*batch*/) override { FAIL() << "a sink emits nothing"; }
  };

  types::Schema schema_ = schema_of({{"k", "STRING"}, {"v", "BIGINT"}});
  std::string group_ = "job.1";
  NoOutput out_;
};

inline std::string positions_text(const Positions& positions) {
  std::string text;
  for (const auto& [split, offset] : positions) {
    if (!text.empty()) text += " ";
    text += fmt::format("{}/{}={}", split.topic, split.partition.value(), offset.value());
  }
  return text;
}

}  // namespace penstock::connector
