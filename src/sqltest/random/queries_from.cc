// What stands behind FROM: tables, views, queries, joins, windows, elements.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

namespace {

// Rows of joins are multiplied; more inputs than these take SQLite too long.
constexpr int kJoinDepth = 1;

}  // namespace

const Relation& QueryGenerator::pick_relation() {
  const Relation& relation = choices_.pick(relations_);
  reads_.insert(relation.name);
  reads_stream_ = reads_stream_ || relation.stream;
  time_may_be_null_ = time_may_be_null_ || relation.time_may_be_null;
  end_only_ = end_only_ || relation.end_only;
  reads_end_only_ = reads_end_only_ || relation.end_only;
  return relation;
}

std::vector<const Relation*> QueryGenerator::streams() const {
  std::vector<const Relation*> found;
  for (const Relation& relation : relations_) {
    if (relation.stream) found.push_back(&relation);
  }
  return found;
}

QueryGenerator::Source QueryGenerator::relation(const Relation& relation) {
  const std::string name = alias();
  Source made{.text = same(fmt::format("{} AS {}", relation.name, name)), .scope = {}};
  for (const Column& column : relation.columns) {
    made.scope.push_back({.text = same(name + "." + column.name), .type = column.type});
  }
  return made;
}

QueryGenerator::Source QueryGenerator::named(const Select& select) {
  const std::string name = alias();
  return {.text = both("({}) AS {}", {select.text, same(name)}), .scope = scope_of(select.types, name)};
}

QueryGenerator::Source QueryGenerator::source(int depth) {
  if (depth <= 0) return relation(pick_relation());
  switch (choices_.below(8)) {
    case 4:
    case 5:
    case 6: return join(depth);
    case 3: return named(select(depth - 1));
    case 7: return choices_.chance(50) ? elements(depth) : join(depth);
    default: return relation(pick_relation());
  }
}

// An equality of columns of one kind, and sometimes more.
Text QueryGenerator::join_condition(const Scope& left, const Scope& right) {
  std::vector<Text> parts;
  for (int tries = 0; tries < 3 && parts.empty(); ++tries) {
    const Expression& a = choices_.pick(left);
    const Scope partners = expressions_.of_kind(right, a.type.kind);
    if (partners.empty()) continue;
    const Expression& b = choices_.pick(partners);
    if (a.type.kind == ValueKind::kDecimal && a.type.scale != b.type.scale) continue;
    note_time(a.type);
    parts.push_back(both(choices_.chance(15) ? "{} IS NOT DISTINCT FROM {}" : "{} = {}", {a.text, b.text}));
  }
  Scope all = left;
  all.insert(all.end(), right.begin(), right.end());
  // Without an equality in it the rows of a FULL JOIN would all be held against each other.
  if (parts.empty() || choices_.chance(35)) {
    for (const Expression& e : all) note_time(e.type);
    ++nesting_;  // no subqueries in ON
    parts.push_back(expressions_.condition(all, 1));
    --nesting_;
  }
  return joined(parts, " AND ");
}

QueryGenerator::Source QueryGenerator::join(int depth) {
  Source left = depth > kJoinDepth && choices_.chance(30) ? source(depth - 1) : relation(pick_relation());
  const Source right = choices_.chance(25) ? named(select(depth - 1)) : relation(pick_relation());
  static const std::vector<const char*> kKinds = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "JOIN", "LEFT JOIN"};
  const char* kind = choices_.pick(kKinds);
  const Text condition = join_condition(left.scope, right.scope);
  left.text = both("{} {} {} ON {}", {left.text, same(kind), right.text, condition});
  left.scope.insert(left.scope.end(), right.scope.begin(), right.scope.end());
  return left;
}

// UNNEST of an array of values of the row: to SQLite a join with the places.
QueryGenerator::Source QueryGenerator::elements(int depth) {
  Source from = source(depth - 1);
  const Type type = choices_.pick(from.scope).type;
  const std::string name = alias();
  std::vector<Text> values;
  Type joint = type;
  const uint32_t count = 1 + choices_.below(3);
  std::string places;
  std::string element = "CASE " + name + ".place";
  for (uint32_t i = 0; i < count; ++i) {
    const Expression value = expressions_.value(from.scope, type, 1);
    joint.wide = joint.wide || value.type.wide;
    joint.bound = std::max(joint.bound, value.type.bound);
    joint.inexact = joint.inexact || value.type.inexact;
    values.push_back(value.text);
    places += fmt::format("{}SELECT {} AS place", i > 0 ? " UNION ALL " : "", i);
    element += fmt::format(" WHEN {} THEN {}", i, value.text.sqlite);
  }
  const Text array = joined(values, ", ");
  from.text += {.engine = fmt::format(" CROSS JOIN UNNEST(ARRAY[{}]) AS {}(element)", array.engine, name),
                .sqlite = fmt::format(" JOIN ({}) AS {}", places, name)};
  from.scope.push_back({.text = {.engine = name + ".element", .sqlite = "(" + element + " END)"}, .type = joint});
  return from;
}

// The rows of a stream in windows, with window_start and window_end as the first columns of the scope.
QueryGenerator::Source QueryGenerator::window(const Relation& stream) {
  reads_.insert(stream.name);
  reads_stream_ = true;
  end_only_ = true;
  const std::string name = alias();
  const int64_t step = 1000 * (1 + choices_.below(5));
  const int64_t size = step * (1 + choices_.below(4));
  const auto seconds = [](int64_t ms) { return fmt::format("INTERVAL '{}' SECOND", ms / 1000); };
  std::string call;
  std::string sqlite;
  const auto in_windows = [&](const std::string& start, const std::string& end, const std::string& more) {
    return fmt::format("SELECT {0}.*, {1} AS window_start, {2} AS window_end FROM {0}{3}", stream.name, start, end,
                       more);
  };
  std::string places;
  for (int64_t i = 0; i < size / step; ++i)
    places += fmt::format("{}SELECT {} AS place", i > 0 ? " UNION ALL " : "", i);
  switch (choices_.below(4)) {
    case 0:
      call = fmt::format("TUMBLE(TABLE {}, DESCRIPTOR(ts), {})", stream.name, seconds(size));
      sqlite = in_windows(fmt::format("ts - ts % {}", size), fmt::format("ts - ts % {0} + {0}", size),
                          " WHERE ts IS NOT NULL");
      break;
    case 1: {
      call = fmt::format("HOP(TABLE {}, DESCRIPTOR(ts), {}, {})", stream.name, seconds(step), seconds(size));
      const std::string start = fmt::format("(ts - ts % {0} - place * {0})", step);
      sqlite = in_windows(start, fmt::format("{} + {}", start, size),
                          fmt::format(" JOIN ({}) WHERE ts IS NOT NULL", places));
      break;
    }
    case 2: {
      call = fmt::format("CUMULATE(TABLE {}, DESCRIPTOR(ts), {}, {})", stream.name, seconds(step), seconds(size));
      const std::string end = fmt::format("(ts - ts % {} + (place + 1) * {})", size, step);
      sqlite =
          in_windows(fmt::format("(ts - ts % {})", size), end, fmt::format(" JOIN ({}) WHERE {} > ts", places, end));
      break;
    }
    default: {
      const std::string key = choices_.chance(50) ? "k" : "";
      const std::string partition = key.empty() ? "" : "PARTITION BY k";
      call = fmt::format("SESSION(TABLE {} {}, DESCRIPTOR(ts), {})", stream.name, partition, seconds(step));
      // A row more than the gap behind the one before it begins a session; how many began before it numbers them.
      sqlite = fmt::format(
          "SELECT *, MIN(ts) OVER ({0}{3}) AS window_start, MAX(ts) OVER ({0}{3}) + {2} AS window_end FROM (SELECT *, "
          "SUM(begins) OVER ({0} ORDER BY ts) AS session FROM (SELECT *, COALESCE(ts - LAG(ts) OVER ({0} ORDER BY ts) "
          "> {2}, "
          "1) AS begins FROM {1} WHERE ts IS NOT NULL))",
          partition, stream.name, step, key.empty() ? "PARTITION BY session" : ", session");
      break;
    }
  }
  Source made{
      .text = {.engine = fmt::format("TABLE({}) AS {}", call, name), .sqlite = fmt::format("({}) AS {}", sqlite, name)},
      .scope = {}};
  for (const char* column : {"window_start", "window_end"}) {
    made.scope.push_back({.text = same(fmt::format("{}.{}", name, column)), .type = {.kind = ValueKind::kTime}});
  }
  for (const Column& column : stream.columns) {
    made.scope.push_back({.text = same(name + "." + column.name), .type = column.type});
  }
  return made;
}

}  // namespace penstock::sqltest
