// What Debezium's events tell beside rows: where and when a change was made.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "columnar/column.h"
#include "format/format.h"
#include "types/type.h"

namespace penstock::format {

// "source.table" and so on, by Flink's names and types.
types::Schema debezium_metadata_columns();

// Reads it. Used on one thread.
class DebeziumMetadata {
 public:
  explicit DebeziumMetadata(const FormatOptions& options);
  ~DebeziumMetadata();

  // What the records say under the names of `columns`, which are of debezium_metadata_columns(); NULL where one says
  // nothing, or cannot be read.
  std::vector<columnar::ColumnPtr> read(std::span<const std::string_view> records, const types::Schema& columns);

 private:
  struct Parser;

  const bool schema_include_;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace penstock::format
