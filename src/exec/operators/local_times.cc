#include "exec/operators/local_times.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace penstock::exec {

using columnar::Column;
using columnar::ColumnPtr;

ColumnPtr LocalTimes::of(const ColumnPtr& times) {
  if (!clock_ || times->type().kind() != types::TypeKind::kTimestampLtz) return times;
  const auto moments = times->values<int64_t>();
  std::vector<int64_t> local(moments.begin(), moments.end());
  for (int64_t& time : local) {
    // What is further away is in no window.
    if (types::in_window_range(time)) time = clock_->to_local(time);
  }
  const auto nulls = times->nulls();
  return std::make_shared<Column>(types::window_bound_type(times->type()), std::move(local),
                                  std::vector<uint8_t>(nulls.begin(), nulls.end()));
}

}  // namespace penstock::exec
