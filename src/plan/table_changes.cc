#include "plan/table_changes.h"

namespace penstock::plan {

const std::string* format_of(const catalog::Table& table) {
  const std::string* format = catalog::find_option(table.options, "format");
  return format != nullptr ? format : catalog::find_option(table.options, "value.format");
}

bool takes_upserts(const catalog::Table& table) {
  const std::string* connector = catalog::find_option(table.options, "connector");
  return connector != nullptr && *connector == "upsert-kafka";
}

bool takes_events(const catalog::Table& table) {
  const std::string* format = format_of(table);
  return format != nullptr && *format == "debezium-json";
}

bool gives_events(const catalog::Table& table) { return takes_upserts(table) || takes_events(table); }

}  // namespace penstock::plan
