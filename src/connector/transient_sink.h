// A sink whose rows are gone once an operator has taken them: all that a commit keeps are the positions of the input,
// so that a restarted job goes on about where it was.
#pragma once

#include <memory>
#include <utility>

#include "connector/pending_commits.h"
#include "connector/position_store.h"
#include "connector/sink.h"

namespace penstock::connector {

// Owned by a shared_ptr.
class TransientSink : public Sink, public std::enable_shared_from_this<TransientSink> {
 public:
  explicit TransientSink(std::unique_ptr<PositionStore> store)
      : store_(std::move(store)), committed_(store_->positions()) {}

  Status commit(Epoch epoch, const Positions& positions) override;
  bool durable(Epoch epoch) const override { return pending_.settled(epoch); }
  Positions committed() const override { return committed_; }
  Status close() override {
    store_->give_up();
    return pending_.wait();
  }

  using Sink::add_rows_written;

 private:
  const std::unique_ptr<PositionStore> store_;
  const Positions committed_;  // before this sink
  PendingCommits pending_;
};

}  // namespace penstock::connector
