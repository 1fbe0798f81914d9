// Window functions with OVER, and the first rows of each partition.
#include <fmt/format.h>

#include <utility>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

namespace {

// By an event time going up, results wait for the watermark, and rows without a time are left out: then the bounded
// query has rows that the view has not.
bool begins_with_time(const Scope& scope, size_t first) { return scope[first].type.kind == ValueKind::kTime; }

}  // namespace

// Orders by all columns, so that only equal rows are peers; the first one is not a time that may be NULL.
Text QueryGenerator::order_by(const Scope& scope) {
  std::vector<size_t> order;
  for (size_t c = 0; c < scope.size(); ++c) order.push_back(c);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[choices_.below(static_cast<uint32_t>(i))]);
  if (reads_stream_ && begins_with_time(scope, order[0])) {
    for (size_t i = 1; time_may_be_null_ && i < order.size(); ++i) {
      if (!begins_with_time(scope, order[i])) std::swap(order[0], order[i]);
    }
    end_only_ = true;
  }
  std::vector<Text> parts;
  for (const size_t c : order) parts.push_back(both(choices_.chance(35) ? "{} DESC" : "{}", {scope[c].text}));
  return joined(parts, ", ");
}

// What SQLite has not: the values that are not NULL as a list, and one of these.
QueryGenerator::Item QueryGenerator::value_ignoring_nulls(const Expression& of, const Text& partition,
                                                          const Text& order, const std::string& frame) {
  struct Function {
    const char* engine;
    const char* place;  // in the list
    const char* frame;  // to SQLite; else any
  };
  static const std::vector<Function> kFunctions = {
      {"FIRST_VALUE({})", "$[0]", ""},
      {"LAST_VALUE({})", "$[#-1]", ""},
      {"LAST_VALUE({}) IGNORE NULLS", "$[#-1]", ""},
      {"NTH_VALUE({}, 2) IGNORE NULLS", "$[1]", ""},
      {"LAG({}) IGNORE NULLS", "$[#-1]", " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"},
      {"LAG({}, 2) IGNORE NULLS", "$[#-2]", " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"},
      {"LEAD({}) IGNORE NULLS", "$[0]", " ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING"},
  };
  const Function& function = choices_.pick(kFunctions);
  const bool framed = *function.frame == '\0';
  const Text list = both("({}ORDER BY {}", {partition, order});
  return {
      .text = {.engine = both(function.engine, {of.text}).engine +
                         fmt::format(" OVER {}{})", list.engine, framed ? frame : ""),
               .sqlite = fmt::format("JSON_EXTRACT(JSON_GROUP_ARRAY({0}) FILTER (WHERE {0} IS NOT NULL) OVER {1}{2}), "
                                     "'{3}')",
                                     of.text.sqlite, list.sqlite, framed ? frame : function.frame, function.place)},
      .type = of.type};
}

QueryGenerator::Item QueryGenerator::window_function(const Scope& scope, const Text& partition, const Text& order,
                                                     bool any_frame) {
  static const std::vector<std::string> kFrames = {
      "",
      " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
      " ROWS BETWEEN 2 PRECEDING AND CURRENT ROW",
      " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
      " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
      " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
      " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
      " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW",
      " ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
      " ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING",
      " GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE TIES",
      " RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE GROUP",
  };
  const Expression of = choices_.pick(scope);
  const Type count = {.kind = ValueKind::kInt, .wide = true, .bound = 1e6};
  Item made{.text = same("ROW_NUMBER()"), .type = count};
  bool framed = false;
  if (!of.type.inexact && choices_.chance(15)) {
    return value_ignoring_nulls(of, partition, order, any_frame ? choices_.pick(kFrames) : "");
  }
  switch (choices_.below(8)) {
    case 0: break;
    case 1: made.text = same(choices_.chance(50) ? "DENSE_RANK()" : "RANK()"); break;
    case 2: made = {.text = both(choices_.chance(30) ? "LAG({}, 3)" : "LAG({})", {of.text}), .type = of.type}; break;
    case 3: made = {.text = both(choices_.chance(50) ? "LEAD({}, 2)" : "LEAD({})", {of.text}), .type = of.type}; break;
    case 4:
      switch (choices_.below(4)) {
        case 0: made.text = both("NTH_VALUE({}, 2)", {of.text}); break;
        case 1: made.text = dialects("LAST_VALUE({}) RESPECT NULLS", "LAST_VALUE({})", {of.text}); break;
        default: made.text = dialects("FIRST_VALUE({}) RESPECT NULLS", "FIRST_VALUE({})", {of.text}); break;
      }
      made.type = of.type;
      framed = true;
      break;
    case 5:
      switch (choices_.below(4)) {
        case 0: made.text = same("NTILE(3)"); break;
        case 1: made = {.text = same("PERCENT_RANK()"), .type = {.kind = ValueKind::kDouble, .inexact = true}}; break;
        case 2: made = {.text = same("CUME_DIST()"), .type = {.kind = ValueKind::kDouble, .inexact = true}}; break;
        default:
          made = {.text = both("COUNT({})", {of.text}), .type = count};
          framed = true;
          break;
      }
      break;
    default:
      if (can_be_summed(of.type)) {
        made = {.text = both("SUM({})", {of.text}), .type = sum_type(of.type)};
      } else if (of.type.kind != ValueKind::kBool) {
        made = {.text = both(choices_.chance(50) ? "MAX({})" : "MIN({})", {of.text}), .type = of.type};
      } else {
        made = {.text = same("COUNT(*)"), .type = count};
      }
      framed = true;
      break;
  }
  const Text frame = same(framed && any_frame ? choices_.pick(kFrames) : "");
  made.text = both("{} OVER ({}ORDER BY {}{})", {made.text, partition, order, frame});
  return made;
}

// An aggregate over the rows within a distance in the one column of ORDER BY; equal rows are peers.
QueryGenerator::Item QueryGenerator::range_function(const Scope& scope, const Text& partition) {
  static const std::vector<const char*> kEnds = {"CURRENT ROW", "{} FOLLOWING", "UNBOUNDED FOLLOWING"};
  Scope orders = expressions_.of_kind(scope, ValueKind::kTime);
  const Scope numbers = expressions_.of_kind(scope, ValueKind::kInt);
  orders.insert(orders.end(), numbers.begin(), numbers.end());
  Item made = aggregate(scope, true);
  if (orders.empty()) return {.text = both("{} OVER ({})", {made.text, partition}), .type = made.type};
  const Expression order = choices_.pick(orders);
  const bool by_time = order.type.kind == ValueKind::kTime;
  if (by_time && reads_stream_) {
    if (time_may_be_null_) return {.text = both("{} OVER ({})", {made.text, partition}), .type = made.type};
    end_only_ = true;
  }
  const auto distance = [&] {
    const uint32_t units = choices_.below(5);
    return by_time ? Text{.engine = fmt::format("INTERVAL '{}' SECOND", units), .sqlite = std::to_string(1000 * units)}
                   : same(std::to_string(units));
  };
  const char* direction = choices_.chance(30) ? " DESC" : "";
  const Text start = choices_.chance(20) ? same("UNBOUNDED PRECEDING") : both("{} PRECEDING", {distance()});
  const char* end = choices_.pick(kEnds);
  const Text until = std::string(end).starts_with("{}") ? both(end, {distance()}) : same(end);
  made.text = both("{} OVER ({}ORDER BY {}{} RANGE BETWEEN {} AND {})",
                   {made.text, partition, order.text, same(direction), start, until});
  return made;
}

QueryGenerator::Select QueryGenerator::over(int depth) {
  const Source from = source(depth - 1);
  Text partition;
  if (choices_.chance(70)) partition = both("PARTITION BY {} ", {choices_.pick(from.scope).text});
  const Text order = order_by(from.scope);
  std::vector<Item> items;
  for (const Expression& column : from.scope) items.push_back({.text = column.text, .type = column.type});
  for (uint32_t count = 1 + choices_.below(2); count > 0; --count) {
    items.push_back(choices_.chance(30) ? range_function(from.scope, partition)
                                        : window_function(from.scope, partition, order, true));
  }
  const Text condition = where(from.scope);
  return select_of(items, both("{}{}", {from.text, condition}));
}

// Top-N: the rank is sometimes part of the result, and sometimes not.
QueryGenerator::Select QueryGenerator::best_rows(int depth) {
  const Source from = source(depth - 1);
  Text partition;
  if (choices_.chance(70)) partition = both("PARTITION BY {} ", {choices_.pick(from.scope).text});
  const bool ties = choices_.chance(30);
  Text order;
  if (ties) {  // ranks of equal rows are equal: the order need not be total
    const size_t column = choices_.below(static_cast<uint32_t>(from.scope.size()));
    if (begins_with_time(from.scope, column)) note_time(from.scope[column].type);
    order = both(choices_.chance(50) ? "{} DESC" : "{}", {from.scope[column].text});
  } else {
    order = order_by(from.scope);
  }
  std::vector<Item> items;
  for (const Expression& column : from.scope) items.push_back({.text = column.text, .type = column.type});
  const Select plain = select_of(items, from.text);
  const char* rank = !ties ? "ROW_NUMBER" : choices_.chance(50) ? "DENSE_RANK" : "RANK";
  items.push_back({.text = both("{}() OVER ({}ORDER BY {})", {same(rank), partition, order}),
                   .type = {.kind = ValueKind::kInt, .wide = true, .bound = 1e6}});
  const Text condition = where(from.scope);
  const Source ranked = named(select_of(items, both("{}{}", {from.text, condition})));
  const uint32_t other_form = choices_.below(4);
  if (other_form > 1) {  // DISTINCT ON and QUALIFY; to SQLite the same
    std::vector<Item> all;
    for (size_t c = 0; c + 1 < ranked.scope.size(); ++c) {
      all.push_back({.text = ranked.scope[c].text, .type = ranked.scope[c].type});
    }
    const bool distinct = other_form == 2 && !ties && !partition.engine.empty();
    const Text limit = same(distinct ? "1" : std::to_string(1 + choices_.below(3)));
    Select made = select_of(all, both("{} WHERE {} <= {}", {ranked.text, ranked.scope.back().text, limit}));
    if (distinct) {
      const std::string key = partition.engine.substr(sizeof "PARTITION BY " - 1);
      made.text.engine = fmt::format("SELECT DISTINCT ON ({}) {}{} ORDER BY {}, {}", key.substr(0, key.size() - 1),
                                     plain.text.engine.substr(sizeof "SELECT " - 1), condition.engine,
                                     key.substr(0, key.size() - 1), order.engine);
    } else {
      made.text.engine = fmt::format("{}{} QUALIFY {} <= {}", plain.text.engine, condition.engine,
                                     items.back().text.engine, limit.engine);
    }
    return made;
  }
  std::vector<Item> shown;
  const size_t count = ranked.scope.size() - (choices_.chance(50) ? 1 : 0);
  for (size_t c = 0; c < count; ++c) shown.push_back({.text = ranked.scope[c].text, .type = ranked.scope[c].type});
  const Text limit = same(std::to_string(1 + choices_.below(3)));
  return select_of(shown, both("{} WHERE {} <= {}", {ranked.text, ranked.scope.back().text, limit}));
}

}  // namespace penstock::sqltest
