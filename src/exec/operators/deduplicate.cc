#include "exec/operators/deduplicate.h"

#include <functional>
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

// Keys that one call at a watermark forgets.
constexpr size_t kKeysPerCall = size_t{1} << 15;

class Deduplicate : public Operator {
 public:
  explicit Deduplicate(DeduplicateOptions options)
      : options_(std::move(options)), known_(types_of(options_.schema, options_.keys), {.bytes = sizeof(bool)}) {}

  Status process(int /*port*/, const ChangeBatch& all, Output& out) override {
    if (!all.append_only()) return make_error(ErrorCode::kInternal, "rows without repetitions are only inserts");
    const ChangeBatch batch = options_.drops_late ? without_late(all, times_of(all), watermark_, options_.late) : all;
    known_.find_or_insert(batch.columns_at(options_.keys), batch.rows(), groups_);
    columnar::Selection first;
    for (size_t row = 0; row < batch.rows(); ++row) {
      auto& is_known = *reinterpret_cast<bool*>(groups_[row]);
      if (is_known) continue;
      is_known = true;
      first.push_back(static_cast<uint16_t>(row));
      // An input that ends is remembered to its end.
      if (options_.drops_late) forgotten_at_.push({end_of(times_of(batch).values<int64_t>()[row]), groups_[row]});
    }
    if (first.size() == batch.rows()) {
      if (!batch.empty()) out.emit(batch);
    } else if (!first.empty()) {
      out.emit(batch.take(first));
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    watermark_ = watermark;
    for (size_t keys = 0; !forgotten_at_.empty() && forgotten_at_.top().first <= watermark.value(); ++keys) {
      if (keys == kKeysPerCall) return Progress::kMore;
      known_.erase(forgotten_at_.top().second);
      forgotten_at_.pop();
    }
    return Progress::kDone;
  }

 private:
  const columnar::Column& times_of(const ChangeBatch& batch) const {
    return *batch.column(static_cast<size_t>(options_.time_column));
  }
  int64_t end_of(int64_t time) const { return add_saturating(time, options_.within_us); }

  const DeduplicateOptions options_;
  state::GroupTable known_;  // of whether a row of the key has come out; a new group's is false
  std::priority_queue<TimeOfGroup, StateVector<TimeOfGroup>, std::greater<>> forgotten_at_;
  EventTime watermark_ = kMinEventTime;
  std::vector<std::byte*> groups_;  // of the batch at hand
};

}  // namespace

std::unique_ptr<Operator> make_deduplicate(DeduplicateOptions options) {
  return std::make_unique<Deduplicate>(std::move(options));
}

}  // namespace penstock::exec
