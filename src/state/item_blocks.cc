#include "state/item_blocks.h"

#include <bit>
#include <limits>
#include <utility>

#include "base/check.h"

namespace penstock::state {

uint32_t ItemBlocks::take() {
  const uint32_t block = block_with_room();
  Use& use = uses_[block];
  while (use.taken[use.first_word] == ~uint64_t{0}) ++use.first_word;
  uint64_t& word = use.taken[use.first_word];
  const int bit = std::countr_one(word);
  word |= uint64_t{1} << bit;
  ++use.count;
  ++size_;
  return static_cast<uint32_t>(block * kBlockItems + use.first_word * kWordBits + static_cast<size_t>(bit));
}

uint32_t ItemBlocks::block_with_room() {
  for (; !open_.empty(); open_.pop_back()) {
    const uint32_t block = open_.back();
    if (blocks_[block] != nullptr && uses_[block].count < kBlockItems) return block;
    uses_[block].open = false;
  }
  uint32_t block = 0;
  if (empty_.empty()) {
    block = static_cast<uint32_t>(blocks_.size());
    PENSTOCK_CHECK((blocks_.size() + 1) * kBlockItems < std::numeric_limits<uint32_t>::max(),
                   "too many rows or groups in one state");
    blocks_.emplace_back();
    uses_.emplace_back();
  } else {
    block = empty_.back();
    empty_.pop_back();
  }
  blocks_[block] =
      spare_ != nullptr ? std::move(spare_) : std::unique_ptr<std::byte[]>(new std::byte[kBlockItems * item_bytes_]);
  uses_[block].open = true;
  open_.push_back(block);
  count_bytes();
  return block;
}

void ItemBlocks::give_back(uint32_t item) {
  const uint32_t block = item / kBlockItems;
  const uint32_t word = item % kBlockItems / kWordBits;
  Use& use = uses_[block];
  use.taken[word] &= ~(uint64_t{1} << item % kWordBits);
  use.first_word = std::min(use.first_word, word);
  --use.count;
  --size_;
  if (use.count == 0) return release(block);
  if (std::exchange(use.open, true)) return;
  open_.push_back(block);
}

void ItemBlocks::release(uint32_t block) {
  // One block is kept, so that what comes and goes need not ask for memory each time.
  std::unique_ptr<std::byte[]> memory = std::move(blocks_[block]);
  if (spare_ == nullptr) spare_ = std::move(memory);
  empty_.push_back(block);
  if (size_ == 0) {
    blocks_.clear();
    uses_.clear();
    open_.clear();
    empty_.clear();
  }
  count_bytes();
}

size_t ItemBlocks::next(size_t from) const {
  while (from < end()) {
    const Use& use = uses_[from / kBlockItems];
    const size_t word = from % kBlockItems / kWordBits;
    const uint64_t rest = use.taken[word] >> from % kWordBits;
    if (rest != 0) return from + static_cast<size_t>(std::countr_zero(rest));
    from = use.count == 0 ? (from / kBlockItems + 1) * kBlockItems : (from / kWordBits + 1) * kWordBits;
  }
  return end();
}

}  // namespace penstock::state
