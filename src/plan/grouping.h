// GROUP BY: its keys, and the sets of them that GROUPING SETS, ROLLUP and CUBE group by. Private to the module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "expr/expr.h"
#include "plan/logical.h"
#include "sql/query.h"
#include "types/window.h"

namespace penstock::plan {

struct FoundAggregate;

// Keys by their numbers.
using GroupingSet = std::vector<int>;

// TUMBLE(time, size) and the like as a key: the window that the groups are of.
struct GroupWindow {
  types::Window window;
  expr::ExprPtr time;      // over what is grouped
  sql::Position position;  // of the time

  bool same_window(const GroupWindow& other) const { return window == other.window && time->equals(*other.time); }
};

struct Grouping {
  std::vector<expr::ExprPtr> keys;
  std::vector<GroupingSet> sets = {{}};  // of an ordinary GROUP BY just one, with all keys
  std::optional<GroupWindow> window;     // its three columns are among the keys

  bool has_sets() const { return sets.size() > 1; }
};

// CUBE of 12 keys.
inline constexpr size_t kGroupingSetsMax = 4'096;
// Arguments of GROUPING(): bits of its result.
inline constexpr size_t kGroupingArgumentsMax = 63;
// What stands for the number of the set that a group is of, until the aggregation is planned.
inline constexpr size_t kGroupingSetColumn = size_t{1} << 31;

// What stands for start, end and time of the window of a GROUP BY, until the aggregation is planned: columns from this
// one on, by WindowAggregate::Property.
inline constexpr size_t kGroupWindowColumns = kGroupingSetColumn + 1;

// The sets that an element of GROUP BY stands for, `elements` being what is written in it.
Result<std::vector<GroupingSet>> grouping_sets(sql::GroupingKind kind, const std::vector<GroupingSet>& elements);
// Each of the sets with each of the others: what a comma between two elements means.
Result<std::vector<GroupingSet>> combine_sets(const std::vector<GroupingSet>& sets,
                                              const std::vector<GroupingSet>& others);

// GROUPING(keys): a bit per key, the last one lowest, that is 1 where the group's set has not that key.
Result<expr::ExprPtr> grouping_bits(const Grouping& grouping, const GroupingSet& keys);

// The aggregation of `input`. Output: the keys, then the calls, then the number of the set where there are several.
Result<LogicalPtr> make_aggregation(LogicalPtr input, const Grouping& grouping, std::vector<FoundAggregate> found);

}  // namespace penstock::plan
