// Columns of PARTITIONED BY: of a table of files they are metadata of the file, the values of its directories, under
// the key "partition:LEVEL:NAME" (LEVEL 0 is the outermost directory).
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include "catalog/entry.h"

namespace penstock::catalog {

inline constexpr std::string_view kPartitionKey = "partition:";

inline MetadataColumn partition_metadata(size_t level, std::string_view column) {
  return {.key = std::string(kPartitionKey) + std::to_string(level) + ":" + std::string(column)};
}

// Nullopt for a column that is none of PARTITIONED BY.
inline std::optional<size_t> partition_level(const Column& column) {
  if (!column.metadata || !column.metadata->key.starts_with(kPartitionKey)) return std::nullopt;
  size_t level = 0;
  const std::string_view rest = std::string_view(column.metadata->key).substr(kPartitionKey.size());
  std::from_chars(rest.data(), rest.data() + rest.size(), level);
  return level;
}

}  // namespace penstock::catalog
