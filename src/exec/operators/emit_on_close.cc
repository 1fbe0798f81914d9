#include "exec/operators/emit_on_close.h"

#include <absl/container/btree_map.h>

#include <utility>

#include "exec/operators/row_counts.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;

class EmitOnClose : public Operator {
 public:
  explicit EmitOnClose(EmitOnCloseOptions options) : options_(std::move(options)), counts_(options_.types) {}

  Status process(int /*port*/, const ChangeBatch& given, Output& /*out*/) override {
    const ChangeBatch batch = options_.window.open_rows(given, closed_);
    if (batch.empty()) return {};
    const columnar::Column& times = options_.window.times(batch);
    const std::vector<std::byte*>& entries = counts_.add(batch);
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (std::exchange(RowCounts::at(entries[row]).marked, true)) continue;
      windows_[options_.window.last_moment(times, row)].push_back(entries[row]);
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& /*out*/) override {
    watermark_ = options_.window.passed_with(watermark);
    return Progress::kDone;
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    if (!waiting_.empty()) {
      out.emit(counts_.rows(waiting_.take(), nullptr));
      return Progress::kMore;
    }
    for (std::byte* entry : leaving_) counts_.erase(entry);
    leaving_.clear();
    if (windows_.empty() || windows_.begin()->first > watermark_.value()) {
      closed_ = watermark_;
      return Progress::kDone;
    }
    leaving_ = std::move(windows_.begin()->second);
    windows_.erase(windows_.begin());
    for (auto entry = leaving_.rbegin(); entry != leaving_.rend(); ++entry) {
      waiting_.add(*entry, RowCounts::at(*entry).count);
    }
    return Progress::kMore;
  }

 private:
  const EmitOnCloseOptions options_;
  RowCounts counts_;
  absl::btree_map<int64_t, std::vector<std::byte*>> windows_;  // rows by the last moment of their window
  EventTime watermark_ = kMinEventTime;
  EventTime closed_ = kMinEventTime;  // windows up to it are
  std::vector<std::byte*> leaving_;   // of the window that is being closed
  RepeatedRows waiting_;
};

}  // namespace

std::unique_ptr<Operator> make_emit_on_close(EmitOnCloseOptions options) {
  return std::make_unique<EmitOnClose>(std::move(options));
}

}  // namespace penstock::exec
