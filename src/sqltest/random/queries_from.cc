// What stands behind FROM: tables, views, queries, joins, windows, elements.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
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
  note_read(relation);
  return relation;
}

void QueryGenerator::note_read(const Relation& relation) {
  reads_.insert(relation.name);
  reads_stream_ = reads_stream_ || relation.stream;
  time_may_be_null_ = time_may_be_null_ || relation.time_may_be_null;
  end_only_ = end_only_ || relation.end_only;
  without_oracle_ = without_oracle_ || relation.without_oracle;
  reads_end_only_ = reads_end_only_ || relation.unfinished;
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

// A query, now and then one that is there already: what is computed twice may be computed once.
QueryGenerator::Source QueryGenerator::derived(int depth) {
  if (!derived_.empty() && choices_.chance(30)) return named(choices_.pick(derived_));
  const Select made = select(depth);
  derived_.push_back(made);
  return named(made);
}

QueryGenerator::Source QueryGenerator::source(int depth) {
  if (depth <= 0) return relation(pick_relation());
  switch (choices_.below(8)) {
    case 4:
    case 5:
    case 6: return join(depth);
    case 3: return derived(depth - 1);
    case 7: return choices_.chance(50) ? elements(depth) : lateral(depth);
    default: return relation(pick_relation());
  }
}

// An equality of columns of one kind, and sometimes more.
Text QueryGenerator::join_condition(const Scope& left, const Scope& right) {
  std::vector<Text> parts;
  const uint32_t keys = 1 + (choices_.chance(20) ? 1 : 0);
  for (uint32_t tries = 0; tries < 2 + keys && parts.size() < keys; ++tries) {
    // Of few values, so that rows find partners; else any.
    Scope numbers = expressions_.of_kind(left, ValueKind::kInt);
    const bool any = !large_ && choices_.chance(30);
    const Expression a = choices_.pick(numbers.empty() || any ? left : numbers);
    const Scope partners = expressions_.of_kind(right, a.type.kind);
    if (partners.empty()) continue;
    const Expression b = choices_.chance(15) ? expressions_.value(right, a.type, 1) : choices_.pick(partners);
    if (a.type.kind == ValueKind::kDecimal && a.type.scale != b.type.scale) continue;
    note_time(a.type);
    const Scope others = expressions_.other_numbers(right, a.type);
    if (!others.empty() && choices_.chance(15)) {
      parts.push_back(expressions_.mixed(a, "=", choices_.pick(others)));
      continue;
    }
    parts.push_back(both(choices_.chance(15) ? "{} IS NOT DISTINCT FROM {}" : "{} = {}", {a.text, b.text}));
  }
  Scope all = left;
  all.insert(all.end(), right.begin(), right.end());
  // Without an equality in it the rows of a FULL JOIN would all be held against each other.
  if (parts.empty() || choices_.chance(35)) {
    for (const Expression& e : all) note_time(e.type);  // it may compare them
    parts.push_back(expressions_.condition(all, 1));
  }
  return joined(parts, " AND ");
}

// Rows that are near in time: an interval join, when both sides are streams.
Text QueryGenerator::interval_condition(const Scope& left, const Scope& right) {
  const Scope of_left = expressions_.of_kind(left, ValueKind::kTime);
  const Scope of_right = expressions_.of_kind(right, ValueKind::kTime);
  const Text a = of_left.back().text;  // the event time is the last column of a stream
  const Text b = of_right.back().text;
  end_only_ = true;
  const auto moved = [&](const Text& time, int64_t ms) {
    const std::string seconds = fmt::format("INTERVAL '{}' SECOND", std::abs(ms) / 1000);
    const char* sign = ms < 0 ? "-" : "+";
    return Text{.engine = fmt::format("{} {} {}", time.engine, sign, seconds),
                .sqlite = fmt::format("{} {} {}", time.sqlite, sign, std::abs(ms))};
  };
  const int64_t low = 1000 * (static_cast<int64_t>(choices_.below(8)) - 4);
  const int64_t high = low + 1000 * choices_.below(8);
  Text condition = choices_.chance(70) ? both("{} BETWEEN {} AND {}", {b, moved(a, low), moved(a, high)})
                                       : both("{} > {} AND {} <= {}", {b, moved(a, low), b, moved(a, high)});
  if (choices_.chance(70)) {
    const Scope keys = expressions_.of_kind(left, ValueKind::kInt);
    const Scope partners = expressions_.of_kind(right, ValueKind::kInt);
    if (!keys.empty() && !partners.empty()) {
      condition = both("{} = {} AND {}", {choices_.pick(keys).text, choices_.pick(partners).text, condition});
    }
  }
  if (choices_.chance(25)) {
    Scope all = left;
    all.insert(all.end(), right.begin(), right.end());
    condition = both("{} AND {}", {condition, expressions_.condition(all, 1)});
  }
  return condition;
}

QueryGenerator::Source QueryGenerator::interval_join() {
  const std::vector<const Relation*> all = streams();
  const auto stream = [&] {
    const Relation& picked = *choices_.pick(all);
    note_read(picked);
    return relation(picked);
  };
  Source left = stream();
  const Source right = stream();
  static const std::vector<const char*> kKinds = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"};
  const char* kind = choices_.pick(kKinds);
  time_may_be_null_ = time_may_be_null_ || kind != kKinds.front();
  const Text condition = interval_condition(left.scope, right.scope);
  left.text = both("{} {} {} ON {}", {left.text, same(kind), right.text, condition});
  left.scope.insert(left.scope.end(), right.scope.begin(), right.scope.end());
  return left;
}

// Each row of a stream with the last one of another that is not behind it, by time and then as they came.
QueryGenerator::Source QueryGenerator::asof_join() {
  std::vector<const Relation*> all = streams();
  std::erase_if(all, [](const Relation* stream) { return stream->partitions > 1; });
  if (all.empty()) return interval_join();
  const Relation& of_right = *choices_.pick(all);
  const Relation& of_left = *choices_.pick(all);
  for (const Relation* read : {&of_left, &of_right}) note_read(*read);
  end_only_ = true;
  time_may_be_null_ = true;
  Source left = relation(of_left);
  const Source right = relation(of_right);
  const Text left_time = left.scope.back().text;
  const Text right_time = right.scope.back().text;
  const Scope keys = expressions_.of_kind(left.scope, ValueKind::kInt);
  const Scope partners = expressions_.of_kind(right.scope, ValueKind::kInt);
  const Text key =
      choices_.chance(70) ? both("{} = {}", {choices_.pick(keys).text, choices_.pick(partners).text}) : Text();
  const std::string name = right.text.sqlite.substr(right.text.sqlite.rfind(' ') + 1);
  left.text.engine += fmt::format(" ASOF JOIN {} MATCH_CONDITION ({} >= {}){}", right.text.engine, left_time.engine,
                                  right_time.engine, key.engine.empty() ? "" : " ON " + key.engine);
  // The subquery names its own rows as the join does those around it.
  left.text.sqlite += fmt::format(
      " LEFT JOIN {0} ON {1}.rowid = (SELECT {1}.rowid FROM {0} WHERE {2} <= {3}{4} ORDER BY {2} DESC, {1}.rowid DESC "
      "LIMIT 1)",
      right.text.sqlite, name, right_time.sqlite, left_time.sqlite, key.sqlite.empty() ? "" : " AND " + key.sqlite);
  left.scope.insert(left.scope.end(), right.scope.begin(), right.scope.end());
  return left;
}

// Two inputs in windows of the same size, joined by them.
QueryGenerator::Source QueryGenerator::window_join() {
  const std::vector<const Relation*> all = streams();
  const Window shape = random_window(kSession);
  const auto side = [&] {
    const Relation& stream = *choices_.pick(all);
    Source rows = window(stream, shape);
    if (choices_.chance(70)) return rows;
    std::vector<Item> items;
    for (size_t c = 0; c < 2; ++c) items.push_back({.text = rows.scope[c].text, .type = rows.scope[c].type});
    const Expression key = choices_.pick(rows.scope);
    items.push_back({.text = key.text, .type = key.type});
    items.push_back(aggregate(Scope(rows.scope.begin() + 2, rows.scope.end())));
    return named(select_of(items, both("{} GROUP BY {}, {}, {}", {rows.text, items[0].text, items[1].text, key.text})));
  };
  Source left = side();
  const Source right = side();
  static const std::vector<const char*> kKinds = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"};
  const char* kind = choices_.pick(kKinds);
  Text condition =
      both("{} = {} AND {} = {}", {left.scope[0].text, right.scope[0].text, left.scope[1].text, right.scope[1].text});
  if (choices_.chance(60)) {
    const Scope rest_left(left.scope.begin() + 2, left.scope.end());
    const Scope rest_right(right.scope.begin() + 2, right.scope.end());
    condition = both("{} AND {}", {condition, join_condition(rest_left, rest_right)});
  }
  left.text = both("{} {} {} ON {}", {left.text, same(kind), right.text, condition});
  left.scope.insert(left.scope.end(), right.scope.begin(), right.scope.end());
  return left;
}

QueryGenerator::Source QueryGenerator::join(int depth) {
  if (!streams().empty() && choices_.chance(25)) {
    if (choices_.chance(25)) return asof_join();
    return choices_.chance(50) ? interval_join() : window_join();
  }
  Source left = depth > kJoinDepth && choices_.chance(30) ? source(depth - 1) : relation(pick_relation());
  const Source right = choices_.chance(25) ? derived(depth - 1) : relation(pick_relation());
  static const std::vector<const char*> kKinds = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "JOIN", "LEFT JOIN"};
  const char* kind = choices_.pick(kKinds);
  const auto has_key = [](const Source& side) { return side.text.engine.find(' ') == side.text.engine.find(" AS x"); };
  if (choices_.chance(15) && !left.text.engine.starts_with("v") && !right.text.engine.starts_with("v") &&
      has_key(left) && has_key(right) && left.text.engine.find(" JOIN ") == std::string::npos) {
    left.text = both("{} {} {} USING (k)", {left.text, same(kind), right.text});
    left.scope.insert(left.scope.end(), right.scope.begin(), right.scope.end());
    return left;
  }
  const Text condition = join_condition(left.scope, right.scope);
  left.text = both("{} {} {} ON {}", {left.text, same(kind), right.text, condition});
  left.scope.insert(left.scope.end(), right.scope.begin(), right.scope.end());
  return left;
}

// A query for each row: to SQLite one of a single value is a scalar subquery, and other rows are a join.
QueryGenerator::Source QueryGenerator::lateral(int depth) {
  Source from = source(depth - 1);
  const std::string name = alias();
  ++nesting_;
  const Source inner = relation(pick_relation());
  if (choices_.chance(60)) {
    Item made = aggregate(inner.scope);
    const bool first_row = choices_.chance(40);
    if (first_row) {
      const Expression& value = choices_.pick(inner.scope);
      made = {.text = value.text, .type = value.type};
    }
    Text tie = correlation(inner.scope, from.scope);
    if (first_row) tie += both(choices_.chance(50) ? " ORDER BY {} DESC LIMIT 1" : " ORDER BY {} LIMIT 1", {made.text});
    from.text.engine += fmt::format(" LEFT JOIN LATERAL (SELECT {} AS c0 FROM {}{}) AS {} ON TRUE", made.text.engine,
                                    inner.text.engine, tie.engine, name);
    from.scope.push_back(
        {.text = {.engine = name + ".c0",
                  .sqlite = fmt::format("(SELECT {} FROM {}{})", made.text.sqlite, inner.text.sqlite, tie.sqlite)},
         .type = made.type});
  } else {
    const Expression value = choices_.pick(inner.scope);
    const Text tie = correlation(inner.scope, from.scope);
    const bool all = choices_.chance(50);
    from.text.engine += fmt::format(" {} LATERAL (SELECT {} AS c0 FROM {}{}) AS {} ON TRUE", all ? "LEFT JOIN" : "JOIN",
                                    value.text.engine, inner.text.engine, tie.engine, name);
    const std::string on = tie.sqlite.empty() ? "TRUE" : tie.sqlite.substr(sizeof " WHERE " - 1);
    from.text.sqlite += fmt::format(" {} {} ON {}", all ? "LEFT JOIN" : "JOIN", inner.text.sqlite, on);
    from.scope.push_back({.text = {.engine = name + ".c0", .sqlite = value.text.sqlite}, .type = value.type});
  }
  --nesting_;
  return from;
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

QueryGenerator::Window QueryGenerator::random_window(uint32_t functions) {
  Window kind{.function = choices_.below(functions)};
  kind.step_ms = 1000 * (1 + choices_.below(5));
  kind.size_ms = kind.step_ms * (1 + choices_.below(4));
  if (kind.function == kHop && choices_.chance(30)) kind.size_ms = 1000 * (1 + choices_.below(9));
  if (kind.function != kSession && choices_.chance(25)) {
    kind.offset_ms = 1000 * (static_cast<int64_t>(choices_.below(9)) - 4);
  }
  return kind;
}

// The rows of a stream in windows, with window_start and window_end as the first columns of the scope.
QueryGenerator::Source QueryGenerator::window(const Relation& stream, const Window& kind) {
  note_read(stream);
  Scope columns;
  for (const Column& column : stream.columns) columns.push_back({.text = same(column.name), .type = column.type});
  return window_over({.engine = "TABLE " + stream.name, .sqlite = stream.name}, kTimeColumn, columns, kind);
}

// The same of any rows, whose columns are named in `columns`.
QueryGenerator::Source QueryGenerator::window_over(const Text& rows, const std::string& time, const Scope& columns,
                                                   const Window& kind) {
  end_only_ = true;
  const std::string name = alias();
  const int64_t step = kind.step_ms;
  const int64_t size = kind.size_ms;
  const auto seconds = [](int64_t ms) { return fmt::format("INTERVAL '{}' SECOND", ms / 1000); };
  const std::string offset = kind.offset_ms == 0 ? "" : ", " + seconds(kind.offset_ms);
  // When the last window of so many milliseconds began that holds the time.
  const auto begin = [&](int64_t ms) { return fmt::format("({0} - ({0} - {1}) % {2})", time, kind.offset_ms, ms); };
  std::string places;
  for (int64_t i = 0; i * step < size; ++i) {
    places += fmt::format("{}SELECT {} AS place", i > 0 ? " UNION ALL " : "", i);
  }
  std::string call;
  std::string start;
  std::string end;
  std::string from = fmt::format("{} AS q", rows.sqlite);
  switch (kind.function) {
    case kTumble:
      call = fmt::format("TUMBLE({}, DESCRIPTOR({}), {}{})", rows.engine, time, seconds(size), offset);
      start = begin(size);
      end = fmt::format("({} + {})", start, size);
      break;
    case kHop:
      call = fmt::format("HOP({}, DESCRIPTOR({}), {}, {}{})", rows.engine, time, seconds(step), seconds(size), offset);
      start = fmt::format("({} - place * {})", begin(step), step);
      end = fmt::format("({} + {})", start, size);
      from += fmt::format(" JOIN ({}) AS p ON {} > {}", places, end, time);
      break;
    case kCumulate:
      call = fmt::format("CUMULATE({}, DESCRIPTOR({}), {}, {}{})", rows.engine, time, seconds(step), seconds(size),
                         offset);
      start = begin(size);
      end = fmt::format("({} + (place + 1) * {})", start, step);
      from += fmt::format(" JOIN ({}) AS p ON {} > {}", places, end, time);
      break;
    default: {
      const std::string partition = choices_.chance(50) ? "PARTITION BY k" : "";
      call = fmt::format("SESSION({} {}, DESCRIPTOR({}), {})", rows.engine, partition, time, seconds(step));
      start = fmt::format("MIN({0}) OVER ({1}{2} session)", time, partition, partition.empty() ? "PARTITION BY" : ",");
      end = fmt::format("MAX({0}) OVER ({1}{2} session) + {3}", time, partition,
                        partition.empty() ? "PARTITION BY" : ",", step);
      // A row more than the gap behind the one before it begins a session; how many began before it numbers them.
      from = fmt::format(
          "(SELECT *, SUM(begins) OVER ({0} ORDER BY {1}) AS session FROM (SELECT *, COALESCE({1} - LAG({1}) OVER ({0} "
          "ORDER BY {1}) > {2}, 1) AS begins FROM {3} WHERE {1} IS NOT NULL)) AS q",
          partition, time, step, rows.sqlite);
      break;
    }
  }
  Source made{.text = {.engine = fmt::format("TABLE({}) AS {}", call, name),
                       .sqlite = fmt::format("(SELECT q.*, {} AS window_start, {} AS window_end FROM {} WHERE {} IS "
                                             "NOT NULL) AS {}",
                                             start, end, from, time, name)},
              .scope = {}};
  for (const char* column : {"window_start", "window_end"}) {
    made.scope.push_back({.text = same(fmt::format("{}.{}", name, column)), .type = {.kind = ValueKind::kTime}});
  }
  for (const Expression& column : columns) {
    made.scope.push_back({.text = same(name + "." + column.text.engine), .type = column.type});
  }
  return made;
}

}  // namespace penstock::sqltest
