// The table of connectors.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "connector/blackhole/blackhole_sink.h"
#include "connector/connector.h"
#include "connector/datagen/datagen_source.h"
#include "connector/filesystem/file_partitions.h"
#include "connector/filesystem/file_sink.h"
#include "connector/filesystem/file_source.h"
#include "connector/filesystem/file_table.h"
#include "connector/filesystem/partitions.h"
#include "connector/kafka/log_sink.h"
#include "connector/kafka/log_source.h"
#include "connector/kafka/log_table.h"
#include "connector/nexmark/nexmark_source.h"
#include "connector/print/print_sink.h"

namespace penstock::connector {

namespace {

constexpr std::string_view kLogWritableMetadata[] = {kTimestampMetadata, kHeadersMetadata};

bool always(const OptionMap& /*options*/) { return true; }

// Whether the format of a topic tells what has become of rows.
bool writes_events(const OptionMap& options) {
  const Result<LogTableOptions> parsed = parse_log_table("", options);
  return parsed && parsed->format.value.is_events();
}

const std::vector<Connector>& table() {
  static const std::vector<Connector> kTable = {
      {.name = "kafka",
       .summary = "A topic of the embedded log, which Kafka's clients read and write too.",
       .options = log_table_option_docs(),
       .has_format = true,
       .validate = validate_log_table,
       .plan_source = plan_log_source,
       .input = log_table_input,
       .fix_options = fix_log_options,
       .metadata_columns = log_metadata_columns,
       .make_sink = make_log_sink,
       .takes_changes = writes_events,
       .writable_metadata = kLogWritableMetadata},
      {.name = "upsert-kafka",
       .summary = "The last record of each key of a topic, as a table with a primary key.",
       .options = upsert_table_option_docs(),
       .has_format = true,
       .validate = validate_log_table,
       .plan_source = plan_log_source,
       .input = log_table_input,
       .fix_options = fix_log_options,
       .metadata_columns = record_metadata_columns,
       .make_sink = make_log_sink,
       .takes_changes = always,
       .writable_metadata = kLogWritableMetadata},
      {.name = "filesystem",
       .summary = "Files of JSON, CSV or plain lines on the server.",
       .options = file_table_option_docs(),
       .has_format = true,
       .validate = validate_file_table,
       .plan_source = plan_file_source,
       .input = file_table_input,
       .is_bounded = is_file_table_bounded,
       .metadata_columns = file_metadata_columns,
       .has_partitions = true,
       .list_partitions = list_file_partitions,
       .make_sink = make_file_sink,
       .overwrites = true},
      {.name = "datagen",
       .summary = "Rows of random values and sequences.",
       .options = datagen_option_docs(),
       .validate = validate_datagen,
       .plan_source = plan_datagen_source,
       .is_bounded = is_datagen_bounded},
      {.name = "nexmark",
       .summary = "The events of the Nexmark benchmark.",
       .options = nexmark_option_docs(),
       .validate = validate_nexmark,
       .plan_source = plan_nexmark_source,
       .is_bounded = is_nexmark_bounded},
      {.name = "print",
       .summary = "Writes every change to the program's output.",
       .options = print_option_docs(),
       .validate = validate_print,
       .make_sink = make_print_sink,
       .takes_changes = always},
      {.name = "blackhole",
       .summary = "Takes every change and throws it away.",
       .options = blackhole_option_docs(),
       .validate = validate_blackhole,
       .make_sink = make_blackhole_sink,
       .takes_changes = always},
  };
  return kTable;
}

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const Connector& connector : table()) names.emplace_back(connector.name);
  return names;
}

// Whether the connector's column can be had under this type without losing anything.
bool can_be(types::DataType declared, types::DataType given) {
  if (declared.physical() != given.physical()) return false;
  if (given.is_nested()) {
    return declared.kind() == given.kind() &&
           std::ranges::equal(declared.parts(), given.parts(), can_be, &types::Field::type, &types::Field::type);
  }
  if (given.is_integer()) return declared.is_integer() && declared.kind() >= given.kind();
  // A moment can be had in milliseconds, too: see record_time_as().
  const bool is_moment = given.kind() == types::TypeKind::kTimestampLtz;
  if (given.is_timestamp())
    return declared.is_timestamp() || (is_moment && declared.kind() == types::TypeKind::kBigInt);
  return declared.kind() == given.kind() || (given.physical() == types::Physical::kString && !declared.is_nested());
}

Status check_metadata(const Connector& connector, const TableDefinition& table) {
  const types::Schema offered = connector.metadata_columns != nullptr ? connector.metadata_columns() : types::Schema();
  std::vector<std::string> keys;
  for (const types::Field& field : offered) keys.push_back(field.name);
  for (const TableDefinition::Metadata& column : table.metadata) {
    if (connector.has_partitions && is_partition_key(column.from.key)) {
      PENSTOCK_TRY(check_partition_type(table.name, column.column, column.from.type));
      continue;
    }
    const auto at = std::ranges::find(offered, column.from.key, &types::Field::name);
    if (at == offered.end()) {
      Error error = not_found("table \"{}\", column {}: the connector {} has no metadata '{}'", table.name,
                              column.column, connector.name, column.from.key);
      const std::string meant = did_you_mean(column.from.key, keys);
      if (!meant.empty()) return std::move(error).hint(meant);
      if (keys.empty()) return error;
      return std::move(error).hint(fmt::format("there are {}", fmt::join(keys, ", ")));
    }
    if (can_be(column.from.type, at->type)) continue;
    return invalid_argument("table \"{}\", column {}: the metadata '{}' is {} and cannot be read as {}", table.name,
                            column.column, at->name, at->type.to_string(), column.from.type.to_string());
  }
  return {};
}

}  // namespace

std::span<const Connector> connectors() { return table(); }

Result<const Connector*> find_connector(const std::string& table_name, const OptionMap& options) {
  TableOptions reader(table_name, options, {});
  const std::string name = PENSTOCK_TRY(reader.require("connector"));
  const auto at = std::ranges::find(table(), name, &Connector::name);
  if (at != table().end()) return &*at;
  Error error = not_found("table \"{}\": there is no connector '{}'", table_name, name);
  const std::string meant = did_you_mean(name, names());
  if (!meant.empty()) return std::move(error).hint(meant);
  return std::move(error).hint(fmt::format("the connectors are {}", fmt::join(names(), ", ")));
}

Status validate_table(const ConnectorContext& context, const TableDefinition& table) {
  const Connector* connector = PENSTOCK_TRY(find_connector(table.name, table.options));
  PENSTOCK_TRY(check_metadata(*connector, table));
  return connector->validate(context, table);
}

Result<bool> is_bounded(const std::string& table, const OptionMap& options) {
  const Connector* connector = PENSTOCK_TRY(find_connector(table, options));
  if (connector->is_bounded == nullptr) return false;
  return connector->is_bounded(table, options);
}

Result<bool> takes_option(const std::string& table, const OptionMap& options, std::string_view key) {
  const Connector* connector = PENSTOCK_TRY(find_connector(table, options));
  return std::ranges::find(connector->options, key, &OptionDoc::key) != connector->options.end();
}

TableInput input_of(const std::string& table, const OptionMap& options) {
  const Result<const Connector*> connector = find_connector(table, options);
  if (connector && (*connector)->input != nullptr) return (*connector)->input(options);
  return {.name = table, .parts = {table}};
}

Result<OptionMap> fix_options(const ConnectorContext& context, const std::string& table, const OptionMap& options) {
  const Connector* connector = PENSTOCK_TRY(find_connector(table, options));
  if (connector->fix_options == nullptr) return OptionMap();
  return connector->fix_options(context, table, options);
}

Result<SourcePlan> plan_source(const ConnectorContext& context, ScanRequest request) {
  const Connector* connector = PENSTOCK_TRY(find_connector(request.table, *request.options));
  if (connector->plan_source == nullptr) {
    return unsupported("table \"{}\" cannot be read: the connector {} is only for writing", request.table,
                       connector->name);
  }
  return connector->plan_source(context, std::move(request));
}

Result<bool> takes_changes(const std::string& table, const OptionMap& options) {
  const Connector* connector = PENSTOCK_TRY(find_connector(table, options));
  return connector->takes_changes != nullptr && connector->takes_changes(options);
}

Result<bool> overwrites(const std::string& table, const OptionMap& options) {
  return PENSTOCK_TRY(find_connector(table, options))->overwrites;
}

Result<std::vector<Partition>> list_partitions(const ConnectorContext& context, const TableDefinition& table) {
  const Connector* connector = PENSTOCK_TRY(find_connector(table.name, table.options));
  if (connector->list_partitions != nullptr) return connector->list_partitions(context, table);
  return unsupported("tables of the connector {} have no partitions of that kind", connector->name);
}

Result<std::shared_ptr<Sink>> make_sink(const ConnectorContext& context, SinkRequest request) {
  const Connector* connector = PENSTOCK_TRY(find_connector(request.table, request.options));
  if (connector->make_sink == nullptr) {
    return unsupported("table \"{}\" cannot be written to: the connector {} is only for reading", request.table,
                       connector->name);
  }
  if (!request.append_only && !PENSTOCK_TRY(takes_changes(request.table, request.options))) {
    return takes_only_inserts(request.table);
  }
  for (const SinkRequest::Metadata& metadata : request.metadata) {
    if (connector->has_partitions && is_partition_key(metadata.key)) continue;
    if (std::ranges::find(connector->writable_metadata, metadata.key) != connector->writable_metadata.end()) continue;
    return invalid_argument("table \"{}\": the metadata '{}' of column {} cannot be written", request.table,
                            metadata.key, request.schema[metadata.column].name)
        .hint("declare the column VIRTUAL");
  }
  return connector->make_sink(context, std::move(request));
}

std::string options_markdown(std::span<const OptionDoc> options) {
  std::string text = "| option | default | |\n|---|---|---|\n";
  for (const OptionDoc& doc : options) {
    const bool value = !doc.default_value.empty() && doc.default_value != "required";
    text += fmt::format("| `{}` | {} | {} |\n", doc.key,
                        value ? fmt::format("`{}`", doc.default_value) : doc.default_value, doc.description);
  }
  return text;
}

}  // namespace penstock::connector
