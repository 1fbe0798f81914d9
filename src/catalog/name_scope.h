// What the names that a session writes stand for.
#pragma once

#include <string>
#include <string_view>

namespace penstock::catalog {

// What the schemas of temporary objects are called: this, and the number of the session. No other name begins so.
inline constexpr std::string_view kTemporarySchemaPrefix = "pg_temp_";

struct NameScope {
  // The schema that names without one are in.
  std::string schema = "public";
  // The schema of the session's temporary objects, such as "pg_temp_3": a name without a schema is looked for there
  // first. Empty: there are none.
  std::string temporary;
};

}  // namespace penstock::catalog
