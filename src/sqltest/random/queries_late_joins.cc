// Joins of two streams with late rows, which are run with one row after the other. To SQLite rows have numbers as they
// came, over both streams, and each knows the watermark of both before it.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

namespace {

using Streams = std::pair<const Relation*, const Relation*>;

const std::vector<const char*> kKinds = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"};

// One of them as SQLite sees it.
std::string numbered_rows(const Relation& stream, const Streams& both) {
  const auto watermark = [](const Relation& of) {
    return fmt::format("(SELECT MAX(o.ts) - {} FROM {} AS o WHERE o.rowid < q.rowid)", of.watermark_delay_ms, of.name);
  };
  return fmt::format("(SELECT *, q.rowid AS number, MIN({}, {}) AS watermark FROM {} AS q)", watermark(*both.first),
                     watermark(*both.second), stream.name);
}

std::string alias_of(const Text& from) { return from.sqlite.substr(from.sqlite.rfind(' ') + 1); }

}  // namespace

QueryGenerator::Select QueryGenerator::late_join(const Relation& stream) {
  std::vector<const Relation*> others;
  for (const std::vector<Relation>* relations : {&relations_, &late_streams_}) {
    for (const Relation& other : *relations) {
      if (other.stream && !other.local && other.partitions == 1 && other.name != stream.name) others.push_back(&other);
    }
  }
  if (others.empty() || large_) return late_over(stream);
  const Relation& other = *choices_.pick(others);
  note_read(other);
  row_by_row_ = true;
  const bool swapped = choices_.chance(50);
  const Relation& left = swapped ? other : stream;
  const Relation& right = swapped ? stream : other;
  Source from;
  switch (choices_.below(3)) {
    case 0: from = late_interval_join(left, right); break;
    case 1: from = late_window_join(left, right); break;
    default: from = late_temporal_join(left, right); break;
  }
  std::vector<Item> items;
  for (const Expression& e : from.scope) items.push_back({.text = e.text, .type = e.type});
  return select_of(items, from.text);
}

// Whichever row of a pair comes last meets the other one while that is kept, until the watermark reaches the last time
// of a partner.
QueryGenerator::Source QueryGenerator::late_interval_join(const Relation& left_stream, const Relation& right_stream) {
  const auto side = [&](const Relation& read) {
    const std::string name = alias();
    return Source{.text = {.engine = fmt::format("{} AS {}", read.name, name),
                           .sqlite = fmt::format("{} AS {}", numbered_rows(read, {&left_stream, &right_stream}), name)},
                  .scope = columns_of(read.columns, name + ".")};
  };
  Source left = side(left_stream);
  const Source right = side(right_stream);
  TimeCondition condition = interval_condition(left.scope, right.scope);
  condition.text.sqlite += fmt::format(
      " AND CASE WHEN {0}.number > {1}.number THEN {0}.watermark IS NULL OR {0}.watermark < {1}.ts - {2} "
      "ELSE {1}.watermark IS NULL OR {1}.watermark < {0}.ts + {3} END",
      alias_of(left.text), alias_of(right.text), condition.low_ms, condition.high_ms);
  left.text = both("{} {} {} ON {}", {left.text, same(choices_.pick(kKinds)), right.text, condition.text});
  add_side(left, right);
  return left;
}

// Rows of windows that have closed are dropped.
QueryGenerator::Source QueryGenerator::late_window_join(const Relation& left_stream, const Relation& right_stream) {
  const Window shape = random_window(kSession);
  const auto side = [&](const Relation& read) {
    const Text rows = {.engine = "TABLE " + read.name, .sqlite = numbered_rows(read, {&left_stream, &right_stream})};
    Source made = window_over(rows, same(kTimeColumn), read.columns, shape);
    made.text.sqlite = fmt::format("(SELECT * FROM {} WHERE watermark IS NULL OR watermark < window_end - 1) AS {}",
                                   made.text.sqlite, alias_of(made.text));
    return made;
  };
  Source left = side(left_stream);
  const Source right = side(right_stream);
  Text condition =
      both("{} = {} AND {} = {}", {left.scope[0].text, right.scope[0].text, left.scope[1].text, right.scope[1].text});
  if (choices_.chance(60)) {
    condition =
        both("{} AND {} = {}", {condition, same(alias_of(left.text) + ".k"), same(alias_of(right.text) + ".k")});
  }
  left.text = both("{} {} {} ON {}", {left.text, same(choices_.pick(kKinds)), right.text, condition});
  add_side(left, right);
  return left;
}

// A row that waits for the watermark meets versions that come until then, late ones too. A late row meets what is kept:
// of its key the version at the watermark, and later ones.
QueryGenerator::Source QueryGenerator::late_temporal_join(const Relation& left_stream, const Relation& right_stream) {
  const Streams streams = {&left_stream, &right_stream};
  const std::string l = alias();
  const std::string r = alias();
  const std::string kind = choices_.chance(60) ? "LEFT JOIN" : "JOIN";
  const std::string right_rows = numbered_rows(right_stream, streams);
  const std::string late = fmt::format("COALESCE({0}.watermark >= {0}.ts, FALSE)", l);
  const std::string last_kept =
      fmt::format("(SELECT MAX(o.ts) FROM {} AS o WHERE o.k = {}.k AND o.rowid < {}.number AND o.ts <= {}.watermark)",
                  right_stream.name, l, l, l);
  const std::string version = fmt::format(
      "(SELECT v.number FROM {0} AS v WHERE v.k = {1}.k AND v.ts <= {1}.ts AND CASE WHEN {2} THEN v.number < "
      "{1}.number "
      "AND v.ts >= {3} ELSE v.number < {1}.number OR v.watermark IS NULL OR v.watermark < {1}.ts END ORDER BY v.ts "
      "DESC, "
      "v.number DESC LIMIT 1)",
      right_rows, l, late, last_kept);
  return {.text = {.engine = fmt::format("{} AS {} {} {}{} FOR SYSTEM_TIME AS OF {}.ts AS {} ON {}.k = {}.k",
                                         left_stream.name, l, kind, right_stream.name,
                                         choices_.chance(50) ? kVersions : kLastRows, l, r, l, r),
                   .sqlite = fmt::format("{} AS {} {} {} AS {} ON {}.rowid = {}", numbered_rows(left_stream, streams),
                                         l, kind, right_stream.name, r, r, version)},
          .scope = [&] {
            Scope scope = columns_of(left_stream.columns, l + ".");
            const Scope right = columns_of(right_stream.columns, r + ".");
            scope.insert(scope.end(), right.begin(), right.end());
            return scope;
          }()};
}

}  // namespace penstock::sqltest
