// Joins: regular ones, and those of rows that are near in time.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

namespace {

// Rows of joins are multiplied; more inputs than these take SQLite too long.
constexpr int kJoinDepth = 1;

const std::vector<const char*> kKinds = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"};

// The name of a relation in a query.
std::string alias_of(const Text& from) { return from.sqlite.substr(from.sqlite.rfind(' ') + 1); }

// A time and milliseconds.
Text moved(const Text& time, int64_t ms) {
  const std::string seconds = fmt::format("INTERVAL '{}' SECOND", std::abs(ms) / 1000);
  const char* sign = ms < 0 ? "-" : "+";
  return {.engine = fmt::format("{} {} {}", time.engine, sign, seconds),
          .sqlite = fmt::format("{} {} {}", time.sqlite, sign, std::abs(ms))};
}

}  // namespace

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
QueryGenerator::TimeCondition QueryGenerator::interval_condition(const Scope& left, const Scope& right) {
  const Scope of_left = expressions_.of_kind(left, ValueKind::kTime);
  const Scope of_right = expressions_.of_kind(right, ValueKind::kTime);
  const Text a = of_left.back().text;  // the event time is the last column of a stream
  const Text b = of_right.back().text;
  end_only_ = true;
  const int64_t low = 1000 * (static_cast<int64_t>(choices_.below(8)) - 4);
  const int64_t high = low + 1000 * choices_.below(8);
  const bool with_low = choices_.chance(70);
  Text condition = with_low ? both("{} BETWEEN {} AND {}", {b, moved(a, low), moved(a, high)})
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
  return {.text = condition, .low_ms = with_low ? low : low + 1, .high_ms = high};
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
  const char* kind = choices_.pick(kKinds);
  time_may_be_null_ = time_may_be_null_ || kind != kKinds.front();
  const Text condition = interval_condition(left.scope, right.scope).text;
  left.text = both("{} {} {} ON {}", {left.text, same(kind), right.text, condition});
  add_side(left, right);
  return left;
}

// Each row of a stream with the nearest one of another before or behind it; of several with one time the last that
// came.
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
  const uint32_t comparison = choices_.below(4);
  static const std::vector<const char*> kComparisons = {">=", ">", "<=", "<"};
  const bool before = comparison < 2;  // the row of the right side
  const Text left_time = left.scope.back().text;
  Text right_time = right.scope.back().text;
  if (choices_.chance(15)) right_time = moved(right_time, before ? 1000 : -1000);
  Text match = both("{} {} {}", {left_time, same(kComparisons[comparison]), right_time});
  if (choices_.chance(40)) {
    const int64_t reach = 1000 * (2 + choices_.below(8));
    match += both(before ? " AND {} >= {}" : " AND {} <= {}",
                  {right.scope.back().text, moved(left_time, before ? -reach : reach)});
  }
  const Scope keys = expressions_.of_kind(left.scope, ValueKind::kInt);
  const Text partner = same(alias_of(right.text) + ".k");
  const Text key = choices_.chance(70) ? both("{} = {}", {choices_.pick(keys).text, partner}) : Text();
  left.text.engine += fmt::format(" ASOF JOIN {} MATCH_CONDITION ({}){}", right.text.engine, match.engine,
                                  key.engine.empty() ? "" : " ON " + key.engine);
  left.text.sqlite += " LEFT JOIN " + nearest_row(right, match.sqlite, key.sqlite, before);
  add_side(left, right);
  return left;
}

// "s AS x ON" and that it is the nearest row; the subquery names its own rows as the join does those around it.
std::string QueryGenerator::nearest_row(const Source& of, const std::string& match, const std::string& key,
                                        bool before) {
  const std::string direction = before ? " DESC" : "";
  return fmt::format(
      "{0} ON {1}.rowid = (SELECT {1}.rowid FROM {0} WHERE {2}{3} ORDER BY {4}{5}, {1}.rowid DESC LIMIT 1)",
      of.text.sqlite, alias_of(of.text), match, key.empty() ? "" : " AND " + key, of.scope.back().text.sqlite,
      direction);
}

// Each row of a stream with the version that its key had at its time.
QueryGenerator::Source QueryGenerator::temporal_join() {
  const std::vector<const Relation*> all = streams();
  std::vector<const Relation*> with_versions = all;
  std::erase_if(with_versions, [](const Relation* stream) { return !has_versions(*stream); });
  if (with_versions.empty()) return interval_join();
  const Relation& of_left = *choices_.pick(all);
  const Relation& of_right = *choices_.pick(with_versions);
  for (const Relation* read : {&of_left, &of_right}) note_read(*read);
  end_only_ = true;
  time_may_be_null_ = true;
  Source left = relation(of_left);
  const Source right = relation(of_right);
  const std::string time = left.scope.back().text.sqlite;
  const bool all_rows = choices_.chance(60);
  const Text key = both("{} = {}", {choices_.pick(expressions_.of_kind(left.scope, ValueKind::kInt)).text,
                                    same(alias_of(right.text) + ".k")});
  Text more;
  if (choices_.chance(30)) {  // of the version that counts
    Scope both_sides = left.scope;
    both_sides.insert(both_sides.end(), right.scope.begin(), right.scope.end());
    nesting_ += kNestingMax;
    more = both(" AND {}", {expressions_.condition(both_sides, 1)});
    nesting_ -= kNestingMax;
  }
  const char* kind = all_rows ? "LEFT JOIN" : "JOIN";
  left.text.engine +=
      fmt::format(" {} {}{} FOR SYSTEM_TIME AS OF {} AS {} ON {}{}", kind, of_right.name,
                  choices_.chance(50) ? kVersions : kLastRows, time, alias_of(right.text), key.engine, more.engine);
  left.text.sqlite += fmt::format(
      " {} {}{}", kind,
      nearest_row(right, fmt::format("{} <= {}", right.scope.back().text.sqlite, time), key.sqlite, true), more.sqlite);
  add_side(left, right);
  return left;
}

// Two inputs in windows of the same size, joined by them.
QueryGenerator::Source QueryGenerator::window_join() {
  const std::vector<const Relation*> all = streams(true);
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
  const char* kind = choices_.pick(kKinds);
  Text condition =
      both("{} = {} AND {} = {}", {left.scope[0].text, right.scope[0].text, left.scope[1].text, right.scope[1].text});
  if (choices_.chance(60)) {
    const Scope rest_left(left.scope.begin() + 2, left.scope.end());
    const Scope rest_right(right.scope.begin() + 2, right.scope.end());
    condition = both("{} AND {}", {condition, join_condition(rest_left, rest_right)});
  }
  left.text = both("{} {} {} ON {}", {left.text, same(kind), right.text, condition});
  add_side(left, right);
  return left;
}

// Columns of the same name are one, which SQLite finds as the engine does; they must compare with each other.
QueryGenerator::Source QueryGenerator::natural_join() {
  const Relation& left = pick_relation();
  const Relation& right = pick_relation();
  const std::string kind = choices_.pick(kKinds);
  const Text sides = both("{} NATURAL {} {}", {relation(left).text, same(kind), relation(right).text});
  std::vector<Item> items;
  std::set<std::string> names;
  for (const Relation* side : {&left, &right}) {
    for (const Column& column : side->columns) {
      if (!names.insert(column.name).second) continue;
      items.push_back({.text = same(column.name), .type = column.type});
    }
  }
  for (const Column& a : left.columns) {
    for (const Column& b : right.columns) {
      if (a.name != b.name) continue;
      note_time(a.type);
      if (a.type.kind != b.type.kind || a.type.scale != b.type.scale) return relation(left);
      if (a.type.inexact || b.type.inexact) return relation(left);
      for (Item& item : items) {
        if (item.text.engine != a.name) continue;
        item.type.wide = a.type.wide || b.type.wide;
        item.type.bound = std::max(a.type.bound, b.type.bound);
      }
    }
  }
  return named(select_of(items, sides));
}

QueryGenerator::Source QueryGenerator::join(int depth) {
  if (choices_.chance(8)) return natural_join();
  if (!streams().empty() && choices_.chance(30)) {
    if (choices_.chance(30)) return asof_join();
    if (choices_.chance(40)) return temporal_join();
    return choices_.chance(50) ? interval_join() : window_join();
  }
  Source left = depth > kJoinDepth && choices_.chance(30) ? source(depth - 1) : relation(pick_relation());
  const Source right = choices_.chance(25) ? derived(depth - 1) : relation(pick_relation());
  const char* kind = choices_.pick(kKinds);
  // To SQLite a scalar subquery, which has a value also where a row of the right side has no partner.
  if (left.text.engine.contains("LATERAL")) kind = choices_.chance(50) ? "LEFT JOIN" : "JOIN";
  const auto has_key = [](const Source& side) { return side.text.engine.find(' ') == side.text.engine.find(" AS x"); };
  if (choices_.chance(15) && !left.text.engine.starts_with("v") && !right.text.engine.starts_with("v") &&
      has_key(left) && has_key(right) && left.text.engine.find(" JOIN ") == std::string::npos) {
    left.text = both("{} {} {} USING (k)", {left.text, same(kind), right.text});
    add_side(left, right);
    return left;
  }
  const Text condition = join_condition(left.scope, right.scope);
  left.text = both("{} {} {} ON {}", {left.text, same(kind), right.text, condition});
  add_side(left, right);
  return left;
}

}  // namespace penstock::sqltest
