#include "exec/operators/deduplicate.h"

#include <absl/container/inlined_vector.h>

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

// The times of a key's rows that have come out, ascending, each at least the interval behind the one before it. Most
// keys have one.
using Times = absl::InlinedVector<int64_t, 2, StateAllocator<int64_t>>;

Times& times_at(std::byte* group) { return *reinterpret_cast<Times*>(group); }

constexpr state::PayloadLayout kTimesLayout = {
    .bytes = sizeof(Times),
    .init = [](void*, std::byte* payload) { new (payload) Times(); },
    .destroy = [](void*, std::byte* payload) { std::destroy_at(&times_at(payload)); }};

class Deduplicate : public Operator {
 public:
  explicit Deduplicate(DeduplicateOptions options)
      : options_(std::move(options)), known_(types_of(options_.schema, options_.keys), kTimesLayout) {}

  Status process(int /*port*/, const ChangeBatch& all, Output& out) override {
    if (!all.append_only()) return make_error(ErrorCode::kInternal, "rows without repetitions are only inserts");
    // Of an input that ends, this leaves out the rows without a time: nothing else is at or behind the first watermark.
    const ChangeBatch batch = without_late(all, times_of(all), watermark_, options_.late);
    if (batch.empty()) return {};
    known_.find_or_insert(batch.columns_at(options_.keys), batch.rows(), groups_);
    const auto times = times_of(batch).values<int64_t>();
    columnar::Selection first;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (add(groups_[row], times[row])) first.push_back(static_cast<uint16_t>(row));
    }
    if (first.size() == batch.rows()) {
      out.emit(batch);
    } else if (!first.empty()) {
      out.emit(batch.take(first));
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    watermark_ = watermark;
    for (size_t keys = 0; !forgotten_at_.empty() && forgotten_at_.top().first <= watermark.value(); ++keys) {
      if (keys == kKeysPerCall) return Progress::kMore;
      std::byte* const group = forgotten_at_.top().second;
      forgotten_at_.pop();
      forget(group);
    }
    return Progress::kDone;
  }

 private:
  const columnar::Column& times_of(const ChangeBatch& batch) const {
    return *batch.column(static_cast<size_t>(options_.time_column));
  }
  int64_t end_of(int64_t time) const { return add_saturating(time, options_.within_us); }

  // Whether a row of the group comes out; its time is remembered then.
  bool add(std::byte* group, int64_t time) {
    Times& times = times_at(group);
    const auto after = std::ranges::upper_bound(times, time);
    if (after != times.end() && *after < end_of(time)) return false;
    if (after != times.begin() && time < end_of(*(after - 1))) return false;
    // An input that ends is remembered to its end. A time before the others is forgotten with them.
    if (times.empty() && options_.drops_late) forgotten_at_.push({end_of(time), group});
    times.insert(after, time);
    return true;
  }

  // Forgets the times of a group to which every row to come, being in front of the watermark, has its distance.
  void forget(std::byte* group) {
    Times& times = times_at(group);
    const auto kept = std::ranges::find_if(times, [&](int64_t time) { return end_of(time) > watermark_.value(); });
    times.erase(times.begin(), kept);
    if (times.empty()) {
      known_.erase(group);
    } else {
      forgotten_at_.push({end_of(times.front()), group});
    }
  }

  const DeduplicateOptions options_;
  state::GroupTable known_;  // of Times
  // When a group is next looked at: each is there once, at the end of one of its times.
  std::priority_queue<TimeOfGroup, StateVector<TimeOfGroup>, std::greater<>> forgotten_at_;
  EventTime watermark_ = kMinEventTime;
  std::vector<std::byte*> groups_;  // of the batch at hand
};

}  // namespace

std::unique_ptr<Operator> make_deduplicate(DeduplicateOptions options) {
  return std::make_unique<Deduplicate>(std::move(options));
}

}  // namespace penstock::exec
