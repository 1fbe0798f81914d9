// The sessions of each key where rows may be taken back: what is kept is not the sessions but the times that rows have,
// for a row that goes may shorten a session, split it, or take it away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/state_memory.h"
#include "base/time.h"
#include "columnar/change_batch.h"
#include "columnar/column.h"
#include "state/group_table.h"
#include "types/type.h"
#include "types/window.h"

namespace penstock::exec {

// Owned by one operator. Rows are kept in groups, each of rows with one time and key: which rows share one is the
// operator's to say. Sessions are put together of the groups when the watermark has passed their ends.
//
// A late row may join an open session at a time that a closed one has had, too. When a row of that time is taken back,
// it must be known whether it is one of the closed session: at such times each group is of rows that are equal.
//
// Within an epoch a row may be taken back before the one that takes its place has come. So a group without rows holds
// its session together until the epoch ends, or until the watermark has passed the session with it.
class ChangingSessions {
 public:
  // In front of each group's payload; zero at first.
  struct Group {
    int64_t rows;         // the sum of their weights
    int64_t time;         // of each
    std::byte* key;       // in the table of keys; null: in no session yet
    uint32_t place : 31;  // among the groups of its time
    uint32_t equal : 1;   // its rows are
    uint32_t emptied;     // its place among those that are looked at when the epoch ends, counted from 1; 0: not there
  };
  struct Options {
    int64_t gap_us = 0;
    std::vector<types::DataType> key_types;
    std::vector<types::DataType> group_types;      // of the columns by which groups are told apart
    bool groups_of_equal_rows = false;             // these are all columns
    state::PayloadLayout payload;                  // begins with a Group
    std::function<void(std::byte* group)> forget;  // before a group goes; may be empty
  };
  // Its groups are closed_groups()[first] and those behind it, in the order of their times.
  struct Closed {
    std::byte* key;
    int64_t start;
    int64_t last;
    size_t first;
    size_t groups;
  };

  explicit ChangingSessions(Options options);
  ~ChangingSessions();
  ChangingSessions(const ChangingSessions&) = delete;
  ChangingSessions& operator=(const ChangingSessions&) = delete;

  // Adds the weights of the rows to their groups. Sets groups[i] to that of row i, and to nullptr where it would be in
  // no session that is open. `of_group`: the columns by which groups are told apart.
  void add(std::span<const columnar::ColumnPtr> keys, std::span<const columnar::ColumnPtr> of_group,
           const columnar::Column& times, const columnar::ChangeBatch& batch, std::vector<std::byte*>& groups);

  // Closes sessions whose last moment is at or before `watermark`, in the order of their ends, until they have `max`
  // groups; false when there are none. They are closed until release_closed().
  bool close_some(EventTime watermark, size_t max);
  // The epoch has ended: groups without rows go. What that has left of a session may be closed now.
  void end_epoch();
  std::span<const Closed> closed() const { return closed_; }
  std::span<std::byte* const> closed_groups() const { return closed_groups_; }
  void release_closed();

  int64_t end_of(const Closed& session) const { return session.last + options_.gap_us; }
  static Group& at(std::byte* group) { return *reinterpret_cast<Group*>(group); }
  // Appends the keys of closed sessions, or the columns of groups of equal rows, which may repeat, to the builders.
  void append_keys(std::span<const Closed> sessions, std::span<columnar::ColumnBuilder> builders);
  void append_groups(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders) const {
    groups_.append_keys(groups, builders);
  }

 private:
  struct Time {
    StateVector<std::byte*> groups;
    bool late;  // it had passed when its first row joined an open session
  };
  using Times = std::map<int64_t, Time, std::less<>, StateAllocator<std::pair<const int64_t, Time>>>;
  // The payload of the table of keys.
  struct Key {
    Times* times;
    // From the first time to this one no two neighbours are further apart than the gap, so that the first session does
    // not end before this and the gap: that is when to look at the key again.
    int64_t reached;
  };
  using Due = std::pair<int64_t, std::byte*>;  // Key::reached, and the key

  static Key& key_at(std::byte* key) { return *reinterpret_cast<Key*>(key); }
  bool is_passed(int64_t last) const { return EventTime(last + options_.gap_us - types::kLastMomentUs) <= watermark_; }
  // The time, made known where a row of it belongs to an open session; nullptr where it does not.
  const Time* admit(std::byte* key, int64_t time, int weight);
  // Sets groups[row] to the group in `table` of each of these rows, by columns of them alone.
  void find_groups(state::GroupTable& table, const columnar::Selection& rows,
                   std::span<const columnar::ColumnPtr> columns, std::vector<std::byte*>& groups);
  void add_to_time(std::byte* group, std::byte* key, int64_t time);
  void set_reached(std::byte* key, int64_t reached);
  // A time has no groups any more.
  void remove_time(std::byte* key, Times::iterator time);
  // Closes what the times of a key up to `last` are, without groups that have no rows.
  void close(std::byte* key, int64_t last);
  void erase_group(std::byte* group);
  void erase_key_without_times(std::byte* key);

  const Options options_;
  state::GroupTable keys_;
  state::GroupTable groups_;
  state::GroupTable late_groups_;  // of times that are late, by their rows
  std::set<Due, std::less<>, StateAllocator<Due>> due_;
  StateVector<std::byte*> emptied_;  // groups that have had no rows in this epoch; null: gone
  std::vector<Closed> closed_;
  std::vector<std::byte*> closed_groups_;
  std::vector<std::byte*> keys_without_times_;  // of those that have closed
  EventTime watermark_ = kMinEventTime;
  std::vector<std::byte*> keys_of_rows_;  // of the batch at hand
  std::vector<std::byte*> found_;
};

}  // namespace penstock::exec
