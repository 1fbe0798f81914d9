#include "connector/filesystem/file_sink.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/state_memory.h"
#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "connector/filesystem/file_access.h"
#include "connector/filesystem/file_partitions.h"
#include "connector/filesystem/file_table.h"
#include "connector/filesystem/part_files.h"
#include "connector/filesystem/partitions.h"
#include "connector/pending_commits.h"
#include "connector/position_store.h"
#include "exec/failed_rows.h"
#include "expr/evaluate.h"
#include "format/encoder.h"

namespace penstock::connector {

namespace {

constexpr size_t kBlockBytes = 512 << 10;
// Committed but not durable; above it the operators take no more rows.
constexpr size_t kBytesInFlightMax = 32 << 20;
// How soon to try again on a disk that is full.
constexpr std::chrono::milliseconds kTryAgain{200};

// Whether the same may work later.
bool may_pass(const Error& error) {
  return error.code() == ErrorCode::kResourceExhausted || error.code() == ErrorCode::kUnavailable;
}

// Encoded rows, each with its end of line.
struct Block {
  std::string directory;  // of the table; empty: its own
  std::string text;
  uint64_t rows = 0;
};

// Of the columns that are in the files.
types::Schema record_schema(const types::Schema& rows, const PartitionDirectories& directories) {
  types::Schema schema;
  for (const int column : directories.record_columns()) schema.push_back(rows[static_cast<size_t>(column)]);
  return schema;
}

// What the sink operators of one job share. A thread of its own writes, so that no worker waits for a disk; epochs that
// end while it does are written together.
class FileSink : public Sink, public std::enable_shared_from_this<FileSink> {
 public:
  FileSink(SinkRequest request, FileTableOptions table, std::unique_ptr<PositionStore> store,
           std::unique_ptr<PartFiles> parts, PartFiles::Options parts_options,
           std::optional<OverwrittenFiles> overwritten)
      : request_(std::move(request)),
        table_(std::move(table)),
        store_(std::move(store)),
        committed_(store_->positions()),
        parts_options_(std::move(parts_options)),
        parts_(std::move(parts)),
        env_(*parts_options_.env),
        overwritten_(std::move(overwritten)),
        writer_([this] { run(); }) {}

  ~FileSink() override {
    {
      const std::lock_guard lock(mutex_);
      abandoned_ = true;
    }
    changed_.notify_all();
    if (writer_.joinable()) writer_.join();
    if (overwritten_ && parts_ != nullptr)
      static_cast<void>(parts_->discard());  // they are hidden, where that fails too
  }

  Result<std::unique_ptr<exec::Operator>> make_operator(SinkInstance instance) override;
  Status commit(Epoch epoch, const Positions& positions) override;
  bool durable(Epoch epoch) const override { return pending_.settled(epoch); }
  Positions committed() const override { return committed_; }
  // Publishes what there is, unless it overwrites.
  Status close() override;
  Status replace() override;

  // --- for operators ---
  const std::string& table() const { return request_.table; }
  void stage(Epoch epoch, std::vector<Block> blocks);
  bool has_room() const { return bytes_in_flight_.load(std::memory_order_acquire) < kBytesInFlightMax; }
  void on_room(std::function<void()> waker);

 private:
  struct Commit {
    Epoch epoch;
    std::vector<Block> blocks;
    Positions positions;
  };

  void run();
  // Waits for commits, for the end, and, if it `rolls`, until a file is to be published.
  std::vector<Commit> next_commits(bool rolls);
  Status write(const std::vector<Commit>& commits, bool last);
  // Of rows that take the place of others, all at once: see replace().
  Status publish() { return overwritten_ ? Status() : parts_->publish(); }
  // Goes on after `kept`: the rows and positions of the commits are durable.
  Status try_write(const std::vector<Commit>& commits, bool last, bool& kept);
  // Waits, and opens the files again as after a restart; false when the sink has to end.
  Result<bool> begin_anew();
  Status keep(const std::vector<Commit>& commits);
  void settle(const std::vector<Commit>& commits, const Status& status);

  const SinkRequest request_;
  const FileTableOptions table_;
  const std::unique_ptr<PositionStore> store_;  // used by the writer
  const Positions committed_;                   // before this sink
  const PartFiles::Options parts_options_;
  std::unique_ptr<PartFiles> parts_;  // used by the writer
  io::Env& env_;
  std::optional<OverwrittenFiles> overwritten_;  // used by the writer, and when it has ended
  PendingCommits pending_;
  std::atomic<size_t> bytes_in_flight_{0};

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<Epoch, std::vector<Block>> staged_;
  std::vector<Commit> queue_;
  std::vector<std::function<void()>> wakers_;
  bool closing_ = false;    // write what is there, publish, and end
  bool abandoned_ = false;  // end

  std::mutex close_mutex_;
  std::optional<Status> closed_;  // how the writer has ended

  std::jthread writer_;  // last: it uses all of these
};

// One instance. Encodes rows as they come, and hands the epoch's rows over at its barrier.
class FileSinkOperator : public exec::Operator {
 public:
  FileSinkOperator(std::shared_ptr<FileSink> sink, PartitionDirectories directories,
                   std::unique_ptr<format::RowEncoder> encoder, bool quotes_lines,
                   std::shared_ptr<exec::FailedRows> failed_rows)
      : sink_(std::move(sink)),
        directories_(std::move(directories)),
        encoder_(std::move(encoder)),
        quotes_lines_(quotes_lines),
        failed_rows_(std::move(failed_rows)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, exec::Output& /*out*/) override {
    if (sink_->muted()) return {};
    PENSTOCK_TRY(refuse_changes(sink_->table(), batch));
    const columnar::ChangeBatch records = batch.with_columns(batch.columns_at(directories_.record_columns()));
    expr::RowErrors errors;
    for (size_t row = 0; row < batch.rows(); ++row) {
      const Result<std::string> directory = directories_.directory(batch, row);
      if (directory) {
        add(*directory, records, row, errors);
      } else {
        errors.push_back({static_cast<uint16_t>(row), directory.error().message()});
      }
    }
    counted_.set(bytes_);
    return set_aside(batch, errors);
  }

  Result<exec::Progress> on_barrier(Epoch epoch, exec::Output& /*out*/) override {
    for (auto& [directory, block] : open_) {
      if (block.rows > 0) close(block);
    }
    open_.clear();
    if (!blocks_.empty()) sink_->stage(epoch, std::exchange(blocks_, {}));
    bytes_ = 0;
    counted_.set(bytes_);
    return exec::Progress::kDone;
  }

  bool can_accept() const override { return sink_->has_room(); }
  void set_waker(std::function<void()> waker) override { sink_->on_room(std::move(waker)); }

 private:
  Block& block_of(const std::string& directory) {
    const auto [it, made] = open_.try_emplace(directory);
    if (made) {
      it->second.directory = directory;
      bytes_ += bytes_of(it->second);
    }
    return it->second;
  }
  void add(const std::string& directory, const columnar::ChangeBatch& records, size_t row, expr::RowErrors& errors) {
    Block& block = block_of(directory);
    const size_t before = bytes_of(block);
    const size_t begin = block.text.size();
    encoder_->encode(records, row, block.text);
    if (!quotes_lines_ && block.text.find('\n', begin) != std::string::npos) {
      block.text.resize(begin);
      errors.push_back({static_cast<uint16_t>(row),
                        "a value has an end of line in it, which this format cannot write (json can, and csv with a "
                        "quote character)"});
    } else {
      block.text += '\n';
      ++block.rows;
    }
    bytes_ += bytes_of(block) - before;
    if (block.text.size() >= kBlockBytes) close(block);
  }
  // Rows that cannot be written.
  Status set_aside(const columnar::ChangeBatch& batch, expr::RowErrors& errors) {
    if (errors.empty()) return {};
    for (expr::RowError& error : errors) error.message = fmt::format("table \"{}\": {}", sink_->table(), error.message);
    if (failed_rows_ == nullptr) return invalid_argument("{}", errors.front().message);
    failed_rows_->add(batch, errors);
    return {};
  }
  void close(Block& block) {
    Block next{.directory = block.directory};
    blocks_.push_back(std::exchange(block, std::move(next)));
    bytes_ += bytes_of(block);
  }
  static size_t bytes_of(const Block& block) {
    return sizeof(Block) + block.text.capacity() + block.directory.capacity();
  }

  const std::shared_ptr<FileSink> sink_;
  const PartitionDirectories directories_;
  const std::unique_ptr<format::RowEncoder> encoder_;
  const bool quotes_lines_;
  const std::shared_ptr<exec::FailedRows> failed_rows_;  // null: such a row is an error
  std::map<std::string, Block> open_;                    // that rows of the epoch go to, by directory
  std::vector<Block> blocks_;                            // of the epoch that runs
  size_t bytes_ = 0;                                     // of both
  StateBytes counted_;
};

Result<std::unique_ptr<exec::Operator>> FileSink::make_operator(SinkInstance instance) {
  const format::FormatOptions& format = table_.format;
  PartitionDirectories directories(request_);
  auto encoder = PENSTOCK_TRY(format::RowEncoder::make(format, record_schema(request_.schema, directories)));
  const bool quotes_lines = format.kind == format::FormatKind::kJson ||
                            (format.kind == format::FormatKind::kCsv && format.quote_character != 0);
  return std::make_unique<FileSinkOperator>(shared_from_this(), std::move(directories), std::move(encoder),
                                            quotes_lines, std::move(instance.failed_rows));
}

void FileSink::stage(Epoch epoch, std::vector<Block> blocks) {
  const std::lock_guard lock(mutex_);
  std::vector<Block>& staged = staged_[epoch];
  std::ranges::move(blocks, std::back_inserter(staged));
}

Status FileSink::commit(Epoch epoch, const Positions& positions) {
  PENSTOCK_TRY(pending_.begin(epoch));
  const std::lock_guard lock(mutex_);
  Commit commit{.epoch = epoch, .blocks = {}, .positions = positions};
  if (auto node = staged_.extract(epoch)) commit.blocks = std::move(node.mapped());
  size_t bytes = 0;
  for (const Block& block : commit.blocks) bytes += block.text.size();
  // Only from here on, not when they are staged: an operator that waited for room before its barrier would hold up the
  // very epoch whose commit makes room.
  bytes_in_flight_.fetch_add(bytes, std::memory_order_acq_rel);
  queue_.push_back(std::move(commit));
  changed_.notify_all();
  return {};
}

Status FileSink::close() {
  const std::lock_guard close_lock(close_mutex_);
  if (!closed_) {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    store_->give_up();
    changed_.notify_all();
    writer_.join();
    closed_ = pending_.wait();
  }
  return *closed_;
}

void FileSink::on_room(std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  wakers_.push_back(std::move(waker));
}

void FileSink::run() {
  Status status;
  for (bool last = false; !last;) {
    const std::vector<Commit> commits = next_commits(status.has_value());
    {
      const std::lock_guard lock(mutex_);
      if (abandoned_) return;
      last = closing_ && queue_.empty();
    }
    // But for a full disk, which is waited for, a failure is final: what is on the disk is not known.
    if (status) status = write(commits, last);
    settle(commits, status);
    if (!status) pending_.settle(Epoch(), status);  // also when it was no epoch that failed
  }
}

std::vector<FileSink::Commit> FileSink::next_commits(bool rolls) {
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return !queue_.empty() || closing_ || abandoned_; };
  const std::optional<int64_t> roll_us = rolls ? parts_->next_roll_us() : std::nullopt;
  if (roll_us) {
    const int64_t wait_us = std::max<int64_t>(0, *roll_us - env_.monotonic_time_us());
    changed_.wait_for(lock, std::chrono::microseconds(wait_us), ready);
  } else {
    changed_.wait(lock, ready);
  }
  return std::exchange(queue_, {});
}

Status FileSink::write(const std::vector<Commit>& commits, bool last) {
  for (bool kept = false;;) {
    Status status = try_write(commits, last, kept);
    // Of a statement that is not resumed nothing is kept that it could begin anew from.
    if (status || !may_pass(status.error()) || request_.group.empty()) return status;
    if (!PENSTOCK_TRY(begin_anew())) return status;
  }
}

Result<bool> FileSink::begin_anew() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, kTryAgain, [&] { return closing_ || abandoned_; })) return false;
    }
    parts_.reset();
    auto opened = PartFiles::open(parts_options_, store_->state());
    if (opened) {
      parts_ = *std::move(opened);
      return true;
    }
    if (!may_pass(opened.error())) return std::move(opened).error();
  }
}

Status FileSink::try_write(const std::vector<Commit>& commits, bool last, bool& kept) {
  if (kept) return publish();
  for (const Commit& commit : commits) {
    for (const Block& block : commit.blocks) {
      PENSTOCK_TRY(parts_->append(block.directory, block.text));
      if (overwritten_) overwritten_->note_written(block.directory);
    }
  }
  parts_->roll_if_due();
  if (last) parts_->roll();
  PENSTOCK_TRY(parts_->sync());
  PENSTOCK_TRY(keep(commits));
  kept = true;
  return publish();
}

Status FileSink::replace() {
  if (!overwritten_) return {};
  PENSTOCK_TRY(parts_->publish());
  return overwritten_->remove(env_);
}

// Writes positions and state, and waits for that.
Status FileSink::keep(const std::vector<Commit>& commits) {
  if (request_.group.empty()) return {};
  std::map<log::TopicPartition, log::Offset> positions;  // of each the latest
  for (const Commit& commit : commits) {
    for (const auto& [split, offset] : commit.positions) positions[split] = offset;
  }
  std::promise<Status> done;
  const bool written = PENSTOCK_TRY(store_->commit(
      {.records = {}, .positions = Positions(positions.begin(), positions.end()), .state = parts_->state()},
      [&done](Status status) { done.set_value(std::move(status)); }));
  return written ? done.get_future().get() : Status();
}

void FileSink::settle(const std::vector<Commit>& commits, const Status& status) {
  size_t bytes = 0;
  for (const Commit& commit : commits) {
    for (const Block& block : commit.blocks) {
      bytes += block.text.size();
      if (status) add_rows_written(block.rows);
    }
    pending_.settle(commit.epoch, status);
  }
  std::vector<std::function<void()>> wakers;
  {
    const std::lock_guard lock(mutex_);
    const size_t before = bytes_in_flight_.fetch_sub(bytes, std::memory_order_acq_rel);
    if (before >= kBytesInFlightMax) wakers = wakers_;
  }
  for (const auto& waker : wakers) waker();
}

// The names of the columns, as a record of the format.
Result<std::string> header_of(const FileTableOptions& table, const types::Schema& schema) {
  if (!table.header) return std::string();
  types::Schema names;
  std::vector<columnar::ColumnPtr> columns;
  for (const types::Field& field : schema) {
    names.push_back({field.name, types::TypeKind::kString});
    columnar::ColumnBuilder builder(names.back().type, 1);
    builder.append_string(field.name);
    columns.push_back(builder.finish());
  }
  std::string line;
  PENSTOCK_TRY(format::RowEncoder::make(table.format, names))->encode({1, std::move(columns)}, 0, line);
  return line + "\n";
}

std::string_view suffix_of(format::FormatKind kind) {
  switch (kind) {
    case format::FormatKind::kJson: return ".json";
    case format::FormatKind::kCsv: return ".csv";
    case format::FormatKind::kRaw:
    case format::FormatKind::kDebeziumJson: break;  // the latter is for topics alone
  }
  return ".txt";
}

}  // namespace

Result<std::shared_ptr<Sink>> make_file_sink(const ConnectorContext& context, SinkRequest request) {
  FileTableOptions table = PENSTOCK_TRY(parse_file_table(request.table, request.options));
  const FileAccess access = PENSTOCK_TRY(FileAccess::make(context));
  const std::string where = "table \"" + request.table + "\"";
  if (is_pattern(table.path)) {
    return invalid_argument("{} cannot be written to: its path is a pattern", where)
        .hint("make a table of a directory");
  }
  Result<std::string> directory = access.resolve(table.path);
  Status made = directory ? access.make_directory(*directory) : Status(directory.error());
  if (!made) return std::move(made).error().context(where);
  const PartitionDirectories directories(request);
  std::string header = PENSTOCK_TRY(header_of(table, record_schema(request.schema, directories)));
  PartFiles::Options options{.env = context.env,
                             .directory = PENSTOCK_TRY(access.real_path(*directory)),
                             .suffix = std::string(suffix_of(table.format.kind)),
                             .header = std::move(header),
                             .depth = directories.depth(),
                             .roll_bytes = table.roll_bytes,
                             .roll_us = table.roll_us,
                             .roll_inactive_us = table.roll_inactive_us};
  std::optional<OverwrittenFiles> overwritten;
  if (request.overwrite) {
    auto found = OverwrittenFiles::find(access, options.directory, request);
    if (!found) return std::move(found).error().context(where);
    overwritten = *std::move(found);
  }
  auto store = PENSTOCK_TRY(PositionStore::open(context, request.group));
  auto parts = PartFiles::open(options, store->state());
  if (!parts) return std::move(parts).error().context(where);
  return std::make_shared<FileSink>(std::move(request), std::move(table), std::move(store), *std::move(parts),
                                    std::move(options), std::move(overwritten));
}

}  // namespace penstock::connector
