#include "io/simulated_env.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <ranges>
#include <utility>

#include "base/check.h"

namespace penstock::io {
namespace {

// What a disk writes as one.
constexpr size_t kSectorBytes = 512;
constexpr int64_t kFirstWallTimeUs = 1'700'000'000'000'000;

}  // namespace

class SimulatedEnv::Handle final : public File {
 public:
  Handle(SimulatedEnv& env, std::shared_ptr<Inode> inode, std::string path, bool writable)
      : env_(env),
        inode_(std::move(inode)),
        path_(std::move(path)),
        writable_(writable),
        generation_(env.generation_) {}

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) const override {
    const std::lock_guard lock(env_.mutex_);
    PENSTOCK_TRY(check(Operation::kRead, "read"));
    const std::string& content = inode_->current;
    if (offset >= content.size()) return size_t{0};
    const size_t n = std::min(size, content.size() - static_cast<size_t>(offset));
    std::memcpy(out, content.data() + offset, n);
    return n;
  }

  Status write_at(uint64_t offset, std::string_view bytes) override { return write_vector_at(offset, {&bytes, 1}); }

  Status write_vector_at(uint64_t offset, std::span<const std::string_view> pieces) override {
    const std::lock_guard lock(env_.mutex_);
    PENSTOCK_TRY(check_write("write"));
    return env_.write(inode_.get(), path_, offset, pieces);
  }

  Status sync() override {
    const std::lock_guard lock(env_.mutex_);
    Status allowed = check(Operation::kSync, "sync");
    if (!allowed) {
      env_.settle(inode_.get());
      return allowed;
    }
    for (const Change& change : inode_->unsynced) apply(change, &inode_->durable);
    inode_->unsynced.clear();
    return {};
  }

  Status truncate(uint64_t size) override {
    const std::lock_guard lock(env_.mutex_);
    PENSTOCK_TRY(check_write("truncate"));
    PENSTOCK_TRY(env_.check_fault(Operation::kWrite, "truncate", path_));
    inode_->modified_us = env_.wall_us_;
    inode_->unsynced.emplace_back(Truncate{size});
    apply(inode_->unsynced.back(), &inode_->current);
    return {};
  }

  Status preallocate(uint64_t size) override {
    const std::lock_guard lock(env_.mutex_);
    PENSTOCK_TRY(check_write("preallocate"));
    const size_t old_size = inode_->current.size();
    if (size <= old_size) return {};
    const std::string zeros(static_cast<size_t>(size) - old_size, '\0');
    const std::string_view piece = zeros;
    return env_.write(inode_.get(), path_, old_size, {&piece, 1});
  }

  Result<uint64_t> size() const override {
    const std::lock_guard lock(env_.mutex_);
    if (generation_ != env_.generation_) return crashed("stat");
    return uint64_t{inode_->current.size()};
  }

  Result<FileInfo> info() const override {
    const std::lock_guard lock(env_.mutex_);
    if (generation_ != env_.generation_) return crashed("stat");
    return info_of({inode_});
  }

 private:
  Error crashed(std::string_view what) const {
    return make_error(ErrorCode::kIoError, "cannot {} {}: the machine crashed after it was opened", what, path_);
  }
  Status check(Operation operation, std::string_view what) const {
    if (generation_ != env_.generation_) return crashed(what);
    return env_.check_fault(operation, what, path_);
  }
  Status check_write(std::string_view what) const {
    if (generation_ != env_.generation_) return crashed(what);
    if (!writable_) return make_error(ErrorCode::kIoError, "cannot {} {}: opened for reading", what, path_);
    return {};
  }

  SimulatedEnv& env_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
  const bool writable_;
  const uint64_t generation_;
};

class SimulatedEnv::Lock final : public FileLock {
 public:
  Lock(SimulatedEnv& env, std::string path) : env_(env), path_(std::move(path)), generation_(env.generation_) {}
  ~Lock() override {
    const std::lock_guard lock(env_.mutex_);
    if (generation_ == env_.generation_) env_.locks_.erase(path_);
  }

 private:
  SimulatedEnv& env_;
  const std::string path_;
  const uint64_t generation_;
};

SimulatedEnv::SimulatedEnv(uint64_t seed) : random_(seed), wall_us_(kFirstWallTimeUs) {
  for (const char* root : {"/", "."}) current_[root] = durable_[root] = Entry{};
}

SimulatedEnv::~SimulatedEnv() = default;

Status SimulatedEnv::check_fault(Operation operation, std::string_view what, const std::string& path) {
  const bool change = operation != Operation::kOpen && operation != Operation::kRead;
  const uint64_t n = ++counts_[operation];
  const uint64_t changes = change ? ++counts_[Operation::kAnyChange] : counts_[Operation::kAnyChange];
  if (!fault_) return {};
  uint64_t count = 0;
  if (fault_->operation == operation) {
    count = n;
  } else if (fault_->operation == Operation::kAnyChange && change) {
    count = changes;
  } else {
    return {};
  }
  if (count < fault_->at || (count > fault_->at && !fault_->forever)) return {};
  const bool full = fault_->code == ErrorCode::kResourceExhausted;
  return make_error(fault_->code, "cannot {} {}: {}", what, path, full ? "No space left on device" : "injected fault");
}

void SimulatedEnv::fail(Operation operation, uint64_t nth, bool forever, ErrorCode code) {
  const std::lock_guard lock(mutex_);
  fault_ = Fault{operation, counts_[operation] + nth, forever, code};
}

void SimulatedEnv::clear_fault() {
  const std::lock_guard lock(mutex_);
  fault_.reset();
}

uint64_t SimulatedEnv::count(Operation operation) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(operation);
  return found == counts_.end() ? 0 : found->second;
}

void SimulatedEnv::set_capacity(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_bytes_ = bytes;
}

void SimulatedEnv::advance(int64_t us) {
  const std::lock_guard lock(mutex_);
  wall_us_ += us;
  monotonic_us_ += us;
}

void SimulatedEnv::flip_byte(const std::string& path, uint64_t offset, uint8_t mask) {
  const std::lock_guard lock(mutex_);
  const auto found = current_.find(path);
  PENSTOCK_CHECK(found != current_.end() && found->second.inode != nullptr, "no such file");
  for (std::string* content : {&found->second.inode->current, &found->second.inode->durable}) {
    if (offset < content->size()) (*content)[offset] = static_cast<char>((*content)[offset] ^ mask);
  }
}

void SimulatedEnv::apply(const Change& change, std::string* content) {
  if (const auto* write = std::get_if<Write>(&change)) {
    if (write->offset + write->bytes.size() > content->size()) content->resize(write->offset + write->bytes.size());
    std::memcpy(content->data() + write->offset, write->bytes.data(), write->bytes.size());
  } else {
    content->resize(std::get<Truncate>(change).size);
  }
}

void SimulatedEnv::apply(const NameChange& change, Names* names) {
  if (!change.from.empty()) names->erase(change.from);
  if (change.entry) {
    (*names)[change.path] = *change.entry;
  } else {
    names->erase(change.path);
  }
}

void SimulatedEnv::change_name(NameChange change) {
  apply(change, &current_);
  unsynced_names_.push_back(std::move(change));
}

uint64_t SimulatedEnv::used_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [path, entry] : current_) bytes += entry.inode != nullptr ? entry.inode->current.size() : 0;
  return bytes;
}

Status SimulatedEnv::write(Inode* inode, const std::string& path, uint64_t offset,
                           std::span<const std::string_view> pieces) {
  std::string bytes;
  for (const std::string_view piece : pieces) bytes += piece;
  Status allowed = check_fault(Operation::kWrite, "write", path);
  if (!allowed) bytes.resize(random_() % (bytes.size() + 1));
  const uint64_t end = offset + bytes.size();
  const uint64_t growth = end > inode->current.size() ? end - inode->current.size() : 0;
  if (growth > 0 && capacity_bytes_ != UINT64_MAX && used_bytes() + growth > capacity_bytes_) {
    const uint64_t excess = used_bytes() + growth - capacity_bytes_;
    bytes.resize(bytes.size() - std::min<uint64_t>(excess, bytes.size()));
    allowed = make_error(ErrorCode::kResourceExhausted, "cannot write {}: No space left on device", path);
  }
  if (!bytes.empty()) {
    inode->modified_us = wall_us_;
    inode->unsynced.emplace_back(Write{offset, std::move(bytes)});
    apply(inode->unsynced.back(), &inode->current);
  }
  return allowed;
}

void SimulatedEnv::settle(Inode* inode) {
  constexpr std::array<uint32_t, 5> kSurvival = {0, 20, 50, 90, 100};
  const uint32_t percent = kSurvival[random_() % kSurvival.size()];
  for (const Change& change : inode->unsynced) {
    const auto* write = std::get_if<Write>(&change);
    if (write == nullptr) {
      if (chance(percent)) apply(change, &inode->durable);
      continue;
    }
    // Sectors survive one by one; the ones of a write are cut where the file's sectors are.
    for (size_t at = 0; at < write->bytes.size();) {
      const size_t in_sector = (write->offset + at) % kSectorBytes;
      const size_t size = std::min(kSectorBytes - in_sector, write->bytes.size() - at);
      if (chance(percent)) apply(Write{write->offset + at, write->bytes.substr(at, size)}, &inode->durable);
      at += size;
    }
  }
  inode->unsynced.clear();
}

void SimulatedEnv::crash(CrashKind kind) {
  const std::lock_guard lock(mutex_);
  ++generation_;
  locks_.clear();
  if (kind == CrashKind::kProcess) return;

  const uint32_t percent = chance(50) ? 50 : (chance(50) ? 0 : 100);
  for (const NameChange& change : unsynced_names_) {
    if (chance(percent)) apply(change, &durable_);
  }
  unsynced_names_.clear();
  // What lies in a directory that did not survive is gone. Parents sort before what is in them.
  for (auto at = durable_.begin(); at != durable_.end();) {
    const auto parent = durable_.find(parent_directory(at->first));
    const bool has_parent = parent != durable_.end() && parent->second.inode == nullptr;
    at = has_parent ? std::next(at) : durable_.erase(at);
  }
  for (const auto& [path, entry] : durable_) {
    if (entry.inode == nullptr) continue;
    settle(entry.inode.get());
    entry.inode->current = entry.inode->durable;
  }
  current_ = durable_;
}

Result<std::unique_ptr<File>> SimulatedEnv::open(const std::string& path, OpenMode mode) {
  const std::lock_guard lock(mutex_);
  PENSTOCK_TRY(check_fault(Operation::kOpen, "open", path));
  const auto found = current_.find(path);
  const bool there = found != current_.end();
  if (there && found->second.inode == nullptr) {
    return make_error(ErrorCode::kIoError, "cannot open {}: it is a directory", path);
  }
  if (there && mode == OpenMode::kCreateNew) {
    return make_error(ErrorCode::kAlreadyExists, "cannot open {}: it exists", path);
  }
  if (there) return std::make_unique<Handle>(*this, found->second.inode, path, mode != OpenMode::kRead);
  if (mode == OpenMode::kRead || mode == OpenMode::kReadWrite || !current_.contains(parent_directory(path))) {
    return make_error(ErrorCode::kNotFound, "cannot open {}: no such file or directory", path);
  }
  auto inode = std::make_shared<Inode>();
  inode->id = ++inodes_;
  inode->modified_us = wall_us_;
  change_name({.path = path, .entry = Entry{inode}, .from = ""});
  return std::make_unique<Handle>(*this, std::move(inode), path, true);
}

bool SimulatedEnv::exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return current_.contains(path);
}

FileInfo SimulatedEnv::info_of(const Entry& entry) {
  if (entry.inode == nullptr) return {.kind = FileKind::kDirectory};
  return {.kind = FileKind::kRegular,
          .size = entry.inode->current.size(),
          .modified_us = entry.inode->modified_us,
          .id = entry.inode->id};
}

Result<FileInfo> SimulatedEnv::info(const std::string& path) {
  const std::lock_guard lock(mutex_);
  const auto found = current_.find(path);
  if (found == current_.end()) {
    return make_error(ErrorCode::kNotFound, "cannot stat {}: no such file or directory", path);
  }
  return info_of(found->second);
}

Result<std::string> SimulatedEnv::real_path(const std::string& path) {
  std::string found = std::filesystem::path(path).lexically_normal().string();
  if (found.size() > 1 && found.ends_with('/')) found.pop_back();
  if (!exists(found)) return make_error(ErrorCode::kNotFound, "cannot find {}: no such file or directory", path);
  return found;
}

Result<std::vector<std::string>> SimulatedEnv::list(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  const auto found = current_.find(directory);
  if (found == current_.end() || found->second.inode != nullptr) {
    return make_error(ErrorCode::kNotFound, "cannot list {}: no such directory", directory);
  }
  std::vector<std::string> names;
  for (const auto& [path, entry] : current_) {
    if (path != directory && parent_directory(path) == directory) names.push_back(path.substr(path.rfind('/') + 1));
  }
  std::ranges::sort(names);
  return names;
}

Status SimulatedEnv::create_directories(const std::string& path) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> missing;
  for (std::string at = path; !current_.contains(at); at = parent_directory(at)) missing.push_back(at);
  for (const std::string& directory : std::views::reverse(missing)) {
    change_name({.path = directory, .entry = Entry{}, .from = ""});
  }
  return {};
}

Status SimulatedEnv::remove_file(const std::string& path) {
  const std::lock_guard lock(mutex_);
  PENSTOCK_TRY(check_fault(Operation::kRemove, "remove", path));
  const auto found = current_.find(path);
  if (found == current_.end() || found->second.inode == nullptr) {
    return make_error(ErrorCode::kNotFound, "cannot remove {}: no such file", path);
  }
  change_name({.path = path, .entry = std::nullopt, .from = ""});
  return {};
}

Status SimulatedEnv::remove_tree(const std::string& path) {
  const std::lock_guard lock(mutex_);
  PENSTOCK_TRY(check_fault(Operation::kRemove, "remove", path));
  std::vector<std::string> inside;
  for (const auto& [name, entry] : current_) {
    if (name == path || name.starts_with(path + "/")) inside.push_back(name);
  }
  for (const std::string& name : std::views::reverse(inside)) {
    change_name({.path = name, .entry = std::nullopt, .from = ""});
  }
  return {};
}

Status SimulatedEnv::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  PENSTOCK_TRY(check_fault(Operation::kRename, "rename", from));
  const auto found = current_.find(from);
  if (found == current_.end() || !current_.contains(parent_directory(to))) {
    return make_error(ErrorCode::kNotFound, "cannot rename {}: no such file or directory", from);
  }
  PENSTOCK_CHECK(found->second.inode != nullptr, "only files are renamed");
  change_name({.path = to, .entry = found->second, .from = from});
  return {};
}

Status SimulatedEnv::sync_directory(const std::string& path) {
  const std::lock_guard lock(mutex_);
  PENSTOCK_TRY(check_fault(Operation::kSyncDirectory, "sync directory", path));
  if (!current_.contains(path)) {
    return make_error(ErrorCode::kNotFound, "cannot sync directory {}: no such directory", path);
  }
  std::vector<NameChange> later;
  for (NameChange& change : unsynced_names_) {
    if (parent_directory(change.path) == path || (!change.from.empty() && parent_directory(change.from) == path)) {
      apply(change, &durable_);
    } else {
      later.push_back(std::move(change));
    }
  }
  unsynced_names_ = std::move(later);
  return {};
}

Result<std::unique_ptr<FileLock>> SimulatedEnv::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!locks_.insert(path).second) {
    return make_error(ErrorCode::kUnavailable, "{} is locked by another process", path);
  }
  return std::make_unique<Lock>(*this, path);
}

int64_t SimulatedEnv::wall_time_us() {
  const std::lock_guard lock(mutex_);
  return wall_us_;
}

int64_t SimulatedEnv::monotonic_time_us() {
  const std::lock_guard lock(mutex_);
  return monotonic_us_;
}

uint64_t SimulatedEnv::random_u64() {
  const std::lock_guard lock(mutex_);
  return random_();
}

}  // namespace penstock::io
