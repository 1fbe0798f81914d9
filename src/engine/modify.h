// INSERT, UPDATE, DELETE and MERGE of native tables.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "columnar/change_batch.h"
#include "engine/engine.h"
#include "engine/native_table.h"
#include "expr/evaluate.h"
#include "plan/modify.h"
#include "plan/physical.h"

namespace penstock::engine {

// Rows that one statement may hold in memory before it writes them; more is an error that says so.
inline constexpr size_t kStatementBytesMax = 1UL << 30;

// What a statement changes, and what it needs for it.
struct Modification {
  NativeTable& table;
  // Gives the rows of a bounded plan.
  std::function<Result<std::vector<columnar::ChangeBatch>>(const plan::PhysicalPtr& plan)> collect;
  expr::EvalContext eval;
  plan::PlannedReturning returning;
};

struct ConflictPolicy {
  enum class Kind : uint8_t { kError, kNothing, kUpdate };
  Kind kind = Kind::kError;
  plan::PlannedConflict update;  // of kUpdate
};

// Each runs its query, makes the change durable and visible, and gives a cursor with the command tag, and with the rows
// of RETURNING where there is one.
Result<std::unique_ptr<Cursor>> insert_rows(const Modification& change, const plan::PhysicalPtr& rows,
                                            const ConflictPolicy& policy);
// INSERT OVERWRITE: in the place of `all`, a DELETE of all rows.
Result<std::unique_ptr<Cursor>> replace_rows(const Modification& change, const plan::PhysicalPtr& rows,
                                             const plan::PlannedChange& all);
Result<std::unique_ptr<Cursor>> update_rows(const Modification& change, const plan::PlannedChange& plan);
Result<std::unique_ptr<Cursor>> delete_rows(const Modification& change, const plan::PlannedChange& plan);
Result<std::unique_ptr<Cursor>> merge_rows(const Modification& change, const plan::PlannedChange& plan);

}  // namespace penstock::engine
