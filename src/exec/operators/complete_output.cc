#include "exec/operators/complete_output.h"

#include <utility>

#include "exec/operators/row_counts.h"

namespace penstock::exec {

namespace {

class CompleteOutput : public Operator {
 public:
  explicit CompleteOutput(std::vector<types::DataType> types) : counts_(std::move(types)) {}

  Status process(int /*port*/, const columnar::ChangeBatch& batch, Output& /*out*/) override {
    counts_.add(batch);
    changed_ = true;
    return {};
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    if (!changed_) return Progress::kDone;
    if (!waiting_.empty()) {
      out.emit(counts_.rows(waiting_.take(), nullptr));
      return Progress::kMore;
    }
    if (counts_.next(position_, columnar::kBatchRowsMax, entries_)) {
      for (std::byte* entry : entries_) {
        const int64_t count = RowCounts::at(entry).count;
        if (count < 0) return make_error(ErrorCode::kInternal, "a row is deleted that is not there");
        count == 0 ? gone_.push_back(entry) : waiting_.add(entry, count);
      }
      return Progress::kMore;
    }
    for (std::byte* entry : gone_) counts_.erase(entry);
    gone_.clear();
    position_ = 0;
    changed_ = false;
    return Progress::kDone;
  }

 private:
  RowCounts counts_;
  bool changed_ = false;  // since the last barrier
  // At a barrier: how far it has come.
  size_t position_ = 0;
  std::vector<std::byte*> entries_;
  RepeatedRows waiting_;
  std::vector<std::byte*> gone_;
};

}  // namespace

std::unique_ptr<Operator> make_complete_output(std::vector<types::DataType> types) {
  return std::make_unique<CompleteOutput>(std::move(types));
}

}  // namespace penstock::exec
