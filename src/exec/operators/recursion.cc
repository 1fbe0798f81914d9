#include "exec/operators/recursion.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "base/state_memory.h"
#include "state/group_table.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;

// Runs the fragments of a step: what one emits goes at once to those that read it.
class Step {
 public:
  using Take = std::function<Status(const ChangeBatch& batch)>;

  static Result<std::unique_ptr<Step>> make(const std::vector<FragmentSpec>& specs, Take take) {
    auto step = std::make_unique<Step>();
    step->take_ = std::move(take);
    step->fragments_ = std::vector<Fragment>(specs.size());
    for (size_t i = 0; i < specs.size(); ++i) {
      Fragment& fragment = step->fragments_[i];
      for (const auto& make_operator : specs[i].chain) fragment.chain.push_back(PENSTOCK_TRY(make_operator(0)));
      for (size_t stage = 0; stage <= fragment.chain.size(); ++stage) fragment.outputs.emplace_back(*step, i, stage);
      for (size_t port = 0; port < specs[i].inputs.size(); ++port) {
        const auto from = static_cast<size_t>(specs[i].inputs[port].from);
        step->fragments_[from].readers.push_back({.fragment = i, .port = static_cast<int>(port)});
      }
    }
    return step;
  }

  // Rows of a fragment that has none of its own.
  Status feed(size_t fragment, const ChangeBatch& batch) {
    fragments_[fragment].outputs.front().emit(batch);
    return std::exchange(status_, {});
  }

  // All rows so far have come: operators emit what they have held back.
  Status finish_epoch() {
    ++epoch_;
    for (Fragment& fragment : fragments_) {
      for (size_t stage = 0; stage < fragment.chain.size(); ++stage) {
        while (PENSTOCK_TRY(fragment.chain[stage]->on_barrier(epoch_, fragment.outputs[stage + 1])) ==
               Progress::kMore) {
          PENSTOCK_TRY(status_);
        }
        PENSTOCK_TRY(std::exchange(status_, {}));
      }
    }
    return {};
  }

 private:
  // In front of the operator of that stage; behind the last one.
  class StageInput : public Output {
   public:
    StageInput(Step& step, size_t fragment, size_t stage) : step_(step), fragment_(fragment), stage_(stage) {}
    void emit(ChangeBatch batch) override {
      if (!batch.empty() && step_.status_) step_.status_ = step_.pass(fragment_, stage_, 0, batch);
    }

   private:
    Step& step_;
    const size_t fragment_;
    const size_t stage_;
  };
  struct Reader {
    size_t fragment;
    int port;
  };
  struct Fragment {
    std::vector<std::unique_ptr<Operator>> chain;
    std::deque<StageInput> outputs;  // one more than operators
    std::vector<Reader> readers;     // none: it is the last one
  };

  Status pass(size_t number, size_t stage, int port, const ChangeBatch& batch) {
    Fragment& fragment = fragments_[number];
    if (stage < fragment.chain.size()) {
      Operator& op = *fragment.chain[stage];
      StageInput& out = fragment.outputs[stage + 1];
      PENSTOCK_TRY(op.process(port, batch, out));
      while (op.unfinished() && status_) PENSTOCK_TRY(op.resume(out));
      return status_;
    }
    if (fragment.readers.empty()) return take_(batch);
    for (const Reader& reader : fragment.readers) PENSTOCK_TRY(pass(reader.fragment, 0, reader.port, batch));
    return {};
  }

  std::vector<Fragment> fragments_;
  Take take_;
  Epoch epoch_;
  Status status_;  // of what has been emitted in the call that runs
};

class Recursion : public Operator {
 public:
  explicit Recursion(RecursionOptions options) : options_(std::move(options)) {
    if (!options_.all) known_.emplace(types_of(options_.schema), state::PayloadLayout{.bytes = sizeof(bool)});
  }

  Status open() {
    step_ = PENSTOCK_TRY(Step::make(options_.step, [this](const ChangeBatch& batch) { return add(batch); }));
    return {};
  }

  Status process(int port, const ChangeBatch& batch, Output& /*out*/) override {
    return port == 0 ? add(batch) : feed(port, batch);
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    if (watermark < kMaxEventTime || finished_) return Progress::kDone;
    if (next_ < last_.size()) {
      const ChangeBatch batch = std::move(last_[next_++]);
      out.emit(batch);
      PENSTOCK_TRY(feed(0, batch));
      return Progress::kMore;
    }
    PENSTOCK_TRY(step_->finish_epoch());
    last_ = std::exchange(found_, {});
    next_ = 0;
    counted_.set(std::exchange(found_bytes_, 0));
    finished_ = last_.empty();
    if (finished_) return Progress::kDone;
    if (++steps_ > options_.steps.max) return too_many(options_.steps, "steps");
    return Progress::kMore;
  }

 private:
  Status feed(int port, const ChangeBatch& batch) {
    for (size_t fragment = 0; fragment < options_.step.size(); ++fragment) {
      if (options_.ports[fragment] == port) PENSTOCK_TRY(step_->feed(fragment, batch));
    }
    return {};
  }

  // Rows that have been found; those that are known already do not count, without ALL.
  Status add(const ChangeBatch& batch) {
    if (!batch.append_only()) return make_error(ErrorCode::kInternal, "a recursive query takes only inserts");
    ChangeBatch fresh = known_ ? without_known(batch) : batch;
    rows_ += static_cast<int64_t>(fresh.rows());
    if (rows_ > options_.rows.max) return too_many(options_.rows, "rows");
    if (fresh.empty()) return {};
    found_bytes_ += fresh.bytes_with_texts();
    counted_.set(counted_.bytes() + fresh.bytes_with_texts());
    found_.push_back(std::move(fresh));
    return {};
  }

  ChangeBatch without_known(const ChangeBatch& batch) {
    known_->find_or_insert(batch.columns(), batch.rows(), groups_);
    columnar::Selection fresh;
    for (size_t row = 0; row < batch.rows(); ++row) {
      bool& known = *reinterpret_cast<bool*>(groups_[row]);  // a new group's is false
      if (!std::exchange(known, true)) fresh.push_back(static_cast<uint16_t>(row));
    }
    return batch.take(fresh);
  }

  static Error too_many(const RecursionOptions::Limit& limit, std::string_view what) {
    return make_error(ErrorCode::kResourceExhausted, "a recursive query has come to more than {} {}, the limit {}",
                      limit.max, what, limit.setting)
        .hint(fmt::format("it may never end: bound it by a condition, or say UNION without ALL; or SET '{}' higher",
                          limit.setting));
  }

  const RecursionOptions options_;
  std::unique_ptr<Step> step_;
  std::optional<state::GroupTable> known_;  // all rows so far
  std::vector<std::byte*> groups_;
  std::vector<ChangeBatch> last_;   // those that go through the step
  size_t next_ = 0;                 // the next of them
  std::vector<ChangeBatch> found_;  // what follows from them
  size_t found_bytes_ = 0;
  StateBytes counted_;  // of both
  int64_t steps_ = 0;
  int64_t rows_ = 0;
  bool finished_ = false;
};

}  // namespace

Result<std::unique_ptr<Operator>> make_recursion(RecursionOptions options) {
  auto recursion = std::make_unique<Recursion>(std::move(options));
  PENSTOCK_TRY(recursion->open());
  return std::unique_ptr<Operator>(std::move(recursion));
}

}  // namespace penstock::exec
