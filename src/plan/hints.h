// Hints: /*+ OPTIONS('key' = 'value', ...) */ behind a table's name; the names of those behind SELECT.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/entry.h"
#include "plan/planner.h"
#include "sql/query.h"

namespace penstock::plan {

inline constexpr std::string_view kStateTtlHint = "STATE_TTL";
inline constexpr std::string_view kLookupHint = "LOOKUP";
// How Flink is told to join the tables that they name. There is one way here, so that they have no effect.
inline constexpr std::string_view kJoinHints[] = {"BROADCAST", "SHUFFLE_HASH", "SHUFFLE_MERGE", "NEST_LOOP",
                                                  "MULTI_JOIN"};

// A table as one reference to it wants it: with the options of the hints in the place of its own. Fails for other
// hints, with the nearest name, and for options that the table's connector does not take.
struct HintedTable {
  catalog::EntryPtr entry;
  catalog::Options options;  // those of the hints
};
Result<HintedTable> apply_hints(const catalog::EntryPtr& entry, const std::vector<sql::Hint>& hints,
                                const PlanContext& context);

// Fails with the first one, where no hint is possible.
Status refuse_hints(const std::vector<sql::Hint>& hints);

}  // namespace penstock::plan
