// Subqueries in expressions.
#include <utility>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

// What ties the rows of a subquery to the row of the query around it; empty when nothing does.
Text QueryGenerator::correlation(const Scope& inner, const Scope& outer) {
  std::vector<Text> parts;
  if (choices_.chance(70)) {
    const Expression& a = choices_.pick(inner);
    const Scope partners = expressions_.of_kind(outer, a.type.kind);
    if (!partners.empty()) {
      const Expression& b = choices_.pick(partners);
      if (a.type.kind != ValueKind::kDecimal || a.type.scale == b.type.scale) {
        note_time(a.type);
        parts.push_back(both(choices_.chance(15) ? "{} < {}" : "{} = {}", {a.text, b.text}));
      }
    }
  }
  if (choices_.chance(30)) parts.push_back(expressions_.condition(inner, 1));
  if (choices_.chance(12)) {
    Scope all = inner;
    all.insert(all.end(), outer.begin(), outer.end());
    for (const Expression& e : all) note_time(e.type);
    parts.push_back(expressions_.condition(all, 1));
  }
  return parts.empty() ? Text() : both(" WHERE {}", {joined(parts, " AND ")});
}

Text QueryGenerator::subquery_condition(const Scope& outer) {
  if (nesting_ >= kNestingMax || outer.empty()) return {};
  ++nesting_;
  const Source from = subquery_source();
  Text made;
  switch (choices_.below(4)) {
    case 0:
    case 1: {
      const Text tie = correlation(from.scope, outer);
      made = both(choices_.chance(40) ? "NOT EXISTS (SELECT 1 FROM {}{})" : "EXISTS (SELECT 1 FROM {}{})",
                  {from.text, tie});
      break;
    }
    case 2: {
      const Expression left = choices_.pick(outer);
      note_time(left.type);
      const Expression right = expressions_.value(from.scope, left.type, 1);
      Text tie;
      if (choices_.chance(30)) tie = correlation(from.scope, outer);
      made = both(choices_.chance(40) ? "({} NOT IN (SELECT {} FROM {}{}))" : "({} IN (SELECT {} FROM {}{}))",
                  {left.text, right.text, from.text, tie});
      break;
    }
    default: {
      const Item aggregated = aggregate(from.scope);
      const Text tie = correlation(from.scope, outer);
      const Expression left = expressions_.value(outer, aggregated.type, 0);
      made = both("({} >= (SELECT {} FROM {}{}))", {left.text, aggregated.text, from.text, tie});
      break;
    }
  }
  --nesting_;
  return made;
}

QueryGenerator::Source QueryGenerator::subquery_source() {
  if (choices_.chance(75)) return relation(pick_relation());
  return choices_.chance(50) ? named(select(0)) : join(1);
}

QueryGenerator::Item QueryGenerator::scalar_subquery(const Scope& outer) {
  ++nesting_;
  const Source from = subquery_source();
  Item made = aggregate(from.scope);
  const bool first_row = choices_.chance(35);
  if (first_row) {  // the order's first column decides the value alone
    const Expression value = choices_.pick(from.scope);
    made = {.text = value.text, .type = value.type};
  }
  Text tie = correlation(from.scope, outer);
  --nesting_;
  if (first_row) tie += both(choices_.chance(50) ? " ORDER BY {} DESC LIMIT 1" : " ORDER BY {} LIMIT 1", {made.text});
  made.text = both("(SELECT {} FROM {}{})", {made.text, from.text, tie});
  return made;
}

}  // namespace penstock::sqltest
