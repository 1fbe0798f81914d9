// What is known of the files of one scan, shared by its instances.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connector/filesystem/file_access.h"

namespace penstock::connector {

// Thread-safe.
class FileSet {
 public:
  FileSet(FileAccess access, std::string path) : access_(std::move(access)), path_(std::move(path)) {}

  // Looks what is there now, and wakes the instances when something has changed.
  Status look();

  struct Known {
    FoundFile file;
    size_t number = 0;  // in the order in which they were found; says which instance reads it
    bool gone = false;
  };
  // What has changed since look number `seen`, which becomes the last one; with 0, everything.
  std::vector<Known> changes_since(uint64_t& seen) const;
  // All that are there.
  std::vector<FoundFile> files() const;
  // A file that is gone has been read to its end.
  void forget(const std::string& name);

  // `waker` is called from any thread after a look that found a change. For the life of the set.
  void on_change(std::function<void()> waker);

 private:
  struct Entry {
    Known known;
    uint64_t changed_at;  // the number of the look
  };
  bool update(const FoundFile& found);

  const FileAccess access_;
  const std::string path_;
  mutable std::mutex mutex_;  // guards what follows
  uint64_t looks_ = 0;        // that found a change
  size_t next_number_ = 0;
  uint64_t next_generation_ = 1;
  std::map<std::string, Entry> entries_;  // by name
  std::vector<std::function<void()>> wakers_;
};

}  // namespace penstock::connector
