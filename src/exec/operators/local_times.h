// The times of rows, and watermarks, as windows count them: in the local time of the windows' zone.
#pragma once

#include <optional>

#include "base/time.h"
#include "columnar/column.h"
#include "types/time_zone.h"
#include "types/window.h"

namespace penstock::exec {

// Owned by one operator. Where windows are over a TIMESTAMP, or in UTC, everything stays as it is.
class LocalTimes {
 public:
  explicit LocalTimes(const types::Window& window) : zone_(window.zone) {
    if (zone_ != nullptr && !zone_->is_utc()) clock_.emplace(*zone_);
  }

  // A column of moments as local times; a TIMESTAMP is local already.
  columnar::ColumnPtr of(const columnar::ColumnPtr& times);
  EventTime of(EventTime watermark) const { return EventTime(types::local_watermark(zone_, watermark.value())); }

 private:
  const types::TimeZone* zone_;
  std::optional<types::LocalClock> clock_;
};

}  // namespace penstock::exec
