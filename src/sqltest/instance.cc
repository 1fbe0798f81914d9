#include "sqltest/instance.h"

#include <stdlib.h>

#include <filesystem>
#include <future>
#include <utility>

#include "log/record_batch.h"

namespace penstock::sqltest {

namespace {

// Topics that feed each other without end stop growing for no settle().
constexpr int kSettleRoundsMax = 1000;
constexpr size_t kRecordBatchBytes = 1 << 20;
constexpr const char* kFilesDirectory = "/files";

Result<std::string> make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "penstock-sql-test-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) return make_error(ErrorCode::kIoError, "cannot make the directory {}", path);
  return path;
}

}  // namespace

Result<std::unique_ptr<Instance>> Instance::start(Options options) {
  auto instance = std::unique_ptr<Instance>(new Instance(options));
  instance->directory_ = PENSTOCK_TRY(make_directory());
  PENSTOCK_TRY(instance->env_.create_directories("/data"));
  PENSTOCK_TRY(instance->env_.create_directories(kFilesDirectory));
  PENSTOCK_TRY(instance->env_.sync_directory("/"));
  PENSTOCK_TRY(instance->open());
  return instance;
}

Instance::~Instance() {
  stop();
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Status Instance::open() {
  metrics_ = std::make_unique<MetricsRegistry>();
  log_ = PENSTOCK_TRY(log::Log::open(env_, "/data/log", {.metrics = metrics_.get()}));
  engine::EngineOptions options;
  options.env = &env_;
  options.log = log_.get();
  options.directory = directory_;
  options.files_directory = kFilesDirectory;
  options.kafka_addresses = {"127.0.0.1:9092"};
  options.workers = options_.workers;
  options.scan_batch_rows_max = options_.batch_rows_max;
  options.epoch_interval_busy_us = options_.epoch_interval_busy_us;
  options.metrics = metrics_.get();
  options.watermark_max_ahead_us = 0;  // the clock stands years before the times of the tests
  engine_ = PENSTOCK_TRY(engine::Engine::open(options));
  session_ = engine_->create_session();
  return {};
}

void Instance::stop() {
  session_.reset();
  engine_.reset();
  log_.reset();
  metrics_.reset();
}

Status Instance::restart(int workers, bool crash) {
  if (crash) {
    env_.crash(io::SimulatedEnv::CrashKind::kPower);
  } else {
    PENSTOCK_TRY(engine_->close());
    PENSTOCK_TRY(log_->close());
  }
  stop();
  options_.workers = workers;
  return open();
}

Result<Rows> Instance::run(std::string_view sql) {
  const auto cursor = PENSTOCK_TRY(session_->execute(sql));
  Rows rows;
  while (auto batch = PENSTOCK_TRY(cursor->next())) rows.batches.push_back(*std::move(batch));
  if (cursor->schema()) rows.schema = *cursor->schema();
  return rows;
}

Status Instance::append(const std::string& topic, int32_t partition, std::span<const Record> records) {
  log::RecordBatchBuilder builder;
  for (const Record& record : records) {
    builder.add(record.timestamp_ms, record.key, record.value);
    if (builder.size_bytes() >= kRecordBatchBytes) PENSTOCK_TRY(append(topic, partition, builder));
  }
  return builder.records_count() == 0 ? Status() : append(topic, partition, builder);
}

Status Instance::append(const std::string& topic, int32_t partition, log::RecordBatchBuilder& builder) {
  std::promise<log::AppendResult> done;
  log_->append({topic, log::PartitionId(partition)}, builder.finish_shared(),
               [&](log::AppendResult result) { done.set_value(std::move(result)); });
  const log::AppendResult result = done.get_future().get();
  if (result.error == log::AppendError::kNone) return {};
  return make_error(ErrorCode::kIoError, "cannot append to topic {}: {}", topic, result.message);
}

Status Instance::append_to_file(const std::string& name, std::string_view text) {
  const std::string path = std::string(kFilesDirectory) + "/" + name;
  const std::string directory = io::parent_directory(path);
  PENSTOCK_TRY(env_.create_directories(directory));
  const auto file = PENSTOCK_TRY(env_.open(path, io::OpenMode::kCreateOrOpen));
  PENSTOCK_TRY(file->write_at(PENSTOCK_TRY(file->size()), text));
  PENSTOCK_TRY(file->sync());
  for (std::string at = directory; at != "/"; at = io::parent_directory(at)) PENSTOCK_TRY(env_.sync_directory(at));
  return {};
}

Status Instance::create_topic(const std::string& topic, int32_t partitions) {
  PENSTOCK_TRY(log_->create_topic(topic, partitions, {}));
  return {};
}

std::map<log::TopicPartition, log::Offset> Instance::ends() const {
  std::map<log::TopicPartition, log::Offset> ends;
  for (const log::TopicInfo& topic : log_->topics()) {
    for (int32_t p = 0; p < topic.partitions; ++p) {
      const log::TopicPartition partition{topic.name, log::PartitionId(p)};
      if (const auto end = log_->high_watermark(partition)) ends[partition] = *end;
    }
  }
  return ends;
}

Status Instance::settle() {
  for (int round = 0; round < kSettleRoundsMax; ++round) {
    const auto before = ends();
    PENSTOCK_TRY(run("FLUSH"));
    if (ends() == before) return {};
  }
  return make_error(ErrorCode::kTimeout, "the topics grow without end: does a job read what it writes?");
}

std::optional<std::string> Instance::failure(std::string_view job) const {
  for (const engine::JobStatus& status : engine_->status().jobs) {
    if (status.name == job && status.state == "failed") return status.error;
  }
  return std::nullopt;
}

std::optional<std::string> Instance::any_failure() const {
  for (const engine::JobStatus& status : engine_->status().jobs) {
    if (status.state == "failed") return status.name + ": " + status.error;
  }
  return std::nullopt;
}

std::shared_ptr<view::View> Instance::view(const std::string& name) const {
  const auto info = engine_->find_view(name);
  return info ? info->view : nullptr;
}

}  // namespace penstock::sqltest
