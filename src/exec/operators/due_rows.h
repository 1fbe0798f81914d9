// Rows that wait for the watermark to reach their times.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <utility>

#include "base/state_memory.h"
#include "state/row_store.h"

namespace penstock::exec {

struct TimedRow {
  int64_t time = 0;
  state::RowId row = state::kNoRow;
  auto operator<=>(const TimedRow&) const = default;
};

// A queue by time. Rows far from being due lie in buckets of some time each, as they came; only the bucket that is
// next is in order, so a row costs about what it costs to write and read it.
class DueRows {
 public:
  void add(TimedRow row) {
    const int64_t bucket = row.time >> shift_;
    if (bucket <= opened_) {
      next_.push(row);
      return;
    }
    if (last_added_ == nullptr || bucket != last_bucket_) {
      if (later_.size() == kBucketsMax && !later_.contains(bucket)) {
        widen();
        add(row);
        return;
      }
      last_added_ = &later_[bucket];
      last_bucket_ = bucket;
    }
    last_added_->push_back(row);
  }

  // Whether there is a row up to a time; take() gives the first.
  bool has_due(int64_t last_time) {
    if (next_.empty() && !later_.empty() && later_.begin()->first <= last_time >> shift_) open_first();
    return !next_.empty() && next_.top().time <= last_time;
  }
  TimedRow take() {
    const TimedRow row = next_.top();
    next_.pop();
    return row;
  }

 private:
  using Rows = StateVector<TimedRow>;
  using InOrder = std::priority_queue<TimedRow, Rows, std::greater<>>;
  using Buckets = std::map<int64_t, Rows, std::less<>, StateAllocator<std::pair<const int64_t, Rows>>>;

  static constexpr size_t kBucketsMax = 256;

  void open_first() {
    const auto first = later_.begin();
    opened_ = first->first;
    next_ = InOrder({}, std::move(first->second));
    later_.erase(first);
    last_added_ = nullptr;
  }

  // Makes buckets twice as wide: twos become one.
  void widen() {
    ++shift_;
    opened_ >>= 1;
    Buckets narrow = std::exchange(later_, {});
    last_added_ = nullptr;
    for (auto& [bucket, rows] : narrow) {
      if (bucket >> 1 <= opened_) {
        for (const TimedRow& row : rows) next_.push(row);
        continue;
      }
      Rows& wide = later_[bucket >> 1];
      if (wide.empty()) {
        wide = std::move(rows);
      } else {
        wide.insert(wide.end(), rows.begin(), rows.end());
      }
    }
  }

  int shift_ = 10;              // a bucket's width is 2^shift_ us
  int64_t opened_ = INT64_MIN;  // the rows of buckets up to it are in next_
  InOrder next_;
  Buckets later_;
  Rows* last_added_ = nullptr;  // the bucket that got the last row
  int64_t last_bucket_ = 0;
};

}  // namespace penstock::exec
