// Base64 with padding, as RFC 4648 has it.
#pragma once

#include <string>
#include <string_view>

namespace penstock::expr {

void append_base64(std::string& out, std::string_view bytes);
// White space is skipped; false for what is no base64.
bool read_base64(std::string_view text, std::string& out);

}  // namespace penstock::expr
