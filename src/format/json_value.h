// One JSON value into a column, or into a slot of a nested value. Internal to the JSON decoder: includes simdjson.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "columnar/column.h"
#include "format/format.h"
#include "types/nested.h"
#include "types/type.h"

namespace penstock::format {

enum class JsonOutcome : uint8_t {
  kValue,   // appended
  kNull,    // the value is null; nothing appended
  kWrong,   // no value of the type: the reading says why and where; nothing appended
  kBroken,  // the record is not JSON from here on; nothing appended
};

// How values are read, and what was wrong with the last one.
struct JsonReading {
  const FormatOptions& options;
  std::string message;   // "cannot read 'x' as INT"
  std::string path;      // where that is inside a nested value: ".items[2].price"
  bool ignored = false;  // the options say that NULL stands for it; not for what is NOT NULL, or must be there

  JsonOutcome wrong(std::string text) {
    message = std::move(text);
    path.clear();
    ignored = options.ignore_parse_errors;
    return JsonOutcome::kWrong;
  }
  JsonOutcome missing(std::string text) {
    wrong(std::move(text));
    ignored = false;
    return JsonOutcome::kWrong;
  }
};

// Follows the strictness of Flink's JSON format: numbers are taken from strings, text from numbers, booleans and whole
// objects, but timestamps only from strings. Nested values are read from arrays and objects; with ignore-parse-errors
// what cannot be read in them is NULL where it stands. Out is ColumnBuilder or SlotWriter.
template <class Out>
JsonOutcome append_json_value(Out& out, types::DataType type, simdjson::ondemand::value& value, JsonReading& reading);

}  // namespace penstock::format
