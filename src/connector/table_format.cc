#include "connector/table_format.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "format/encoder.h"

namespace penstock::connector {

Result<format::FormatOptions> read_format(TableOptions& reader, std::string_view key) {
  const std::string format = PENSTOCK_TRY(reader.require(key));
  const std::string_view prefix = key.substr(0, key.size() - std::string_view("format").size());  // "" or "value."
  OptionMap options;
  for (auto& [name, value] : reader.with_prefix(fmt::format("{}{}.", prefix, format))) {
    options.emplace(fmt::format("{}.{}", format, name), std::move(value));
  }
  Result<format::FormatOptions> parsed = format::FormatOptions::parse(format, options);
  if (!parsed) return std::move(parsed).error().context("table \"" + reader.table() + "\"");
  return parsed;
}

Result<std::unique_ptr<format::RowDecoder>> make_row_decoder(const format::FormatOptions& options,
                                                             const types::Schema& columns,
                                                             const types::Schema& wanted) {
  std::vector<size_t> indexes;
  for (const types::Field& field : wanted) {
    const int index = types::find_field(columns, field.name);
    if (index < 0) return not_found("there is no physical column \"{}\"", field.name);
    indexes.push_back(static_cast<size_t>(index));
  }
  return format::RowDecoder::make(options, columns, indexes);
}

Status check_format(const format::FormatOptions& options, const types::Schema& columns) {
  PENSTOCK_TRY(make_row_decoder(options, columns, columns));
  PENSTOCK_TRY(format::RowEncoder::make(options, columns));
  return {};
}

}  // namespace penstock::connector
