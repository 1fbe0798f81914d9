#include "connector/filesystem/file_access.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace penstock::connector {

namespace {

constexpr std::string_view kFileScheme = "file://";

bool lies_in(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

bool is_hidden(std::string_view name) { return name.starts_with('.') || name.starts_with('_'); }

bool is_missing(const Error& error) { return error.code() == ErrorCode::kNotFound; }

// Without "." and "..", and without a slash at its end.
std::string normal(const std::filesystem::path& path) {
  std::string text = path.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::string joined(const std::string& directory, std::string_view name) {
  std::string path = directory;
  if (!path.ends_with('/')) path += '/';
  return path += name;
}

}  // namespace

// One find(): walks down the parts of a path, and then through the folders of what it has found.
class FileAccess::Search {
 public:
  Search(const FileAccess& access, const std::string& path) : access_(access), path_(path) {
    std::string_view rest = std::string_view(path).substr(access.root_.size());
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('/'), rest.size());
      if (end > 0) parts_.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  Result<std::vector<FoundFile>> run() {
    PENSTOCK_TRY(descend(access_.root_, 0));
    std::ranges::sort(found_, {}, &FoundFile::name);
    return std::move(found_);
  }

 private:
  Status descend(const std::string& at, size_t part) {
    if (part == parts_.size()) return add_named(at);
    if (!is_pattern(parts_[part])) return descend(joined(at, parts_[part]), part + 1);
    Result<std::string> directory = access_.real_path(at);
    if (!directory && is_missing(directory.error())) return {};
    if (!directory) return directory.error();
    if (PENSTOCK_TRY(access_.env_->info(*directory)).kind != io::FileKind::kDirectory) return {};
    for (const std::string& name : PENSTOCK_TRY(access_.env_->list(*directory))) {
      if (fnmatch(parts_[part].c_str(), name.c_str(), FNM_PERIOD | FNM_PATHNAME) != 0) continue;
      PENSTOCK_TRY(descend(joined(at, name), part + 1));
    }
    return {};
  }

  // What the path names, or one of those that match it.
  Status add_named(const std::string& at) {
    const bool pattern = is_pattern(path_);
    Result<std::string> real = access_.real_path(at);
    if (!real && is_missing(real.error())) {
      if (pattern) return {};
      return not_found("there is no file or directory \"{}\"", name_of(at));
    }
    if (!real) return real.error();
    const io::FileInfo info = PENSTOCK_TRY(access_.env_->info(*real));
    if (info.kind == io::FileKind::kDirectory) return add_folder(at, 0);
    if (info.kind == io::FileKind::kRegular) return add(at, *std::move(real), info);
    if (pattern) return {};
    return invalid_argument("\"{}\" is neither a file nor a directory", name_of(at));
  }

  Status add_folder(const std::string& folder, int depth) {
    if (depth > kFolderDepthMax) {
      return make_error(ErrorCode::kResourceExhausted, "\"{}\" lies more than {} folders deep", name_of(folder),
                        kFolderDepthMax);
    }
    Result<std::vector<std::string>> names = access_.env_->list(folder);
    if (!names && depth > 0 && is_missing(names.error())) return {};  // it has just gone
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (!is_hidden(name)) PENSTOCK_TRY(add_from_folder(joined(folder, name), depth));
    }
    return {};
  }

  Status add_from_folder(const std::string& at, int depth) {
    Result<io::FileInfo> info = access_.env_->info(at);
    std::string path = at;
    const bool link = info && info->kind == io::FileKind::kLink;
    if (link) {
      Result<std::string> real = access_.real_path(at);
      if (!real && is_missing(real.error())) return {};
      if (!real) return real.error();
      path = *std::move(real);
      info = access_.env_->info(path);
    }
    if (!info && is_missing(info.error())) return {};
    if (!info) return info.error();
    if (info->kind == io::FileKind::kDirectory && !link && access_.allows(path)) return add_folder(at, depth + 1);
    if (info->kind == io::FileKind::kRegular) return add(at, std::move(path), *info);
    return {};
  }

  Status add(const std::string& at, std::string path, const io::FileInfo& info) {
    if (found_.size() >= kFilesMax) {
      return make_error(ErrorCode::kResourceExhausted, "\"{}\" has more than {} files", name_of(path_), kFilesMax)
          .hint("make several tables, each of a part of them");
    }
    found_.push_back({.name = name_of(at), .path = std::move(path), .info = info});
    return {};
  }

  std::string name_of(std::string_view at) const {
    at.remove_prefix(std::min(at.size(), access_.root_.size()));
    while (at.starts_with('/')) at.remove_prefix(1);
    return at.empty() ? "." : std::string(at);
  }

  const FileAccess& access_;
  const std::string path_;
  std::vector<std::string> parts_;  // of the path, below the root
  std::vector<FoundFile> found_;
};

bool is_pattern(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

Result<FileAccess> FileAccess::make(const ConnectorContext& context) {
  if (context.files_directory.empty()) return unsupported("tables of files need a directory for them");
  std::string data = context.data_directory;
  if (lies_in(context.files_directory, data)) data.clear();  // the directory in the data directory is made for them
  return FileAccess(*context.env, context.files_directory, std::move(data));
}

bool FileAccess::allows(const std::string& path) const {
  return lies_in(path, root_) && (data_.empty() || !lies_in(path, data_));
}

Error FileAccess::outside(std::string_view path) const {
  return make_error(ErrorCode::kPermissionDenied, "\"{}\" is not in the directory that tables may read and write", path)
      .hint("put the files there, or start the server with another --files-dir (the setting files_dir)");
}

Result<std::string> FileAccess::resolve(std::string_view path) const {
  std::string_view text = path;
  if (text.starts_with(kFileScheme)) text.remove_prefix(kFileScheme.size());
  if (text.empty() || text.find('\0') != std::string_view::npos) {
    return invalid_argument("\"{}\" is no path", path);
  }
  std::string absolute =
      normal(text.starts_with('/') ? std::filesystem::path(text) : std::filesystem::path(root_) / text);
  if (allows(absolute)) return absolute;
  const Result<std::string> real = env_->real_path(absolute);
  if (real && allows(*real)) return *real;
  return outside(path);
}

Result<std::string> FileAccess::real_path(const std::string& path) const {
  std::string real = PENSTOCK_TRY(env_->real_path(path));
  if (!allows(real)) return outside(path);
  return real;
}

Result<std::vector<FoundFile>> FileAccess::find(const std::string& path) const { return Search(*this, path).run(); }

Status FileAccess::make_directory(const std::string& path) const {
  // What is there already must not lead out; what is made below it cannot.
  std::vector<std::string> made;
  std::string existing = path;
  while (existing.size() > root_.size() && !env_->exists(existing)) {
    made.push_back(existing);
    existing = io::parent_directory(existing);
  }
  const std::string real = PENSTOCK_TRY(real_path(existing));
  if (PENSTOCK_TRY(env_->info(real)).kind != io::FileKind::kDirectory) {
    return invalid_argument("\"{}\" is no directory", existing);
  }
  PENSTOCK_TRY(env_->create_directories(path));
  for (const std::string& directory : made) PENSTOCK_TRY(env_->sync_directory(io::parent_directory(directory)));
  return {};
}

}  // namespace penstock::connector
