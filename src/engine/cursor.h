// The results of statements.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "engine/values_source.h"
#include "exec/job.h"
#include "exec/operators/result_queue.h"
#include "types/type.h"
#include "view/view.h"

namespace penstock::engine {

// A statement without rows.
std::unique_ptr<Cursor> make_tag_cursor(std::string tag);

// Rows that are at hand.
std::unique_ptr<Cursor> make_rows_cursor(types::Schema schema, ValueRows rows, std::string tag);

std::unique_ptr<Cursor> make_batches_cursor(types::Schema schema, std::vector<columnar::ChangeBatch> batches,
                                            std::string tag);

// A cursor that can be told to stop, from any thread.
class CancellableCursor : public Cursor {
 public:
  virtual void cancel() = 0;
};

// The rows of a bounded job whose last operator fills `queue`. `start` is called by the first next(). The tag is
// "SELECT n".
std::shared_ptr<CancellableCursor> make_query_cursor(types::Schema schema, std::shared_ptr<exec::ResultQueue> queue,
                                                     std::function<Result<std::unique_ptr<exec::Job>>()> start);

// SUBSCRIBE: the rows of a view, then its changes, without an end. In front of the view's columns stand `epoch` and
// `op` ("+I" or "-D").
std::shared_ptr<CancellableCursor> make_subscription_cursor(std::shared_ptr<view::View> view);
types::Schema subscription_schema(const types::Schema& view_schema);

}  // namespace penstock::engine
