// One JSON value into a column. Internal to the JSON decoder: includes simdjson.
#pragma once

#include <simdjson.h>

#include <string>

#include "columnar/column.h"
#include "types/type.h"

namespace penstock::format {

enum class JsonOutcome : uint8_t {
  kValue,   // appended
  kNull,    // the value is null; nothing appended
  kWrong,   // no value of the type: `message` says why; nothing appended
  kBroken,  // the record is not JSON from here on; nothing appended
};

// Follows the strictness of Flink's JSON format: numbers are taken from strings, text from numbers, booleans and whole
// objects, but timestamps only from strings.
JsonOutcome append_json_value(columnar::ColumnBuilder& out, types::DataType type, simdjson::ondemand::value& value,
                              std::string& message);

}  // namespace penstock::format
