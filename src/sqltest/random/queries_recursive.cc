// WITH RECURSIVE, over what is there: there are no views of it.
#include <fmt/format.h>

#include <string>

#include "sqltest/random/queries.h"

namespace penstock::sqltest {

namespace {

constexpr uint32_t kStepsMax = 3;

}  // namespace

// Numbers that lead to others, with how many steps away they are.
QueryGenerator::Select QueryGenerator::recursive() {
  bounded_ = true;
  nesting_ += kNestingMax;  // what follows from a row depends on no others
  const std::string name = "w" + std::to_string(aliases_++);
  const std::string all = choices_.chance(30) ? " ALL" : "";
  const Type number = {.kind = ValueKind::kInt, .wide = true, .bound = 1e6};
  const Source first = relation(pick_relation());
  const auto some_number = [&](const Scope& scope) {
    return expressions_.value(scope, {.kind = ValueKind::kInt, .wide = true}, 0).text;
  };
  const Text start =
      both("SELECT CAST({} AS BIGINT), 0 FROM {}{}", {some_number(first.scope), first.text, where(first.scope)});
  Text steps;
  const uint32_t steps_max = all.empty() ? kStepsMax : kStepsMax - 1;
  for (uint32_t count = 1 + (choices_.chance(25) ? 1 : 0); count > 0; --count) {
    const std::string here = alias();
    const Source next = relation(pick_relation());
    Scope both_sides = next.scope;
    both_sides.push_back({.text = same(here + ".a"), .type = number});
    const Text condition = choices_.chance(40) ? both(" AND {}", {expressions_.condition(both_sides, 1)}) : Text();
    steps += both(" UNION{} SELECT CAST({} AS BIGINT), {}.n + 1 FROM {} AS {} JOIN {} ON {}.a = {} WHERE {}.n < {}{}",
                  {same(all), some_number(next.scope), same(here), same(name), same(here), next.text, same(here),
                   some_number(next.scope), same(here), same(std::to_string(steps_max)), condition});
  }
  nesting_ -= kNestingMax;
  const std::string result = alias();
  const Scope scope = {{.text = same(result + ".a"), .type = number},
                       {.text = same(result + ".n"), .type = {.kind = ValueKind::kInt, .bound = 10}}};
  const Text from = same(fmt::format("{} AS {}", name, result));
  Select made;
  if (choices_.chance(50)) {
    const Item value = aggregate(scope);
    made = select_of({{.text = scope[1].text, .type = scope[1].type}, value},
                     both("{}{} GROUP BY {}", {from, where(scope), scope[1].text}));
  } else {
    const Expression value = expressions_.any_value(scope, 1);
    made = select_of({{.text = scope[0].text, .type = scope[0].type}, {.text = value.text, .type = value.type}},
                     both("{}{}", {from, where(scope)}));
  }
  made.text = both("WITH RECURSIVE {} (a, n) AS ({}{}) {}", {same(name), start, steps, made.text});
  return made;
}

}  // namespace penstock::sqltest
