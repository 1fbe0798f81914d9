// What a join keeps of one input: its rows, on a list per group of equal keys.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/state_memory.h"
#include "columnar/change_batch.h"
#include "exec/operators/join_layout.h"
#include "state/row_index.h"
#include "state/row_store.h"

namespace penstock::exec {

// What a join knows of a key: the payload of its GroupTable, zero at first. Indexed by side.
struct JoinGroup {
  std::array<int64_t, 2> weight;      // of the rows, summed
  std::array<state::RowId, 2> first;  // of the list of rows, in the order in which they came
  std::array<state::RowId, 2> last;
  std::array<bool, 2> partnered;  // what downstream has been told of the rows: that they have partners, or have not
  bool listed;                    // among those that the next barrier looks at
};

// How rows of a side come to be found again when they are taken back.
enum class RowLookup : uint8_t {
  kNone,   // rows are only ever added
  kGroup,  // the join's keys cover a key of the input, so a group has hardly more than one row
  kIndex,  // by a hash of the row
};

// Owned by one join; not thread-safe. Equal rows that may be taken back are one row with a count, which may be negative
// in between: a row may be taken back before it comes.
class JoinSide {
 public:
  struct Options {
    Side side = kLeftSide;
    RowLookup lookup = RowLookup::kNone;
    std::vector<int> hashed_columns;  // of the input; for kIndex
    bool stored = true;               // else only the weights of the groups are kept
    bool emits_alone = false;         // rows come out by themselves, so it is kept what has been told of each
    bool counts_matches = false;      // and whether they do depends on how many rows each one matches
    bool forgets = false;             // rows know when they came, and what is deleted that is not there is ignored

    // Says how rows of that input are found again.
    void set_lookup(const JoinInput& input, const JoinLayout& layout);
  };
  JoinSide(Options options, const JoinLayout& layout);

  // Adds the rows of a batch to their groups, with their weights; `now` is when they came, where that is kept.
  Status add(const columnar::ChangeBatch& batch, std::span<std::byte* const> groups, uint32_t now = 0);
  // Of the last batch, where rows are forgotten: those that are not ignored. What follows is about these.
  const columnar::Selection& known() const { return known_; }
  // Of the last batch: where its rows are stored, and which of them were not there before.
  std::span<const state::RowId> rows() const { return rows_; }
  bool is_new(size_t batch_row) const { return new_[batch_row] != 0; }

  const Options& options() const { return options_; }
  const state::RowStore& store() const { return store_; }
  state::RowId next(state::RowId row) const { return link(row).next; }
  int32_t count(state::RowId row) const { return counted() ? counted_link(row).count : 1; }
  bool counted() const { return options_.lookup != RowLookup::kNone; }

  // --- rows that are forgotten ---
  // Forgets the rows of a group, from the first one that came to one that is not idle.
  template <class IsIdle>
  void forget_idle(JoinGroup& group, const IsIdle& is_idle) {
    while (group.first[options_.side] != state::kNoRow && is_idle(came(group.first[options_.side]))) {
      forget(group.first[options_.side], group);
    }
  }
  template <class IsIdle>
  bool all_idle(const JoinGroup& group, const IsIdle& is_idle) const {
    const state::RowId last = group.last[options_.side];
    if (last != state::kNoRow && !is_idle(came(last))) return false;
    for (state::RowId row = group.first[options_.side]; row != state::kNoRow; row = next(row)) {
      if (!is_idle(came(row))) return false;
    }
    return true;
  }

  // --- rows that come out by themselves ---
  // The weights of the rows that each one matches have changed.
  void add_matches(state::RowId row, JoinGroup& group, int64_t weight);
  bool has_matches(state::RowId row, const JoinGroup& group) const;
  // How often downstream should have the row more than it has; told() moves that by `weight`.
  int64_t missing(state::RowId row, bool comes_out) const;
  void told(state::RowId row, int32_t weight) { presence(row).told += weight; }

  // Rows that have changed since settle_touched(), each once; none when they are not to be remembered.
  struct Touched {
    state::RowId row;
    JoinGroup* group;
  };
  const StateVector<Touched>& touched() const { return touched_; }
  void set_remember_touched(bool remember) { remember_touched_ = remember; }
  // Downstream has been told of the changes: rows whose count is zero go.
  void settle_touched();

 private:
  // In front of every row.
  struct Link {
    state::RowId next;
    uint32_t came;
  };
  struct CountedLink {
    state::RowId next;
    state::RowId previous;
    int32_t count;
    uint32_t hash;
    JoinGroup* group;
  };
  // Behind a CountedLink, where rows are forgotten.
  struct Came {
    uint64_t came;
  };
  // Behind all that, for rows that come out by themselves.
  struct Presence {
    int64_t matches;  // weights of the rows that it matches, summed
    int32_t told;     // how often downstream has it
    bool touched;
  };

  Link& link(state::RowId row) const { return *reinterpret_cast<Link*>(store_.header(row)); }
  CountedLink& counted_link(state::RowId row) const { return *reinterpret_cast<CountedLink*>(store_.header(row)); }
  // When the row came, or came once more.
  uint32_t came(state::RowId row) const {
    if (!counted()) return link(row).came;
    return static_cast<uint32_t>(reinterpret_cast<Came*>(store_.header(row) + sizeof(CountedLink))->came);
  }
  void set_came(state::RowId row, uint32_t now) {
    if (!options_.forgets) return;
    if (counted()) {
      reinterpret_cast<Came*>(store_.header(row) + sizeof(CountedLink))->came = now;
    } else {
      link(row).came = now;
    }
  }
  Presence& presence(state::RowId row) const {
    return *reinterpret_cast<Presence*>(store_.header(row) + presence_offset_);
  }
  state::RowId append(size_t loaded_row, JoinGroup& group);
  state::RowId find(size_t loaded_row, const JoinGroup& group) const;
  uint32_t hash_of(size_t loaded_row) const { return static_cast<uint32_t>(hashes_[loaded_row] >> 32); }
  void link_last(state::RowId row, JoinGroup& group);
  // Of rows that are counted.
  void unlink(state::RowId row, JoinGroup& group);
  void remove(state::RowId row, JoinGroup& group);
  // Of a row at the front of its list.
  void forget(state::RowId row, JoinGroup& group);
  void touch(state::RowId row, JoinGroup& group);

  const Options options_;
  const JoinLayout& layout_;
  const size_t presence_offset_;
  state::RowStore store_;
  state::RowIndex index_;
  bool remember_touched_ = true;
  StateVector<Touched> touched_;
  // Of the batch at hand.
  columnar::Selection known_;
  std::vector<state::RowId> rows_;
  std::vector<uint8_t> new_;
  std::vector<uint64_t> hashes_;
};

}  // namespace penstock::exec
