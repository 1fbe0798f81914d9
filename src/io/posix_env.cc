#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/hash.h"
#include "base/time.h"
#include "io/env.h"

namespace penstock::io {
namespace {

// Zeros are written in pieces of this size when a file is preallocated.
constexpr size_t kZeroBytes = 256 << 10;
constexpr mode_t kFileMode = 0640;
// Syncs under way at one time: with more of them ext4 gains little.
constexpr size_t kSyncThreadsMax = 16;

ErrorCode code_of(int error) {
  switch (error) {
    case ENOENT: return ErrorCode::kNotFound;
    case EEXIST: return ErrorCode::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT: return ErrorCode::kResourceExhausted;
    case EMFILE:
    case ENFILE:
    case ENOMEM: return ErrorCode::kUnavailable;
    default: return ErrorCode::kIoError;
  }
}

Error system_error(std::string_view operation, std::string_view path, int error) {
  return make_error(code_of(error), "cannot {} {}: {}", operation, path, std::generic_category().message(error));
}

// Repeats a system call while a signal interrupts it.
template <class Call>
auto retry(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

FileInfo info_of(const struct stat& found) {
  FileInfo info;
  if (S_ISREG(found.st_mode)) info.kind = FileKind::kRegular;
  if (S_ISDIR(found.st_mode)) info.kind = FileKind::kDirectory;
  if (S_ISLNK(found.st_mode)) info.kind = FileKind::kLink;
  info.size = static_cast<uint64_t>(found.st_size);
  info.modified_us = int64_t{found.st_mtim.tv_sec} * 1'000'000 + found.st_mtim.tv_nsec / 1000;
  info.id = mix64(static_cast<uint64_t>(found.st_dev)) + static_cast<uint64_t>(found.st_ino);
  return info;
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  ~PosixFile() override { ::close(descriptor_); }

  Result<size_t> read_at(uint64_t offset, char* out, size_t size) const override {
    size_t done = 0;
    while (done < size) {
      const ssize_t n =
          retry([&] { return ::pread(descriptor_, out + done, size - done, static_cast<off_t>(offset + done)); });
      if (n < 0) return system_error("read", path_, errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Status write_at(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n =
          retry([&] { return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
      if (n < 0) return system_error("write", path_, errno);
      if (n == 0) return system_error("write", path_, EIO);
      offset += static_cast<uint64_t>(n);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return {};
  }

  Status write_vector_at(uint64_t offset, std::span<const std::string_view> pieces) override {
    std::array<iovec, IOV_MAX> vectors;
    size_t skip = 0;  // bytes of the first piece that are written already
    while (!pieces.empty()) {
      const size_t count = std::min<size_t>(pieces.size(), vectors.size());
      for (size_t i = 0; i < count; ++i) {
        const std::string_view piece = i == 0 ? pieces[i].substr(skip) : pieces[i];
        vectors[i] = {.iov_base = const_cast<char*>(piece.data()), .iov_len = piece.size()};
      }
      const ssize_t n = retry(
          [&] { return ::pwritev(descriptor_, vectors.data(), static_cast<int>(count), static_cast<off_t>(offset)); });
      if (n < 0) return system_error("write", path_, errno);
      auto written = static_cast<size_t>(n);
      offset += written;
      // Drops the pieces that are done, also empty ones, so that this always gets ahead.
      const bool progress = written > 0 || pieces[0].size() == skip;
      while (!pieces.empty() && written >= pieces[0].size() - skip) {
        written -= pieces[0].size() - skip;
        skip = 0;
        pieces = pieces.subspan(1);
      }
      skip += written;
      if (!progress) return system_error("write", path_, EIO);
    }
    return {};
  }

  Status sync() override {
    if (retry([&] { return ::fdatasync(descriptor_); }) < 0) return system_error("sync", path_, errno);
    return {};
  }

  Status truncate(uint64_t size) override {
    if (retry([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) < 0) {
      return system_error("truncate", path_, errno);
    }
    return {};
  }

  Status preallocate(uint64_t size) override {
    const uint64_t old_size = PENSTOCK_TRY(this->size());
    if (size <= old_size) return {};
    // Asks for all of the room first, so that a full disk is known before anything is written. Not every file system
    // can.
    const int failed = retry([&] {
      const int error =
          ::posix_fallocate(descriptor_, static_cast<off_t>(old_size), static_cast<off_t>(size - old_size));
      errno = error;
      return -error;
    });
    if (failed < 0 && errno != EOPNOTSUPP && errno != EINVAL) return system_error("preallocate", path_, errno);
    // Allocated room reads as zeros, but the file system must still note that it was written: doing it now spares later
    // syncs that write of metadata.
    static const std::string kZeros(kZeroBytes, '\0');
    for (uint64_t at = old_size; at < size; at += kZeroBytes) {
      const auto piece = static_cast<size_t>(std::min<uint64_t>(kZeroBytes, size - at));
      PENSTOCK_TRY(write_at(at, std::string_view(kZeros).substr(0, piece)));
    }
    return {};
  }

  Result<uint64_t> size() const override { return PENSTOCK_TRY(info()).size; }

  Result<FileInfo> info() const override {
    struct stat found{};
    if (::fstat(descriptor_, &found) < 0) return system_error("stat", path_, errno);
    return info_of(found);
  }

 private:
  const int descriptor_;
  const std::string path_;
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(int descriptor) : descriptor_(descriptor) {}
  ~PosixFileLock() override { ::close(descriptor_); }

 private:
  const int descriptor_;
};

class PosixEnv final : public Env {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC;
    switch (mode) {
      case OpenMode::kRead: flags |= O_RDONLY | O_NONBLOCK; break;  // a pipe without a writer would block
      case OpenMode::kReadWrite: flags |= O_RDWR; break;
      case OpenMode::kCreateOrOpen: flags |= O_RDWR | O_CREAT; break;
      case OpenMode::kCreateNew: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    }
    const int descriptor = retry([&] { return ::open(path.c_str(), flags, kFileMode); });
    if (descriptor < 0) return system_error("open", path, errno);
    return std::make_unique<PosixFile>(descriptor, path);
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Result<FileInfo> info(const std::string& path) override {
    struct stat found{};
    if (::lstat(path.c_str(), &found) < 0) return system_error("stat", path, errno);
    return info_of(found);
  }

  Result<std::string> real_path(const std::string& path) override {
    const std::unique_ptr<char, decltype(&std::free)> found(::realpath(path.c_str(), nullptr), &std::free);
    if (found == nullptr) return system_error("find", path, errno);
    return std::string(found.get());
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator at(directory, error);
    for (; !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    if (error) return system_error("list", directory, error.value());
    std::ranges::sort(names);
    return names;
  }

  Status create_directories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return system_error("create directory", path, error.value());
    return {};
  }

  Status remove_file(const std::string& path) override {
    if (::unlink(path.c_str()) < 0) return system_error("remove", path, errno);
    return {};
  }

  Status remove_tree(const std::string& path) override {
    std::error_code error;
    std::filesystem::remove_all(path, error);
    if (error) return system_error("remove", path, error.value());
    return {};
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0) return system_error("rename to " + to + " the file", from, errno);
    return {};
  }

  Status sync_directory(const std::string& path) override {
    const int descriptor = retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) return system_error("open directory", path, errno);
    const int result = retry([&] { return ::fsync(descriptor); });
    const int error = errno;
    ::close(descriptor);
    if (result < 0) return system_error("sync directory", path, error);
    return {};
  }

  Status sync_all(std::span<File* const> files, std::span<const std::string> directories) override {
    const size_t count = files.size() + directories.size();
    const size_t threads_count = std::min(count, kSyncThreadsMax);
    if (threads_count <= 1) return Env::sync_all(files, directories);
    std::atomic<size_t> next{0};
    std::mutex mutex;
    Status result;
    {
      std::vector<std::jthread> threads;
      for (size_t i = 0; i < threads_count; ++i) {
        threads.emplace_back([&] {
          for (size_t at = next++; at < count; at = next++) {
            Status synced = at < files.size() ? files[at]->sync() : sync_directory(directories[at - files.size()]);
            const std::lock_guard lock(mutex);
            if (!synced && result) result = std::move(synced);
          }
        });
      }
    }
    return result;
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    const int descriptor = retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode); });
    if (descriptor < 0) return system_error("open", path, errno);
    if (retry([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); }) < 0) {
      const int error = errno;
      ::close(descriptor);
      if (error == EWOULDBLOCK) {
        return make_error(ErrorCode::kUnavailable, "{} is locked by another process", path)
            .hint("stop the other process that uses this directory, or use another directory");
      }
      return system_error("lock", path, error);
    }
    return std::make_unique<PosixFileLock>(descriptor);
  }

  int64_t wall_time_us() override { return penstock::wall_time_us(); }
  int64_t monotonic_time_us() override { return penstock::monotonic_time_us(); }

  uint64_t random_u64() override {
    uint64_t value = 0;
    // Up to 256 bytes come whole once the pool is ready, which it is before any program of this kind runs.
    retry([&] { return ::getrandom(&value, sizeof(value), 0); });
    return value;
  }
};

}  // namespace

Env& posix_env() {
  static PosixEnv env;
  return env;
}

}  // namespace penstock::io
