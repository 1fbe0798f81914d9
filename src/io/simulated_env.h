// A machine in memory that loses what a real one may lose.
//
// Every write is held back until sync(), every creation, rename and removal until sync_directory(), as far as a crash
// is concerned; reads see them at once. crash() then keeps, of what was held back, an arbitrary part: whole writes,
// single sectors of writes, later ones without earlier ones, files without their names. All choices come from one
// seeded generator, so a run repeats exactly.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/env.h"

namespace penstock::io {

// Thread-safe. Files and locks that it gave out must not outlive it.
class SimulatedEnv final : public Env {
 public:
  explicit SimulatedEnv(uint64_t seed);
  ~SimulatedEnv() override;

  enum class CrashKind : uint8_t {
    kProcess,  // the program dies, the machine goes on: nothing is lost, nothing more is durable than before
    kPower,    // the machine dies
  };
  // After it every open file and lock fails (files give kIoError); what survived is durable or as before.
  void crash(CrashKind kind);

  enum class Operation : uint8_t { kOpen, kRead, kWrite, kSync, kRename, kRemove, kSyncDirectory, kAnyChange };
  // Lets the nth operation of this kind from now (1 is the next) fail; all later ones too when `forever`. `code` is
  // kIoError, or kResourceExhausted as on a full disk. kAnyChange counts everything but opens and reads. A failed write
  // may have done a part of its work; a failed sync has made a part durable, and the rest never will be, though it can
  // be read until the crash. One fault at a time.
  void fail(Operation operation, uint64_t nth, bool forever, ErrorCode code = ErrorCode::kIoError);
  void clear_fault();
  // Operations of the kind so far, for "fail the nth, for every n".
  uint64_t count(Operation operation) const;

  // Writes beyond this many bytes over all files give kResourceExhausted.
  void set_capacity(uint64_t bytes);

  void advance(int64_t us);

  // Damages what is stored: xors the byte. For tests of corruption.
  void flip_byte(const std::string& path, uint64_t offset, uint8_t mask);

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  bool exists(const std::string& path) override;
  Result<FileInfo> info(const std::string& path) override;
  Result<std::string> real_path(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status create_directories(const std::string& path) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status sync_directory(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  int64_t wall_time_us() override;
  int64_t monotonic_time_us() override;
  uint64_t random_u64() override;

 private:
  class Handle;
  class Lock;

  struct Write {
    uint64_t offset;
    std::string bytes;
  };
  struct Truncate {
    uint64_t size;
  };
  using Change = std::variant<Write, Truncate>;
  // A file's content, apart from its names.
  struct Inode {
    std::string current;
    std::string durable;
    std::vector<Change> unsynced;
    uint64_t id = 0;
    int64_t modified_us = 0;
  };
  // What a path names; no inode: a directory.
  struct Entry {
    std::shared_ptr<Inode> inode;
  };
  using Names = std::map<std::string, Entry>;
  // `path` came to name `entry` (nullopt: nothing); of a rename, `from` went at the same moment.
  struct NameChange {
    std::string path;
    std::optional<Entry> entry;
    std::string from;
  };

  static FileInfo info_of(const Entry& entry);
  Status check_fault(Operation operation, std::string_view what, const std::string& path);
  void change_name(NameChange change);
  static void apply(const NameChange& change, Names* names);
  static void apply(const Change& change, std::string* content);
  // Applies an arbitrary part of the unsynced writes to the durable content.
  void settle(Inode* inode);
  bool chance(uint32_t percent) { return random_() % 100 < percent; }
  uint64_t used_bytes() const;
  Status write(Inode* inode, const std::string& path, uint64_t offset, std::span<const std::string_view> pieces);

  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  uint64_t inodes_ = 0;      // made so far
  uint64_t generation_ = 0;  // of handles: one more with every crash
  Names current_;
  Names durable_;
  std::vector<NameChange> unsynced_names_;
  std::set<std::string> locks_;
  int64_t wall_us_;
  int64_t monotonic_us_ = 0;
  uint64_t capacity_bytes_ = UINT64_MAX;

  std::map<Operation, uint64_t> counts_;
  struct Fault {
    Operation operation;
    uint64_t at;  // the count at which it fails
    bool forever;
    ErrorCode code;
  };
  std::optional<Fault> fault_;
};

}  // namespace penstock::io
