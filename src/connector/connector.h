// What a connector is, and the connectors that there are.
//
// A connector is a row of the table in connectors.cc: its name, its options, and the functions that make its sources
// and sinks. Adding one is writing these functions and that row. What the engine asks goes by the name that
// WITH ('connector' = ...) gives.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connector/options.h"
#include "connector/scan.h"
#include "connector/sink.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::connector {

// What CREATE TABLE says, as far as a connector is concerned.
struct TableDefinition {
  struct Metadata {
    std::string column;
    MetadataColumn from;
    bool is_virtual = false;  // only read, never written
  };

  std::string name;
  types::Schema physical;
  std::vector<std::string> primary_key;  // names of physical columns
  std::vector<Metadata> metadata;
  OptionMap options;
};

// What a table reads: topics, a path, or, where its connector has no such thing, the table itself. Two tables that have
// a part in common read the same there.
struct TableInput {
  std::string name;
  std::vector<std::string> parts;
  bool any_topic = false;  // it may have any topic in common with others
};

// A partition of a table: the values of the columns by which it is partitioned, from the outermost.
struct Partition {
  std::string name;  // "year=2026/item=pen"
  std::vector<types::Value> values;
};

struct Connector {
  std::string_view name;
  std::string_view summary;  // for the documentation
  std::span<const OptionDoc> options;
  bool has_format = false;  // the options of formats are options too

  // Checks what can be checked without reading, and prepares what must be there (a topic that is missing is made).
  Status (*validate)(const ConnectorContext& context, const TableDefinition& table) = nullptr;

  // Sources; null for a connector that can only be written to.
  Result<SourcePlan> (*plan_source)(const ConnectorContext& context, ScanRequest request) = nullptr;
  // See connector::input_of(); null: what is read is the table itself.
  TableInput (*input)(const OptionMap& options) = nullptr;
  // See connector::fix_options(); null: no option tells of the moment.
  Result<OptionMap> (*fix_options)(const ConnectorContext& context, const std::string& table,
                                   const OptionMap& options) = nullptr;
  // Whether a table has an end even when it is followed; null: none has.
  Result<bool> (*is_bounded)(const std::string& table, const OptionMap& options) = nullptr;
  types::Schema (*metadata_columns)() = nullptr;  // null: there are none

  bool has_partitions = false;  // metadata columns can be values of directories: see kPartitionKey
  // The partitions that there are; null: see connector::list_partitions().
  Result<std::vector<Partition>> (*list_partitions)(const ConnectorContext& context,
                                                    const TableDefinition& table) = nullptr;

  // Sinks; null for a connector that can only be read.
  Result<std::shared_ptr<Sink>> (*make_sink)(const ConnectorContext& context, SinkRequest request) = nullptr;
  // Whether a sink takes rows that are changed or taken back; null: none does.
  bool (*takes_changes)(const OptionMap& options) = nullptr;
  bool overwrites = false;  // a sink can put its rows in the place of those that are there
  // Metadata columns that can be written.
  std::span<const std::string_view> writable_metadata;
};

// All of them, by name.
std::span<const Connector> connectors();
// The one that the table's options name.
Result<const Connector*> find_connector(const std::string& table, const OptionMap& options);

// --- what the engine asks ---

// Checks CREATE TABLE against the connector that it names: options, columns, metadata columns.
Status validate_table(const ConnectorContext& context, const TableDefinition& table);

// Whether the table has an end (a file that is not followed), or can grow for ever.
Result<bool> is_bounded(const std::string& table, const OptionMap& options);

// Whether tables of the connector that the options name have that one.
Result<bool> takes_option(const std::string& table, const OptionMap& options, std::string_view key);

// What the table reads.
TableInput input_of(const std::string& table, const OptionMap& options);

// The options that tell of the moment, such as a start at the latest offset, as what they mean now: what takes their
// place so that reading begins and ends there whenever it is done.
Result<OptionMap> fix_options(const ConnectorContext& context, const std::string& table, const OptionMap& options);

Result<SourcePlan> plan_source(const ConnectorContext& context, ScanRequest request);

// Whether a table can be written rows that are changed or taken back.
Result<bool> takes_changes(const std::string& table, const OptionMap& options);

// Whether INSERT OVERWRITE can be done.
Result<bool> overwrites(const std::string& table, const OptionMap& options);

// The partitions of a table, by name. kUnsupported for a connector whose tables have none.
Result<std::vector<Partition>> list_partitions(const ConnectorContext& context, const TableDefinition& table);

// A sink for the rows of a query. An error says why the table cannot take them: it can only be read, or the query takes
// rows back and the connector cannot.
Result<std::shared_ptr<Sink>> make_sink(const ConnectorContext& context, SinkRequest request);

// Options as a table in Markdown, for the documentation.
std::string options_markdown(std::span<const OptionDoc> options);

}  // namespace penstock::connector
