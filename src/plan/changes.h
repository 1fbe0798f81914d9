// Where the rows of a plan are taken back, for errors of sinks that cannot take that.
#pragma once

#include <optional>
#include <string>

#include "plan/logical.h"
#include "plan/physical.h"

namespace penstock::plan {

// The plan with this place for all operators that have none yet; or, `again`, for all, as for those of a view where it
// is named.
LogicalPtr with_place(const LogicalPtr& plan, uint32_t written_at, bool again = false);

// The operator that makes a plan take rows back which it gave before.
struct ChangeCause {
  std::string what;    // "this aggregate changes its groups as rows come"
  std::string remedy;  // what to write instead; may be empty
  WrittenAt written_at;
};
// The first one from the root; nullopt for a plan that only appends.
std::optional<ChangeCause> cause_of_changes(const PhysicalNode& root);

}  // namespace penstock::plan
