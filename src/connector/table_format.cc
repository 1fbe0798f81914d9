#include "connector/table_format.h"

#include <fmt/format.h>

#include <algorithm>
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
                                                             const types::Schema& columns, const types::Schema& wanted,
                                                             std::span<const std::vector<std::string>> fields) {
  std::vector<format::FieldPath> paths;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const int index = types::find_field(columns, wanted[i].name);
    if (index < 0) return not_found("there is no physical column \"{}\"", wanted[i].name);
    paths.push_back({.column = static_cast<size_t>(index), .fields = {}});
    if (i >= fields.size()) continue;
    types::DataType row = columns[paths.back().column].type;
    for (const std::string& name : fields[i]) {
      const auto field = std::ranges::find(row.parts(), name, &types::Field::name);
      if (field == row.parts().end()) return not_found("column \"{}\" has no field \"{}\"", wanted[i].name, name);
      paths.back().fields.push_back(static_cast<size_t>(field - row.parts().begin()));
      row = field->type;
    }
  }
  return format::RowDecoder::make(options, columns, paths);
}

Status check_format(const format::FormatOptions& options, const types::Schema& columns) {
  PENSTOCK_TRY(make_row_decoder(options, columns, columns));
  PENSTOCK_TRY(format::RowEncoder::make(options, columns));
  return {};
}

}  // namespace penstock::connector
