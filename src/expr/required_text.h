// What a regular expression is sure to need: a quick way to see that nothing can match.
#pragma once

#include <string>
#include <string_view>

namespace penstock::expr {

// The longest text that is in whatever `pattern` (RE2's syntax) matches, as far as a reading of its top level tells;
// empty when it tells nothing.
std::string required_text(std::string_view pattern);

}  // namespace penstock::expr
