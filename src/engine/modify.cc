#include "engine/modify.h"

#include <cstdint>
#include <unordered_set>
#include <utility>

#include "columnar/row_key.h"
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
  explicit Rows(const types::Schema& schema) : Rows(types::types_of(schema)) {}
  explicit Rows(std::vector<types::DataType> types) : builder_(std::move(types)) {}

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

std::vector<types::DataType> types_of(const ChangeBatch& batch) {
  std::vector<types::DataType> types;
  for (const ColumnPtr& column : batch.columns()) types.push_back(column->type());
  return types;
}

// Some of a batch's columns.
ChangeBatch slice(const ChangeBatch& batch, size_t first, size_t count) {
  const auto begin = batch.columns().begin() + static_cast<ptrdiff_t>(first);
  return ChangeBatch(batch.rows(), std::vector<ColumnPtr>(begin, begin + static_cast<ptrdiff_t>(count)));
}

bool is_true(const columnar::Column& column, size_t row) { return !column.is_null(row) && column.value(row).as_bool(); }

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

// What a statement does in the end.
struct Outcome {
  Batches removed;
  Batches added;
  Batches returned;  // what RETURNING is over
  std::string tag;
};

// RETURNING is computed before anything is changed, since it may fail.
Result<std::unique_ptr<Cursor>> finish(const Modification& change, Outcome outcome) {
  const plan::PlannedReturning& returning = change.returning;
  Batches returned;
  if (!returning.expressions.empty()) {
    for (const ChangeBatch& batch : outcome.returned) {
      returned.push_back(PENSTOCK_TRY(evaluate_all(returning.expressions, batch, change.eval)));
    }
  }
  PENSTOCK_TRY(change.table.change(outcome.removed, outcome.added));
  if (returning.expressions.empty()) return make_tag_cursor(std::move(outcome.tag));
  return make_batches_cursor(returning.schema, std::move(returned), std::move(outcome.tag));
}

// Rows to be inserted, against those that have their keys already.
class Upsert {
 public:
  Upsert(const Modification& change, const ConflictPolicy& policy)
      : change_(change), policy_(policy), table_(change.table), added_(table_.schema()), removed_(table_.schema()) {}

  Status add(const ChangeBatch& batch) {
    BatchBuilder pairs(pair_types());  // the old row and the new one, of conflicts
    std::unordered_set<std::string> waiting;
    for (size_t row = 0; row < batch.rows(); ++row) {
      const std::string key = table_.key_of(batch, row);
      const std::optional<ChangeBatch> old = table_.view()->lookup(key);
      if (!old && changed_.insert(key).second) {
        added_.add(batch, row);
        continue;
      }
      if (policy_.kind == ConflictPolicy::Kind::kNothing) continue;
      // What WHERE says of the same row's first conflict decides whether this one is its second change.
      if (old && !waiting.insert(key).second) {
        PENSTOCK_TRY(update(pairs.finish()));
        waiting = {key};
      }
      if (changed_.contains(key)) {
        return invalid_argument("ON CONFLICT DO UPDATE would change a row a second time, of table \"{}\"",
                                table_.view()->options().name)
            .hint("give each primary key once in one statement");
      }
      for (size_t c = 0; c < batch.columns().size(); ++c) {
        pairs.column(c).append_from(*old->column(c), 0);
        pairs.column(batch.columns().size() + c).append_from(*batch.column(c), row);
      }
      pairs.end_row();
    }
    if (pairs.rows() == 0) return {};
    return update(pairs.finish());
  }

  // Rows for which WHERE is not true stay as they are.
  Status update(const ChangeBatch& pairs) {
    std::optional<ChangeBatch> passes;
    if (policy_.update.where != nullptr) {
      passes = PENSTOCK_TRY(evaluate_all({policy_.update.where}, pairs, change_.eval));
    }
    Rows kept(pair_types());
    for (size_t row = 0; row < pairs.rows(); ++row) {
      if (passes && !is_true(*passes->column(0), row)) continue;
      kept.add(pairs, row);
      changed_.insert(table_.key_of(pairs, row));
    }
    for (const ChangeBatch& batch : kept.take()) {
      const ChangeBatch updated = PENSTOCK_TRY(evaluate_all(policy_.update.new_row, batch, change_.eval));
      const ChangeBatch old = slice(batch, 0, table_.schema().size());
      for (size_t row = 0; row < updated.rows(); ++row) {
        removed_.add(old, row);
        added_.add(updated, row);
      }
    }
    return {};
  }

  Batches take_added() { return added_.take(); }
  Batches take_removed() { return removed_.take(); }

 private:
  std::vector<types::DataType> pair_types() const {
    std::vector<types::DataType> types = types::types_of(table_.schema());
    const size_t columns = types.size();
    for (size_t i = 0; i < columns; ++i) types.push_back(types[i]);
    return types;
  }

  const Modification& change_;
  const ConflictPolicy& policy_;
  NativeTable& table_;
  std::unordered_set<std::string> changed_;  // keys of rows that come or change
  Rows added_;
  Rows removed_;
};

// The plan may be older than the table, whose columns were `planned` then.
Status check_columns(const NativeTable& table, const types::Schema& planned) {
  const types::Schema& columns = table.schema();
  bool same = planned.size() == columns.size();
  for (size_t i = 0; same && i < columns.size(); ++i) {
    same = planned[i].name == columns[i].name && planned[i].type.same_type(columns[i].type);
  }
  return same ? Status() : changed_meanwhile(table.view()->options().name);
}

}  // namespace

Result<std::unique_ptr<Cursor>> insert_rows(const Modification& change, const plan::PhysicalPtr& rows,
                                            const ConflictPolicy& policy) {
  const auto lock = change.table.lock_for_writing();
  PENSTOCK_TRY(check_columns(change.table, rows->schema));
  Batches added = PENSTOCK_TRY(change.collect(rows));
  Batches removed;
  if (policy.kind != ConflictPolicy::Kind::kError) {
    Upsert upsert(change, policy);
    for (const ChangeBatch& batch : added) PENSTOCK_TRY(upsert.add(batch));
    added = upsert.take_added();
    removed = upsert.take_removed();
  }
  return finish(change, {removed, added, added, "INSERT 0 " + std::to_string(rows_of(added))});
}

namespace {

// The rows of a plan that changes a table: the old rows, and behind their columns others, as PlannedChange has them.
struct FoundRows {
  Batches old;
  Batches others;  // the same rows
};

// Of a joined table each row counts once, as often as it is there.
Result<FoundRows> find_rows(const Modification& change, const plan::PlannedChange& plan) {
  PENSTOCK_TRY(check_columns(change.table, plan.columns));
  const size_t columns = change.table.schema().size();
  std::unordered_set<std::string> seen;
  FoundRows found;
  for (const ChangeBatch& batch : PENSTOCK_TRY(change.collect(plan.query.root))) {
    const ChangeBatch old = slice(batch, 0, columns);
    const ChangeBatch others = slice(batch, columns, batch.columns().size() - columns - (plan.joined ? 1 : 0));
    if (!plan.joined) {
      found.old.push_back(old);
      found.others.push_back(others);
      continue;
    }
    Rows old_rows(types_of(old));
    Rows other_rows(types_of(others));
    for (size_t row = 0; row < batch.rows(); ++row) {
      std::string key;
      columnar::append_key(key, old.columns(), row);
      if (!seen.insert(std::move(key)).second) continue;
      for (int64_t copies = batch.columns().back()->value(row).as_int64(); copies > 0; --copies) {
        old_rows.add(old, row);
        other_rows.add(others, row);
      }
    }
    for (ChangeBatch& one : old_rows.take()) found.old.push_back(std::move(one));
    for (ChangeBatch& one : other_rows.take()) found.others.push_back(std::move(one));
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<Cursor>> replace_rows(const Modification& change, const plan::PhysicalPtr& rows,
                                             const plan::PlannedChange& all) {
  const auto lock = change.table.lock_for_writing();
  PENSTOCK_TRY(check_columns(change.table, rows->schema));
  const Batches added = PENSTOCK_TRY(change.collect(rows));
  const FoundRows found = PENSTOCK_TRY(find_rows(change, all));
  return finish(change, {found.old, added, added, "INSERT 0 " + std::to_string(rows_of(added))});
}

Result<std::unique_ptr<Cursor>> update_rows(const Modification& change, const plan::PlannedChange& plan) {
  const auto lock = change.table.lock_for_writing();
  const FoundRows found = PENSTOCK_TRY(find_rows(change, plan));
  Batches added;
  for (const ChangeBatch& batch : found.others) added.push_back(slice(batch, 0, change.table.schema().size()));
  return finish(change, {found.old, added, found.others, "UPDATE " + std::to_string(rows_of(added))});
}

Result<std::unique_ptr<Cursor>> delete_rows(const Modification& change, const plan::PlannedChange& plan) {
  const auto lock = change.table.lock_for_writing();
  const FoundRows found = PENSTOCK_TRY(find_rows(change, plan));
  Batches returned;
  for (size_t i = 0; i < found.old.size(); ++i) {
    std::vector<ColumnPtr> columns = found.old[i].columns();
    columns.insert(columns.end(), found.others[i].columns().begin(), found.others[i].columns().end());
    returned.emplace_back(found.old[i].rows(), std::move(columns));
  }
  return finish(change, {found.old, {}, std::move(returned), "DELETE " + std::to_string(rows_of(found.old))});
}

Result<std::unique_ptr<Cursor>> merge_rows(const Modification& change, const plan::PlannedChange& plan) {
  const auto lock = change.table.lock_for_writing();
  PENSTOCK_TRY(check_columns(change.table, plan.columns));
  const size_t columns = change.table.schema().size();
  std::unordered_set<std::string> seen;
  Rows removed(change.table.schema());
  Rows added(change.table.schema());
  size_t rows = 0;
  for (const ChangeBatch& batch : PENSTOCK_TRY(change.collect(plan.query.root))) {
    const ChangeBatch old = slice(batch, 2, columns);
    const ChangeBatch now = slice(batch, 2 + columns, columns);
    for (size_t row = 0; row < batch.rows(); ++row) {
      const bool goes = is_true(*batch.column(0), row);
      const bool comes = is_true(*batch.column(1), row);
      std::string key;
      columnar::append_key(key, old.columns(), row);
      if (goes && !seen.insert(std::move(key)).second) {
        return invalid_argument("MERGE would change a row a second time")
            .hint("at most one row of the source may fit a row of table \"" + change.table.view()->options().name +
                  "\"");
      }
      const int64_t copies = goes ? batch.columns().back()->value(row).as_int64() : 1;
      for (int64_t i = 0; i < copies; ++i, ++rows) {
        if (goes) removed.add(old, row);
        if (comes) added.add(now, row);
      }
    }
  }
  return finish(change, {removed.take(), added.take(), {}, "MERGE " + std::to_string(rows)});
}

}  // namespace penstock::engine
