// Reads a materialized view as a table: its rows as of now, or its rows and all changes.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/epoch.h"
#include "exec/operator.h"
#include "view/view.h"

namespace penstock::engine {

// How far a job has come in the changes of a view that it reads. Thread-safe.
class ViewProgress {
 public:
  explicit ViewProgress(std::shared_ptr<view::View> view) : view_(std::move(view)) {}
  const view::View& view() const { return *view_; }

  // The source: everything up to the view's epoch `read` came before the job's barrier of `epoch`.
  void note(Epoch epoch, Epoch read);
  // The job: its epoch is complete.
  void complete(Epoch epoch);
  // The view's epoch that every complete epoch of the job has covered.
  Epoch covered() const;

 private:
  const std::shared_ptr<view::View> view_;
  mutable std::mutex mutex_;
  std::map<Epoch, Epoch> noted_;
  Epoch covered_;
};

// `columns` of the view, in the order of the output.
std::unique_ptr<exec::Source> make_view_snapshot_source(std::shared_ptr<view::View> view, std::vector<int> columns);
// Ends when the view has ended.
std::unique_ptr<exec::Source> make_view_changes_source(std::shared_ptr<view::View> view, std::vector<int> columns,
                                                       std::shared_ptr<ViewProgress> progress);

}  // namespace penstock::engine
