#include "connector/filesystem/part_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace penstock::connector {

namespace {

constexpr std::string_view kInProgress = ".inprogress";

// Takes the next word of a line.
std::string_view take_word(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

uint64_t take_number(std::string_view& line) {
  const std::string_view word = take_word(line);
  uint64_t number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

}  // namespace

Result<std::unique_ptr<PartFiles>> PartFiles::open(Options options, const std::optional<std::string>& state) {
  auto parts = std::unique_ptr<PartFiles>(new PartFiles(std::move(options)));
  if (state) {
    PENSTOCK_TRY(parts->recover(*state));
  } else {
    parts->id_ = fmt::format("{:016x}", parts->options_.env->random_u64());
  }
  return parts;
}

std::string PartFiles::path(uint64_t number) const {
  return fmt::format("{}/part-{}-{}{}", options_.directory, id_, number, options_.suffix);
}

std::string PartFiles::hidden_name(uint64_t number) const {
  return fmt::format(".part-{}-{}{}{}", id_, number, options_.suffix, kInProgress);
}

// A line each: "sink ID NEXT_NUMBER", "open NUMBER BYTES", "publish NUMBER".
std::string PartFiles::state() const {
  std::string state = fmt::format("sink {} {}\n", id_, next_number_);
  if (part_) state += fmt::format("open {} {}\n", part_->number, part_->bytes);
  for (const Part& part : closed_) state += fmt::format("publish {}\n", part.number);
  return state;
}

Status PartFiles::recover(std::string_view state) {
  std::vector<uint64_t> to_publish;
  std::optional<std::pair<uint64_t, uint64_t>> open;
  while (!state.empty()) {
    const size_t end = std::min(state.find('\n'), state.size());
    std::string_view line = state.substr(0, end);
    state.remove_prefix(std::min(end + 1, state.size()));
    const std::string_view what = take_word(line);
    if (what == "sink") {
      id_ = take_word(line);
      next_number_ = take_number(line);
    } else if (what == "open") {
      const uint64_t number = take_number(line);
      open.emplace(number, take_number(line));
    } else if (what == "publish") {
      to_publish.push_back(take_number(line));
    }
  }
  for (const uint64_t number : to_publish) {
    // Without its hidden name it was published before the crash.
    if (options_.env->exists(hidden_path(number))) closed_.push_back({.number = number, .file = nullptr});
  }
  PENSTOCK_TRY(publish());
  if (open) PENSTOCK_TRY(reopen(open->first, open->second));
  return remove_unknown();
}

Status PartFiles::reopen(uint64_t number, uint64_t bytes) {
  const std::string path = hidden_path(number);
  Result<std::unique_ptr<io::File>> file = options_.env->open(path, io::OpenMode::kReadWrite);
  const uint64_t size = file ? PENSTOCK_TRY((*file)->size()) : 0;
  if (!file || size < bytes) {
    return make_error(ErrorCode::kCorruption, "{} should have {} bytes, but {}", path, bytes,
                      file ? fmt::format("has {}", size) : file.error().message())
        .hint("rows that were written are lost; drop the job and create it again");
  }
  PENSTOCK_TRY((*file)->truncate(bytes));
  const int64_t now_us = options_.env->monotonic_time_us();
  part_ = Part{.number = number,
               .bytes = bytes,
               .file = *std::move(file),
               .dirty = true,
               .begun_us = now_us,
               .appended_us = now_us};
  return {};
}

// Files that were begun after the state was kept.
Status PartFiles::remove_unknown() {
  const std::string begin = ".part-" + id_ + "-";
  for (const std::string& name : PENSTOCK_TRY(options_.env->list(options_.directory))) {
    if (!name.starts_with(begin) || !name.ends_with(kInProgress)) continue;
    if (part_ && name == hidden_name(part_->number)) continue;
    PENSTOCK_TRY(options_.env->remove_file(options_.directory + "/" + name));
    names_changed_ = true;
  }
  return {};
}

Status PartFiles::begin() {
  const uint64_t number = next_number_++;
  auto file = PENSTOCK_TRY(options_.env->open(hidden_path(number), io::OpenMode::kCreateNew));
  const int64_t now_us = options_.env->monotonic_time_us();
  part_ = Part{.number = number, .file = std::move(file), .begun_us = now_us, .appended_us = now_us};
  names_changed_ = true;
  if (options_.header.empty()) return {};
  PENSTOCK_TRY(part_->file->write_at(0, options_.header));
  part_->bytes = options_.header.size();
  return {};
}

Status PartFiles::append(std::string_view rows) {
  if (!part_) PENSTOCK_TRY(begin());
  PENSTOCK_TRY(part_->file->write_at(part_->bytes, rows));
  part_->bytes += rows.size();
  part_->dirty = true;
  part_->appended_us = options_.env->monotonic_time_us();
  if (part_->bytes >= options_.roll_bytes) roll();
  return {};
}

void PartFiles::roll() {
  if (part_) closed_.push_back(*std::exchange(part_, std::nullopt));
}

std::optional<int64_t> PartFiles::next_roll_us() const {
  if (!part_) return std::nullopt;
  return std::min(part_->begun_us + options_.roll_us, part_->appended_us + options_.roll_inactive_us);
}

void PartFiles::roll_if_due() {
  if (part_ && options_.env->monotonic_time_us() >= *next_roll_us()) roll();
}

Status PartFiles::sync() {
  std::vector<io::File*> files;
  for (const Part& part : closed_) {
    if (part.dirty) files.push_back(part.file.get());
  }
  if (part_ && part_->dirty) files.push_back(part_->file.get());
  std::vector<std::string> directories;
  if (std::exchange(names_changed_, false)) directories.push_back(options_.directory);
  if (files.empty() && directories.empty()) return {};
  PENSTOCK_TRY(options_.env->sync_all(files, directories));
  for (Part& part : closed_) part.dirty = false;
  if (part_) part_->dirty = false;
  return {};
}

Status PartFiles::publish() {
  if (closed_.empty()) return {};
  for (const Part& part : closed_) PENSTOCK_TRY(options_.env->rename(hidden_path(part.number), path(part.number)));
  closed_.clear();
  return options_.env->sync_directory(options_.directory);
}

}  // namespace penstock::connector
