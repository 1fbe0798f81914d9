// PostgreSQL's strings with escapes, E'a\nb'.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::sql {

// What stands between the quotes of such a string. An error, with its position there, when an escape is wrong, or the
// text is not UTF-8 or has a NUL.
Result<std::string> unescape(std::string_view content);

}  // namespace penstock::sql
