// What an epoch changes in the rows of each key, for sinks that write that and not every step on the way.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/state_memory.h"
#include "columnar/change_batch.h"
#include "state/group_table.h"
#include "types/type.h"

namespace penstock::connector {

// Keeps the batches of an epoch; their rows are looked at again at its end. Owned by one operator; not thread-safe.
class EpochChanges {
 public:
  // A row of a batch that was added: the first one is number 0.
  struct Row {
    size_t batch = 0;
    size_t row = 0;
  };
  // The net change of the rows with one key: what was there before and has gone, and what has come and is there now, in
  // the order in which it came. Both are empty when nothing has changed.
  struct KeyChange {
    std::vector<Row> removed;
    std::vector<Row> added;
  };

  // `keys`: columns of the batches.
  EpochChanges(const types::Schema& schema, std::vector<size_t> keys);

  void add(columnar::ChangeBatch batch);
  // Calls `visit` for each key whose rows have changed, in the order in which they first came, and forgets everything.
  void take(const std::function<void(const KeyChange& change)>& visit);
  // Also while take() visits.
  const columnar::ChangeBatch& batch(size_t number) const { return batches_[number]; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  // The changes of one key are a chain.
  struct Change {
    uint32_t batch;
    uint16_t row;
    uint32_t next;
  };
  struct Chain {
    uint32_t first = kNone;
    uint32_t last = kNone;
    bool removes = false;  // some row is taken back
  };

  void start();
  void add_net(const Chain& chain, KeyChange& change);
  // Its values, to compare rows by.
  std::string encoded(const Row& row) const;

  const std::vector<types::DataType> key_types_;
  const std::vector<size_t> keys_;
  std::unique_ptr<state::GroupTable> chains_;
  std::vector<columnar::ChangeBatch> batches_;
  StateBytes batches_bytes_;
  StateVector<Change> changes_;
  std::vector<std::byte*> found_;
  StateVector<std::byte*> order_;  // the chains as they began
};

}  // namespace penstock::connector
