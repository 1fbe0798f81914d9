#include "connector/filesystem/file_table.h"

#include "connector/filesystem/file_access.h"
#include "connector/table_format.h"
#include "format/decoder.h"

namespace penstock::connector {

namespace {

using types::DataType;
using types::TypeKind;

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kMinuteUs = 60'000'000;
constexpr int64_t kMonitorIntervalMinUs = 10'000;

constexpr OptionDoc kOptions[] = {
    {"path", "required",
     "A file, a directory (with all below it), or a pattern with `*`, `?` and `[a-z]`. It lies in the files directory "
     "of the server. A table that is written to has a directory."},
    kFormatOption,
    {"header", "false",
     "With csv: every file begins with a line of column names. It is passed over when read, and written. Columns go by "
     "their order."},
    {"source.monitor-interval", "",
     "How often the path is looked at for new files. Without it the table is what is there, and has an end."},
    {"source.follow", "true",
     "With a monitor interval: whether what is added to a file later is read too. With false a file has been read when "
     "its present end is reached, as in Flink."},
    {"source.record-size-max", "8 mb", "A longer record is a dead letter. At most 64 mb."},
    {"scan.watermark.idle-timeout", "10 s",
     "A followed file that has been read to its end and has given nothing for this time does not hold the watermark "
     "back; 0: it always does."},
    kMaxAheadOption,
    {"sink.rolling-policy.file-size", "128 mb", "A file that has so much is closed and published."},
    {"sink.rolling-policy.rollover-interval", "30 min", "So is one that was begun so long ago."},
    {"sink.rolling-policy.inactivity-interval", "30 min", "So is one to which nothing was added for so long."},
    {"sink.rolling-policy.check-interval", "1 min",
     "Taken for Flink's sake, without effect: files are closed when it is time."},
};

}  // namespace

std::span<const OptionDoc> file_table_option_docs() { return kOptions; }

Result<FileTableOptions> parse_file_table(const std::string& table, const OptionMap& options) {
  TableOptions reader(table, options, kOptions);
  FileTableOptions parsed;
  parsed.path = PENSTOCK_TRY(reader.require("path"));
  parsed.format = PENSTOCK_TRY(read_format(reader, "format"));
  parsed.header = PENSTOCK_TRY(reader.get_bool("header", false));
  if (parsed.header && parsed.format.kind != format::FormatKind::kCsv) {
    return invalid_argument("table \"{}\": option 'header' is for the format csv only", table);
  }
  if (reader.has("source.monitor-interval")) {
    const int64_t interval_us = PENSTOCK_TRY(reader.get_duration_us("source.monitor-interval", 0));
    if (interval_us < kMonitorIntervalMinUs) {
      return reader.bad_value("source.monitor-interval", options.at("source.monitor-interval"), "at least 10 ms");
    }
    parsed.monitor_interval_us = interval_us;
  }
  parsed.follow = PENSTOCK_TRY(reader.get_bool("source.follow", true));
  const int64_t record_bytes = PENSTOCK_TRY(reader.get_size_bytes("source.record-size-max", 8 * kMiB));
  if (record_bytes < 1 || record_bytes > static_cast<int64_t>(format::kRecordBytesMax)) {
    return reader.bad_value("source.record-size-max", options.at("source.record-size-max"), "from 1 b to 64 mb");
  }
  parsed.record_bytes_max = static_cast<size_t>(record_bytes);
  parsed.max_ahead_us = PENSTOCK_TRY(read_max_ahead_us(reader));
  parsed.idle_timeout_us = PENSTOCK_TRY(reader.get_duration_us("scan.watermark.idle-timeout", 10'000'000));
  parsed.roll_bytes =
      static_cast<uint64_t>(PENSTOCK_TRY(reader.get_size_bytes("sink.rolling-policy.file-size", 128 * kMiB)));
  parsed.roll_us = PENSTOCK_TRY(reader.get_duration_us("sink.rolling-policy.rollover-interval", 30 * kMinuteUs));
  parsed.roll_inactive_us =
      PENSTOCK_TRY(reader.get_duration_us("sink.rolling-policy.inactivity-interval", 30 * kMinuteUs));
  PENSTOCK_TRY(reader.get_duration_us("sink.rolling-policy.check-interval", kMinuteUs));
  PENSTOCK_TRY(reader.finish());
  return parsed;
}

Status validate_file_table(const ConnectorContext& context, const TableDefinition& table) {
  const FileTableOptions parsed = PENSTOCK_TRY(parse_file_table(table.name, table.options));
  PENSTOCK_TRY(check_format(parsed.format, table.physical));
  const bool raw = parsed.format.kind == format::FormatKind::kRaw;
  if (raw && table.physical.front().type.physical() != types::Physical::kString) {
    return unsupported("table \"{}\": column {} is {}, whose bytes may be an end of line", table.name,
                       table.physical.front().name, table.physical.front().type.with_nullable(true).to_string())
        .hint("in files, the format raw is for STRING and BYTES");
  }
  const FileAccess access = PENSTOCK_TRY(FileAccess::make(context));
  Result<std::string> path = access.resolve(parsed.path);
  if (!path) return std::move(path).error().context("table \"" + table.name + "\", option 'path'");
  return {};
}

TableInput file_table_input(const OptionMap& options) {
  const auto path = options.find("path");
  if (path == options.end()) return {};
  return {.name = path->second, .parts = {path->second}};
}

Result<bool> is_file_table_bounded(const std::string& /*table*/, const OptionMap& options) {
  return !options.contains("source.monitor-interval");
}

types::Schema file_metadata_columns() {
  return {{"file.path", DataType(TypeKind::kString).with_nullable(false)},
          {"file.name", DataType(TypeKind::kString).with_nullable(false)},
          {"file.size", DataType(TypeKind::kBigInt).with_nullable(false)},
          {"file.modification-time", DataType::timestamp_ltz(3).with_nullable(false)}};
}

}  // namespace penstock::connector
