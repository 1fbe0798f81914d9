// Strings with escapes: PostgreSQL's, E'a\nb', and standard SQL's, U&'a\00e9'.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::sql {

// What stands between the quotes of such a string. An error, with its position there, when an escape is wrong, or the
// text is not UTF-8 or has a NUL.
Result<std::string> unescape(std::string_view content);

// The same of a string in which characters are given by their numbers: \00e9, \+01f600, where `escape` may be another
// character than the backslash. Doubled, it stands for itself.
std::optional<std::string> unescape_unicode(std::string_view content, char escape);

}  // namespace penstock::sql
