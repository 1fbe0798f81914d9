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

// What a call does of a step until others have their turn: so many batches through one operator each.
constexpr int kPiecesPerCall = 16;

// Runs the fragments of a step in small pieces, the last operator that has something waiting first, so that what one
// call of an operator has emitted is all that waits anywhere.
class Step {
 public:
  using Take = std::function<Status(const ChangeBatch& batch)>;

  static Result<std::unique_ptr<Step>> make(const std::vector<FragmentSpec>& specs, Take take) {
    auto step = std::make_unique<Step>();
    step->take_ = std::move(take);
    step->fragments_ = std::vector<Fragment>(specs.size());
    for (size_t i = 0; i < specs.size(); ++i) {
      Fragment& fragment = step->fragments_[i];
      fragment.first_stage = step->stages_.size();
      for (const auto& make_operator : specs[i].chain) {
        const size_t number = step->stages_.size();
        step->stages_.push_back({.op = PENSTOCK_TRY(make_operator(0)), .output = StageOutput(*step, i, number + 1)});
      }
      fragment.end_stage = step->stages_.size();
      for (size_t port = 0; port < specs[i].inputs.size(); ++port) {
        const auto from = static_cast<size_t>(specs[i].inputs[port].from);
        step->fragments_[from].readers.push_back({.fragment = i, .port = static_cast<int>(port)});
      }
    }
    return step;
  }

  // Rows of a fragment that has none of its own. They go through with drain().
  void feed(size_t fragment, const ChangeBatch& batch) { accept(fragment, fragments_[fragment].first_stage, 0, batch); }

  // Whether anything waits.
  bool busy() const { return waiting_ > 0; }

  // Does at most so many pieces of work, which it takes off them; true when nothing waits any more.
  Result<bool> drain(int& pieces) {
    PENSTOCK_TRY(status_);
    while (busy()) {
      if (pieces-- <= 0) return false;
      PENSTOCK_TRY(pass_one());
      PENSTOCK_TRY(status_);
    }
    return true;
  }

  // All rows so far have come: operators emit what they have held back. True when all has been done.
  Result<bool> finish_epoch(int& pieces) {
    for (; next_to_finish_ < stages_.size(); ++next_to_finish_) {
      Stage& stage = stages_[next_to_finish_];
      Progress progress = Progress::kMore;
      while (progress == Progress::kMore) {
        if (!PENSTOCK_TRY(drain(pieces)) || pieces-- <= 0) return false;
        progress = PENSTOCK_TRY(stage.op->on_barrier(epoch_ + 1, stage.output));
      }
    }
    if (!PENSTOCK_TRY(drain(pieces))) return false;
    next_to_finish_ = 0;
    ++epoch_;
    return true;
  }

 private:
  // Takes what becomes the input of that stage, or leaves the fragment where it has no more.
  class StageOutput : public Output {
   public:
    StageOutput(Step& step, size_t fragment, size_t stage) : step_(&step), fragment_(fragment), stage_(stage) {}
    void emit(ChangeBatch batch) override {
      if (!batch.empty()) step_->accept(fragment_, stage_, 0, batch);
    }

   private:
    Step* step_;
    size_t fragment_;
    size_t stage_;
  };
  struct Waiting {
    int port;
    ChangeBatch batch;
  };
  // An operator; those of all fragments are numbered together, and rows go to larger numbers.
  struct Stage {
    std::unique_ptr<Operator> op;
    StageOutput output;
    std::deque<Waiting> inputs = {};
    bool unfinished = false;
  };
  struct Reader {
    size_t fragment;
    int port;
  };
  struct Fragment {
    size_t first_stage = 0;
    size_t end_stage = 0;
    std::vector<Reader> readers;  // none: it is the last one
  };

  void accept(size_t number, size_t stage, int port, const ChangeBatch& batch) {
    const Fragment& fragment = fragments_[number];
    if (stage < fragment.end_stage) {
      stages_[stage].inputs.push_back({.port = port, .batch = batch});
      ++waiting_;
      return;
    }
    for (const Reader& reader : fragment.readers) {
      accept(reader.fragment, fragments_[reader.fragment].first_stage, reader.port, batch);
    }
    if (fragment.readers.empty() && status_) status_ = take_(batch);
  }

  Status pass_one() {
    size_t number = stages_.size() - 1;
    while (stages_[number].inputs.empty() && !stages_[number].unfinished) --number;
    Stage& stage = stages_[number];
    if (stage.unfinished) {
      PENSTOCK_TRY(stage.op->resume(stage.output));
    } else {
      const Waiting input = std::move(stage.inputs.front());
      stage.inputs.pop_front();
      --waiting_;
      PENSTOCK_TRY(stage.op->process(input.port, input.batch, stage.output));
    }
    const bool was_unfinished = std::exchange(stage.unfinished, stage.op->unfinished());
    waiting_ += (stage.unfinished ? 1 : 0) - (was_unfinished ? 1 : 0);
    return {};
  }

  std::vector<Stage> stages_;
  std::vector<Fragment> fragments_;
  Take take_;
  int64_t waiting_ = 0;  // batches, and operators that have not finished
  size_t next_to_finish_ = 0;
  Epoch epoch_;
  Status status_;  // of what has left the last fragment
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

  Status process(int port, const ChangeBatch& batch, Output& out) override {
    if (port == 0) return add(batch);
    feed(port, batch);
    return resume(out);
  }

  bool unfinished() const override { return step_->busy(); }
  Status resume(Output& /*out*/) override {
    int pieces = kPiecesPerCall;
    PENSTOCK_TRY(step_->drain(pieces));
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    if (watermark < kMaxEventTime || finished_) return Progress::kDone;
    int pieces = kPiecesPerCall;
    if (!PENSTOCK_TRY(step_->drain(pieces))) return Progress::kMore;
    if (next_ < last_.size()) {
      const ChangeBatch batch = std::move(last_[next_++]);
      out.emit(batch);
      feed(0, batch);
      PENSTOCK_TRY(step_->drain(pieces));
      return Progress::kMore;
    }
    if (!PENSTOCK_TRY(step_->finish_epoch(pieces))) return Progress::kMore;
    last_ = std::exchange(found_, {});
    next_ = 0;
    counted_.set(std::exchange(found_bytes_, 0));
    finished_ = last_.empty();
    if (finished_) return Progress::kDone;
    if (++steps_ > options_.steps.max) return too_many(options_.steps, "steps");
    return Progress::kMore;
  }

 private:
  void feed(int port, const ChangeBatch& batch) {
    for (size_t fragment = 0; fragment < options_.step.size(); ++fragment) {
      if (options_.ports[fragment] == port) step_->feed(fragment, batch);
    }
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
