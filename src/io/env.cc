#include "io/env.h"

namespace penstock::io {

Result<std::string> Env::read_file(const std::string& path) {
  const std::unique_ptr<File> file = PENSTOCK_TRY(open(path, OpenMode::kRead));
  std::string bytes(PENSTOCK_TRY(file->size()), '\0');
  bytes.resize(PENSTOCK_TRY(file->read_at(0, bytes.data(), bytes.size())));
  return bytes;
}

Status Env::write_file_atomically(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  {
    const std::unique_ptr<File> file = PENSTOCK_TRY(open(temporary, OpenMode::kCreateOrOpen));
    PENSTOCK_TRY(file->truncate(0));
    PENSTOCK_TRY(file->write_at(0, bytes));
    PENSTOCK_TRY(file->sync());
  }
  PENSTOCK_TRY(rename(temporary, path));
  return sync_directory(parent_directory(path));
}

Status Env::sync_all(std::span<File* const> files, std::span<const std::string> directories) {
  for (File* file : files) PENSTOCK_TRY(file->sync());
  for (const std::string& directory : directories) PENSTOCK_TRY(sync_directory(directory));
  return {};
}

std::string parent_directory(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace penstock::io
