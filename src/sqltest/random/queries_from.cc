// What stands behind FROM: tables, views, queries, windows, elements.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

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

std::vector<const Relation*> QueryGenerator::streams(bool with_local) const {
  std::vector<const Relation*> found;
  for (const Relation& relation : relations_) {
    if (relation.stream && (with_local || !relation.local)) found.push_back(&relation);
  }
  return found;
}

std::vector<const Relation*> QueryGenerator::timed() const {
  std::vector<const Relation*> found = streams(true);
  for (const Relation& relation : relations_) {
    if (relation.upsert) found.push_back(&relation);
  }
  return found;
}

QueryGenerator::Source QueryGenerator::relation(const Relation& relation) {
  const std::string name = alias();
  Source made{.text = same(fmt::format("{} AS {}", relation.name, name)),
              .scope = columns_of(relation.columns, name + "."),
              .nested = {}};
  for (const Column& column : relation.columns) {
    if (is_nested(column.type)) made.nested.push_back({.text = same(name + "." + column.name), .type = column.type});
  }
  return made;
}

QueryGenerator::Source QueryGenerator::named(const Select& select) {
  const std::string name = alias();
  Source made{
      .text = both("({}) AS {}", {select.text, same(name)}), .scope = scope_of(select.types, name), .nested = {}};
  for (size_t c = 0; c < select.types.size(); ++c) {
    if (!is_nested(select.types[c])) continue;
    made.nested.push_back({.text = same(fmt::format("{}.c{}", name, c)), .type = select.types[c]});
  }
  return made;
}

void QueryGenerator::add_side(Source& left, const Source& right) {
  left.scope.insert(left.scope.end(), right.scope.begin(), right.scope.end());
  left.nested.insert(left.nested.end(), right.nested.begin(), right.nested.end());
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
    case 2:
      if (choices_.chance(60)) {
        if (const Relation* stream = stream_of_patterns(); stream != nullptr) return match(*stream);
      }
      [[fallthrough]];
    default: return relation(pick_relation());
  }
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
  if (!from.nested.empty() && choices_.chance(70)) return elements_of_column(std::move(from));
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

// UNNEST of a column: to SQLite a join with the elements of its JSON.
QueryGenerator::Source QueryGenerator::elements_of_column(Source from) {
  const Expression column = choices_.pick(from.nested);
  if (column.type.kind == ValueKind::kRow) return from;
  const std::string name = alias();
  const bool all = choices_.chance(40);
  const bool map = column.type.kind == ValueKind::kMap;
  const std::string alias_of = map ? "(name, element)" : "(element, place)";
  from.text.engine += fmt::format(" {} UNNEST({}){} AS {}{}{}", all ? "LEFT JOIN" : "CROSS JOIN", column.text.engine,
                                  map ? "" : " WITH ORDINALITY", name, alias_of, all ? " ON TRUE" : "");
  from.text.sqlite += fmt::format(" {} JSON_EACH({}) AS {}", all ? "LEFT JOIN" : "JOIN", column.text.sqlite, name) +
                      (all ? " ON TRUE" : "");
  const Type number = {.kind = ValueKind::kInt, .wide = true, .bound = 1000};
  from.scope.push_back({.text = {.engine = name + ".element", .sqlite = name + ".value"}, .type = number});
  if (map) {
    from.scope.push_back(
        {.text = {.engine = name + ".name", .sqlite = name + ".key"}, .type = {.kind = ValueKind::kString}});
  } else {
    from.scope.push_back({.text = {.engine = name + ".place", .sqlite = "(" + name + ".key + 1)"},
                          .type = {.kind = ValueKind::kInt, .wide = true, .bound = 10}});
  }
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

Text QueryGenerator::time_of(const Relation& stream) {
  return {.engine = stream.local ? kMomentColumn : kTimeColumn, .sqlite = kTimeColumn};
}

// The rows of a stream in windows, with window_start and window_end as the first columns of the scope.
QueryGenerator::Source QueryGenerator::window(const Relation& stream, const Window& kind) {
  note_read(stream);
  return window_over({.engine = "TABLE " + stream.name, .sqlite = stream.name}, time_of(stream), stream.columns, kind);
}

// The same of any rows with these columns.
QueryGenerator::Source QueryGenerator::window_over(const Text& rows, const Text& of, const std::vector<Column>& columns,
                                                   const Window& kind) {
  const std::string& time = of.sqlite;
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
      call = fmt::format("TUMBLE({}, DESCRIPTOR({}), {}{})", rows.engine, of.engine, seconds(size), offset);
      start = begin(size);
      end = fmt::format("({} + {})", start, size);
      break;
    case kHop:
      call = fmt::format("HOP({}, DESCRIPTOR({}), {}, {}{})", rows.engine, of.engine, seconds(step), seconds(size),
                         offset);
      start = fmt::format("({} - place * {})", begin(step), step);
      end = fmt::format("({} + {})", start, size);
      from += fmt::format(" JOIN ({}) AS p ON {} > {}", places, end, time);
      break;
    case kCumulate:
      call = fmt::format("CUMULATE({}, DESCRIPTOR({}), {}, {}{})", rows.engine, of.engine, seconds(step), seconds(size),
                         offset);
      start = begin(size);
      end = fmt::format("({} + (place + 1) * {})", start, step);
      from += fmt::format(" JOIN ({}) AS p ON {} > {}", places, end, time);
      break;
    default: {
      const std::string partition = choices_.chance(50) ? "PARTITION BY k" : "";
      call = fmt::format("SESSION({} {}, DESCRIPTOR({}), {})", rows.engine, partition, of.engine, seconds(step));
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
              .scope = {},
              .nested = {}};
  for (const char* column : {"window_start", "window_end"}) {
    made.scope.push_back({.text = same(fmt::format("{}.{}", name, column)), .type = {.kind = ValueKind::kTime}});
  }
  const Scope of_rows = columns_of(columns, name + ".");
  made.scope.insert(made.scope.end(), of_rows.begin(), of_rows.end());
  return made;
}

}  // namespace penstock::sqltest
