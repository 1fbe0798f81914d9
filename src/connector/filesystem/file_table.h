// The options of a table of files.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "connector/connector.h"
#include "connector/watermark_options.h"
#include "format/format.h"
#include "types/type.h"

namespace penstock::connector {

struct FileTableOptions {
  std::string path;
  format::FormatOptions format;
  bool header = false;
  // Reading.
  std::optional<int64_t> monitor_interval_us;  // none: the table is what is there, and ends
  bool follow = true;
  size_t record_bytes_max = 0;
  int64_t idle_timeout_us = 0;
  std::optional<int64_t> max_ahead_us;  // of the watermark; see read_max_ahead_us()
  // Writing: when a file is closed and published.
  uint64_t roll_bytes = 0;
  int64_t roll_us = 0;
  int64_t roll_inactive_us = 0;
};

std::span<const OptionDoc> file_table_option_docs();

Result<FileTableOptions> parse_file_table(const std::string& table, const OptionMap& options);

// Checks the options, the columns, and that the path is one that tables may use. What it names need not be there yet.
Status validate_file_table(const ConnectorContext& context, const TableDefinition& table);

// Its path.
TableInput file_table_input(const OptionMap& options);

// Whether it is not monitored.
Result<bool> is_file_table_bounded(const std::string& table, const OptionMap& options);

// file.path, file.name, file.size, file.modification-time: Flink's names and types.
types::Schema file_metadata_columns();

}  // namespace penstock::connector
