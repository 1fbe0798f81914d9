#include "exec/operators/net_changes.h"

#include <optional>
#include <utility>

#include "base/state_memory.h"
#include "exec/operators/row_counts.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::RowOp;

class NetChanges : public Operator {
 public:
  explicit NetChanges(std::vector<types::DataType> types) : types_(std::move(types)) {}

  Status process(int /*port*/, const ChangeBatch& batch, Output& /*out*/) override {
    if (!counts_ && batch.append_only()) {
      held_.push_back(batch);
      held_bytes_.set(held_bytes_.bytes() + batch.bytes_with_texts());
      return {};
    }
    if (!counts_) {
      counts_.emplace(types_);
      for (const ChangeBatch& held : held_) count(held);
      forget_held();
    }
    count(batch);
    return {};
  }

  Result<Progress> on_barrier(Epoch /*epoch*/, Output& out) override {
    if (!counts_) {
      if (next_held_ < held_.size()) out.emit(std::move(held_[next_held_++]));
      if (next_held_ < held_.size()) return Progress::kMore;
      forget_held();
      return Progress::kDone;
    }
    if (!sorted_) sort();
    for (auto [rows, op] : {std::pair(&gone_, RowOp::kDelete), std::pair(&come_, RowOp::kInsert)}) {
      if (rows->empty()) continue;
      const std::vector<std::byte*>& taken = rows->take();
      out.emit(counts_->rows(taken, std::make_shared<columnar::RowOps>(taken.size(), op)));
      if (!gone_.empty() || !come_.empty()) return Progress::kMore;
    }
    counts_.reset();
    order_.clear();
    sorted_ = false;
    return Progress::kDone;
  }

 private:
  void forget_held() {
    held_.clear();
    next_held_ = 0;
    held_bytes_.set(0);
  }

  void count(const ChangeBatch& batch) {
    for (std::byte* entry : counts_->add(batch)) {
      if (!std::exchange(RowCounts::at(entry).marked, true)) order_.push_back(entry);
    }
  }

  // What leaves is taken from the end.
  void sort() {
    for (auto entry = order_.rbegin(); entry != order_.rend(); ++entry) {
      const int64_t count = RowCounts::at(*entry).count;
      gone_.add(*entry, -count);
      come_.add(*entry, count);
    }
    sorted_ = true;
  }

  const std::vector<types::DataType> types_;
  std::vector<ChangeBatch> held_;  // as long as none takes a row back
  size_t next_held_ = 0;
  StateBytes held_bytes_;
  std::optional<RowCounts> counts_;
  StateVector<std::byte*> order_;  // entries as they came first
  bool sorted_ = false;
  RepeatedRows gone_;
  RepeatedRows come_;
};

}  // namespace

std::unique_ptr<Operator> make_net_changes(std::vector<types::DataType> types) {
  return std::make_unique<NetChanges>(std::move(types));
}

}  // namespace penstock::exec
