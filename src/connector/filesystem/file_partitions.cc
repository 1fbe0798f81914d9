#include "connector/filesystem/file_partitions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "connector/filesystem/file_table.h"
#include "connector/filesystem/partitions.h"

namespace penstock::connector {

namespace {

// The columns by which a table is partitioned, from the outermost.
std::vector<MetadataColumn> partition_columns(const TableDefinition& table) {
  std::vector<MetadataColumn> columns;
  for (const TableDefinition::Metadata& metadata : table.metadata) {
    if (is_partition_key(metadata.from.key)) columns.push_back(metadata.from);
  }
  std::ranges::sort(columns, {}, [](const MetadataColumn& column) { return partition_level(column.key); });
  return columns;
}

// Nullopt for a file that is in no partition: a reader says what is wrong with it.
std::optional<Partition> partition_of(const FoundFile& file, const std::vector<MetadataColumn>& columns) {
  Partition partition;
  for (const MetadataColumn& column : columns) {
    Result<types::Value> value = partition_value(file.name, column);
    if (!value) return std::nullopt;
    partition.values.push_back(*std::move(value));
    partition.name += (partition.name.empty() ? "" : "/") + partition_text(file.name, column);
  }
  return partition;
}

}  // namespace

Result<std::vector<Partition>> list_file_partitions(const ConnectorContext& context, const TableDefinition& table) {
  const FileTableOptions options = PENSTOCK_TRY(parse_file_table(table.name, table.options));
  const std::vector<MetadataColumn> columns = partition_columns(table);
  if (columns.empty()) return invalid_argument("table \"{}\" is not PARTITIONED BY columns", table.name);
  const FileAccess access = PENSTOCK_TRY(FileAccess::make(context));
  const std::string path = PENSTOCK_TRY(access.resolve(options.path));
  Result<std::vector<FoundFile>> files = access.find(path);
  if (!files && files.error().code() == ErrorCode::kNotFound) return std::vector<Partition>();
  if (!files) return std::move(files).error();
  std::map<std::string, Partition> partitions;
  for (const FoundFile& file : *files) {
    if (std::optional<Partition> partition = partition_of(file, columns)) {
      partitions.try_emplace(partition->name, *partition);
    }
  }
  std::vector<Partition> out;
  for (auto& [name, partition] : partitions) out.push_back(std::move(partition));
  return out;
}

namespace {

// The directories of a file as a sink would make them, from the outermost: others may be in another order, or write
// their values in another way. Empty for a file that is in no partition.
std::vector<std::string> directories_of(const FoundFile& file, const std::vector<MetadataColumn>& columns) {
  std::vector<std::string> directories;
  for (const MetadataColumn& column : columns) {
    const Result<types::Value> value = partition_value(file.name, column);
    Result<std::string> directory = value ? partition_directory(column, *value) : value.error();
    if (!directory) return {};
    directories.push_back(*std::move(directory));
  }
  return directories;
}

}  // namespace

Result<OverwrittenFiles> OverwrittenFiles::find(const FileAccess& access, const std::string& directory,
                                                const SinkRequest& request) {
  std::vector<MetadataColumn> columns;
  for (const SinkRequest::Metadata& metadata : request.metadata) {
    if (is_partition_key(metadata.key)) columns.push_back({metadata.key, request.schema[metadata.column].type});
  }
  std::ranges::sort(columns, {}, [](const MetadataColumn& column) { return partition_level(column.key); });
  OverwrittenFiles old;
  old.all_ = request.partition.size() == columns.size();
  std::vector<std::string> wanted(columns.size());  // by level; empty: any
  for (const auto& [column, value] : request.partition) {
    const auto metadata = std::ranges::find(request.metadata, column, &SinkRequest::Metadata::column);
    const auto at = std::ranges::find(columns, metadata->key, &MetadataColumn::key);
    wanted[static_cast<size_t>(at - columns.begin())] = PENSTOCK_TRY(partition_directory(*at, value));
  }
  for (const FoundFile& file : PENSTOCK_TRY(access.find(directory))) {
    const std::vector<std::string> directories = directories_of(file, columns);
    bool matches = directories.size() == columns.size();
    for (size_t i = 0; matches && i < wanted.size(); ++i) matches = wanted[i].empty() || wanted[i] == directories[i];
    if (matches) old.files_.push_back({file.path, fmt::format("{}", fmt::join(directories, "/"))});
  }
  return old;
}

Status OverwrittenFiles::remove(io::Env& env) const {
  std::set<std::string> changed;
  for (const Old& file : files_) {
    if (!all_ && !written_.contains(file.directory)) continue;
    PENSTOCK_TRY(env.remove_file(file.path));
    changed.insert(file.path.substr(0, file.path.rfind('/')));
  }
  for (const std::string& directory : changed) PENSTOCK_TRY(env.sync_directory(directory));
  return {};
}

}  // namespace penstock::connector
