// Which files a table may touch, and which ones its 'path' stands for.
//
// A statement can come from any SQL client, so tables reach only what lies below one directory that the operator of the
// program names (--files-dir). Neither '..' nor a link leads out of it, nor into the program's own data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connector/scan.h"
#include "io/env.h"

namespace penstock::connector {

// Files that one table may have; more are an error.
inline constexpr size_t kFilesMax = 100'000;
// Folders within each other that a directory is searched through.
inline constexpr int kFolderDepthMax = 32;

struct FoundFile {
  std::string name;  // below the files directory: "orders/a.json"
  std::string path;  // absolute, without links
  io::FileInfo info;
  // One more when the name came to another file, or the file was truncated; rising over all files of a scan. Set by
  // FileSet.
  uint64_t generation = 0;
};

// Thread-safe.
class FileAccess {
 public:
  // kUnsupported when there is no files directory.
  static Result<FileAccess> make(const ConnectorContext& context);

  // The absolute path that a table calls `path`, relative to the files directory or absolute, with "file://" or
  // without. Looks at the text only, but for an absolute path that leads into the directory by a link. Errors:
  // kPermissionDenied when it lies outside.
  Result<std::string> resolve(std::string_view path) const;

  // The real path of something that exists; kPermissionDenied when it lies outside, by links.
  Result<std::string> real_path(const std::string& path) const;

  // The regular files that a resolved path stands for, sorted by name: the file itself, all files in a directory and
  // its folders, or those that match a pattern (`*`, `?`, `[a-z]`; a folder that matches stands for its files). In a
  // directory, names that begin with '.' or '_' are passed over, as Flink does; so is what is no file, and folders that
  // are links. kNotFound when a path that is no pattern names nothing.
  Result<std::vector<FoundFile>> find(const std::string& path) const;

  // Makes a directory for writing, and its parents, durably.
  Status make_directory(const std::string& path) const;

 private:
  class Search;

  FileAccess(io::Env& env, std::string root, std::string data)
      : env_(&env), root_(std::move(root)), data_(std::move(data)) {}
  bool allows(const std::string& path) const;
  Error outside(std::string_view path) const;

  io::Env* env_;
  std::string root_;
  std::string data_;  // empty when it does not lie in the root
};

// Whether a path is a pattern.
bool is_pattern(std::string_view path);

}  // namespace penstock::connector
