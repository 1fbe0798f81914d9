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

struct Connector {
  std::string_view name;
  std::string_view summary;  // for the documentation
  std::span<const OptionDoc> options;
  bool has_format = false;  // the options of formats are options too

  // Checks what can be checked without reading, and prepares what must be there (a topic that is missing is made).
  Status (*validate)(const ConnectorContext& context, const TableDefinition& table) = nullptr;

  // Sources; null for a connector that can only be written to.
  Result<SourcePlan> (*plan_source)(const ConnectorContext& context, ScanRequest request) = nullptr;
  // The option that names what is read; null: it is the table itself.
  const char* input_option = nullptr;
  // See connector::fix_options(); null: no option tells of the moment.
  Result<OptionMap> (*fix_options)(const ConnectorContext& context, const std::string& table,
                                   const OptionMap& options) = nullptr;
  // Whether a table has an end even when it is followed; null: none has.
  Result<bool> (*is_bounded)(const std::string& table, const OptionMap& options) = nullptr;
  types::Schema (*metadata_columns)() = nullptr;  // null: there are none

  bool has_partitions = false;  // metadata columns can be values of directories: see kPartitionKey

  // Sinks; null for a connector that can only be read.
  Result<std::shared_ptr<Sink>> (*make_sink)(const ConnectorContext& context, SinkRequest request) = nullptr;
  // Whether a sink takes rows that are changed or taken back; null: none does.
  bool (*takes_changes)(const OptionMap& options) = nullptr;
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

// A name of what the table reads; two tables over the same topic or path have the same one.
std::string input_of(const std::string& table, const OptionMap& options);

// The options that tell of the moment, such as a start at the latest offset, as what they mean now: what takes their
// place so that reading begins and ends there whenever it is done.
Result<OptionMap> fix_options(const ConnectorContext& context, const std::string& table, const OptionMap& options);

Result<SourcePlan> plan_source(const ConnectorContext& context, ScanRequest request);

// Whether a table can be written rows that are changed or taken back.
Result<bool> takes_changes(const std::string& table, const OptionMap& options);

// A sink for the rows of a query. An error says why the table cannot take them: it can only be read, or the query takes
// rows back and the connector cannot.
Result<std::shared_ptr<Sink>> make_sink(const ConnectorContext& context, SinkRequest request);

// Options as a table in Markdown, for the documentation.
std::string options_markdown(std::span<const OptionDoc> options);

}  // namespace penstock::connector
