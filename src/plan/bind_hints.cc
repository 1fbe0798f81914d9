// Hints of a SELECT: /*+ STATE_TTL('orders' = '1 d', ...) */.
#include <algorithm>

#include "base/quantity.h"
#include "plan/binder.h"
#include "plan/hints.h"
#include "plan/state_ttl.h"
#include "sql/keywords.h"

namespace penstock::plan {

Result<std::vector<StateTtlHint>> Binder::bind_hints(const std::vector<sql::Hint>& hints) {
  std::vector<StateTtlHint> bound;
  for (const sql::Hint& hint : hints) {
    if (!sql::equal_ignoring_case(hint.name.text, "STATE_TTL")) PENSTOCK_TRY(refuse_hints({hint}));
    for (const sql::Option& argument : hint.arguments) {
      std::optional<int64_t> ttl_us = parse_duration_us(argument.value);
      if (!ttl_us || argument.value.empty()) {
        return invalid_argument("STATE_TTL says for how long: 'name' = '1 d'").at(argument.position.offset);
      }
      const bool again = std::ranges::any_of(
          bound, [&](const StateTtlHint& one) { return sql::equal_ignoring_case(one.name, argument.key); });
      if (again) return invalid_argument("STATE_TTL names {} twice", argument.key).at(argument.position.offset);
      bound.push_back({.name = argument.key, .ttl_us = *ttl_us, .position = argument.position});
    }
  }
  return bound;
}

StateTtlHint* Binder::find_state_ttl(const sql::TableReference& table) {
  std::string_view name;
  if (table.alias) {
    name = table.alias->name.text;
  } else if (const auto* named = std::get_if<sql::NamedTable>(&table.node)) {
    name = named->name.parts.back().text;
  }
  const auto found = std::ranges::find_if(
      state_ttls_, [&](const StateTtlHint& hint) { return sql::equal_ignoring_case(hint.name, name); });
  return found == state_ttls_.end() ? nullptr : &*found;
}

LogicalPtr Binder::with_join_hints(LogicalPtr join, const sql::TableReference* left, const sql::TableReference& right) {
  if (state_ttls_.empty()) return join;
  StateTtlHint* const of_left = left == nullptr ? nullptr : find_state_ttl(*left);
  StateTtlHint* const of_right = find_state_ttl(right);
  if (of_left == nullptr && of_right == nullptr) return join;
  LogicalPtr hinted = with_join_ttl(join, of_left == nullptr ? StateTtl() : of_left->ttl_us,
                                    of_right == nullptr ? StateTtl() : of_right->ttl_us);
  if (hinted == nullptr) return join;
  for (StateTtlHint* hint : {of_left, of_right}) {
    if (hint != nullptr) hint->used = true;
  }
  return hinted;
}

LogicalPtr Binder::with_aggregate_hint(LogicalPtr aggregate, const sql::Select& select) {
  if (select.from.size() != 1) return aggregate;
  StateTtlHint* const hint = find_state_ttl(select.from.front());
  LogicalPtr hinted = hint == nullptr ? nullptr : with_aggregate_ttl(aggregate, hint->ttl_us);
  if (hinted == nullptr) return aggregate;
  hint->used = true;
  return hinted;
}

Status Binder::check_hints_used() const {
  const auto unused = std::ranges::find(state_ttls_, false, &StateTtlHint::used);
  if (unused == state_ttls_.end()) return {};
  return invalid_argument("STATE_TTL names {}, and this SELECT neither joins nor groups anything of that name",
                          unused->name)
      .at(unused->position.offset)
      .hint("it takes the names of tables and queries in FROM");
}

}  // namespace penstock::plan
