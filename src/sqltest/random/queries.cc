#include "sqltest/random/queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace penstock::sqltest {

namespace {

constexpr int kDepth = 2;
constexpr int kExpressionDepth = 2;

}  // namespace

QueryGenerator::QueryGenerator(Choices& choices, const std::vector<Relation>& relations, bool large)
    : choices_(choices), large_(large), expressions_(choices) {
  // Those of late rows are only for the queries that know which these are.
  for (const Relation& relation : relations) (relation.late ? late_streams_ : relations_).push_back(relation);
  expressions_.set_subqueries([this](const Scope& scope) { return subquery_condition(scope); });
}

RandomQuery QueryGenerator::query() {
  extended_ = choices_.chance(20);
  root_depth_ = choices_.chance(15) ? kDepth + 1 : kDepth;
  if (large_) root_depth_ = 1;
  const Select made = whole();
  RandomQuery query{.text = made.text,
                    .columns = {},
                    .emit = {},
                    .reads = reads_,
                    .end_only = end_only_,
                    .reads_end_only = reads_end_only_};
  query.without_oracle = without_oracle_;
  query.of_late_rows = of_late_rows_;
  query.row_by_row = row_by_row_;
  query.as_rows_come = as_rows_come_;
  query.bounded = bounded_;
  if (of_windows_ && choices_.chance(40)) {
    const bool at_once = choices_.chance(70);  // and corrected
    query.emit = at_once ? " EMIT ON UPDATE" : " EMIT ON WINDOW CLOSE";
    if (at_once) query.end_only = false;
  }
  for (size_t c = 0; c < made.types.size(); ++c) {
    query.columns.push_back({.name = fmt::format("c{}", c), .type = made.types[c]});
  }
  return query;
}

QueryGenerator::Select QueryGenerator::whole() {
  if (!late_streams_.empty() && choices_.chance(40)) return of_late_rows();
  if (!large_ && choices_.chance(3)) return recursive();
  if (!large_ && !streams().empty() && !tables_of_lookups().empty() && choices_.chance(6)) return looked_up();
  return select(root_depth_);
}

Scope QueryGenerator::scope_of(const std::vector<Type>& types, const std::string& alias) {
  Scope scope;
  for (size_t c = 0; c < types.size(); ++c) {
    add_column(scope, same(fmt::format("{}.c{}", alias, c)), types[c]);
  }
  return scope;
}

QueryGenerator::Select QueryGenerator::select_of(const std::vector<Item>& items, const Text& rest, bool distinct) {
  Select made;
  std::vector<Text> list;
  for (size_t c = 0; c < items.size(); ++c) {
    list.push_back(both("{} AS {}", {items[c].text, same(fmt::format("c{}", c))}));
    made.types.push_back(items[c].type);
  }
  made.text = both(distinct ? "SELECT DISTINCT {} FROM {}" : "SELECT {} FROM {}", {joined(list, ", "), rest});
  return made;
}

Text QueryGenerator::where(const Scope& scope) {
  if (!choices_.chance(50)) return {};
  return both(" WHERE {}", {expressions_.condition(scope, kExpressionDepth)});
}

QueryGenerator::Select QueryGenerator::select(int depth) {
  if (depth <= 0) return rows(depth, nullptr);
  switch (choices_.below(14)) {
    case 0:
    case 1: return rows(depth, nullptr);
    case 2:
    case 3:
    case 4: return groups(depth);
    case 5: return grouping_sets(depth);
    case 6: return distinct(depth);
    case 7: return set_operation(depth);
    case 8: return limited(depth);
    case 9: return over(depth);
    case 10: return best_rows(depth);
    case 11: return with_clause(depth);
    default: return timed().empty() ? groups(depth) : window_groups(depth);
  }
}

QueryGenerator::Select QueryGenerator::rows(int depth, const std::vector<Type>* wanted) {
  const Source from = source(depth);
  std::vector<Item> items;
  if (wanted != nullptr) {
    for (const Type& type : *wanted) {
      if (is_nested(type)) {
        const Scope found = expressions_.of_kind(from.nested, type.kind);
        items.push_back(
            {.text = found.empty() ? literal(choices_, type, false) : choices_.pick(found).text, .type = type});
        continue;
      }
      const Expression value = expressions_.value(from.scope, type, 1);
      items.push_back({.text = value.text, .type = value.type});
    }
  } else {
    const uint32_t count = 1 + choices_.below(4);
    for (uint32_t i = 0; i < count; ++i) {
      if (add_nested(from, items)) continue;
      if (nesting_ < kNestingMax && choices_.chance(8)) {
        items.push_back(scalar_subquery(from.scope));
        continue;
      }
      const Expression value = expressions_.any_value(from.scope, kExpressionDepth);
      items.push_back({.text = value.text, .type = value.type});
    }
  }
  const Text condition = where(from.scope);
  return select_of(items, both("{}{}", {from.text, condition}));
}

// Now and then a nested column, as it is.
bool QueryGenerator::add_nested(const Source& from, std::vector<Item>& items) {
  if (from.nested.empty() || !choices_.chance(25)) return false;
  const Expression& column = choices_.pick(from.nested);
  items.push_back({.text = column.text, .type = column.type});
  return true;
}

QueryGenerator::Select QueryGenerator::distinct(int depth) {
  const Source from = source(depth);
  std::vector<Item> items;
  for (uint32_t count = 1 + choices_.below(2); count > 0; --count) {
    if (add_nested(from, items)) continue;
    const Expression value = expressions_.any_value(from.scope, 1);
    items.push_back({.text = value.text, .type = value.type});
  }
  const Text condition = where(from.scope);
  return select_of(items, both("{}{}", {from.text, condition}), true);
}

// SQLite has no INTERSECT ALL and EXCEPT ALL; with the number of each row among its equals they are INTERSECT and
// EXCEPT.
QueryGenerator::Select QueryGenerator::set_operation(int depth) {
  Select left = rows(depth - 1, nullptr);
  const Select right = rows(depth - 1, &left.types);
  for (size_t c = 0; c < left.types.size(); ++c) {
    Type& type = left.types[c];
    type.wide = type.wide || right.types[c].wide;
    type.bound = std::max(type.bound, right.types[c].bound);
    type.inexact = type.inexact || right.types[c].inexact;
  }
  static const std::vector<const char*> kOperations = {"UNION ALL", "UNION",         "INTERSECT",
                                                       "EXCEPT",    "INTERSECT ALL", "EXCEPT ALL"};
  const std::string operation = choices_.pick(kOperations);
  if (operation == "UNION ALL" || !operation.ends_with(" ALL")) {
    left.text = both("{} {} {}", {left.text, same(operation), right.text});
    return left;
  }
  std::string columns;
  for (size_t c = 0; c < left.types.size(); ++c) columns += fmt::format("{}c{}", c > 0 ? ", " : "", c);
  const auto numbered = [&](const std::string& sql) {
    return fmt::format("SELECT {0}, ROW_NUMBER() OVER (PARTITION BY {0}) AS number FROM ({1})", columns, sql);
  };
  left.text = {.engine = fmt::format("{} {} {}", left.text.engine, operation, right.text.engine),
               .sqlite = fmt::format("SELECT {} FROM ({} {} {})", columns, numbered(left.text.sqlite),
                                     operation.substr(0, operation.size() - 4), numbered(right.text.sqlite))};
  return left;
}

QueryGenerator::Select QueryGenerator::with_clause(int depth) {
  const Select inner = choices_.chance(50) ? groups(depth - 1) : rows(depth - 1, nullptr);
  const std::string name = "w" + std::to_string(aliases_++);
  const std::string a = alias();
  Source from{.text = same(fmt::format("{} AS {}", name, a)), .scope = scope_of(inner.types, a)};
  if (!large_ && choices_.chance(50)) {  // a key may be the same for all rows
    const std::string b = alias();
    const Scope right = scope_of(inner.types, b);
    const Text condition = join_condition(from.scope, right);
    from.text += both(" JOIN {} ON {}", {same(fmt::format("{} AS {}", name, b)), condition});
    from.scope.insert(from.scope.end(), right.begin(), right.end());
  }
  std::vector<Item> items;
  for (uint32_t count = 1 + choices_.below(3); count > 0; --count) {
    const Expression value = expressions_.any_value(from.scope, 1);
    items.push_back({.text = value.text, .type = value.type});
  }
  const Text condition = where(from.scope);
  Select made = select_of(items, both("{}{}", {from.text, condition}));
  made.text = both("WITH {} AS ({}) {}", {same(name), inner.text, made.text});
  return made;
}

// The order is total but for equal rows.
QueryGenerator::Select QueryGenerator::limited(int depth) {
  Select made = choices_.chance(30) ? groups(depth - 1) : rows(depth, nullptr);
  std::vector<Text> order;
  for (size_t c = 0; c < made.types.size(); ++c) {
    Text column = same(fmt::format("c{}", c));
    if (is_nested(made.types[c])) {  // JSON has another order
      const ValueKind kind = made.types[c].kind;
      const char* brackets = kind == ValueKind::kRow ? "'()'" : kind == ValueKind::kArray ? "'[]'" : "'{}'";
      column = dialects("CAST({} AS STRING)", "NESTED_TEXT({}, {})", {column, same(brackets)});
    }
    order.push_back(both(choices_.chance(40) ? "{} DESC" : "{}", {column}));
  }
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[choices_.below(static_cast<uint32_t>(i))]);
  std::string limit = fmt::format(" LIMIT {}", 1 + choices_.below(6));
  if (choices_.chance(25)) limit += fmt::format(" OFFSET {}", 1 + choices_.below(3));
  made.text = both("SELECT * FROM ({}) ORDER BY {}{}", {made.text, joined(order, ", "), same(limit)});
  return made;
}

void QueryGenerator::note_time(const Type& type) {
  if (type.kind == ValueKind::kTime && reads_stream_) end_only_ = true;
}

}  // namespace penstock::sqltest
