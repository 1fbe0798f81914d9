#include "connector/datagen/datagen_source.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "connector/datagen/generated_scan.h"
#include "connector/watermark_options.h"

namespace penstock::connector {

namespace {

constexpr OptionDoc kOptions[] = {
    {"rows-per-second", "10000", "How many rows come in a second, over all instances."},
    {"number-of-rows", "",
     "The table ends after so many rows. Without it, it ends with its shortest sequence, or never."},
    {"seed", "",
     "A whole number: tables with the same one have the same random values. Without it, the name of the table."},
    {"scan.watermark.max-ahead", "0",
     "A row moves the watermark at most so far ahead of the clock; 0: there is no bound, since times are made up "
     "here."},
    {"fields.#.kind", "random", "random or sequence; '#' stands for the name of a column."},
    {"fields.#.min", "",
     "The least random value of a number or an interval (in months or milliseconds). Without it the least of the type; "
     "of "
     "intervals, 0."},
    {"fields.#.max", "", "The greatest random value. Without it the greatest of the type; of intervals, 10,000 years."},
    {"fields.#.max-past", "0", "How long before now a random timestamp may be."},
    {"fields.#.length", "100", "How many hexadecimal digits a random STRING has, or bytes BYTES."},
    {"fields.#.var-len", "false", "The length is random, from 1 to 'length'."},
    {"fields.#.null-rate", "0", "The share of NULLs, from 0 to 1."},
    {"fields.#.start", "", "The first value of a sequence, which needs one."},
    {"fields.#.end", "", "The last value of a sequence, which needs one. The table ends with it."},
};

struct DatagenTable {
  double rows_per_second = 10'000;
  int64_t max_ahead_us = 0;
  int64_t rows_max = kEndless;
  std::vector<FieldGeneratorPtr> fields;  // by physical column
};

Result<DatagenTable> parse_datagen(const std::string& table, const OptionMap& options, const types::Schema& physical) {
  TableOptions reader(table, options, kOptions);
  DatagenTable parsed;
  parsed.rows_per_second = static_cast<double>(
      PENSTOCK_TRY(reader.get_int("rows-per-second", 10'000, 1, std::numeric_limits<int64_t>::max())));
  parsed.rows_max = PENSTOCK_TRY(reader.get_int("number-of-rows", kEndless, 0, kEndless));
  parsed.max_ahead_us = PENSTOCK_TRY(read_max_ahead_us(reader)).value_or(0);
  const auto default_seed = static_cast<int64_t>(hash64(table));
  const auto seed = static_cast<uint64_t>(PENSTOCK_TRY(reader.get_int("seed", default_seed, INT64_MIN, INT64_MAX)));
  for (const types::Field& field : physical) {
    parsed.fields.push_back(PENSTOCK_TRY(FieldGenerator::make(reader, field, seed)));
    parsed.rows_max = std::min(parsed.rows_max, parsed.fields.back()->rows_max().value_or(kEndless));
  }
  PENSTOCK_TRY(reader.finish());
  return parsed;
}

}  // namespace

std::span<const OptionDoc> datagen_option_docs() { return kOptions; }

Status validate_datagen(const ConnectorContext& /*context*/, const TableDefinition& table) {
  PENSTOCK_TRY(parse_datagen(table.name, table.options, table.physical));
  return {};
}

Result<bool> is_datagen_bounded(const std::string& /*table*/, const OptionMap& options) {
  return options.contains("number-of-rows") || std::ranges::any_of(options, [](const auto& option) {
           return option.first.starts_with("fields.") && option.first.ends_with(".kind") && option.second == "sequence";
         });
}

Result<SourcePlan> plan_datagen_source(const ConnectorContext& context, ScanRequest request) {
  const DatagenTable table = PENSTOCK_TRY(parse_datagen(request.table, *request.options, request.columns));
  GeneratedTable generated{.input = "datagen:" + request.table,
                           .rows_per_second = table.rows_per_second,
                           .rows_max = table.rows_max,
                           // What comes in a second.
                           .rows_of_select = static_cast<int64_t>(std::min(table.rows_per_second, 9e18)),
                           .columns = {}};
  for (const types::Field& field : request.physical) {
    const int column = types::find_field(request.columns, field.name);
    if (column < 0) return not_found("there is no physical column \"{}\"", field.name);
    generated.columns.push_back(table.fields[static_cast<size_t>(column)]);
  }
  request.max_ahead_us = table.max_ahead_us;
  return plan_generated_scan(context, std::move(request), std::move(generated));
}

}  // namespace penstock::connector
