// Pieces of JSON text, for the places that write a little JSON by hand.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock {

// Appends `text` as a quoted JSON string. Bytes that are not UTF-8 become U+FFFD, so the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);
// Makes what stands in `out` from `begin` on such a string.
void quote_json_tail(std::string& out, size_t begin);

}  // namespace penstock
