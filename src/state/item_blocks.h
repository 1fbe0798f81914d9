// Memory for items of one size, by number: what tables and stores keep their entries in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/state_memory.h"

namespace penstock::state {

// Items never move. Numbers of items that have gone are used again; a block whose items have all gone is given back.
// Owned by one table; not thread-safe. The blocks are counted as state (base/state_memory.h).
class ItemBlocks {
 public:
  static constexpr size_t kBlockItems = 1024;

  // Items are aligned to 16 where their size is a multiple of that.
  explicit ItemBlocks(size_t item_bytes) : item_bytes_(item_bytes) {}

  // A new item; its bytes may be anything.
  uint32_t take();
  void give_back(uint32_t item);

  std::byte* at(uint32_t item) const { return blocks_[item / kBlockItems].get() + item % kBlockItems * item_bytes_; }
  size_t size() const { return size_; }
  size_t bytes() const { return counted_.bytes(); }

  // The first item from a number on that is there; end() when there is none.
  size_t next(size_t from) const;
  size_t end() const { return blocks_.size() * kBlockItems; }

 private:
  static constexpr size_t kWordBits = 64;
  // Which items of a block are taken.
  struct Use {
    std::array<uint64_t, kBlockItems / kWordBits> taken{};
    uint32_t count = 0;
    uint32_t first_word = 0;  // those before it are full
    bool open = false;        // whether it is in open_
  };

  uint32_t block_with_room();
  void release(uint32_t block);
  void count_bytes() {
    const size_t blocks = blocks_.size() - empty_.size() + (spare_ == nullptr ? 0 : 1);
    counted_.set(blocks * kBlockItems * item_bytes_);
  }

  const size_t item_bytes_;
  size_t size_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> blocks_;  // null: it is empty
  std::vector<Use> uses_;
  std::vector<uint32_t> open_;   // blocks with room, and some that have none any more
  std::vector<uint32_t> empty_;  // blocks without memory
  std::unique_ptr<std::byte[]> spare_;
  StateBytes counted_;
};

}  // namespace penstock::state
