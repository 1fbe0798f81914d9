// What the names that a session writes stand for.
#pragma once

#include <string>

namespace penstock::catalog {

struct NameScope {
  // The schema that names without one are in.
  std::string schema = "public";
  // The schema of the session's temporary objects, such as "pg_temp_3": a name without a schema is looked for there
  // first. Empty: there are none.
  std::string temporary;
};

}  // namespace penstock::catalog
