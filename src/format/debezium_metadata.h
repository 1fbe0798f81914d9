// What Debezium's events tell beside rows: where and when a change was made.
#pragma once

#include <memory>
#include <string_view>

#include "columnar/column.h"
#include "format/format.h"
#include "types/type.h"

namespace penstock::format {

// "source.table" and so on, by Flink's names and types.
types::Schema debezium_metadata_columns();

// Reads it, of one record after another. Used on one thread.
class DebeziumMetadata {
 public:
  explicit DebeziumMetadata(const FormatOptions& options);
  ~DebeziumMetadata();

  // Appends what the record says under that name, of debezium_metadata_columns(); NULL where it says nothing, or cannot
  // be read.
  void append(std::string_view record, std::string_view name, columnar::ColumnBuilder& out);

 private:
  struct Parser;

  const bool schema_include_;
  const std::unique_ptr<Parser> parser_;
};

}  // namespace penstock::format
