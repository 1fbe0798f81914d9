#include "connector/epoch_changes.h"

#include <algorithm>
#include <utility>

#include "columnar/row_key.h"
#include "types/types_of.h"

namespace penstock::connector {

EpochChanges::EpochChanges(const types::Schema& schema, std::vector<size_t> keys)
    : key_types_(types_of(schema, keys)), keys_(std::move(keys)) {
  start();
}

void EpochChanges::start() {
  chains_ = std::make_unique<state::GroupTable>(
      key_types_,
      state::PayloadLayout{.bytes = sizeof(Chain), .init = [](void*, std::byte* payload) { new (payload) Chain(); }});
  batches_.clear();
  batches_bytes_.set(0);
  changes_.clear();
  order_.clear();
}

void EpochChanges::add(columnar::ChangeBatch batch) {
  chains_->find_or_insert(batch.columns_at(keys_), batch.rows(), found_);
  const auto number = static_cast<uint32_t>(batches_.size());
  for (size_t row = 0; row < batch.rows(); ++row) {
    Chain& chain = *reinterpret_cast<Chain*>(found_[row]);
    const auto change = static_cast<uint32_t>(changes_.size());
    changes_.push_back({.batch = number, .row = static_cast<uint16_t>(row), .next = kNone});
    if (chain.first == kNone) {
      chain.first = change;
      order_.push_back(found_[row]);
    } else {
      changes_[chain.last].next = change;
    }
    chain.last = change;
    chain.removes = chain.removes || batch.weight(row) < 0;
  }
  batches_bytes_.set(batches_bytes_.bytes() + batch.bytes_with_texts());
  batches_.push_back(std::move(batch));
}

std::string EpochChanges::encoded(const Row& row) const {
  std::string text;
  columnar::append_key(text, batches_[row.batch].columns(), row.row);
  return text;
}

// A row that comes takes away an equal one that has gone, and the other way round, whichever was first: an operator may
// say that a row has come before it says that its old form has gone. Few rows of a key are left at any time.
void EpochChanges::add_net(const Chain& chain, KeyChange& net) {
  std::vector<std::string> removed;
  std::vector<std::string> added;
  for (uint32_t at = chain.first; at != kNone; at = changes_[at].next) {
    const Row row{changes_[at].batch, changes_[at].row};
    const bool comes = batches_[row.batch].weight(row.row) > 0;
    std::string text = encoded(row);
    std::vector<std::string>& opposite = comes ? removed : added;
    std::vector<Row>& opposite_rows = comes ? net.removed : net.added;
    const auto equal = std::ranges::find(opposite, text);
    if (equal != opposite.end()) {
      opposite_rows.erase(opposite_rows.begin() + (equal - opposite.begin()));
      opposite.erase(equal);
      continue;
    }
    (comes ? added : removed).push_back(std::move(text));
    (comes ? net.added : net.removed).push_back(row);
  }
}

void EpochChanges::take(const std::function<void(const KeyChange& change)>& visit) {
  KeyChange net;
  for (const std::byte* pointer : order_) {
    const Chain& chain = *reinterpret_cast<const Chain*>(pointer);
    net.removed.clear();
    net.added.clear();
    if (chain.removes) {
      add_net(chain, net);
    } else {
      for (uint32_t at = chain.first; at != kNone; at = changes_[at].next) {
        net.added.push_back({changes_[at].batch, changes_[at].row});
      }
    }
    if (!net.removed.empty() || !net.added.empty()) visit(net);
  }
  if (!batches_.empty()) start();
}

}  // namespace penstock::connector
