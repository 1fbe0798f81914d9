#include "connector/filesystem/file_source.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "columnar/change_batch.h"
#include "connector/filesystem/file_access.h"
#include "connector/filesystem/file_set.h"
#include "connector/filesystem/file_table.h"
#include "connector/filesystem/followed_file.h"
#include "connector/filesystem/line_reader.h"
#include "connector/filesystem/partitions.h"
#include "connector/record_rows.h"
#include "connector/record_time.h"
#include "connector/scan_transform.h"
#include "connector/table_format.h"
#include "connector/timer.h"

namespace penstock::connector {

namespace {

using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using exec::SourceState;

// How many pieces one poll() may read before other tasks of the worker have their turn.
constexpr int kReadsPerPoll = 8;
// Files that one instance reads at the same time, in turns.
constexpr size_t kFilesAtOnce = 16;
// An instance that has no more files keeps them open while it waits for more, so that nothing of them is missed when
// they are renamed.
constexpr size_t kOpenFilesMax = 64;
// How far has been looked, as one number: the bytes of a file, below its generation.
constexpr int kSeenBits = 40;

// The names of splits: how far a file has been read, and looked at.
std::string read_split_prefix(const std::string& table) { return "file:" + table + ":"; }
log::TopicPartition read_split(const std::string& table, const std::string& name) {
  return {read_split_prefix(table) + name, log::PartitionId(0)};
}
log::TopicPartition seen_split(const std::string& table, const std::string& name) {
  return {"~file:" + table + ":" + name, log::PartitionId(0)};
}

log::Offset seen_offset(uint64_t generation, uint64_t bytes) {
  constexpr uint64_t kMost = (uint64_t{1} << kSeenBits) - 1;
  return log::Offset(static_cast<int64_t>(generation << kSeenBits | std::min(bytes, kMost)));
}
log::Offset read_offset(uint64_t position) { return log::Offset(static_cast<int64_t>(position)); }

class FileScanProgress : public ScanProgress {
 public:
  FileScanProgress(std::string table, std::shared_ptr<FileSet> files, bool bounded, int instances)
      : table_(std::move(table)), files_(std::move(files)), bounded_(bounded), instances_left_(instances) {}

  Positions ends() const override {
    // Whoever waits for what is there now need not wait for the next regular look. An error is told by the source.
    if (!bounded_) static_cast<void>(files_->look());
    Positions ends;
    for (const FoundFile& file : files_->files()) {
      if (bounded_) {
        ends.emplace_back(read_split(table_, file.name), read_offset(kFileRead));
      } else {
        ends.emplace_back(seen_split(table_, file.name), seen_offset(file.generation, file.info.size));
      }
    }
    return ends;
  }

  bool ended() const override { return instances_left_.load(std::memory_order_acquire) == 0; }
  void instance_ended() { instances_left_.fetch_sub(1, std::memory_order_acq_rel); }

 private:
  const std::string table_;
  const std::shared_ptr<FileSet> files_;
  const bool bounded_;
  std::atomic<int> instances_left_;
};

// What the instances of one scan share. Immutable but for the files and the progress.
struct FileScan {
  ConnectorContext context;
  FileTableOptions options;
  ScanRequest request;
  bool bounded = true;  // the files are those of the first look, with their sizes then
  int parallelism = 1;
  std::shared_ptr<FileSet> files;
  std::shared_ptr<FileScanProgress> progress;

  bool follows() const { return !bounded && options.follow; }
};

// Lines of one file.
class FileOrigin : public RecordOrigin {
 public:
  FileOrigin(const FoundFile& file, const std::vector<Line>& lines) : file_(file), lines_(lines) {}

  DeadLetter dead_letter(size_t record) const override {
    return {.topic = file_.name, .offset = static_cast<int64_t>(lines_[record].offset)};
  }

  std::vector<ColumnPtr> metadata(std::span<const MetadataColumn> columns,
                                  std::span<const uint32_t> records) const override {
    std::vector<ColumnPtr> out;
    for (const MetadataColumn& column : columns) out.push_back(metadata(column, records.size()));
    return out;
  }

 private:
  ColumnPtr metadata(const MetadataColumn& column, size_t rows) const {
    if (is_partition_key(column.key)) return partition(column, rows);
    ColumnBuilder builder(column.type, rows);
    for (size_t i = 0; i < rows; ++i) {
      if (column.key == "file.path") {
        builder.append_string(file_.name);
      } else if (column.key == "file.name") {
        builder.append_string(std::string_view(file_.name).substr(file_.name.rfind('/') + 1));
      } else if (column.key == "file.size") {
        builder.append_int64(static_cast<int64_t>(file_.info.size));
      } else {
        builder.append_int64(record_time_as(column.type, file_.info.modified_us / 1000));
      }
    }
    return builder.finish();
  }

  // The value has been looked at when the file was opened.
  ColumnPtr partition(const MetadataColumn& column, size_t rows) const {
    const Result<types::Value> value = partition_value(file_.name, column);
    return columnar::Column::constant(column.type, value ? *value : types::Value(), rows);
  }

  const FoundFile& file_;
  const std::vector<Line>& lines_;
};

// Where a job goes on: by the names of files, of one table.
std::map<std::string, uint64_t> positions_of(const std::string& table, const Positions& positions) {
  const std::string prefix = read_split_prefix(table);
  std::map<std::string, uint64_t> found;
  for (const auto& [split, offset] : positions) {
    if (!split.topic.starts_with(prefix)) continue;
    found.emplace(split.topic.substr(prefix.size()), static_cast<uint64_t>(offset.value()));
  }
  return found;
}

// One instance: the files whose number mod parallelism is its own. The first one looks for new files, for all.
class FileSource : public exec::Source {
 public:
  FileSource(std::shared_ptr<const FileScan> scan, int instance, RecordRows rows)
      : scan_(std::move(scan)),
        instance_(instance),
        before_(positions_of(scan_->request.table, holding_ ? scan_->request.hold->positions : scan_->request.start)),
        partition_filter_(scan_->request),
        rows_(std::move(rows)),
        watermarks_(scan_->request, scan_->follows() ? scan_->options.idle_timeout_us : 0),
        wake_up_(*scan_->context.timer) {
    take_changes();
    if (instance_ == 0) find_missing();
    if (!holding_) before_.clear();  // what comes under one of these names later is another file
  }

  void set_waker(std::function<void()> waker) override {
    if (holding_) scan_->progress->on_release(waker);
    if (scan_->bounded) return;
    scan_->files->on_change(waker);
    wake_up_.set_waker([this, waker] {
      look_due_.store(true, std::memory_order_release);
      waker();
    });
  }

  Result<SourceState> poll(exec::SourceOutput& out) override {
    if (holding_ && scan_->progress->released()) release();
    if (!scan_->bounded) PENSTOCK_TRY(look());
    int reads = 0;
    for (; reads < kReadsPerPoll; ++reads) {
      File* file = PENSTOCK_TRY(next_to_read());
      if (file == nullptr) break;
      PENSTOCK_TRY(read(*file, out));
    }
    if (std::exchange(news_, false)) out.emit({});  // an epoch ends that tells of them
    if (scan_->bounded && !holding_ && unread_.empty() && reading_.empty()) {
      scan_->progress->instance_ended();
      watermarks_.finish();
      return SourceState::kEnded;
    }
    tell_watermark(out);
    wake_at(reads == 0 && rows_.tells_watermark() ? watermarks_.next_idle_at_us() : std::nullopt);
    return reads > 0 ? SourceState::kMore : SourceState::kWaiting;
  }

  void on_refused() override { scan_->progress->refuse(); }
  bool holding() const override { return holding_; }

  Status on_barrier(Epoch epoch) override {
    const std::string& table = scan_->request.table;
    Positions positions;
    for (const auto& [name, file] : files_) {
      uint64_t position = file.followed.position();
      // What has been lost meanwhile does not come again, and must not be waited for.
      if (holding_ && !file.queued) position = std::max(position, before_.at(name));
      positions.emplace_back(read_split(table, name), read_offset(position));
      if (scan_->bounded) continue;
      const uint64_t seen = holding_ ? 0 : file.followed.ended() ? UINT64_MAX : file.followed.seen();
      positions.emplace_back(seen_split(table, name), seen_offset(file.followed.generation(), seen));
    }
    for (const auto& [name, missing] : missing_) {
      positions.emplace_back(read_split(table, name), holding_ ? read_offset(missing.position) : log::Offset(-1));
      if (!scan_->bounded) {
        positions.emplace_back(seen_split(table, name), seen_offset(missing.generation, UINT64_MAX));
      }
    }
    if (!holding_) missing_.clear();
    scan_->progress->note(instance_, epoch, {.positions = std::move(positions), .watermark = watermarks_.told()});
    return {};
  }

 private:
  struct File {
    FollowedFile followed;
    bool queued = false;          // has something to read: in unread_ or reading_
    std::optional<size_t> split;  // of the watermark, once it has been opened
  };
  // A file that is gone: the position that it had before a restart, and how its time is called.
  struct Missing {
    uint64_t position = 0;
    uint64_t generation = 0;
  };

  // --- which files there are ---

  Status look() {
    if (instance_ == 0 && look_due_.exchange(false, std::memory_order_acq_rel)) {
      PENSTOCK_TRY(scan_->files->look());
      next_look_us_ = monotonic_time_us() + *scan_->options.monitor_interval_us;
    }
    take_changes();
    return {};
  }

  void take_changes() {
    for (const FileSet::Known& known : scan_->files->changes_since(seen_changes_)) {
      if (known.number % static_cast<size_t>(scan_->parallelism) != static_cast<size_t>(instance_)) continue;
      const std::string& name = known.file.name;
      const auto it = files_.find(name);
      if (it != files_.end()) {
        change(it->second, known);
      } else if (!known.gone && (!holding_ || before_.contains(name))) {
        // While holding, a file that was not known before the restart must not hold back the watermark.
        add(known);
      }
    }
  }

  void add(const FileSet::Known& known) {
    const auto before = before_.find(known.file.name);
    const uint64_t start = holding_ || before == before_.end() ? 0 : before->second;
    File& file = files_.try_emplace(known.file.name, File{.followed = FollowedFile(known.file, start)}).first->second;
    news_ = true;
    if (!file.followed.ended()) enqueue(file);
  }

  void change(File& file, const FileSet::Known& known) {
    news_ = true;
    const bool more = file.followed.update(known.file, known.gone);
    if (more && !file.queued) enqueue(file);
    if (file.followed.ended()) finish(file);
  }

  void enqueue(File& file) {
    file.queued = true;
    unread_.push_back(&file);
    if (!file.split) ++not_begun_;
    hold_watermark();
  }

  // Files of which there are positions, but no more.
  void find_missing() {
    std::map<std::string, uint64_t> missing = before_;
    for (const FoundFile& file : scan_->files->files()) missing.erase(file.name);
    for (const auto& [name, position] : missing) missing_[name] = {.position = position};
  }

  void release() {
    holding_ = false;
    for (auto& [name, file] : files_) {
      if (LineReader* reader = file.followed.reader()) reader->stop_at(std::nullopt);
      if (!file.followed.ended() && !file.queued) enqueue(file);
    }
    before_.clear();
    seen_changes_ = 0;  // files that came meanwhile
    take_changes();
  }

  // --- reading them ---

  // The next file whose turn it is; null when there is nothing to read for now.
  Result<File*> next_to_read() {
    while (!unread_.empty() && reading_.size() < kFilesAtOnce) {
      File& file = *unread_.front();
      unread_.pop_front();
      if (!file.split) --not_begun_;
      const bool opened = PENSTOCK_TRY(open(file.followed));
      if (opened) {
        reading_.push_back(&file);
        if (!file.split) file.split = watermarks_.add(now_us());
      } else {
        // Another look will say what has become of it; without one, it was there too short.
        file.queued = false;
        if (!scan_->follows()) file.followed.end();
        if (file.followed.ended()) finish(file);
      }
      hold_watermark();
    }
    if (reading_.empty()) return nullptr;
    File* file = reading_.front();
    reading_.pop_front();
    reading_.push_back(file);
    return file;
  }

  // Whether rows of the file are wanted, by its directories. One in the wrong ones is a dead letter as a whole.
  bool admits(const FoundFile& found) const {
    std::vector<types::Value> values;
    for (const MetadataColumn& column : scan_->request.metadata) {
      values.emplace_back();
      if (!is_partition_key(column.key)) continue;
      Result<types::Value> value = partition_value(found.name, column);
      if (!value) {
        scan_->context.dead_letters->add(
            {.table = scan_->request.table, .topic = found.name, .raw = found.name, .error = value.error().message()});
        return false;
      }
      values.back() = *std::move(value);
    }
    return partition_filter_.admits(values);
  }

  Result<bool> open(FollowedFile& file) {
    const FoundFile& found = file.found();
    if (!admits(found)) {
      file.end();
      return false;
    }
    const LineReader::Options options{.format = scan_->options.format,
                                      .record_bytes_max = scan_->options.record_bytes_max,
                                      .header = scan_->options.header,
                                      .on_bad_line = [this, name = found.name](const BadLine& line) {
                                        scan_->context.dead_letters->add({.table = scan_->request.table,
                                                                          .topic = name,
                                                                          .offset = static_cast<int64_t>(line.offset),
                                                                          .raw = line.raw,
                                                                          .error = line.error});
                                      }};
    const bool was_open = file.reader() != nullptr;
    Result<bool> opened = file.open(*scan_->context.env, options);
    if (!opened) return std::move(opened).error().context("table \"" + scan_->request.table + "\"");
    if (!*opened || was_open) return opened;
    if (!scan_->follows()) file.reader()->end_at(scan_->bounded ? found.info.size : UINT64_MAX);
    if (holding_ && before_.at(found.name) != kFileRead) file.reader()->stop_at(before_.at(found.name));
    return true;
  }

  Status read(File& file, exec::SourceOutput& out) {
    switch (PENSTOCK_TRY(file.followed.reader()->read(scan_->context.batch_rows_max, lines_))) {
      case LineReader::State::kLines: emit_lines(file, out); break;
      case LineReader::State::kMore: news_ = true; break;
      case LineReader::State::kRest: rest(file); break;
      case LineReader::State::kEnd: end(file); break;
    }
    return {};
  }

  void emit_lines(File& file, exec::SourceOutput& out) {
    scan_->progress->add_read(lines_.size());
    values_.clear();
    for (const Line& line : lines_) values_.push_back(line.text);
    const FileOrigin origin(file.followed.found(), lines_);
    ScanTransform::Result rows =
        rows_.read({.values = values_, .keys = {}, .readable = file.followed.reader()->readable()}, origin);
    watermarks_.emit(*file.split, std::move(rows), now_us(), out);
  }

  void stop_reading(File& file) {
    news_ = true;
    if (file.queued) std::erase(reading_, &file);
    file.queued = false;
  }

  void rest(File& file) {
    stop_reading(file);
    file.followed.reader()->rest();
    if (files_.size() > kOpenFilesMax) file.followed.close();
  }

  void end(File& file) {
    stop_reading(file);
    if (file.followed.next_of_name()) {
      enqueue(file);
    } else {
      finish(file);
    }
  }

  // It has ended. One that is gone is forgotten; of others the position stays, and says so.
  void finish(File& file) {
    if (file.queued) {
      std::erase(reading_, &file);
      if (std::erase(unread_, &file) > 0 && !file.split) --not_begun_;
      file.queued = false;
      hold_watermark();
    }
    if (file.split) watermarks_.release(*file.split);
    file.split.reset();
    if (!file.followed.gone()) return;
    const std::string name = file.followed.found().name;
    scan_->files->forget(name);
    missing_[name] = {.position = holding_ ? before_.at(name) : 0, .generation = file.followed.generation()};
    files_.erase(name);
  }

  // --- watermarks: each file that is read has a split; those that are not begun have one together ---

  // A file that is known but not begun may have rows of any time.
  void hold_watermark() {
    if (not_begun_ > 0 && !not_begun_split_) not_begun_split_ = watermarks_.add(now_us());
    if (not_begun_ == 0 && not_begun_split_) watermarks_.release(*std::exchange(not_begun_split_, std::nullopt));
  }

  void tell_watermark(exec::SourceOutput& out) {
    if (!rows_.tells_watermark()) return;
    // Only what rests can be idle: what waits for its turn, or for room behind this source, is not.
    for (const File* file : reading_) watermarks_.advance(*file->split, kMinEventTime, now_us());
    if (not_begun_split_) watermarks_.advance(*not_begun_split_, kMinEventTime, now_us());
    if (holding_ && unread_.empty() && reading_.empty()) watermarks_.restore(scan_->request.hold->watermark);
    watermarks_.check_idle(now_us());
    watermarks_.tell(out);
  }

  // --- waiting ---

  int64_t now_us() const { return scan_->context.env->monotonic_time_us(); }

  void wake_at(std::optional<int64_t> idle_at_us) {
    if (scan_->bounded) return;
    std::optional<int64_t> at = idle_at_us;
    if (instance_ == 0) at = std::min(at.value_or(next_look_us_), next_look_us_);
    wake_up_.at(at);
  }

  const std::shared_ptr<const FileScan> scan_;
  const int instance_;
  bool holding_ = scan_->request.hold.has_value();
  std::map<std::string, uint64_t> before_;  // positions before a restart, by the names of files
  const PartitionFilter partition_filter_;
  RecordRows rows_;
  SplitWatermarks watermarks_;
  std::atomic<bool> look_due_{true};
  int64_t next_look_us_ = 0;
  WakeUp wake_up_;
  uint64_t seen_changes_ = 0;
  bool news_ = false;                  // something to tell with the next epoch
  std::map<std::string, File> files_;  // by name; all that are its own
  std::deque<File*> unread_;           // wait for their turn
  std::deque<File*> reading_;
  size_t not_begun_ = 0;  // of unread_: those without a split
  std::optional<size_t> not_begun_split_;
  std::map<std::string, Missing> missing_;
  std::vector<Line> lines_;
  std::vector<std::string_view> values_;
};

}  // namespace

Result<SourcePlan> plan_file_source(const ConnectorContext& context, ScanRequest request) {
  auto scan = std::make_shared<FileScan>();
  scan->context = context;
  scan->options = PENSTOCK_TRY(parse_file_table(request.table, *request.options));
  PENSTOCK_TRY(make_row_decoder(scan->options.format, request.columns, request.physical, request.fields));
  FileAccess access = PENSTOCK_TRY(FileAccess::make(context));
  Result<std::string> path = access.resolve(scan->options.path);
  if (path) scan->files = std::make_shared<FileSet>(std::move(access), *path);
  Status looked = path ? scan->files->look() : Status(path.error());
  if (!looked) return std::move(looked).error().context("table \"" + request.table + "\"");

  const auto files = static_cast<int>(scan->files->files().size());
  scan->bounded = request.bounded || !scan->options.monitor_interval_us;
  const int most = scan->bounded ? std::min(context.parallelism, files) : context.parallelism;
  scan->parallelism = request.bounded ? 1 : std::max(1, most);
  scan->progress = std::make_shared<FileScanProgress>(request.table, scan->files, scan->bounded, scan->parallelism);
  scan->request = std::move(request);
  scan->request.max_ahead_us = scan->options.max_ahead_us.value_or(context.watermark_max_ahead_us);
  scan->request.options = nullptr;  // not kept: it belongs to the caller

  SourcePlan plan;
  plan.parallelism = scan->parallelism;
  plan.bounded = scan->bounded;
  plan.progress = scan->progress;
  plan.make =
      [scan = std::shared_ptr<const FileScan>(std::move(scan))](int instance) -> Result<std::unique_ptr<exec::Source>> {
    RecordRows rows = PENSTOCK_TRY(RecordRows::make(scan->context, scan->request, {.value = scan->options.format}));
    return std::make_unique<FileSource>(scan, instance, std::move(rows));
  };
  return plan;
}

}  // namespace penstock::connector
