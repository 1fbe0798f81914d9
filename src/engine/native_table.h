// A native table, made by CREATE TABLE without a connector: rows that INSERT, UPDATE and DELETE change.
//
// Its rows are a View, so that it is read as one: snapshots by SELECT, the rows and all changes by jobs. Its changes
// are kept in a topic of the log (connector/change_log.h), from which the rows are built again at a start.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "catalog/entry.h"
#include "columnar/change_batch.h"
#include "connector/change_log.h"
#include "view/view.h"

namespace penstock::engine {

// Of a statement that was planned before another session gave the table other columns.
Error changed_meanwhile(std::string_view table);

// Thread-safe.
class NativeTable {
 public:
  // The topics of all native tables begin so.
  static constexpr std::string_view kTopicPrefix = "penstock.table.";
  // The topic of a table: the name that the table had at first, as far as a topic may have it, and the entry's id,
  // which is never used again; or the one that the entry names. Where there is none yet, what it is to be called.
  static std::string topic_of(const catalog::Entry& entry, const log::Log& log);
  // What another topic of the table can be called, into which its rows are written anew: it has a number more.
  static std::string next_topic_of(const catalog::Entry& entry, const log::Log& log);
  // The id of the entry that a topic belongs to; nullopt for other topics.
  static std::optional<int64_t> entry_of_topic(std::string_view topic);

  static Result<std::unique_ptr<NativeTable>> open(const catalog::Entry& entry, log::Log& log, io::Env& env,
                                                   MemoryBudget* memory);

  const std::shared_ptr<view::View>& view() const { return view_; }
  // Where its changes are kept.
  const std::string& topic() const { return log_->topic(); }
  // Its columns are the physical ones.
  const types::Schema& schema() const { return view_->options().schema; }
  // Columns of the primary key; empty when there is none.
  const std::vector<int>& key() const { return view_->options().key; }

  // One writer at a time: what a statement reads must still hold when it writes.
  std::unique_lock<std::mutex> lock_for_writing() { return std::unique_lock(write_mutex_); }
  // Removes rows, then adds rows, as one change: durable and visible when it returns. Refuses NULL in a NOT NULL column
  // and a second row with a primary key, and then changes nothing. The caller holds the lock.
  Status change(const std::vector<columnar::ChangeBatch>& removed, const std::vector<columnar::ChangeBatch>& added);

  // Another one has taken its place: nothing can be changed in it any more. The caller holds the lock.
  void retire() { retired_ = true; }

  // The primary key of a row, as view::View::lookup() takes it. The table has a key.
  std::string key_of(const columnar::ChangeBatch& batch, size_t row) const;

 private:
  NativeTable(std::shared_ptr<view::View> view, std::unique_ptr<connector::ChangeLog> log)
      : view_(std::move(view)), log_(std::move(log)) {}
  Status replay();
  Status check_not_null(const std::vector<columnar::ChangeBatch>& added) const;
  Status check_keys(const std::vector<columnar::ChangeBatch>& removed,
                    const std::vector<columnar::ChangeBatch>& added) const;
  Status publish();

  const std::shared_ptr<view::View> view_;
  const std::unique_ptr<connector::ChangeLog> log_;
  std::mutex write_mutex_;
  Epoch next_epoch_{1};
  bool retired_ = false;  // with write_mutex_
};

}  // namespace penstock::engine
