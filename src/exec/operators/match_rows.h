// The rows of partitions in which row patterns are searched for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/state_memory.h"
#include "columnar/column.h"
#include "expr/row_match.h"
#include "state/row_store.h"

namespace penstock::exec {

// What stands before each row in the store, followed by a RowFit for each variable.
struct MatchRowHeader {
  int64_t time = 0;
};
// Whether a row meets the row condition of a variable. One that could not be computed is an error only when it is
// asked.
enum class RowFit : uint8_t { kNo, kYes, kError };

inline int64_t time_of(const state::RowStore& store, state::RowId row) {
  return reinterpret_cast<const MatchRowHeader*>(store.header(row))->time;
}
inline RowFit* row_fits(const state::RowStore& store, state::RowId row) {
  return reinterpret_cast<RowFit*>(store.header(row) + sizeof(MatchRowHeader));
}

// The rows of one partition in their order, numbered from 0 on; the first ones may have been dropped.
class MatchRows {
 public:
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return begin_ + rows_.size() - dropped_; }
  bool contains(uint64_t number) const { return number >= begin() && number < end(); }
  state::RowId at(uint64_t number) const { return rows_[number - begin_ + dropped_]; }
  void add(state::RowId row) { rows_.push_back(row); }

  // Drops the rows before that number, and adds them to `dropped`.
  void drop_before(uint64_t number, StateVector<state::RowId>& dropped) {
    for (; begin_ < number; ++begin_, ++dropped_) dropped.push_back(rows_[dropped_]);
    if (2 * dropped_ <= rows_.size()) return;
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(dropped_));
    dropped_ = 0;
  }

 private:
  uint64_t begin_ = 0;
  StateVector<state::RowId> rows_;
  size_t dropped_ = 0;  // at the front of `rows_`
};

// An accumulator of a MatchReference that is an aggregate. The reference outlives it.
class MatchAggregate {
 public:
  MatchAggregate(const expr::MatchReference& reference, const state::RowStore& store);
  ~MatchAggregate();
  MatchAggregate(const MatchAggregate&) = delete;
  MatchAggregate& operator=(const MatchAggregate&) = delete;

  void add(std::span<const state::RowId> rows);
  void append_result(columnar::ColumnBuilder& out);

  // The same for an accumulator elsewhere, of a call that is plain.
  static void add(const expr::MatchReference& reference, const state::RowStore& store, std::byte* state,
                  std::span<const state::RowId> rows);

  // Whether it needs no more than the bytes of its state, which can be copied.
  static bool is_plain(const expr::MatchReference& reference) {
    return reference.aggregate.kernels.destroy == nullptr && !reference.distinct;
  }

 private:
  static constexpr size_t kAlign = 16;

  static void update(const expr::MatchReference& reference, const state::RowStore& store, std::byte* state,
                     std::span<const state::RowId> rows);

  const expr::MatchReference& reference_;
  const state::RowStore& store_;
  std::byte* state_;
  // Values, encoded, where each counts once.
  std::set<StateString, TextLess, StateAllocator<StateString>> seen_;
};

}  // namespace penstock::exec
