// Pieces of JSON text, for the places that write a little JSON by hand.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

// Appends `text` as a quoted JSON string. Bytes that are not UTF-8 become U+FFFD, so the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

}  // namespace penstock
