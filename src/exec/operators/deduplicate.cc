#include "exec/operators/deduplicate.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <queue>
#include <utility>

#include "base/state_memory.h"
#include "exec/operators/add_saturating.h"
#include "exec/operators/partition_table.h"
#include "state/group_table.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;

// Keys that one call at a watermark looks at.
constexpr size_t kKeysPerCall = size_t{1} << 15;

// The watermark from which a key may come out again.
int64_t& free_at(std::byte* group) { return *reinterpret_cast<int64_t*>(group); }

constexpr int64_t kNew = kMinEventTime.value();

constexpr state::PayloadLayout kKeyLayout = {.bytes = sizeof(int64_t),
                                             .init = [](void*, std::byte* payload) { new (payload) int64_t(kNew); },
                                             .destroy = nullptr};

class Deduplicate : public Operator {
 public:
  explicit Deduplicate(DeduplicateOptions options)
      : options_(std::move(options)), known_(types_of(options_.schema, options_.keys), kKeyLayout) {}

  Status process(int /*port*/, const ChangeBatch& all, Output& out) override {
    if (!all.append_only()) return make_error(ErrorCode::kInternal, "rows without repetitions are only inserts");
    const ChangeBatch batch = in_time(all);
    if (batch.empty()) return {};
    known_.find_or_insert(batch.columns_at(options_.keys), batch.rows(), groups_);
    const auto times = column(batch, options_.time_column).values<int64_t>();
    const columnar::Column& watermarks = column(batch, options_.watermark_column);
    columnar::Selection first;
    for (size_t row = 0; row < batch.rows(); ++row) {
      int64_t& free = free_at(groups_[row]);
      const bool is_new = free == kNew;
      if (!is_new && free > watermark_of(watermarks, row)) continue;
      free = add_saturating(times[row], options_.within_us);
      if (is_new) forgotten_at_.push({free, groups_[row]});
      first.push_back(static_cast<uint16_t>(row));
    }
    if (first.size() == batch.rows()) {
      out.emit(batch);
    } else if (!first.empty()) {
      out.emit(batch.take(first));
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    watermark_ = watermark.value();
    for (size_t keys = 0; !forgotten_at_.empty() && forgotten_at_.top().first <= watermark.value(); ++keys) {
      if (keys == kKeysPerCall) return Progress::kMore;
      std::byte* const group = forgotten_at_.top().second;
      forgotten_at_.pop();
      if (free_at(group) <= watermark.value()) {
        known_.erase(group);
      } else {
        forgotten_at_.push({free_at(group), group});  // it has come out again since
      }
    }
    return Progress::kDone;
  }

 private:
  static const columnar::Column& column(const ChangeBatch& batch, int number) {
    return *batch.column(static_cast<size_t>(number));
  }
  // Where a split was idle, others may have gone on without it, and keys have been forgotten that its rows may repeat.
  int64_t watermark_of(const columnar::Column& watermarks, size_t row) const {
    return watermarks.is_null(row) ? watermark_ : std::max(watermark_, watermarks.values<int64_t>()[row]);
  }

  // The rows that are in front of their watermarks.
  ChangeBatch in_time(const ChangeBatch& batch) const {
    const columnar::Column& times = column(batch, options_.time_column);
    const columnar::Column& watermarks = column(batch, options_.watermark_column);
    columnar::Selection chosen;
    for (size_t i = 0; i < batch.rows(); ++i) {
      LateRow late{.row = static_cast<uint16_t>(i), .reason = LateReason::kBehindWatermark};
      const int64_t watermark = watermark_of(watermarks, i);
      if (times.is_null(i)) {
        late.reason = LateReason::kInNoWindow;
      } else if (times.values<int64_t>()[i] > watermark) {
        chosen.push_back(late.row);
        continue;
      }
      options_.late.add(batch, {&late, 1}, EventTime(watermark));
    }
    return chosen.size() == batch.rows() ? batch : batch.take(chosen);
  }

  const DeduplicateOptions options_;
  state::GroupTable known_;  // of free_at()
  // When a group is next looked at: each is there once, not behind its time.
  std::priority_queue<TimeOfGroup, StateVector<TimeOfGroup>, std::greater<>> forgotten_at_;
  int64_t watermark_ = kMinEventTime.value();
  std::vector<std::byte*> groups_;  // of the batch at hand
};

}  // namespace

std::unique_ptr<Operator> make_deduplicate(DeduplicateOptions options) {
  return std::make_unique<Deduplicate>(std::move(options));
}

}  // namespace penstock::exec
