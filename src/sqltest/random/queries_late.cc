// Queries of streams with late rows. Which rows are late is told row by row, by the rows before them in the one
// partition: SQLite, where rows have numbers as they came, computes the watermark before each.
#include <fmt/format.h>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

namespace {

constexpr const char* kBeforeItsEnd = "(watermark IS NULL OR watermark < window_end - 1)";

// The rows of a stream as SQLite sees them, with the watermark before each.
std::string with_watermarks(const Relation& stream) {
  std::string rows = fmt::format(
      "(SELECT *, MAX({}) OVER (ORDER BY rowid ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) - {} AS watermark "
      "FROM "
      "{})",
      stream.local ? kMomentColumn : kTimeColumn, stream.watermark_delay_ms, stream.name);
  if (!stream.local) return rows;
  // The last local time that has passed: those that clocks will show again have not.
  std::string columns;
  for (const Column& column : stream.columns) columns += column.name + ", ";
  return fmt::format(
      "(SELECT {0}CASE WHEN watermark + 1 < {1} - {2} THEN watermark + {3} ELSE MAX(watermark + 1, {1}) + {4} - 1 END "
      "AS watermark FROM {5})",
      columns, kPutBackMs, kShownTwiceMs, kOffsetBeforeMs, kOffsetAfterMs, rows);
}

// A condition of both, after one that only SQLite needs.
Text where_both(const std::string& of_sqlite, const Text& condition) {
  return {.engine = condition.engine.empty() ? "" : " WHERE " + condition.engine,
          .sqlite = " WHERE " + of_sqlite + (condition.sqlite.empty() ? "" : " AND " + condition.sqlite)};
}

}  // namespace

QueryGenerator::Select QueryGenerator::of_late_rows() {
  const Relation& stream = choices_.pick(late_streams_);
  note_read(stream);
  of_late_rows_ = true;
  extended_ = false;  // there is only SQLite to compare with
  end_only_ = true;
  nesting_ += kNestingMax;  // no subqueries: what they join with is another matter
  Select made;
  switch (choices_.below(stream.local ? 2 : 6)) {  // for the others a local time is any time
    case 0: made = late_window_groups(stream); break;
    case 1: made = late_window_rows(stream); break;
    case 2: made = late_over(stream); break;
    case 3: made = late_sessions(stream); break;
    case 4: made = late_deduplicate(stream); break;
    default: made = late_join(stream); break;
  }
  nesting_ -= kNestingMax;
  return made;
}

Text QueryGenerator::rows_with_watermarks(const Relation& stream) {
  const std::string rows = with_watermarks(stream);
  if (!choices_.chance(40)) return {.engine = "TABLE " + stream.name, .sqlite = rows};
  const Scope scope = columns_of(stream.columns, "");
  const Text one = expressions_.condition(scope, 1);
  const Text other = expressions_.condition(scope, 1);
  return both("{}(SELECT * FROM {} WHERE {} UNION ALL SELECT * FROM {} WHERE {})",
              {{.engine = "TABLE ", .sqlite = ""},
               {.engine = stream.name, .sqlite = rows},
               one,
               {.engine = stream.name, .sqlite = rows},
               other});
}

QueryGenerator::Select QueryGenerator::late_window_groups(const Relation& stream) {
  const Text rows = rows_with_watermarks(stream);
  const Source from = window_over(rows, time_of(stream), stream.columns, random_window(kSession));
  const Scope of_rows(from.scope.begin() + 2, from.scope.end());
  const Text condition = choices_.chance(40) ? expressions_.condition(of_rows, 1) : Text();
  std::vector<Item> items;
  std::vector<Text> keys;
  for (size_t c = 0; c < 2; ++c) items.push_back({.text = from.scope[c].text, .type = from.scope[c].type});
  if (choices_.chance(50)) {
    const Expression key = choices_.pick(of_rows);
    items.push_back({.text = key.text, .type = key.type});
  }
  for (const Item& key : items) keys.push_back(key.text);
  for (uint32_t count = 1 + choices_.below(3); count > 0; --count) items.push_back(aggregate(of_rows));
  return select_of(items,
                   both("{}{} GROUP BY {}", {from.text, where_both(kBeforeItsEnd, condition), joined(keys, ", ")}));
}

// The first rows of each window.
QueryGenerator::Select QueryGenerator::late_window_rows(const Relation& stream) {
  const Text rows = rows_with_watermarks(stream);
  const Source from = window_over(rows, time_of(stream), stream.columns, random_window(kSession));
  const Scope of_rows(from.scope.begin() + 2, from.scope.end());
  std::vector<Item> items;
  for (const Expression& column : from.scope) items.push_back({.text = column.text, .type = column.type});
  Text partition = both("{}, {}", {from.scope[0].text, from.scope[1].text});
  if (choices_.chance(50)) partition += both(", {}", {choices_.pick(of_rows).text});
  const Text order = order_by(of_rows);
  items.push_back({.text = both("ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {})", {partition, order}),
                   .type = {.kind = ValueKind::kInt, .wide = true, .bound = 1e6}});
  const Source ranked = named(select_of(items, both("{}{}", {from.text, where_both(kBeforeItsEnd, Text())})));
  std::vector<Item> shown;
  const size_t count = ranked.scope.size() - (choices_.chance(50) ? 1 : 0);
  for (size_t c = 0; c < count; ++c) shown.push_back({.text = ranked.scope[c].text, .type = ranked.scope[c].type});
  return select_of(shown, both("{} WHERE {} <= {}",
                               {ranked.text, ranked.scope.back().text, same(std::to_string(1 + choices_.below(3)))}));
}

// Window functions in the order of time that only look back: a row at or behind the watermark is late.
QueryGenerator::Select QueryGenerator::late_over(const Relation& stream) {
  static const std::vector<const char*> kFrames = {
      "",
      " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
      " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
      " ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
      " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
  };
  const std::string name = alias();
  const Text from = {.engine = fmt::format("{} AS {}", stream.name, name),
                     .sqlite = fmt::format("{} AS {}", with_watermarks(stream), name)};
  const Scope scope = columns_of(stream.columns, name + ".");
  const Text time = scope.back().text;
  std::vector<Text> order = {time};
  for (size_t c = 0; c + 1 < scope.size(); ++c) order.push_back(scope[c].text);  // only equal rows are peers
  const Text partition = choices_.chance(70) ? both("PARTITION BY {} ", {choices_.pick(scope).text}) : Text();
  std::vector<Item> items;
  for (const Expression& column : scope) items.push_back({.text = column.text, .type = column.type});
  for (uint32_t count = 1 + choices_.below(2); count > 0; --count) {
    Item made = aggregate(scope, true);
    if (choices_.chance(40)) {
      const std::string distance = std::to_string(choices_.below(20));
      const Text preceding = {.engine = "INTERVAL '" + distance + "' SECOND", .sqlite = distance + "000"};
      made.text = both("{} OVER ({}ORDER BY {} RANGE BETWEEN {} PRECEDING AND CURRENT ROW)",
                       {made.text, partition, time, preceding});
    } else if (choices_.chance(20)) {
      made = {.text = both("LAG({}) OVER ({}ORDER BY {})", {scope.front().text, partition, joined(order, ", ")}),
              .type = scope.front().type};
    } else {
      made.text =
          both("{} OVER ({}ORDER BY {}{})", {made.text, partition, joined(order, ", "), same(choices_.pick(kFrames))});
    }
    items.push_back(made);
  }
  const Text condition = choices_.chance(40) ? expressions_.condition(scope, 1) : Text();
  const std::string in_time =
      fmt::format("({0}.watermark IS NULL OR {0}.ts > {0}.watermark) AND {0}.ts IS NOT NULL", name);
  return select_of(items, both("{}{}", {from, where_both(in_time, condition)}));
}

namespace {

// What a function of sqlite_functions.h makes of the rows of a stream, as they came, with their keys as numbers.
std::string told_by(const std::string& function, const Relation& stream, const std::string& key, int64_t ms) {
  return fmt::format(
      "JSON_EACH((SELECT {}(GROUP_CONCAT(number || ' ' || key || ' ' || COALESCE(ts, '')), {}, {}) FROM (SELECT rowid "
      "AS "
      "number, DENSE_RANK() OVER (ORDER BY {}) AS key, ts FROM {} ORDER BY rowid)))",
      function, ms, stream.watermark_delay_ms, key, stream.name);
}

}  // namespace

QueryGenerator::Select QueryGenerator::late_sessions(const Relation& stream) {
  const std::string name = alias();
  const int64_t gap_ms = 1000 * (1 + choices_.below(9));
  const bool partitioned = choices_.chance(50);
  const Text from = {.engine = fmt::format("TABLE(SESSION(TABLE {}{}, DESCRIPTOR(ts), INTERVAL '{}' SECOND)) AS {}",
                                           stream.name, partitioned ? " PARTITION BY k" : "", gap_ms / 1000, name),
                     .sqlite = fmt::format(
                         "(SELECT s.*, JSON_EXTRACT(f.value, '$[1]') AS window_start, JSON_EXTRACT(f.value, '$[2]') AS "
                         "window_end FROM {} AS f JOIN {} AS s ON s.rowid = JSON_EXTRACT(f.value, '$[0]')) AS {}",
                         told_by("ROWS_OF_SESSIONS", stream, partitioned ? "k" : "1", gap_ms), stream.name, name)};
  const Scope of_rows = columns_of(stream.columns, name + ".");
  const Text condition = choices_.chance(30) ? expressions_.condition(of_rows, 1) : Text();
  std::vector<Item> items;
  std::vector<Text> keys;
  for (const char* column : {"window_start", "window_end"}) {
    items.push_back({.text = same(fmt::format("{}.{}", name, column)), .type = {.kind = ValueKind::kTime}});
  }
  if (choices_.chance(50)) items.push_back({.text = same(name + ".k"), .type = stream.columns.front().type});
  for (const Item& key : items) keys.push_back(key.text);
  for (uint32_t count = 1 + choices_.below(3); count > 0; --count) items.push_back(aggregate(of_rows));
  Text rest = from;
  if (!condition.engine.empty()) rest += both(" WHERE {}", {condition});
  return select_of(items, both("{} GROUP BY {}", {rest, joined(keys, ", ")}));
}

QueryGenerator::Select QueryGenerator::late_deduplicate(const Relation& stream) {
  const std::string name = alias();
  const int64_t within_ms = 1000 * (1 + choices_.below(20));
  const Text from = {
      .engine = fmt::format("TABLE(DEDUPLICATE(TABLE {} PARTITION BY k, DESCRIPTOR(ts), INTERVAL '{}' SECOND)) AS {}",
                            stream.name, within_ms / 1000, name),
      .sqlite = fmt::format("(SELECT s.* FROM {} AS f JOIN {} AS s ON s.rowid = f.value) AS {}",
                            told_by("FIRST_ROWS", stream, "k", within_ms), stream.name, name)};
  const Scope scope = columns_of(stream.columns, name + ".");
  std::vector<Item> items;
  for (const Expression& column : scope) items.push_back({.text = column.text, .type = column.type});
  const Text condition = choices_.chance(30) ? both(" WHERE {}", {expressions_.condition(scope, 1)}) : Text();
  return select_of(items, both("{}{}", {from, condition}));
}

}  // namespace penstock::sqltest
