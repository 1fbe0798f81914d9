#include "connector/sink.h"

namespace penstock::connector {

Error takes_only_inserts(const std::string& table) {
  return unsupported("table \"{}\" takes only inserts, but the query changes rows that it gave before", table)
      .hint("write a query whose result only grows, such as a window aggregate");
}

Status refuse_changes(const std::string& table, const columnar::ChangeBatch& batch) {
  if (batch.append_only()) return {};
  for (size_t row = 0; row < batch.rows(); ++row) {
    if (batch.weight(row) < 0) return takes_only_inserts(table);
  }
  return {};
}

}  // namespace penstock::connector
