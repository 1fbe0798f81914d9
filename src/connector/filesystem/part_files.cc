#include "connector/filesystem/part_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace penstock::connector {

namespace {

constexpr std::string_view kInProgress = ".inprogress";
// Files that are open at once; of more, those that have rested longest are closed.
constexpr size_t kOpenMax = 200;
// How many files there is room for once some have been closed: they are synced together.
constexpr size_t kRoom = 50;

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

std::string PartFiles::path_in(const std::string& directory) const {
  return directory.empty() ? options_.directory : options_.directory + "/" + directory;
}

std::string PartFiles::path(const Part& part) const {
  return fmt::format("{}/part-{}-{}{}", path_in(part.directory), id_, part.number, options_.suffix);
}

std::string PartFiles::hidden_name(uint64_t number) const {
  return fmt::format(".part-{}-{}{}{}", id_, number, options_.suffix, kInProgress);
}

std::string PartFiles::hidden_path(const Part& part) const {
  return path_in(part.directory) + "/" + hidden_name(part.number);
}

// A line each: "sink ID NEXT_NUMBER", "open NUMBER BYTES DIRECTORY", "publish NUMBER DIRECTORY". The directory, which
// may have spaces but no ends of lines, is left out where it is the sink's own.
std::string PartFiles::state() const {
  std::string state = fmt::format("sink {} {}\n", id_, next_number_);
  const auto add = [&](std::string line, const Part& part) {
    if (!part.directory.empty()) line += " " + part.directory;
    state += line + "\n";
  };
  for (const auto& [directory, part] : open_) add(fmt::format("open {} {}", part.number, part.bytes), part);
  for (const Part& part : closed_) add(fmt::format("publish {}", part.number), part);
  return state;
}

Status PartFiles::recover(std::string_view state) {
  std::vector<Part> to_publish;
  std::vector<Part> open;
  while (!state.empty()) {
    const size_t end = std::min(state.find('\n'), state.size());
    std::string_view line = state.substr(0, end);
    state.remove_prefix(std::min(end + 1, state.size()));
    const std::string_view what = take_word(line);
    if (what == "sink") {
      id_ = take_word(line);
      next_number_ = take_number(line);
    } else if (what == "open") {
      Part& part = open.emplace_back(Part{.number = take_number(line)});
      part.bytes = take_number(line);
      part.directory = line;
    } else if (what == "publish") {
      Part& part = to_publish.emplace_back(Part{.number = take_number(line)});
      part.directory = line;
    }
  }
  for (Part& part : to_publish) {
    // Without its hidden name it was published before the crash.
    if (options_.env->exists(hidden_path(part))) closed_.push_back(std::move(part));
  }
  PENSTOCK_TRY(publish());
  for (Part& part : open) PENSTOCK_TRY(reopen(std::move(part)));
  return remove_unknown("", options_.depth);
}

Status PartFiles::reopen(Part part) {
  const std::string path = hidden_path(part);
  Result<std::unique_ptr<io::File>> file = options_.env->open(path, io::OpenMode::kReadWrite);
  const uint64_t size = file ? PENSTOCK_TRY((*file)->size()) : 0;
  if (!file || size < part.bytes) {
    return make_error(ErrorCode::kCorruption, "{} should have {} bytes, but {}", path, part.bytes,
                      file ? fmt::format("has {}", size) : file.error().message())
        .hint("rows that were written are lost; drop the job and create it again");
  }
  PENSTOCK_TRY((*file)->truncate(part.bytes));
  part.file = *std::move(file);
  part.dirty = true;
  part.begun_us = part.appended_us = options_.env->monotonic_time_us();
  open_.insert_or_assign(part.directory, std::move(part));
  return {};
}

Status PartFiles::remove_unknown(const std::string& directory, size_t depth) {
  const std::string begin = ".part-" + id_ + "-";
  const auto open = open_.find(directory);
  for (const std::string& name : PENSTOCK_TRY(options_.env->list(path_in(directory)))) {
    if (depth > 0 && name.find('=') != std::string::npos) {
      std::string below = directory;
      if (!below.empty()) below += '/';
      below += name;
      // Others may have put a file there; a link may lead to a directory.
      const std::string real = PENSTOCK_TRY(options_.env->real_path(path_in(below)));
      if (PENSTOCK_TRY(options_.env->info(real)).kind == io::FileKind::kDirectory) {
        PENSTOCK_TRY(remove_unknown(below, depth - 1));
      }
      continue;
    }
    if (!name.starts_with(begin) || !name.ends_with(kInProgress)) continue;
    if (open != open_.end() && name == hidden_name(open->second.number)) continue;
    PENSTOCK_TRY(options_.env->remove_file(path_in(directory) + "/" + name));
    changed_.insert(directory);
  }
  return {};
}

Result<PartFiles::Part*> PartFiles::begin(const std::string& directory) {
  PENSTOCK_TRY(make_room());
  if (!directory.empty()) {
    PENSTOCK_TRY(options_.env->create_directories(path_in(directory)));
    // The name of each directory is in the one above.
    for (size_t slash = directory.rfind('/'); slash != std::string::npos && slash > 0;
         slash = directory.rfind('/', slash - 1)) {
      changed_.insert(directory.substr(0, slash));
    }
    changed_.insert("");
  }
  Part part{.directory = directory, .number = next_number_++};
  part.file = PENSTOCK_TRY(options_.env->open(hidden_path(part), io::OpenMode::kCreateNew));
  part.begun_us = part.appended_us = options_.env->monotonic_time_us();
  changed_.insert(directory);
  if (!options_.header.empty()) {
    PENSTOCK_TRY(part.file->write_at(0, options_.header));
    part.bytes = options_.header.size();
  }
  return &open_.insert_or_assign(directory, std::move(part)).first->second;
}

Status PartFiles::make_room() {
  if (open_.size() + closed_.size() - synced_ < kOpenMax) return {};
  while (open_.size() > kOpenMax - kRoom) {
    roll(std::ranges::min_element(open_, {}, [](const auto& one) { return one.second.appended_us; }));
  }
  std::vector<io::File*> files;
  for (size_t i = synced_; i < closed_.size(); ++i) {
    if (closed_[i].dirty) files.push_back(closed_[i].file.get());
  }
  PENSTOCK_TRY(options_.env->sync_all(files, {}));
  close_synced();
  return {};
}

void PartFiles::close_synced() {
  for (; synced_ < closed_.size(); ++synced_) {
    closed_[synced_].file.reset();
    closed_[synced_].dirty = false;
  }
}

Status PartFiles::append(const std::string& directory, std::string_view rows) {
  const auto known = open_.find(directory);
  Part& part = known == open_.end() ? *PENSTOCK_TRY(begin(directory)) : known->second;
  PENSTOCK_TRY(part.file->write_at(part.bytes, rows));
  part.bytes += rows.size();
  part.dirty = true;
  part.appended_us = options_.env->monotonic_time_us();
  if (part.bytes >= options_.roll_bytes) roll(open_.find(directory));
  return {};
}

PartFiles::Parts::iterator PartFiles::roll(Parts::iterator part) {
  closed_.push_back(std::move(part->second));
  return open_.erase(part);
}

void PartFiles::roll() {
  for (auto part = open_.begin(); part != open_.end();) part = roll(part);
}

int64_t PartFiles::roll_at_us(const Part& part) const {
  return std::min(part.begun_us + options_.roll_us, part.appended_us + options_.roll_inactive_us);
}

std::optional<int64_t> PartFiles::next_roll_us() const {
  std::optional<int64_t> next;
  for (const auto& [directory, part] : open_) next = std::min(next.value_or(roll_at_us(part)), roll_at_us(part));
  return next;
}

void PartFiles::roll_if_due() {
  const int64_t now_us = options_.env->monotonic_time_us();
  for (auto part = open_.begin(); part != open_.end();) {
    part = now_us >= roll_at_us(part->second) ? roll(part) : std::next(part);
  }
}

Status PartFiles::sync() {
  std::vector<Part*> dirty;
  for (Part& part : closed_) dirty.push_back(&part);
  for (auto& [directory, part] : open_) dirty.push_back(&part);
  std::erase_if(dirty, [](const Part* part) { return !part->dirty; });
  std::vector<io::File*> files;
  for (const Part* part : dirty) files.push_back(part->file.get());
  std::vector<std::string> directories;
  for (const std::string& directory : changed_) directories.push_back(path_in(directory));
  if (!files.empty() || !directories.empty()) PENSTOCK_TRY(options_.env->sync_all(files, directories));
  changed_.clear();
  for (Part* part : dirty) part->dirty = false;
  close_synced();
  return {};
}

Status PartFiles::publish() {
  std::set<std::string> directories;
  for (const Part& part : closed_) {
    PENSTOCK_TRY(options_.env->rename(hidden_path(part), path(part)));
    directories.insert(path_in(part.directory));
  }
  closed_.clear();
  synced_ = 0;
  for (const std::string& directory : directories) PENSTOCK_TRY(options_.env->sync_directory(directory));
  return {};
}

Status PartFiles::discard() {
  roll();
  for (const Part& part : std::exchange(closed_, {})) PENSTOCK_TRY(options_.env->remove_file(hidden_path(part)));
  synced_ = 0;
  return {};
}

}  // namespace penstock::connector
