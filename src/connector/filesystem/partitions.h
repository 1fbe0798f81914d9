// Directories by the values of columns, as Hive and Flink have them: "year=2026/item=a%2Fb/part-1.json".
//
// A column of PARTITIONED BY is metadata of a file, under a key that begins with kPartitionKey.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "connector/scan.h"
#include "connector/sink.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::connector {

// What stands for NULL, and for a text without a character.
inline constexpr std::string_view kDefaultPartition = "__HIVE_DEFAULT_PARTITION__";
// The bytes that the name of one directory may have, on every file system that matters.
inline constexpr size_t kDirectoryNameMax = 255;

bool is_partition_key(std::string_view key);
// How deep the directory of such a column lies; 0: it is the outermost.
int partition_level(std::string_view key);
// Types whose values can be the name of a directory.
Status check_partition_type(const std::string& table, const std::string& column, types::DataType type);

// The value of such a column in the directories of a file. An error when it is in none of that column, or the value is
// none of the type.
Result<types::Value> partition_value(std::string_view file_name, const MetadataColumn& column);

// The same as "name=text", for people.
std::string partition_text(std::string_view file_name, const MetadataColumn& column);

// The directory of a value, "name=text", as a sink makes it. An error when its name would be longer than one may be.
Result<std::string> partition_directory(const MetadataColumn& column, const types::Value& value);

// Which files of a scan can have rows for which its filter is true, by their directories alone.
class PartitionFilter {
 public:
  explicit PartitionFilter(const ScanRequest& request);
  // `values`: of the metadata columns of the request; NULL where one is not by directories.
  bool admits(std::span<const types::Value> values) const;

 private:
  std::vector<ExprPtr> conditions_;  // over the metadata columns
};

// Where the rows of a sink go.
class PartitionDirectories {
 public:
  explicit PartitionDirectories(const SinkRequest& request);
  // How many directories are within each other; 0: rows are in the table's own.
  size_t depth() const { return columns_.size(); }
  // Of the table, for a row: "year=2026/item=a%2Fb". An error when a name in it would be longer than one may be.
  Result<std::string> directory(const columnar::ChangeBatch& batch, size_t row) const;
  // The columns that are in the files.
  const std::vector<int>& record_columns() const { return record_columns_; }

 private:
  struct Column {
    MetadataColumn from;
    size_t column;
  };
  std::vector<Column> columns_;  // from the outermost directory
  std::vector<int> record_columns_;
};

}  // namespace penstock::connector
