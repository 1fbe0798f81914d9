#include "plan/column_place.h"

#include <algorithm>

#include "base/suggest.h"
#include "sql/keywords.h"

namespace penstock::plan {

Result<size_t> find_column_place(const std::vector<std::string>& names, const sql::Identifier& name) {
  const auto found =
      std::ranges::find_if(names, [&](const std::string& one) { return sql::equal_ignoring_case(one, name.text); });
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  return not_found("there is no column {}", name.text).at(name.position.offset).hint(did_you_mean(name.text, names));
}

}  // namespace penstock::plan
