// GROUP BY, with and without windows.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

namespace {

Scope values_of(const std::vector<Expression>& keys, const std::vector<Expression>& aggregates) {
  Scope scope = keys;
  scope.insert(scope.end(), aggregates.begin(), aggregates.end());
  return scope;
}

}  // namespace

QueryGenerator::Item QueryGenerator::aggregate(const Scope& scope, bool over) {
  const Expression of = expressions_.any_value(scope, 1);
  Item made{.text = same("COUNT(*)"), .type = {.kind = ValueKind::kInt, .wide = true, .bound = 1e6}};
  if (extended_ && !over && choices_.chance(50)) return aggregate_without_oracle(of);
  const bool distinct = choices_.chance(20) && !over;  // SQLite has no DISTINCT with OVER
  const Text argument = both(distinct ? "DISTINCT {}" : "{}", {of.text});
  bool filtered = true;
  switch (choices_.below(6)) {
    case 0: break;
    case 1: made.text = both("COUNT({})", {argument}); break;
    case 2:
    case 3:
      if (!can_be_summed(of.type)) break;
      made.text = both("SUM({})", {argument});
      made.type = sum_type(of.type);
      break;
    case 4:
      filtered = !over;  // SQLite forgets the FILTER of MIN and MAX where a frame's start moves
      if (of.type.kind == ValueKind::kBool) {
        made.text = choices_.chance(50) ? dialects("BOOL_AND({})", "MIN({})", {of.text})
                                        : dialects("BOOL_OR({})", "MAX({})", {of.text});
        made.type = of.type;
        break;
      }
      made.text = both(choices_.chance(50) ? "MAX({})" : "MIN({})", {of.text});
      made.type = of.type;
      break;
    default:
      if (!can_be_summed(of.type) || of.type.kind == ValueKind::kDecimal) break;
      if (over && of.type.kind == ValueKind::kInt) break;  // two functions to SQLite
      made.type = of.type;
      if (of.type.kind == ValueKind::kDouble) {
        made.text = both("AVG({})", {argument});
        made.type.inexact = true;
      } else {  // of integers an integer, cut towards zero
        made.text = dialects("AVG({})", "(SUM({}) / COUNT({}))", {argument, argument});
        filtered = false;
      }
      break;
  }
  if (filtered && choices_.chance(20)) {
    nesting_ += kNestingMax;  // no subqueries in FILTER
    made.text = both("{} FILTER (WHERE {})", {made.text, expressions_.condition(scope, 1)});
    nesting_ -= kNestingMax;
  }
  return made;
}

// What SQLite has not, and what does not depend on the order in which rows come.
QueryGenerator::Item QueryGenerator::aggregate_without_oracle(const Expression& of) {
  const Text x = of.text;
  const Type integer = {.kind = ValueKind::kInt, .wide = of.type.wide, .bound = 1e9};
  const Type number = {.kind = ValueKind::kDouble, .bound = 1e9, .inexact = true};
  const Type text = {.kind = ValueKind::kString};
  std::vector<Item> all = {
      {.text = both("CAST(ARRAY_AGG({} ORDER BY {}) AS STRING)", {x, x}), .type = text},
      {.text = both("CAST(ARRAY_AGG(DISTINCT {} ORDER BY {} DESC) AS STRING)", {x, x}), .type = text},
      {.text = both("JSON_AGG({} ORDER BY {} DESC)", {x, x}), .type = text},
      {.text = both("FIRST_VALUE({} ORDER BY {})", {x, x}), .type = of.type},
      {.text = both("MODE() WITHIN GROUP (ORDER BY {})", {x}), .type = of.type},
      {.text = both("PERCENTILE_DISC(0.4) WITHIN GROUP (ORDER BY {})", {x}), .type = of.type},
      {.text = both("APPROX_COUNT_DISTINCT({})", {x}), .type = {.kind = ValueKind::kInt, .wide = true, .bound = 1e6}},
  };
  if (of.type.kind == ValueKind::kInt) {
    for (const char* function : {"BIT_AND({})", "BIT_OR({})", "BIT_XOR({})", "VAR_POP({})", "STDDEV_SAMP({})"}) {
      all.push_back({.text = both(function, {x}), .type = integer});
    }
    all.push_back({.text = both("MEDIAN({})", {x}), .type = number});
  }
  if (of.type.kind == ValueKind::kString) {
    all.push_back({.text = both("STRING_AGG({}, '-' ORDER BY {})", {x, x}), .type = text});
  }
  if (of.type.kind == ValueKind::kDecimal) {
    all.push_back({.text = both("CAST(AVG({}) AS STRING)", {x}), .type = text});
    all.push_back({.text = both("CAST(SUM({} / 3) AS STRING)", {x}), .type = text});
  }
  if (of.type.kind == ValueKind::kHuge) {
    all.push_back({.text = both("SUM({})", {x}), .type = of.type});
    all.push_back({.text = both("SUM({} * 3)", {x}), .type = of.type});
    all.push_back({.text = both("AVG({})", {x}), .type = of.type});
  }
  without_oracle_ = true;
  return all[choices_.below(static_cast<uint32_t>(all.size()))];
}

// Without subqueries: in these, keys that are computed and aggregates are not known.
Text QueryGenerator::having(const Scope& scope) {
  nesting_ += kNestingMax;
  Text made = expressions_.condition(scope, 1);
  nesting_ -= kNestingMax;
  return made;
}

QueryGenerator::Select QueryGenerator::groups(int depth) {
  const Source from = source(depth);
  std::vector<Expression> keys;
  for (uint32_t count = choices_.below(3); count > 0; --count) {
    nesting_ += kNestingMax;  // no subqueries in GROUP BY
    keys.push_back(expressions_.any_value(from.scope, 1));
    nesting_ -= kNestingMax;
  }
  const Text condition = where(from.scope);
  std::vector<Expression> aggregates;
  for (uint32_t count = 1 + choices_.below(3); count > 0; --count) {
    Item made = aggregate(from.scope);
    aggregates.push_back({.text = made.text, .type = made.type});
  }
  std::vector<Item> items;
  // Literals are no keys to SQLite, which takes a number as a place.
  std::erase_if(keys, [](const Expression& key) { return key.text.engine.find('x') == std::string::npos; });
  const Scope scope = values_of(keys, aggregates);
  if (std::vector<Item> nested; !keys.empty() && add_nested(from, nested)) {
    keys.push_back({.text = nested.front().text, .type = nested.front().type});
  }
  for (const Expression& key : keys) items.push_back({.text = key.text, .type = key.type});
  for (const Expression& made : aggregates) {
    nesting_ += kNestingMax;
    const Expression value = choices_.chance(15) ? expressions_.value(scope, made.type, 1) : made;
    nesting_ -= kNestingMax;
    items.push_back({.text = value.text, .type = value.type});
  }
  Text rest = both("{}{}", {from.text, condition});
  if (!keys.empty()) {
    std::vector<Text> list;
    for (const Expression& key : keys) list.push_back(key.text);
    rest += both(" GROUP BY {}", {joined(list, ", ")});
  }
  if (choices_.chance(25)) {
    if (keys.empty()) items.back() = {.text = aggregates.back().text, .type = aggregates.back().type};  // for SQLite
    rest += both(" HAVING {}", {having(scope)});
  }
  return select_of(items, rest);
}

// SQLite has no GROUPING SETS: to it they are the UNION ALL of one GROUP BY for each.
QueryGenerator::Select QueryGenerator::grouping_sets(int depth) {
  const Source from = source(depth);
  std::vector<Expression> keys;
  for (uint32_t i = 0; i < 2; ++i) keys.push_back(choices_.pick(from.scope));
  if (keys[0].text == keys[1].text) keys.pop_back();
  std::vector<Item> aggregates;
  for (uint32_t count = 1 + choices_.below(2); count > 0; --count) aggregates.push_back(aggregate(from.scope));
  const Text condition = where(from.scope);
  const uint32_t all = (1U << keys.size()) - 1;
  std::vector<uint32_t> sets = {all};  // a bit for each key; each key is in some set
  std::string form = "GROUPING SETS";
  switch (choices_.below(5)) {
    case 3:
      form = "ROLLUP";
      for (uint32_t set = all; set > 0; sets.push_back(set)) set >>= 1;
      break;
    case 4:
      form = "CUBE";
      for (uint32_t set = 0; set < all; ++set) sets.push_back(set);
      break;
    default:
      for (uint32_t count = choices_.below(3); count > 0; --count) sets.push_back(choices_.below(all + 1));
      break;
  }
  std::vector<Item> items;
  for (const Expression& key : keys) items.push_back({.text = key.text, .type = key.type});
  items.insert(items.end(), aggregates.begin(), aggregates.end());
  const bool with_grouping = choices_.chance(40);
  if (with_grouping) {
    items.push_back(
        {.text = both("GROUPING({})", {keys[0].text}), .type = {.kind = ValueKind::kInt, .wide = true, .bound = 1}});
  }
  std::string engine_sets;
  std::string sqlite;
  for (const uint32_t set : sets) {
    Text list;
    std::vector<Item> in_set = items;
    for (size_t k = 0; k < keys.size(); ++k) {
      if ((set >> k & 1) == 0) {
        in_set[k].text.sqlite = "NULL";
      } else {
        list += both(list.engine.empty() ? "{}" : ", {}", {keys[k].text});
      }
    }
    if (with_grouping) in_set.back().text.sqlite = (set & 1) == 0 ? "1" : "0";
    engine_sets += fmt::format("{}({})", engine_sets.empty() ? "" : ", ", list.engine);
    std::string one = select_of(in_set, both("{}{}", {from.text, condition})).text.sqlite;
    if (!list.engine.empty()) one += " GROUP BY " + list.sqlite;
    sqlite += (sqlite.empty() ? "" : " UNION ALL ") + one;
  }
  Select made = select_of(items, both("{}{}", {from.text, condition}));
  if (form != "GROUPING SETS") {
    engine_sets.clear();
    for (const Expression& key : keys) engine_sets += (engine_sets.empty() ? "" : ", ") + key.text.engine;
  }
  made.text.engine += fmt::format(" GROUP BY {} ({})", form, engine_sets);
  made.text.sqlite = sqlite;
  return made;
}

QueryGenerator::Select QueryGenerator::window_groups(int depth) {
  const std::vector<const Relation*> all = timed();
  const Relation& stream = *choices_.pick(all);
  const Window kind = random_window(kWindowFunctions);
  const Source from = window(stream, kind);
  Scope rows(from.scope.begin() + 2, from.scope.end());
  std::vector<Expression> keys(from.scope.begin(), from.scope.begin() + 2);
  const bool wider = depth >= 2 && kind.function != kSession && choices_.chance(20);
  if (wider) {  // with the time of wider windows
    keys.push_back({.text = dialects("{}", "({} - 1)", {from.scope[1].text}), .type = {.kind = ValueKind::kTime}});
    keys.back().text.engine.replace(keys.back().text.engine.rfind("window_end"), std::string::npos, "window_time");
  }
  if (choices_.chance(60)) keys.push_back(choices_.pick(rows));
  if (wider) nesting_ += kNestingMax;  // behind the join of a subquery there are no times
  const Text condition = where(rows);
  if (wider) nesting_ -= kNestingMax;
  std::vector<Item> items;
  std::vector<Text> list;
  for (const Expression& key : keys) {
    items.push_back({.text = key.text, .type = key.type});
    list.push_back(key.text);
  }
  Scope scope = keys;
  for (uint32_t count = 1 + choices_.below(3); count > 0; --count) {
    const Item made = aggregate(rows);
    items.push_back(made);
    scope.push_back({.text = made.text, .type = made.type});
  }
  Text rest = both("{}{} GROUP BY {}", {from.text, condition, joined(list, ", ")});
  if (choices_.chance(20)) {
    rest += both(" HAVING {}", {having(scope)});
  }
  Select grouped = select_of(items, rest);
  if (wider) return windows_of_windows(grouped);
  if (depth < 2 || choices_.chance(60)) {
    // Behind the join of a subquery rows change.
    const bool alone = reads_.size() == 1 && !condition.engine.contains("SELECT");
    of_windows_ = depth == root_depth_ && alone && kind.function != kSession;
    return grouped;
  }
  // What is computed of each window's groups.
  const Source again = named(grouped);
  Item made = aggregate(Scope(again.scope.begin() + 2, again.scope.end()));
  return select_of({{.text = again.scope[0].text, .type = again.scope[0].type},
                    {.text = again.scope[1].text, .type = again.scope[1].type},
                    made},
                   both("{} GROUP BY {}, {}", {again.text, again.scope[0].text, again.scope[1].text}));
}

// Groups, whose third column is the time of their windows, in windows again.
QueryGenerator::Select QueryGenerator::windows_of_windows(const Select& grouped) {
  std::vector<Column> columns;
  for (size_t c = 0; c < grouped.types.size(); ++c) {
    columns.push_back({.name = fmt::format("c{}", c), .type = grouped.types[c]});
  }
  const Text rows = dialects("TABLE ({})", "({})", {grouped.text, grouped.text});
  const Source from = window_over(rows, same("c2"), columns, random_window(kSession));
  const Item made = aggregate(Scope(from.scope.begin() + 5, from.scope.end()));
  return select_of({{.text = from.scope[0].text, .type = from.scope[0].type},
                    {.text = from.scope[1].text, .type = from.scope[1].type},
                    made},
                   both("{} GROUP BY {}, {}", {from.text, from.scope[0].text, from.scope[1].text}));
}

}  // namespace penstock::sqltest
