// Hints of a SELECT: /*+ STATE_TTL('orders' = '1 d', ...), LOOKUP('table' = 'customers', ...), BROADCAST(items) */.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.h"
#include "base/suggest.h"
#include "plan/binder.h"
#include "plan/hints.h"
#include "plan/state_ttl.h"
#include "sql/keywords.h"

namespace penstock::plan {

namespace {

Status add_state_ttls(const sql::Hint& hint, std::vector<StateTtlHint>& bound) {
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
  return {};
}

// --- LOOKUP, as Flink has it: look-ups are in memory here, so that what it says has no effect ---

struct LookupOption {
  std::string_view name;
  std::string_view values;  // what it takes, for errors
  bool (*takes)(std::string_view value);
};

bool is_duration(std::string_view value) { return !value.empty() && parse_duration_us(value).has_value(); }
bool is_boolean(std::string_view value) { return value == "true" || value == "false"; }

constexpr LookupOption kLookupOptions[] = {
    {"table", "the name of a table in FROM", [](std::string_view value) { return !value.empty(); }},
    {"async", "true or false", is_boolean},
    {"output-mode", "ordered or allow_unordered",
     [](std::string_view value) { return value == "ordered" || value == "allow_unordered"; }},
    {"capacity", "a number from 1 on", is_count},
    {"timeout", "a duration such as '300 s'", is_duration},
    {"retry-predicate", "lookup_miss", [](std::string_view value) { return value == "lookup_miss"; }},
    {"retry-strategy", "fixed_delay", [](std::string_view value) { return value == "fixed_delay"; }},
    {"fixed-delay", "a duration such as '10 s'", is_duration},
    {"max-attempts", "a number from 1 on", is_count},
    {"shuffle", "true or false", is_boolean},
};
constexpr std::string_view kRetryOptions[] = {"retry-predicate", "retry-strategy", "fixed-delay", "max-attempts"};

Status check_lookup_option(const sql::Option& argument) {
  const auto* known = std::ranges::find(kLookupOptions, argument.key, &LookupOption::name);
  if (known != std::end(kLookupOptions)) {
    if (known->takes(argument.value)) return {};
    return invalid_argument("LOOKUP: '{}' is {}, not '{}'", known->name, known->values, argument.value)
        .at(argument.position.offset);
  }
  std::vector<std::string> names;
  for (const LookupOption& option : kLookupOptions) names.emplace_back(option.name);
  return not_found("LOOKUP has no option '{}'", argument.key)
      .at(argument.position.offset)
      .hint(did_you_mean(argument.key, names));
}

Result<LookupHint> bind_lookup(const sql::Hint& hint) {
  const auto find = [&](std::string_view key) { return std::ranges::find(hint.arguments, key, &sql::Option::key); };
  for (const sql::Option& argument : hint.arguments) {
    PENSTOCK_TRY(check_lookup_option(argument));
    if (find(argument.key)->position.offset != argument.position.offset) {
      return invalid_argument("LOOKUP has '{}' twice", argument.key).at(argument.position.offset);
    }
  }
  const auto table = find("table");
  if (table == hint.arguments.end()) {
    return invalid_argument("LOOKUP needs the name of a table: 'table' = 'customers'").at(hint.name.position.offset);
  }
  const auto given = std::ranges::count_if(kRetryOptions, [&](auto key) { return find(key) != hint.arguments.end(); });
  if (given > 0 && given < std::ssize(kRetryOptions)) {
    return invalid_argument("LOOKUP: retries need all of {}", fmt::join(kRetryOptions, ", "))
        .at(hint.name.position.offset);
  }
  return LookupHint{.name = table->value, .position = table->position};
}

std::string_view name_in_from(const sql::TableReference& table) {
  if (table.alias) return table.alias->name.text;
  const auto* named = std::get_if<sql::NamedTable>(&table.node);
  return named == nullptr ? std::string_view() : named->name.parts.back().text;
}

// By its name in FROM, or the one that it has there otherwise, as Flink takes both.
bool is_called(const sql::TableReference& table, std::string_view name) {
  const auto* named = std::get_if<sql::NamedTable>(&table.node);
  return sql::equal_ignoring_case(name, name_in_from(table)) ||
         (named != nullptr && sql::equal_ignoring_case(name, named->name.parts.back().text));
}

bool has_table(const sql::TableReference& table, std::string_view name) {
  const auto* join = std::get_if<sql::Join>(&table.node);
  if (join == nullptr) return is_called(table, name);
  return has_table(*join->left, name) || has_table(*join->right, name);
}

Status check_join_hint(const sql::Hint& hint, const sql::Select& select) {
  const std::string kind = sql::to_upper(hint.name.text);
  for (const sql::Option& argument : hint.arguments) {
    const uint32_t at = argument.position.offset;
    if (!argument.value.empty()) return invalid_argument("{} takes the names of tables", kind).at(at);
    const auto has = [&](const sql::TableReference& table) { return has_table(table, argument.key); };
    if (std::ranges::any_of(select.from, has)) continue;
    return invalid_argument("{} names {}, and this SELECT reads no table of that name", kind, argument.key).at(at);
  }
  return {};
}

}  // namespace

Result<Binder::SelectHints> Binder::bind_hints(const sql::Select& select) {
  SelectHints bound;
  for (const sql::Hint& hint : select.hints) {
    const std::string name = sql::to_upper(hint.name.text);
    if (name == kStateTtlHint) {
      PENSTOCK_TRY(add_state_ttls(hint, bound.state_ttls));
    } else if (name == kLookupHint) {
      bound.lookups.push_back(PENSTOCK_TRY(bind_lookup(hint)));
    } else if (std::ranges::find(kJoinHints, name) != std::end(kJoinHints)) {
      PENSTOCK_TRY(check_join_hint(hint, select));
    } else {
      PENSTOCK_TRY(refuse_hints({hint}));
    }
  }
  return bound;
}

void Binder::use_lookup_hint(const sql::TableReference& table) {
  for (LookupHint& hint : hints_.lookups) hint.used = hint.used || is_called(table, hint.name);
}

StateTtlHint* Binder::find_state_ttl(const sql::TableReference& table) {
  const std::string_view name = name_in_from(table);
  const auto found = std::ranges::find_if(
      hints_.state_ttls, [&](const StateTtlHint& hint) { return sql::equal_ignoring_case(hint.name, name); });
  return found == hints_.state_ttls.end() ? nullptr : &*found;
}

LogicalPtr Binder::with_join_hints(LogicalPtr join, const sql::TableReference* left, const sql::TableReference& right) {
  if (hints_.state_ttls.empty()) return join;
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
  const auto lookup = std::ranges::find(hints_.lookups, false, &LookupHint::used);
  if (lookup != hints_.lookups.end()) {
    return invalid_argument("LOOKUP names {}, and this SELECT looks up no table of that name", lookup->name)
        .at(lookup->position.offset)
        .hint("it is for a table that is joined FOR SYSTEM_TIME AS OF a PROCTIME()");
  }
  const auto unused = std::ranges::find(hints_.state_ttls, false, &StateTtlHint::used);
  if (unused == hints_.state_ttls.end()) return {};
  return invalid_argument("STATE_TTL names {}, and this SELECT neither joins nor groups anything of that name",
                          unused->name)
      .at(unused->position.offset)
      .hint("it takes the names of tables and queries in FROM");
}

}  // namespace penstock::plan
