// Everything the program asks of the machine that a test must be able to take away: files, clocks, randomness.
//
// PosixEnv is the real one. SimulatedEnv (simulated_env.h) keeps files in memory and, at a simulated crash, drops or
// tears whatever was not synced, as a disk may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::io {

enum class FileKind : uint8_t { kRegular, kDirectory, kLink, kOther };

struct FileInfo {
  FileKind kind = FileKind::kOther;
  uint64_t size = 0;
  int64_t modified_us = 0;  // since 1970
  uint64_t id = 0;          // of the file itself: it stays when the file grows or is renamed; another file has another

  bool operator==(const FileInfo&) const = default;
};

// An open file. Thread-safe as pread and pwrite are: calls on disjoint ranges may run at once.
class File {
 public:
  virtual ~File() = default;

  // Reads up to `size` bytes at `offset` into `out`; returns how many, less only at the end of the file.
  virtual Result<size_t> read_at(uint64_t offset, char* out, size_t size) const = 0;
  // Writes all of `bytes` at `offset`, growing the file when needed. Durable only after sync().
  virtual Status write_at(uint64_t offset, std::string_view bytes) = 0;
  // The same for several pieces laid one after the other (one system call).
  virtual Status write_vector_at(uint64_t offset, std::span<const std::string_view> pieces) = 0;
  // fdatasync: when it returns success, every earlier write is durable. A failure is final, also when the disk is full:
  // the caller must not retry, since the kernel may have dropped the dirty pages; it goes on from what is durable.
  virtual Status sync() = 0;
  virtual Status truncate(uint64_t size) = 0;
  // Makes room for `size` bytes and fills what is new with zeros, so that later syncs need not write metadata.
  virtual Status preallocate(uint64_t size) = 0;
  virtual Result<uint64_t> size() const = 0;
  virtual Result<FileInfo> info() const = 0;
};

// Held while the object lives.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

enum class OpenMode : uint8_t {
  kRead,          // must exist
  kReadWrite,     // must exist
  kCreateOrOpen,  // read and write
  kCreateNew,     // read and write; must not exist
};

// Thread-safe. Paths are as for POSIX. Errors carry the path, the operation and the system's text. Two codes say that
// the same may work later: kResourceExhausted, there is no room on the disk; kUnavailable, the system has no file or
// memory left to give.
class Env {
 public:
  virtual ~Env() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual bool exists(const std::string& path) = 0;
  // Of what the path names; of a link itself, not of where it leads.
  virtual Result<FileInfo> info(const std::string& path) = 0;
  // The same place as an absolute path without links, "." and ".."; it must exist.
  virtual Result<std::string> real_path(const std::string& path) = 0;
  // Names (not paths) in the directory, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  // Creates the directory and its parents; success when it exists.
  virtual Status create_directories(const std::string& path) = 0;
  virtual Status remove_file(const std::string& path) = 0;
  virtual Status remove_tree(const std::string& path) = 0;
  // Replaces `to` atomically. Durable after sync_directory() of its directory.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Makes creations, renames and removals in the directory durable.
  virtual Status sync_directory(const std::string& path) = 0;
  // Syncs files and directories, all together where the machine can: on a file system with a journal, syncs at one time
  // share the cost of one. A failure of any is final, as that of File::sync().
  virtual Status sync_all(std::span<File* const> files, std::span<const std::string> directories);
  // An exclusive lock for this process, kUnavailable when another one holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;

  virtual int64_t wall_time_us() = 0;
  virtual int64_t monotonic_time_us() = 0;
  virtual uint64_t random_u64() = 0;

  // Reads or replaces a whole small file; the replacement is atomic and durable.
  Result<std::string> read_file(const std::string& path);
  Status write_file_atomically(const std::string& path, std::string_view bytes);
};

// "a/b" of "a/b/c", "/" of "/c", "." of "c".
std::string parent_directory(std::string_view path);

// The machine itself. One for the process.
Env& posix_env();

}  // namespace penstock::io
