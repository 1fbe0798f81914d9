// Values of JSON that simdjson has read.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

namespace penstock::expr {

// What an element is known to be, as a value: a range-for over `get_array().value_unsafe()` would keep a reference into
// a result that is gone.
inline simdjson::dom::array array_of(simdjson::dom::element element) { return element.get_array().value_unsafe(); }
inline simdjson::dom::object object_of(simdjson::dom::element element) { return element.get_object().value_unsafe(); }

// The field of a name, the last one where several have it; false where there is none, also of what is no object.
bool find_field(simdjson::dom::element element, std::string_view name, simdjson::dom::element& value);

// The text of a JSON number, string or boolean; false for null, objects and arrays.
bool json_scalar_text(simdjson::dom::element element, std::string& out);

}  // namespace penstock::expr
