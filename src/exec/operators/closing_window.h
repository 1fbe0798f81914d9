// Rows by whether the windows that they are in are closed, for operators that close them at a barrier.
#pragma once

#include <cstdint>
#include <optional>

#include "base/metrics.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "types/window.h"

namespace penstock::exec {

// Which column says in what window a row is: by its end, or by its last moment.
struct ClosingWindow {
  int column = 0;
  bool of_end = false;
  const types::TimeZone* zone = nullptr;  // of the windows; see types/window.h
  Counter* late_dropped = nullptr;        // may be null

  const columnar::Column& times(const columnar::ChangeBatch& batch) const {
    return *batch.column(static_cast<size_t>(column));
  }
  int64_t last_moment(const columnar::Column& times, size_t row) const {
    return times.values<int64_t>()[row] - (of_end ? types::kLastMomentUs : 0);
  }
  // The last moments that have passed with a watermark.
  EventTime passed_with(EventTime watermark) const {
    return of_end ? EventTime(types::local_watermark(zone, watermark.value())) : watermark;
  }
  // The rows whose windows are not closed, which are those up to `closed`. The others are counted.
  columnar::ChangeBatch open_rows(const columnar::ChangeBatch& batch, EventTime closed) const {
    const columnar::Column& of_rows = times(batch);
    columnar::Selection chosen;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (of_rows.is_null(row) || last_moment(of_rows, row) <= closed.value()) continue;
      chosen.push_back(static_cast<uint16_t>(row));
    }
    if (chosen.size() == batch.rows()) return batch;
    if (late_dropped != nullptr) late_dropped->add(batch.rows() - chosen.size());
    return batch.take(chosen);
  }
};

}  // namespace penstock::exec
