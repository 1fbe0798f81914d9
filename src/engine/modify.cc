#include "engine/modify.h"

#include <unordered_set>
#include <utility>

#include "engine/cursor.h"
#include "types/types_of.h"

namespace penstock::engine {

namespace {

using columnar::BatchBuilder;
using columnar::ChangeBatch;
using columnar::ColumnPtr;
using columnar::RowOp;
using Batches = std::vector<ChangeBatch>;

size_t rows_of(const Batches& batches) {
  size_t rows = 0;
  for (const ChangeBatch& batch : batches) rows += batch.rows();
  return rows;
}

// Rows one after the other, in batches.
class Rows {
 public:
  explicit Rows(const types::Schema& schema) : builder_(types_of(schema)) {}

  void add(const ChangeBatch& batch, size_t row) {
    builder_.append_row(batch, row, RowOp::kInsert);
    if (builder_.full()) batches_.push_back(builder_.finish());
  }
  Batches take() {
    if (builder_.rows() > 0) batches_.push_back(builder_.finish());
    return std::move(batches_);
  }

 private:
  BatchBuilder builder_;
  Batches batches_;
};

// The expressions over a batch; the first row that cannot be computed is an error, and then nothing is changed.
Result<ChangeBatch> evaluate_all(const std::vector<expr::ExprPtr>& expressions, const ChangeBatch& batch,
                                 const expr::EvalContext& context) {
  std::vector<ColumnPtr> columns;
  expr::RowErrors errors;
  for (const expr::ExprPtr& expression : expressions) {
    columns.push_back(expr::evaluate(*expression, batch, context, errors));
  }
  if (!errors.empty()) return invalid_argument("{}", errors.front().message);
  return ChangeBatch(batch.rows(), std::move(columns));
}

Result<std::unique_ptr<Cursor>> finish(const Modification& change, const Batches& rows, std::string tag) {
  const plan::PlannedReturning& returning = change.returning;
  if (returning.expressions.empty()) return make_tag_cursor(std::move(tag));
  Batches returned;
  for (const ChangeBatch& batch : rows) {
    returned.push_back(PENSTOCK_TRY(evaluate_all(returning.expressions, batch, change.eval)));
  }
  return make_batches_cursor(returning.schema, std::move(returned), std::move(tag));
}

// Rows to be inserted, against those that have their keys already.
class Upsert {
 public:
  Upsert(const Modification& change, const ConflictPolicy& policy)
      : change_(change), policy_(policy), table_(change.table), added_(table_.schema()), removed_(table_.schema()) {}

  Status add(const ChangeBatch& batch) {
    BatchBuilder pairs(pair_types());  // the old row and the new one, of conflicts
    for (size_t row = 0; row < batch.rows(); ++row) {
      const std::string key = table_.key_of(batch, row);
      const bool repeated = !seen_.insert(key).second;
      const std::optional<ChangeBatch> old = repeated ? std::nullopt : table_.view()->lookup(key);
      if (!repeated && !old) {
        added_.add(batch, row);
        continue;
      }
      if (policy_.kind == ConflictPolicy::Kind::kNothing) continue;
      if (repeated) {
        return invalid_argument("ON CONFLICT DO UPDATE would change a row of table \"{}\" twice",
                                table_.view()->options().name)
            .hint("give each primary key once in one statement");
      }
      removed_.add(*old, 0);
      for (size_t c = 0; c < batch.columns().size(); ++c) {
        pairs.column(c).append_from(*old->column(c), 0);
        pairs.column(batch.columns().size() + c).append_from(*batch.column(c), row);
      }
      pairs.end_row();
    }
    if (pairs.rows() == 0) return {};
    const ChangeBatch updated = PENSTOCK_TRY(evaluate_all(policy_.new_row, pairs.finish(), change_.eval));
    for (size_t row = 0; row < updated.rows(); ++row) added_.add(updated, row);
    return {};
  }

  Batches take_added() { return added_.take(); }
  Batches take_removed() { return removed_.take(); }

 private:
  std::vector<types::DataType> pair_types() const {
    std::vector<types::DataType> types = types_of(table_.schema());
    const size_t columns = types.size();
    for (size_t i = 0; i < columns; ++i) types.push_back(types[i]);
    return types;
  }

  const Modification& change_;
  const ConflictPolicy& policy_;
  NativeTable& table_;
  std::unordered_set<std::string> seen_;
  Rows added_;
  Rows removed_;
};

// The plan may be older than the table. `rows` are as many rows of it, one after the other, as the plan gives.
Status check_columns(const NativeTable& table, const plan::PhysicalNode& plan, size_t rows) {
  const types::Schema& columns = table.schema();
  bool same = plan.schema.size() == rows * columns.size();
  for (size_t i = 0; same && i < plan.schema.size(); ++i) {
    same = plan.schema[i].type.same_type(columns[i % columns.size()].type);
  }
  return same ? Status() : changed_meanwhile(table.view()->options().name);
}

}  // namespace

Result<std::unique_ptr<Cursor>> insert_rows(const Modification& change, const plan::PhysicalPtr& rows,
                                            const ConflictPolicy& policy) {
  const auto lock = change.table.lock_for_writing();
  PENSTOCK_TRY(check_columns(change.table, *rows, 1));
  Batches added = PENSTOCK_TRY(change.collect(rows));
  Batches removed;
  if (policy.kind != ConflictPolicy::Kind::kError) {
    Upsert upsert(change, policy);
    for (const ChangeBatch& batch : added) PENSTOCK_TRY(upsert.add(batch));
    added = upsert.take_added();
    removed = upsert.take_removed();
  }
  PENSTOCK_TRY(change.table.change(removed, added));
  return finish(change, added, "INSERT 0 " + std::to_string(rows_of(added)));
}

Result<std::unique_ptr<Cursor>> update_rows(const Modification& change, const plan::PhysicalPtr& old_and_new_rows) {
  const auto lock = change.table.lock_for_writing();
  PENSTOCK_TRY(check_columns(change.table, *old_and_new_rows, 2));
  const size_t columns = change.table.schema().size();
  Batches removed;
  Batches added;
  for (const ChangeBatch& batch : PENSTOCK_TRY(change.collect(old_and_new_rows))) {
    const auto middle = batch.columns().begin() + static_cast<ptrdiff_t>(columns);
    removed.emplace_back(batch.rows(), std::vector<ColumnPtr>(batch.columns().begin(), middle));
    added.emplace_back(batch.rows(), std::vector<ColumnPtr>(middle, batch.columns().end()));
  }
  PENSTOCK_TRY(change.table.change(removed, added));
  return finish(change, added, "UPDATE " + std::to_string(rows_of(added)));
}

Result<std::unique_ptr<Cursor>> delete_rows(const Modification& change, const plan::PhysicalPtr& rows) {
  const auto lock = change.table.lock_for_writing();
  PENSTOCK_TRY(check_columns(change.table, *rows, 1));
  const Batches removed = PENSTOCK_TRY(change.collect(rows));
  PENSTOCK_TRY(change.table.change(removed, {}));
  return finish(change, removed, "DELETE " + std::to_string(rows_of(removed)));
}

}  // namespace penstock::engine
