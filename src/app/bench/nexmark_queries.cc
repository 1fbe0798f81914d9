#include "app/bench/nexmark_queries.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace penstock::app {
namespace {

constexpr std::string_view kTables = "tables";

std::string_view sql_of(std::string_view name) {
  const auto at = std::ranges::find(nexmark_files(), name, &NexmarkFile::name);
  PENSTOCK_CHECK(at != nexmark_files().end(), "no such file of examples/nexmark");
  return at->sql;
}

// "cep-q12" comes behind all "q...", and by its number.
std::pair<bool, int> place_of(std::string_view query) {
  int number = 0;
  const std::string_view digits = query.substr(query.rfind('q') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return {query.starts_with("cep-"), number};
}

}  // namespace

std::string_view nexmark_tables() { return sql_of(kTables); }

std::vector<std::string_view> nexmark_query_names() {
  std::vector<std::string_view> names;
  for (const NexmarkFile& file : nexmark_files()) {
    if (file.name != kTables) names.push_back(file.name);
  }
  std::ranges::sort(names, {}, place_of);
  return names;
}

std::string_view nexmark_query(std::string_view name) { return sql_of(name); }

}  // namespace penstock::app
