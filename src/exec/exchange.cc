#include "exec/exchange.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"

namespace penstock::exec {

Exchange::Exchange(Partitioning partitioning, std::vector<int> keys, std::vector<Channel*> channels)
    : partitioning_(partitioning), keys_(std::move(keys)) {
  PENSTOCK_CHECK(!channels.empty(), "an edge to nowhere");
  for (Channel* channel : channels) targets_.push_back({.channel = channel});
}

void Exchange::push(Target& target, Message message) {
  if (!target.waiting.empty() || !target.channel->try_push(message)) target.waiting.push_back(std::move(message));
}

void Exchange::send(const columnar::ChangeBatch& batch) {
  switch (partitioning_) {
    case Partitioning::kForward:
    case Partitioning::kSingle: push(targets_[0], batch); return;
    case Partitioning::kBroadcast:
      for (Target& target : targets_) push(target, batch);
      return;
    case Partitioning::kHash: scatter(batch); return;
  }
}

void Exchange::scatter(const columnar::ChangeBatch& batch) {
  if (targets_.size() == 1) {
    push(targets_[0], batch);
    return;
  }
  columnar::hash_rows(batch.columns_at(keys_), batch.rows(), hashes_);
  for (Target& target : targets_) target.rows.clear();
  for (size_t row = 0; row < batch.rows(); ++row) {
    targets_[owner_of(columnar::vnode_of(hashes_[row]), targets_.size())].rows.push_back(static_cast<uint16_t>(row));
  }
  for (Target& target : targets_) {
    if (target.rows.size() == batch.rows()) {
      push(target, batch);
    } else if (!target.rows.empty()) {
      push(target, batch.take(target.rows));
    }
  }
}

void Exchange::send_control(const Message& message) {
  for (Target& target : targets_) push(target, message);
}

bool Exchange::data_wanted() const {
  return std::ranges::any_of(targets_, [](const Target& target) { return target.channel->data_wanted(); });
}

bool Exchange::flush() {
  bool empty = true;
  for (Target& target : targets_) {
    while (!target.waiting.empty() && target.channel->try_push(target.waiting.front())) target.waiting.pop_front();
    empty &= target.waiting.empty();
  }
  return empty;
}

}  // namespace penstock::exec
