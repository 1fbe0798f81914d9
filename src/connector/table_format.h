// The format of a table's records, for connectors that read and write bytes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "connector/options.h"
#include "format/decoder.h"
#include "format/format.h"
#include "types/type.h"

namespace penstock::connector {

inline constexpr OptionDoc kFormatOption{"format", "required", "json, csv or raw; each has options of its own, below."};
inline constexpr OptionDoc kFormatOrEventsOption{
    "format", "required", "json, csv, raw or debezium-json; each has options of its own, below."};

// Reads the option `key` ("format", "value.format") and the options of the format that it names.
Result<format::FormatOptions> read_format(TableOptions& reader, std::string_view key);

// A decoder of the `wanted` ones among the physical columns of a table, or of fields of them as in ScanRequest::fields.
Result<std::unique_ptr<format::RowDecoder>> make_row_decoder(const format::FormatOptions& options,
                                                             const types::Schema& columns, const types::Schema& wanted,
                                                             std::span<const std::vector<std::string>> fields = {});

// Whether the format can read and write all of the columns.
Status check_format(const format::FormatOptions& options, const types::Schema& columns);

}  // namespace penstock::connector
