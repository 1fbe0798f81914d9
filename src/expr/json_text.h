// Values as JSON text.
#pragma once

#include <string>
#include <string_view>

#include "types/type.h"

namespace penstock::expr {

// Appends the value of a slot (types/nested.h) as JSON: numbers and booleans as such, nested values as objects, with
// the fields in the order of their names, and arrays, BYTES in base64, times as ISO 8601 has them, all else as a
// string; NULL as null. With `is_json` a text is JSON already and stands as it is.
void append_slot_json(std::string& out, std::string_view slot, types::DataType type, bool is_json = false);

// The same as the name of a field, which is always a string.
void append_slot_json_name(std::string& out, std::string_view slot, types::DataType type);

}  // namespace penstock::expr
