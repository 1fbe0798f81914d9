// What a job has done, durably: the positions that its input had reached, and what its sink must know after a restart.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "connector/ordered_writes.h"
#include "connector/scan.h"
#include "log/log.h"

namespace penstock::connector {

// Keeps them in the log: each commit is one atomic write there, together with the records that a sink adds.
//
// Positions in topics are the committed offsets of the job's group. Positions of other splits (but those with '~') and
// the sink's state are records of a topic with the group's name, which is made when the first of them comes: of each
// key the last record counts, and one without a value takes it back. What has been replaced is deleted from time to
// time.
//
// One commit() at a time; everything else is thread-safe.
class PositionStore {
 public:
  // Reads what there is. Without a name for the group nothing is kept.
  static Result<std::unique_ptr<PositionStore>> open(const ConnectorContext& context, std::string group);
  ~PositionStore() { give_up(); }
  PositionStore(const PositionStore&) = delete;
  PositionStore& operator=(const PositionStore&) = delete;

  // As of the last commit().
  const Positions& positions() const { return positions_; }
  const std::optional<std::string>& state() const { return state_; }

  struct Commit {
    std::vector<std::pair<log::TopicPartition, log::SharedBytes>> records;
    Positions positions;               // an offset below 0: the split is gone
    std::optional<std::string> state;  // nullopt: as before
  };
  // Writes it in the background and calls `done` on another thread, or on this one when it is refused at once. False,
  // without a call, when there is nothing that is new: an idle epoch costs no disk write. While the disk is full, what
  // a group writes waits, until give_up(); what nobody resumes is refused.
  Result<bool> commit(Commit commit, std::function<void(Status)> done);

  // Nothing waits for room on the disk any more: it is refused. Thread-safe.
  void give_up() {
    if (writes_ != nullptr) writes_->give_up();
  }

  // Removes all that is kept for a group.
  static Status forget(log::Log& log, const std::string& group);

 private:
  // A record of the job's topic.
  struct Change {
    std::string key;
    std::optional<std::string> value;
  };

  PositionStore(const ConnectorContext& context, std::string group);
  Status read_topic();
  static Status make_topic(log::Log& log, const std::string& group);
  Status trim();
  void apply(const log::TopicPartition& split, log::Offset offset);
  void append_changes(std::vector<Change> changes, Commit& commit);
  std::vector<Change> everything() const;

  log::Log& log_;
  io::Env& env_;
  const std::string group_;
  const std::shared_ptr<OrderedWrites> writes_;  // null without a group
  Positions positions_;                          // sorted
  std::optional<std::string> state_;
  bool has_topic_ = false;        // or a write is on its way that makes it
  int64_t next_offset_ = 0;       // of the job's topic, which nobody else writes
  size_t bytes_since_whole_ = 0;  // written since everything was written last
  int64_t whole_offset_ = 0;      // where that begins
  int64_t trimmed_offset_ = 0;    // what is below is deleted
};

}  // namespace penstock::connector
