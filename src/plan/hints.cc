#include "plan/hints.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "sql/keywords.h"

namespace penstock::plan {
namespace {

constexpr std::string_view kOptions = "OPTIONS";

// Of a hint behind a table's name.
Status check_name(const sql::Hint& hint) {
  const std::string name = sql::to_upper(hint.name.text);
  if (name == kOptions) return {};
  std::vector<std::string> known{std::string(kStateTtlHint), std::string(kLookupHint)};
  known.insert(known.end(), std::begin(kJoinHints), std::end(kJoinHints));
  if (std::ranges::find(known, name) != known.end()) {
    return invalid_argument("the hint {} stands behind SELECT", name).at(hint.name.position.offset);
  }
  known.emplace_back(kOptions);
  std::string suggestion = did_you_mean(name, known);
  if (suggestion.empty()) {
    suggestion =
        "behind a table's name stands /*+ OPTIONS('key' = 'value') */, behind SELECT /*+ STATE_TTL('name' = '1 d') */ "
        "or /*+ LOOKUP('table' = 'name') */";
  }
  return not_found("there is no hint {}", hint.name.text).at(hint.name.position.offset).hint(std::move(suggestion));
}

Status add_options(const sql::Hint& hint, catalog::Options& options) {
  for (const sql::Option& option : hint.arguments) {
    const uint32_t at = option.position.offset;
    if (catalog::find_option(options, option.key) != nullptr) {
      return invalid_argument("option '{}' is given twice", option.key).at(at);
    }
    if (option.key == "connector") return invalid_argument("a hint cannot change the connector").at(at);
    options.emplace_back(option.key, option.value);
  }
  return {};
}

}  // namespace

Status refuse_hints(const std::vector<sql::Hint>& hints) {
  if (hints.empty()) return {};
  PENSTOCK_TRY(check_name(hints.front()));
  return invalid_argument("the hint OPTIONS stands behind a table's name").at(hints.front().name.position.offset);
}

Result<HintedTable> apply_hints(const catalog::EntryPtr& entry, const std::vector<sql::Hint>& hints,
                                const PlanContext& context) {
  HintedTable hinted{.entry = entry, .options = {}};
  if (hints.empty()) return hinted;
  for (const sql::Hint& hint : hints) {
    PENSTOCK_TRY(check_name(hint));
    PENSTOCK_TRY(add_options(hint, hinted.options));
  }
  const uint32_t at = hints.front().name.position.offset;
  if (entry->table() == nullptr || entry->table()->is_native()) {
    return invalid_argument("{} is a {}, which has no options", entry->plain_name(),
                            entry->table() != nullptr ? "table without a connector" : entry->kind_name())
        .at(at);
  }
  catalog::Entry changed = *entry;
  catalog::Options& options = std::get<catalog::Table>(changed.definition).options;
  for (const auto& [key, value] : hinted.options) {
    const auto known = std::ranges::find(options, key, &catalog::Options::value_type::first);
    if (known == options.end()) {
      options.emplace_back(key, value);
    } else {
      known->second = value;
    }
  }
  if (context.check_table) {
    Status valid = context.check_table(changed);
    if (!valid) return Error(valid.error()).at(at);
  }
  hinted.entry = std::make_shared<const catalog::Entry>(std::move(changed));
  return hinted;
}

}  // namespace penstock::plan
