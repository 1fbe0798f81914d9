#include "connector/filesystem/file_partitions.h"

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

Result<OverwrittenFiles> OverwrittenFiles::find(const FileAccess& access, const std::string& directory,
                                                const SinkRequest& request) {
  OverwrittenFiles old;
  const auto by_directories = std::ranges::count_if(
      request.metadata, [](const SinkRequest::Metadata& column) { return is_partition_key(column.key); });
  old.all_ = request.partition.size() == static_cast<size_t>(by_directories);
  std::vector<std::pair<MetadataColumn, types::Value>> wanted;
  for (const auto& [column, value] : request.partition) {
    const auto metadata = std::ranges::find(request.metadata, column, &SinkRequest::Metadata::column);
    wanted.emplace_back(MetadataColumn{metadata->key, request.schema[column].type}, value);
  }
  for (const FoundFile& file : PENSTOCK_TRY(access.find(directory))) {
    const bool matches = std::ranges::all_of(wanted, [&](const auto& one) {
      const Result<types::Value> value = partition_value(file.name, one.first);
      return value && *value == one.second;
    });
    if (!matches) continue;
    const size_t begin = directory.size() + 1;
    const size_t end = file.path.rfind('/');
    old.files_.push_back({file.path, end > begin ? file.path.substr(begin, end - begin) : std::string()});
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
