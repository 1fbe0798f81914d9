// The log on a machine that loses what it may lose, against a plain model, for many seeds.
//
// A run takes random steps: appends of several kinds of writers, commits, flushes, retention, changes of topics,
// failing disks, crashes. After every restart the model checks what the log promised: see check_*(). PENSTOCK_SIM_SEEDS
// sets the number of runs, PENSTOCK_SIM_FIRST_SEED where to begin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "base/logging.h"
#include "io/simulated_env.h"
#include "log/log_core.h"
#include "log/log_test_fixture.h"

namespace penstock::log {
namespace {

using io::SimulatedEnv;
using Operation = SimulatedEnv::Operation;

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What is known of one partition of one topic, as long as the topic lives.
struct PartitionModel {
  TopicPartition name;
  std::map<int64_t, std::string> acknowledged;  // by offset
  std::set<std::string> attempted;              // values that may or may not be there
  std::set<std::string> refused;                // of those, the ones that go when the log goes on without a restart
  int64_t start_acknowledged = 0;               // of delete_records()
  int64_t start_requested = 0;
  bool retention = false;
};
using PartitionModelPtr = std::shared_ptr<PartitionModel>;

// A writer that sends again what was not acknowledged, and must never be stored twice.
struct ProducerModel {
  struct Batch {
    int32_t sequence;
    std::vector<std::string> values;
    bool acknowledged = false;
    int64_t base_offset = -1;
  };
  int64_t id = 0;
  int16_t epoch = 0;
  int32_t next_sequence = 0;
  PartitionModelPtr partition;
  std::vector<std::shared_ptr<Batch>> batches;  // of this epoch
};

// Committed offsets of one group for one partition: the last one acknowledged, or one tried after it.
struct CommitModel {
  int64_t acknowledged = -1;
  std::set<int64_t> tried;
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : env_(seed), random_(seed * 7919 + 1) {
    options_.journal_segment_bytes = 16 << 10;
    options_.tail_bytes_max = 32 << 10;
    EXPECT_TRUE(env_.create_directories("/data"));
    EXPECT_TRUE(env_.sync_directory("/"));
    open();
    if (core_ == nullptr) return;
    // Jobs write here: never deleted, so that all of every epoch can be looked for.
    create("jobs", 2, false);
    for (int i = 0; i < 2; ++i) create_random_topic();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
    if (core_ != nullptr && !testing::Test::HasFailure()) restart(random_() % 2 == 0);
  }

  // For the test of every single fault.
  void steps_without_faults(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) ordinary_step();
  }
  // Goes on for some steps while the disk is full, then makes room; gives how often the log went on by itself.
  int steps_on_a_full_disk(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      ordinary_step();
      if (core_->accepts_writes(nullptr)) continue;
      expect_refusal();
      if (pick(4) == 0) make_room();
    }
    if (!core_->accepts_writes(nullptr)) make_room();
    return resumed_;
  }
  SimulatedEnv& env() { return env_; }
  void crash_and_check() {
    env_.clear_fault();
    crash();
    open();
  }

 private:
  uint64_t pick(uint64_t n) { return random_() % n; }

  void open() {
    auto opened = LogCore::open(env_, "/data/log", options_);
    ASSERT_TRUE(opened) << opened.error().to_string();
    core_ = std::move(*opened);
    stopped_ = false;
    check_topics();
    check_records();
    check_commits();
    resend_unacknowledged();
  }

  // The machine or the process dies; sometimes again while the log starts.
  void crash() {
    env_.crash(pick(3) == 0 ? SimulatedEnv::CrashKind::kProcess : SimulatedEnv::CrashKind::kPower);
    core_.reset();
    // A start may find what was refused, as long as the log had not gone on.
    each_partition([](PartitionModel& partition) { partition.refused.clear(); });
    for (uint64_t again = pick(3); again > 0; --again) {
      env_.fail(Operation::kAnyChange, 1 + pick(20), true);
      auto failed = LogCore::open(env_, "/data/log", options_);
      env_.clear_fault();
      if (failed && pick(2) == 0) EXPECT_TRUE((*failed)->close());
      env_.crash(SimulatedEnv::CrashKind::kPower);
    }
  }

  void restart(bool clean) {
    env_.clear_fault();
    env_.set_capacity(UINT64_MAX);  // a log neither closes nor starts on a full disk
    if (clean && core_->accepts_writes(nullptr)) {
      EXPECT_TRUE(core_->close());
      core_.reset();
      if (pick(2) == 0) env_.crash(SimulatedEnv::CrashKind::kPower);
    } else {
      crash();
    }
    open();
  }

  void step() {
    const uint64_t kind = pick(100);
    if (kind < 4) return restart(kind == 0);
    if (kind == 4) {
      constexpr Operation kOperations[] = {Operation::kWrite,         Operation::kSync,      Operation::kRename,
                                           Operation::kSyncDirectory, Operation::kAnyChange, Operation::kOpen};
      env_.fail(kOperations[pick(std::size(kOperations))], 1 + pick(30), pick(2) == 0,
                pick(2) == 0 ? ErrorCode::kIoError : ErrorCode::kResourceExhausted);
    }
    if (kind == 5) env_.set_capacity(pick(2) == 0 ? UINT64_MAX : 200'000);
    ordinary_step();
    if (!core_->accepts_writes(nullptr)) {
      expect_refusal();
      if (pick(3) == 0) return;
      if (pick(2) == 0) return make_room();
      restart(false);
    }
  }

  // A log that stopped acknowledges nothing.
  void expect_refusal() {
    const auto partition = any_partition();
    if (partition == nullptr) return;
    bool refused = false;
    core_->append(partition->name, batch_of({"refused"}),
                  [&](const AppendResult& result) { refused = result.error == AppendError::kStorage; });
    EXPECT_TRUE(refused);
  }

  // Nothing fails any more: the log goes on by itself, unless it had stopped for another reason than a full disk.
  void make_room() {
    std::string reason;
    EXPECT_FALSE(core_->accepts_writes(&reason));
    env_.clear_fault();
    env_.set_capacity(UINT64_MAX);
    for (int i = 0; i < 20 && !core_->accepts_writes(nullptr); ++i) {
      env_.advance(1'000'000);
      core_->maintain_once();
    }
    if (core_->accepts_writes(nullptr)) return notice_stops();
    EXPECT_THAT(reason, testing::Not(testing::HasSubstr("until the disk has room")));
    restart(false);
  }

  // When the log has gone on, what it refused is not there and never will be, and producers send it again.
  void notice_stops() {
    if (!core_->accepts_writes(nullptr)) {
      stopped_ = true;
    } else if (std::exchange(stopped_, false)) {
      ++resumed_;
      each_partition([](PartitionModel& partition) {
        for (const std::string& value : std::exchange(partition.refused, {})) partition.attempted.erase(value);
      });
      resend_unacknowledged();
      check_records();
    }
  }

  void ordinary_step() {
    env_.advance(static_cast<int64_t>(pick(2'000'000)));
    take_step(pick(100));
    notice_stops();
  }
  void take_step(uint64_t kind) {
    if (kind < 20) return append_plain();
    if (kind < 30) return append_many();
    if (kind < 45) return append_idempotent();
    if (kind < 52) return append_job_epoch();
    if (kind < 58) return commit_group_offset();
    if (kind < 80) return void(core_->commit_once());
    if (kind < 86) return void(core_->flush());
    if (kind < 90) return void(core_->maintain_once());
    if (kind < 92) return void(core_->checkpoint());
    if (kind < 94) return void(core_->enforce_retention());
    if (kind < 95) return delete_records();
    if (kind < 97) return send_again();
    if (kind < 98) return create_random_topic();
    if (kind < 99) return check_records();
    return delete_random_topic();
  }

  // --- topics ---
  void create(const std::string& name, int32_t partitions, bool retention) {
    TopicConfig config;
    config.segment_bytes = 1024 + static_cast<int64_t>(pick(4096));
    config.retention_ms = -1;
    if (retention) {
      config.retention_bytes = 2048;
      config.retention_ms = 20'000;
    }
    const bool made = core_->create_topic(name, partitions, config).has_value();
    if (!made) {
      unsure_topics_.insert(name);
      unsure_retention_[name] = retention;
      return;
    }
    add_topic_model(name, partitions, retention);
  }
  void add_topic_model(const std::string& name, int32_t partitions, bool retention) {
    auto& models = topics_[name];
    for (auto i = static_cast<int32_t>(models.size()); i < partitions; ++i) {
      models.push_back(std::make_shared<PartitionModel>());
      models.back()->name = partition_of(name, i);
      models.back()->retention = retention;
    }
  }
  void create_random_topic() {
    const std::string name = "t" + std::to_string(pick(4));
    const auto found = topics_.find(name);
    if (found == topics_.end()) return create(name, 1 + static_cast<int32_t>(pick(3)), pick(2) == 0);
    const auto partitions = static_cast<int32_t>(found->second.size()) + 1;
    if (partitions > 5) return;
    if (core_->add_partitions(name, partitions)) {
      add_topic_model(name, partitions, found->second[0]->retention);
    } else {
      unsure_topics_.insert(name);
    }
  }
  void delete_random_topic() {
    const std::string name = "t" + std::to_string(pick(4));
    if (!topics_.contains(name)) return;
    if (!core_->delete_topic(name)) return void(unsure_topics_.insert(name));
    forget(name);
  }
  void forget(const std::string& name) {
    topics_.erase(name);
    std::erase_if(producers_, [&](const auto& producer) { return producer.partition->name.topic == name; });
    std::erase_if(commits_, [&](const auto& entry) { return entry.first.second.topic == name; });
  }
  PartitionModelPtr any_partition() {
    std::vector<PartitionModelPtr> all;
    for (const auto& [name, partitions] : topics_) {
      if (name != "jobs") all.insert(all.end(), partitions.begin(), partitions.end());
    }
    return all.empty() ? nullptr : all[pick(all.size())];
  }

  template <class Use>
  void each_partition(Use use) {
    for (const auto& [name, partitions] : topics_) {
      for (const auto& partition : partitions) use(*partition);
    }
  }

  // --- writers ---
  std::vector<std::string> fresh_values(const std::string& writer) {
    std::vector<std::string> values;
    const uint64_t count = 1 + pick(3);
    for (uint64_t i = 0; i < count; ++i) {
      values.push_back(fmt::format("{}:{:06}:", writer, ++counter_));
      values.back().append(pick(8) == 0 ? pick(3000) : pick(60), 'x');
    }
    return values;
  }
  static void attempt(PartitionModel& partition, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      partition.refused.erase(value);
      partition.attempted.insert(value);
    }
  }
  static void acknowledge(PartitionModel& partition, const std::vector<std::string>& values, int64_t base_offset) {
    for (size_t i = 0; i < values.size(); ++i) {
      partition.attempted.erase(values[i]);
      partition.acknowledged[base_offset + static_cast<int64_t>(i)] = values[i];
    }
  }
  static void take_answer(PartitionModel& partition, const std::vector<std::string>& values,
                          const AppendResult& result) {
    if (result.error == AppendError::kNone) return acknowledge(partition, values, result.base_offset.value());
    if (result.error == AppendError::kStorage) partition.refused.insert(values.begin(), values.end());
  }

  void append_plain() {
    const PartitionModelPtr partition = any_partition();
    if (partition == nullptr) return;
    const std::vector<std::string> values = fresh_values("plain");
    attempt(*partition, values);
    core_->append(partition->name, batch_of(values, env_.wall_time_us() / 1000),
                  [=](const AppendResult& result) { take_answer(*partition, values, result); });
  }

  // Several in one call: each has its own answer.
  void append_many() {
    std::vector<std::pair<TopicPartition, SharedBytes>> records;
    std::vector<std::pair<PartitionModelPtr, std::vector<std::string>>> sent;
    for (uint64_t left = 1 + pick(4); left > 0; --left) {
      const PartitionModelPtr partition = any_partition();
      if (partition == nullptr) return;
      std::vector<std::string> values = fresh_values("plain");
      attempt(*partition, values);
      records.emplace_back(partition->name, batch_of(values, env_.wall_time_us() / 1000));
      sent.emplace_back(partition, std::move(values));
    }
    core_->append_all(std::move(records), Urgency::kWithOthers,
                      [sent = std::move(sent)](const std::vector<AppendResult>& results) {
                        ASSERT_EQ(results.size(), sent.size());
                        for (size_t i = 0; i < sent.size(); ++i)
                          take_answer(*sent[i].first, sent[i].second, results[i]);
                      });
  }

  void send(const ProducerModel& producer, const std::shared_ptr<ProducerModel::Batch>& batch) {
    RecordBatchBuilder builder;
    for (const std::string& value : batch->values) builder.add(env_.wall_time_us() / 1000, std::nullopt, value);
    builder.set_producer(producer.id, producer.epoch, batch->sequence);
    if (!batch->acknowledged) attempt(*producer.partition, batch->values);
    core_->append(producer.partition->name, builder.finish_shared(),
                  [batch, partition = producer.partition](const AppendResult& result) {
                    EXPECT_TRUE(result.error == AppendError::kNone || result.error == AppendError::kStorage ||
                                result.error == AppendError::kUnknownTopicOrPartition)
                        << result.message;
                    if (!batch->acknowledged) take_answer(*partition, batch->values, result);
                    if (result.error != AppendError::kNone) return;
                    // A repeated batch has the offset that it had.
                    if (batch->acknowledged) EXPECT_EQ(result.base_offset.value(), batch->base_offset);
                    batch->acknowledged = true;
                    batch->base_offset = result.base_offset.value();
                  });
  }
  void append_idempotent() {
    if (producers_.size() < 4 || pick(20) == 0) {
      const PartitionModelPtr partition = any_partition();
      if (partition == nullptr) return;
      const auto id = core_->allocate_producer_id();
      if (!id) return;
      EXPECT_TRUE(producer_ids_.insert(id->value()).second) << "a producer id was given twice";
      producers_.push_back({.id = id->value(), .partition = partition, .batches = {}});
    }
    ProducerModel& producer = producers_[pick(producers_.size())];
    const auto unacknowledged =
        std::ranges::count_if(producer.batches, [](const auto& batch) { return !batch->acknowledged; });
    if (unacknowledged >= 5) return;
    if (unacknowledged == 0 && !producer.batches.empty() && pick(10) == 0) {
      ++producer.epoch;
      producer.next_sequence = 0;
      producer.batches.clear();
    }
    auto batch = std::make_shared<ProducerModel::Batch>();
    batch->sequence = producer.next_sequence;
    batch->values = fresh_values("producer" + std::to_string(producer.id));
    producer.next_sequence += static_cast<int32_t>(batch->values.size());
    producer.batches.push_back(batch);
    send(producer, batch);
  }
  void send_again() {
    if (producers_.empty()) return;
    const ProducerModel& producer = producers_[pick(producers_.size())];
    // One of the last five: those a client may still be unsure of.
    if (producer.batches.empty()) return;
    const size_t back = 1 + pick(std::min<size_t>(5, producer.batches.size()));
    send(producer, producer.batches[producer.batches.size() - back]);
  }
  void resend_unacknowledged() {
    for (const ProducerModel& producer : producers_) {
      for (const auto& batch : producer.batches) {
        if (!batch->acknowledged) send(producer, batch);
      }
    }
  }

  // A job writes one record to each partition of "jobs" and commits the epoch's number, all as one.
  void append_job_epoch() {
    if (topics_["jobs"].empty()) return;
    const int64_t epoch = ++job_epoch_;
    std::vector<std::pair<TopicPartition, SharedBytes>> records;
    for (const auto& partition : topics_["jobs"]) {
      records.emplace_back(partition->name, batch_of({std::to_string(epoch) + std::string(pick(1500), ' ')}));
    }
    CommittedOffset offset{.offset = Offset(epoch)};
    offset.metadata = "job";
    core_->append_together(std::move(records), "job", {{partition_of("jobs", 0), offset}},
                           [this, epoch](Status status) {
                             if (status) job_epoch_acknowledged_ = epoch;
                           });
  }

  void commit_group_offset() {
    const PartitionModelPtr partition = any_partition();
    if (partition == nullptr) return;
    const std::string group = "g" + std::to_string(pick(3));
    const auto offset = static_cast<int64_t>(++counter_);
    const std::pair<std::string, TopicPartition> key{group, partition->name};
    commits_[key].tried.insert(offset);
    core_->commit_offsets(group, {{partition->name, CommittedOffset{.offset = Offset(offset)}}},
                          [this, key, offset](Status status) {
                            const auto found = commits_.find(key);
                            if (!status || found == commits_.end()) return;
                            found->second.acknowledged = offset;
                            auto& tried = found->second.tried;
                            tried.erase(tried.begin(), tried.upper_bound(offset));
                          });
  }

  void delete_records() {
    const PartitionModelPtr partition = any_partition();
    if (partition == nullptr) return;
    const int64_t start = core_->log_start_offset(partition->name)->value();
    const int64_t end = core_->high_watermark(partition->name)->value();
    const int64_t before = start + static_cast<int64_t>(pick(static_cast<uint64_t>(end - start) + 1));
    partition->start_requested = std::max(partition->start_requested, before);
    if (core_->delete_records(partition->name, Offset(before))) partition->start_acknowledged = before;
  }

  // --- promises ---
  // Topics are there or not as was answered; where no answer came, either is right.
  void check_topics() {
    std::map<std::string, int32_t> found;
    for (const TopicInfo& topic : core_->topics()) found[topic.name] = topic.partitions;
    for (const std::string& name : unsure_topics_) {
      if (!found.contains(name)) {
        forget(name);
      } else {
        const bool retention = topics_.contains(name) ? topics_[name][0]->retention : unsure_retention_[name];
        add_topic_model(name, found[name], retention);
      }
    }
    unsure_topics_.clear();
    EXPECT_EQ(found.size(), topics_.size());
    for (const auto& [name, partitions] : topics_) EXPECT_EQ(found[name], static_cast<int32_t>(partitions.size()));
  }

  std::vector<std::pair<int64_t, std::string>> read(const TopicPartition& from) {
    std::vector<std::pair<int64_t, std::string>> records;
    const auto start = core_->log_start_offset(from);
    EXPECT_TRUE(start);
    if (!start) return records;
    int64_t offset = start->value();
    for (const std::string& value : read_values(*core_, from, offset, 1 + pick(5000))) {
      records.emplace_back(offset++, value);
    }
    EXPECT_EQ(offset, core_->high_watermark(from)->value());
    return records;
  }

  void check_records() {
    // Reading may meet the injected fault of an open.
    env_.clear_fault();
    for (const auto& [name, partitions] : topics_) {
      for (const auto& partition : partitions) {
        if (name != "jobs") check_partition(*partition);
      }
    }
    check_job_epochs();
  }
  void check_partition(PartitionModel& partition) {
    SCOPED_TRACE(partition.name.topic + "/" + std::to_string(partition.name.partition.value()));
    const int64_t start = core_->log_start_offset(partition.name)->value();
    const int64_t end = core_->high_watermark(partition.name)->value();
    EXPECT_GE(start, partition.start_acknowledged);
    if (!partition.retention) EXPECT_LE(start, partition.start_requested);
    std::map<std::string, std::string> last_of_writer;
    std::map<int64_t, std::string> stored;
    for (auto& [offset, value] : read(partition.name)) {
      const std::string writer = value.substr(0, value.find(':'));
      // Values of a writer grow: each is there once, in the order in which it was written.
      EXPECT_LT(last_of_writer[writer], value.substr(0, value.rfind(':')));
      last_of_writer[writer] = value.substr(0, value.rfind(':'));
      const auto known = partition.acknowledged.find(offset);
      EXPECT_TRUE(known != partition.acknowledged.end() ? known->second == value : partition.attempted.contains(value))
          << "offset " << offset << " has " << value;
      stored.emplace(offset, std::move(value));
    }
    for (const auto& [offset, value] : partition.acknowledged) {
      EXPECT_LT(offset, end) << "an acknowledged record is lost";
      if (offset >= start) EXPECT_TRUE(stored.contains(offset)) << "an acknowledged record is lost";
    }
  }
  void check_job_epochs() {
    if (!topics_.contains("jobs") || topics_["jobs"].size() != 2) return;
    const auto left = read(partition_of("jobs", 0));
    const auto right = read(partition_of("jobs", 1));
    ASSERT_EQ(left.size(), right.size()) << "half of an epoch is there";
    int64_t last = 0;
    for (size_t i = 0; i < left.size(); ++i) {
      EXPECT_EQ(std::stoll(left[i].second), std::stoll(right[i].second));
      EXPECT_GT(std::stoll(left[i].second), last);
      last = std::stoll(left[i].second);
    }
    EXPECT_GE(last, job_epoch_acknowledged_);
    const auto committed = core_->committed_offset("job", partition_of("jobs", 0));
    EXPECT_EQ(committed ? committed->offset.value() : 0, last) << "records and offset of an epoch do not go together";
  }
  void check_commits() {
    for (auto& [key, model] : commits_) {
      const auto committed = core_->committed_offset(key.first, key.second);
      const int64_t offset = committed ? committed->offset.value() : -1;
      EXPECT_TRUE(offset == model.acknowledged || model.tried.contains(offset))
          << key.first << " has " << offset << ", acknowledged was " << model.acknowledged;
      // From now on this one is known to be durable.
      model.acknowledged = offset;
      model.tried.clear();
    }
  }

  SimulatedEnv env_;
  std::mt19937_64 random_;
  LogOptions options_;
  std::unique_ptr<LogCore> core_;
  std::map<std::string, std::vector<PartitionModelPtr>> topics_;
  std::set<std::string> unsure_topics_;
  std::map<std::string, bool> unsure_retention_;
  std::vector<ProducerModel> producers_;
  std::set<int64_t> producer_ids_;
  std::map<std::pair<std::string, TopicPartition>, CommitModel> commits_;
  uint64_t counter_ = 0;
  int64_t job_epoch_ = 0;
  int64_t job_epoch_acknowledged_ = 0;
  bool stopped_ = false;  // the log takes no writes
  int resumed_ = 0;       // times that it went on by itself
};

class LogSimulation : public testing::Test {
 protected:
  // A failing disk is part of every run: its log lines say nothing.
  LogSimulation() { logging::configure(logging::Level::kOff, logging::Format::kLogfmt); }
  ~LogSimulation() override { logging::configure(logging::Level::kInfo, logging::Format::kLogfmt); }
};

TEST_F(LogSimulation, KeepsItsPromisesWhateverTheMachineDoes) {
  const uint64_t first = number_from_environment("PENSTOCK_SIM_FIRST_SEED", 1);
  const uint64_t seeds = number_from_environment("PENSTOCK_SIM_SEEDS", 2000);
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation(seed).run(seed % 8 == 0 ? 200 : 80);
    ASSERT_FALSE(HasFailure()) << "PENSTOCK_SIM_FIRST_SEED=" << seed << " PENSTOCK_SIM_SEEDS=1 repeats it";
  }
}

TEST_F(LogSimulation, AnySingleFaultIsSurvived) {
  constexpr uint64_t kScript = 42;
  uint64_t before = 0;
  uint64_t after = 0;
  {
    Simulation whole(kScript);
    before = whole.env().count(Operation::kAnyChange);
    whole.steps_without_faults(120);
    after = whole.env().count(Operation::kAnyChange);
  }
  ASSERT_GT(after, before + 50);
  for (const bool forever : {false, true}) {
    for (uint64_t n = 1; n <= after - before; ++n) {
      SCOPED_TRACE(fmt::format("fault {} {}", n, forever ? "for ever" : "once"));
      Simulation run(kScript);
      run.env().fail(Operation::kAnyChange, n, forever);
      run.steps_without_faults(120);
      run.crash_and_check();
      ASSERT_FALSE(HasFailure());
    }
  }
}

TEST_F(LogSimulation, GoesOnWhereverTheDiskWasFull) {
  constexpr uint64_t kScript = 43;
  uint64_t changes = 0;
  {
    Simulation whole(kScript);
    const uint64_t before = whole.env().count(Operation::kAnyChange);
    whole.steps_without_faults(120);
    changes = whole.env().count(Operation::kAnyChange) - before;
  }
  int resumed = 0;
  for (const bool forever : {false, true}) {
    for (uint64_t n = 1; n <= changes; ++n) {
      SCOPED_TRACE(fmt::format("full at {} {}", n, forever ? "until there is room" : "once"));
      Simulation run(kScript);
      run.env().fail(Operation::kAnyChange, n, forever, ErrorCode::kResourceExhausted);
      resumed += run.steps_on_a_full_disk(120);
      run.crash_and_check();
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_GT(resumed, static_cast<int>(changes));
}

}  // namespace
}  // namespace penstock::log
