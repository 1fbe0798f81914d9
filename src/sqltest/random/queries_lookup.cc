// Look-ups: rows of a stream meet a table as it is when they come. The runner lets one row after the other go through
// everything, and has SQLite join just the rows that are new.
#include <fmt/format.h>

#include <string>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

std::vector<const Relation*> QueryGenerator::tables_of_lookups() const {
  std::vector<const Relation*> found;
  for (const Relation& relation : relations_) {
    // Views are made again when the engine starts again; nobody knows what they have then when rows meet them.
    if (!relation.view) found.push_back(&relation);
  }
  return found;
}

QueryGenerator::Select QueryGenerator::looked_up() {
  nesting_ += kNestingMax;
  const Relation& stream = *choices_.pick(streams());
  const Relation& table = *choices_.pick(tables_of_lookups());
  if (table.name == stream.name) {  // whichever is first
    nesting_ -= kNestingMax;
    return select(root_depth_);
  }
  for (const Relation* read : {&stream, &table}) note_read(*read);
  as_rows_come_ = true;
  extended_ = false;
  Source left = relation(stream);
  const Source right = relation(table);
  const std::string rows = left.text.sqlite.substr(left.text.sqlite.rfind(' ') + 1);
  const std::string name = right.text.sqlite.substr(right.text.sqlite.rfind(' ') + 1);
  Scope all = left.scope;
  all.insert(all.end(), right.scope.begin(), right.scope.end());
  Text on = both("{} = {}", {choices_.pick(expressions_.of_kind(left.scope, ValueKind::kInt)).text,
                             expressions_.value(right.scope, {.kind = ValueKind::kInt, .wide = true}, 0).text});
  if (choices_.chance(30)) on = both("{} AND {}", {on, expressions_.condition(all, 1)});
  const bool all_rows = choices_.chance(60);
  left.text.engine += fmt::format(" {} {} FOR SYSTEM_TIME AS OF PROCTIME() AS {} ON {}",
                                  all_rows ? "LEFT JOIN" : "JOIN", table.name, name, on.engine);
  left.text.sqlite += fmt::format(" {} {} ON {}", all_rows ? "LEFT JOIN" : "JOIN", right.text.sqlite, on.sqlite);
  std::vector<Item> items;
  for (uint32_t count = 1 + choices_.below(4); count > 0; --count) {
    const Expression value = expressions_.any_value(all, 1);
    items.push_back({.text = value.text, .type = value.type});
  }
  const Text condition = choices_.chance(40) ? expressions_.condition(all, 1) : Text();
  nesting_ -= kNestingMax;
  const Text where = {.engine = condition.engine.empty() ? "" : " WHERE " + condition.engine,
                      .sqlite = fmt::format(" WHERE {}.rowid > (SELECT number FROM {}){}", rows, kRowsSeen,
                                            condition.sqlite.empty() ? "" : " AND " + condition.sqlite)};
  return select_of(items, both("{}{}", {left.text, where}));
}

}  // namespace penstock::sqltest
