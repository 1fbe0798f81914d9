// MATCH_RECOGNIZE. To SQLite variables that follow each other are rows with LEAD, and other patterns regular
// expressions over texts with a letter for each row, which sqlite_functions.h searches.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

namespace {

const char* variable(size_t i) {
  static const std::vector<const char*> kVariables = {"A", "B", "C", "D"};
  return kVariables[i];
}

std::string order_of(const Relation& stream) {
  std::string order = kTimeColumn;
  for (const Column& column : stream.columns) {
    if (column.name != kTimeColumn && column.name != "k" && !is_nested(column.type)) order += ", " + column.name;
  }
  return order;
}

// The rows that fit variable i have letters whose bit i is set.
std::string letters_of(size_t i, size_t variables) {
  std::string letters = "[";
  for (uint32_t letter = 0; letter < 1U << variables; ++letter) {
    if ((letter >> i & 1) != 0) letters += static_cast<char>('a' + letter);
  }
  return letters + "]";
}

}  // namespace

// In one partition, so that equal rows are in their order, and with times, without which a row is in no match.
const Relation* QueryGenerator::stream_of_patterns() {
  std::vector<const Relation*> all = streams();
  std::erase_if(all, [](const Relation* stream) { return stream->partitions > 1 || stream->time_may_be_null; });
  if (all.empty()) return nullptr;
  const Relation* picked = choices_.pick(all);
  note_read(*picked);
  end_only_ = true;
  time_may_be_null_ = true;
  return picked;
}

QueryGenerator::Source QueryGenerator::match(const Relation& stream) {
  nesting_ += kNestingMax;  // no subqueries in conditions and measures
  Source made = large_ || choices_.chance(50) ? match_of_neighbours(stream) : match_of_pattern(stream);
  nesting_ -= kNestingMax;
  return made;
}

// A B C: one row of each, whose conditions may be about the rows before.
QueryGenerator::Source QueryGenerator::match_of_neighbours(const Relation& stream) {
  const size_t count = 2 + choices_.below(3);
  const std::string name = alias();
  // Columns of the row so many places behind the first: c_0, c_1, ..., and of the one before it c_b.
  std::string columns;
  Scope scope;
  Scope all;
  std::vector<Text> conditions;
  std::string pattern;
  for (size_t i = 0; i < count; ++i) {
    pattern += (i > 0 ? " " : "") + std::string(variable(i));
    const std::string before = i == 0 ? "b" : std::to_string(i - 1);
    for (const Column& column : stream.columns) {
      columns += fmt::format(", LEAD({0}, {1}) OVER w AS {0}_{1}", column.name, i);
      if (i == 0) columns += fmt::format(", LAG({0}) OVER w AS {0}_b", column.name);
      add_column(
          all,
          {.engine = fmt::format("{}.{}", variable(i), column.name), .sqlite = fmt::format("{}_{}", column.name, i)},
          column.type);
      if (is_nested(column.type)) continue;
      scope.push_back({.text = {.engine = fmt::format("PREV({}.{})", variable(i), column.name),
                                .sqlite = fmt::format("{}_{}", column.name, before)},
                       .type = column.type});
    }
    Scope seen = all;
    seen.insert(seen.end(), scope.begin(), scope.end());
    conditions.push_back(choices_.chance(75) ? expressions_.condition(seen, 1) : Text());
    scope.clear();
  }
  std::string define;
  std::string where = fmt::format("there_{} IS NOT NULL", count - 1);
  for (size_t i = 0; i < count; ++i) {
    columns += fmt::format(", LEAD(1, {0}) OVER w AS there_{0}", i);
    if (conditions[i].engine.empty()) continue;
    define += fmt::format("{}{} AS {}", define.empty() ? " DEFINE " : ", ", variable(i), conditions[i].engine);
    where += " AND " + conditions[i].sqlite;
  }
  std::string within;
  if (choices_.chance(40)) {
    const uint32_t seconds = 1 + choices_.below(15);
    within = fmt::format(" WITHIN INTERVAL '{}' SECOND", seconds);
    where += fmt::format(" AND ts_{} - ts_0 < {}", count - 1, 1000 * seconds);
  }
  std::string measures;
  std::string measured = "k";
  Source made;
  made.scope.push_back({.text = same(name + ".k"), .type = stream.columns.front().type});
  for (uint32_t m = 0; m < 1 + choices_.below(3); ++m) {
    const Expression value = expressions_.any_value(all, 1);
    measures += fmt::format("{}{} AS m{}", m > 0 ? ", " : "", value.text.engine, m);
    measured += fmt::format(", {} AS m{}", value.text.sqlite, m);
    made.scope.push_back({.text = same(fmt::format("{}.m{}", name, m)), .type = value.type});
  }
  made.text = {
      .engine = fmt::format("{} MATCH_RECOGNIZE (PARTITION BY k ORDER BY {} MEASURES {} PATTERN ({}){}{}) AS {}",
                            stream.name, order_of(stream), measures, pattern, within, define, name),
      .sqlite = fmt::format("(SELECT {} FROM (SELECT k{} FROM {} WINDOW w AS (PARTITION BY k ORDER BY {}, "
                            "rowid)) WHERE {}) AS {}",
                            measured, columns, stream.name, order_of(stream), where, name)};
  return made;
}

// Patterns of which the match comes first that SQL:2016 prefers, as regular expressions do. The others, whose match is
// the one that ends first, are what the last part is not: a choice, a group, or greedy.
QueryGenerator::RowPattern QueryGenerator::row_pattern(size_t variables) {
  const auto one = [&] {
    const size_t i = choices_.below(static_cast<uint32_t>(variables));
    return RowPattern{.rows = variable(i), .letters = letters_of(i, variables)};
  };
  static const std::vector<std::string> kQuantifiers = {"+", "*", "+?", "*?", "{2}", "{1,3}", "{0,2}", "{1,3}?"};
  RowPattern made = one();
  for (uint32_t parts = choices_.below(3); parts > 0; --parts) {
    const RowPattern part = one();
    const std::string quantifier = choices_.chance(60) ? choices_.pick(kQuantifiers) : "";
    made.rows += " " + part.rows + quantifier;
    made.letters += part.letters + quantifier;
  }
  const RowPattern a = one();
  const RowPattern b = one();
  switch (choices_.below(4)) {
    case 0: return {.rows = made.rows + " " + a.rows + "+", .letters = made.letters + a.letters + "+"};
    case 1:
      return {.rows = fmt::format("{} ({} | {} {})", made.rows, a.rows, b.rows, a.rows),
              .letters = fmt::format("{}(?:{}|{}{})", made.letters, a.letters, b.letters, a.letters)};
    case 2:
      return {.rows = fmt::format("{} PERMUTE({}, {})", made.rows, a.rows, b.rows),
              .letters = fmt::format("{0}(?:{1}{2}|{2}{1})", made.letters, a.letters, b.letters)};
    default: {
      const std::string quantifier = choices_.pick(kQuantifiers);
      return {.rows = fmt::format("{} ({} {}){} {}*", made.rows, a.rows, b.rows, quantifier, a.rows),
              .letters = fmt::format("{}(?:{}{}){}{}*", made.letters, a.letters, b.letters, quantifier, a.letters)};
    }
  }
}

QueryGenerator::Source QueryGenerator::match_of_pattern(const Relation& stream) {
  const std::string name = alias();
  const size_t variables = 1 + choices_.below(3);
  const RowPattern pattern = row_pattern(variables);
  const bool past_last_row = choices_.chance(60);
  const bool all_rows = choices_.chance(40);
  std::string define;
  std::string letter = "0";
  std::string before;
  for (size_t i = 0; i < variables; ++i) {
    Scope scope;
    for (const Column& column : stream.columns) {
      add_column(scope, {.engine = fmt::format("{}.{}", variable(i), column.name), .sqlite = column.name}, column.type);
      if (is_nested(column.type)) continue;
      scope.push_back(
          {.text = {.engine = fmt::format("PREV({}.{})", variable(i), column.name), .sqlite = column.name + "_b"},
           .type = column.type});
      if (i == 0) before += fmt::format(", LAG({0}) OVER w AS {0}_b", column.name);
    }
    if (!pattern.rows.contains(variable(i)) || choices_.chance(20)) {
      letter += fmt::format(" + {}", 1U << i);
      continue;
    }
    const Text condition = expressions_.condition(scope, 1);
    define += fmt::format("{}{} AS {}", define.empty() ? " DEFINE " : ", ", variable(i), condition.engine);
    letter += fmt::format(" + CASE WHEN {} THEN {} ELSE 0 END", condition.sqlite, 1U << i);
  }
  // The rows with their places and letters, and of each key the matches of its text.
  const std::string rows = fmt::format(
      "(SELECT *, {} AS letter FROM (SELECT *, ROW_NUMBER() OVER w - 1 AS place{} FROM {} WINDOW w AS (PARTITION BY k "
      "ORDER BY {}, rowid)))",
      letter, before, stream.name, order_of(stream));
  const std::string texts = fmt::format(
      "(SELECT DISTINCT k, GROUP_CONCAT(CHAR(97 + letter), '') OVER (PARTITION BY k ORDER BY place ROWS BETWEEN "
      "UNBOUNDED "
      "PRECEDING AND UNBOUNDED FOLLOWING) AS letters FROM {})",
      rows);
  const std::string matches = fmt::format(
      "(SELECT t.k AS of_key, f.key + 1 AS number, JSON_EXTRACT(f.value, '$[0]') AS first_place, JSON_EXTRACT(f.value, "
      "'$[1]') AS last_place FROM {} AS t JOIN JSON_EACH(PATTERN_MATCHES(t.letters, '{}', {})) AS f)",
      texts, pattern.letters, past_last_row ? 1 : 0);
  const std::string joined_rows = fmt::format(
      "{} AS m JOIN {} AS r ON r.k IS m.of_key AND r.place BETWEEN m.first_place AND m.last_place", matches, rows);
  const Type number = {.kind = ValueKind::kInt, .wide = true, .bound = 1e6};
  std::vector<Item> items = {{.text = dialects("MATCH_NUMBER()", "m.number", {}), .type = number}};
  if (all_rows) {
    items.push_back({.text = dialects("FINAL COUNT(*)", "(m.last_place - m.first_place + 1)", {}), .type = number});
    items.push_back({.text = dialects("COUNT(*)", "(r.place - m.first_place + 1)", {}), .type = number});
  } else {
    const Scope of_rows = columns_of(stream.columns);
    extended_ = false;
    for (uint32_t count = 1 + choices_.below(2); count > 0; --count) items.push_back(aggregate(of_rows));
  }
  std::string measures;
  std::string measured = "r.k AS k";
  Source made;
  made.scope.push_back({.text = same(name + ".k"), .type = stream.columns.front().type});
  for (size_t m = 0; m < items.size(); ++m) {
    measures += fmt::format("{}{} AS m{}", m > 0 ? ", " : "", items[m].text.engine, m);
    measured += fmt::format(", {} AS m{}", items[m].text.sqlite, m);
    made.scope.push_back({.text = same(fmt::format("{}.m{}", name, m)), .type = items[m].type});
  }
  if (all_rows) {
    for (size_t c = 1; c < stream.columns.size(); ++c) {
      const Column& column = stream.columns[c];
      measured += fmt::format(", r.{0} AS {0}", column.name);
      add_column(made.scope, same(name + "." + column.name), column.type);
    }
  }
  made.text = {.engine = fmt::format("{} MATCH_RECOGNIZE (PARTITION BY k ORDER BY {} MEASURES {} {} PER MATCH AFTER "
                                     "MATCH SKIP {} PATTERN ({}){}) AS "
                                     "{}",
                                     stream.name, order_of(stream), measures, all_rows ? "ALL ROWS" : "ONE ROW",
                                     past_last_row ? "PAST LAST ROW" : "TO NEXT ROW", pattern.rows, define, name),
               .sqlite = fmt::format("(SELECT {} FROM {}{}) AS {}", measured, joined_rows,
                                     all_rows ? "" : " GROUP BY m.of_key, m.number", name)};
  return made;
}

}  // namespace penstock::sqltest
