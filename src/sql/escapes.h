// PostgreSQL's strings with escapes, E'a\nb'.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::sql {

// What stands between the quotes of such a string. Nothing when an escape is wrong, or the text is not UTF-8 or has a
// NUL.
std::optional<std::string> unescape(std::string_view content);

}  // namespace penstock::sql
