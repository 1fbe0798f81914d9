// Joins over random streams of changes, held against a join of all rows with all rows.
#include "exec/operators/join.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "expr/registry.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using columnar::RowOp;

const types::DataType kBigInt = types::TypeKind::kBigInt;
constexpr JoinKind kKinds[] = {JoinKind::kInner, JoinKind::kLeft, JoinKind::kRight,
                               JoinKind::kFull,  JoinKind::kSemi, JoinKind::kAnti};

using Row = std::vector<std::optional<int64_t>>;  // key, id, value
using Weights = std::map<Row, int>;

// The rows that the changes of an operator leave.
class Applied : public Output {
 public:
  void emit(ChangeBatch batch) override {
    ASSERT_GT(batch.rows(), 0U);
    ASSERT_LE(batch.rows(), columnar::kBatchRowsMax);
    for (size_t row = 0; row < batch.rows(); ++row) {
      Row values;
      for (const columnar::ColumnPtr& column : batch.columns()) {
        values.push_back(column->is_null(row) ? std::nullopt : std::optional(column->values<int64_t>()[row]));
      }
      any_retraction = any_retraction || batch.weight(row) < 0;
      int& weight = weights[values];
      weight += batch.weight(row);
      if (weight == 0) weights.erase(values);
    }
  }
  Weights weights;
  bool any_retraction = false;
};

// What is asked of the operator in a run.
struct Setup {
  JoinKind kind = JoinKind::kInner;
  bool with_key = true;
  bool nulls_match = false;
  bool with_condition = false;  // left value < right value
  bool retracts[2] = {false, false};
  std::optional<int> unique[2];  // column whose values are in one row at a time: 0 (the key), 1 (the id)
  bool at_end = false;
  uint64_t keys = 5;
};

bool matches(const Setup& setup, const Row& left, const Row& right) {
  if (setup.with_key && left[0] != right[0]) return false;
  if (setup.with_key && !left[0] && !setup.nulls_match) return false;
  return !setup.with_condition || (left[2] && right[2] && *left[2] < *right[2]);
}

Row beside(const Row& left, const Row& right) {
  Row row = left;
  row.insert(row.end(), right.begin(), right.end());
  return row;
}

// Every left row with every right row of its key.
Weights expected_join(const Setup& setup, const Weights& left, const Weights& right) {
  const Row nulls(3);
  Weights result;
  std::map<std::optional<int64_t>, std::vector<const Weights::value_type*>> right_by_key;
  std::set<Row> right_met;
  for (const auto& entry : right) right_by_key[setup.with_key ? entry.first[0] : std::nullopt].push_back(&entry);
  for (const auto& [l, left_count] : left) {
    bool met = false;
    for (const Weights::value_type* entry : right_by_key[setup.with_key ? l[0] : std::nullopt]) {
      const auto& [r, right_count] = *entry;
      if (!matches(setup, l, r)) continue;
      met = true;
      right_met.insert(r);
      if (!left_only(setup.kind)) result[beside(l, r)] += left_count * right_count;
    }
    if (setup.kind == JoinKind::kSemi && met) result[l] += left_count;
    if (setup.kind == JoinKind::kAnti && !met) result[l] += left_count;
    if ((setup.kind == JoinKind::kLeft || setup.kind == JoinKind::kFull) && !met) {
      result[beside(l, nulls)] += left_count;
    }
  }
  for (const auto& [r, right_count] : right) {
    if ((setup.kind == JoinKind::kRight || setup.kind == JoinKind::kFull) && !right_met.contains(r)) {
      result[beside(nulls, r)] += right_count;
    }
  }
  return result;
}

std::unique_ptr<Operator> make(const Setup& setup) {
  JoinOptions options{.kind = setup.kind, .output = {0, 1, 2}, .at_end = setup.at_end};
  if (!left_only(setup.kind)) options.output = {0, 1, 2, 3, 4, 5};
  for (size_t side = 0; side < 2; ++side) {
    JoinInput& input = options.inputs[side];
    input.types = {kBigInt, kBigInt, kBigInt};
    if (setup.with_key) input.keys = {0};
    input.append_only = !setup.retracts[side];
    if (setup.unique[side]) input.unique_key = {{*setup.unique[side]}};
  }
  if (setup.with_key) options.nulls_match = {setup.nulls_match};
  if (setup.with_condition) {
    options.condition = *expr::bind_call("<", {expr::Expr::column(2, kBigInt), expr::Expr::column(5, kBigInt)});
  }
  return make_join(std::move(options));
}

// Random changes of one side that lead from rows to other rows, in any order.
std::vector<std::pair<Row, int>> random_changes(const Setup& setup, size_t side, size_t count, Weights& rows,
                                                std::mt19937_64& random) {
  std::vector<std::pair<Row, int>> changes;
  const auto change = [&](const Row& row, int weight) {
    changes.emplace_back(row, weight);
    int& left = rows[row];
    left += weight;
    if (left == 0) rows.erase(row);
  };
  for (size_t i = 0; i < count; ++i) {
    if (setup.retracts[side] && !rows.empty() && random() % 2 == 0) {
      auto row = rows.lower_bound({static_cast<int64_t>(random() % setup.keys), std::nullopt, std::nullopt});
      if (row == rows.end()) row = rows.begin();
      change(Row(row->first), -1);
      continue;
    }
    Row row = {static_cast<int64_t>(random() % setup.keys), static_cast<int64_t>(random() % 20),
               static_cast<int64_t>(random() % 8)};
    if (random() % 10 == 0) row[0].reset();
    if (random() % 10 == 0) row[2].reset();
    if (setup.unique[side]) {
      const auto unique = static_cast<size_t>(*setup.unique[side]);
      if (!row[unique]) continue;
      const auto taken =
          std::ranges::find_if(rows, [&](const auto& known) { return known.first[unique] == row[unique]; });
      if (taken != rows.end()) change(Row(taken->first), -1);
    }
    change(row, 1);
  }
  std::ranges::shuffle(changes, random);
  return changes;
}

ChangeBatch make_batch(std::span<const std::pair<Row, int>> changes) {
  columnar::BatchBuilder builder({kBigInt, kBigInt, kBigInt});
  for (const auto& [row, weight] : changes) {
    for (size_t c = 0; c < row.size(); ++c) {
      row[c] ? builder.column(c).append_int64(*row[c]) : builder.column(c).append_null();
    }
    builder.end_row(weight > 0 ? RowOp::kInsert : RowOp::kDelete);
  }
  return builder.finish();
}

void give(Operator& op, int port, const ChangeBatch& batch, Applied& applied) {
  ASSERT_TRUE(op.process(port, batch, applied).has_value());
  while (op.unfinished()) ASSERT_TRUE(op.resume(applied).has_value());
}

// Feeds both sides in random order and pieces.
void feed(Operator& op, std::array<std::vector<std::pair<Row, int>>, 2> changes, Applied& applied,
          std::mt19937_64& random) {
  std::array<size_t, 2> given = {0, 0};
  while (given[0] < changes[0].size() || given[1] < changes[1].size()) {
    const size_t side = random() % 2;
    const size_t left = std::min(changes[side].size() - given[side], columnar::kBatchRowsMax);
    if (left == 0) continue;
    const size_t rows = 1 + random() % left;
    give(op, static_cast<int>(side), make_batch(std::span(changes[side]).subspan(given[side], rows)), applied);
    given[side] += rows;
  }
}

void run(const Setup& setup, uint64_t seed, size_t changes_max) {
  std::mt19937_64 random(seed);
  const std::unique_ptr<Operator> op = make(setup);
  Applied applied;
  std::array<Weights, 2> rows;
  for (int64_t epoch = 1; epoch <= 12; ++epoch) {
    std::array<std::vector<std::pair<Row, int>>, 2> changes;
    for (size_t side = 0; side < 2; ++side) {
      changes[side] = random_changes(setup, side, random() % (changes_max + 1), rows[side], random);
    }
    feed(*op, std::move(changes), applied, random);
    while (*op->on_barrier(Epoch(epoch), applied) == Progress::kMore) {
    }
    if (!setup.at_end) ASSERT_EQ(applied.weights, expected_join(setup, rows[0], rows[1])) << "epoch " << epoch;
  }
  while (*op->on_end(applied) == Progress::kMore) {
  }
  ASSERT_EQ(applied.weights, expected_join(setup, rows[0], rows[1]));
  if (setup.at_end || (setup.kind == JoinKind::kInner && !setup.retracts[0] && !setup.retracts[1])) {
    EXPECT_FALSE(applied.any_retraction);
  }
}

void run_all_kinds(Setup setup, size_t changes_max, uint64_t seeds) {
  for (const JoinKind kind : kKinds) {
    for (const bool condition : {false, true}) {
      for (uint64_t seed = 0; seed < seeds; ++seed) {
        setup.kind = kind;
        setup.with_condition = condition;
        SCOPED_TRACE(fmt::format("kind {}, condition {}, seed {}", static_cast<int>(kind), condition, seed));
        run(setup, seed, changes_max);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

TEST(Join, AppendedRows) { run_all_kinds({.keys = 20}, 12, 4); }
TEST(Join, ChangesOfTheLeft) { run_all_kinds({.retracts = {true, false}}, 16, 4); }
TEST(Join, ChangesOfTheRight) { run_all_kinds({.retracts = {false, true}}, 16, 4); }
TEST(Join, ChangesOfBoth) { run_all_kinds({.retracts = {true, true}}, 30, 8); }
TEST(Join, NullsThatMatch) { run_all_kinds({.nulls_match = true, .retracts = {true, true}}, 30, 4); }
TEST(Join, WithoutKeys) { run_all_kinds({.with_key = false, .retracts = {true, true}}, 12, 4); }
TEST(Join, UniqueIds) { run_all_kinds({.retracts = {true, true}, .unique = {{1}, {1}}}, 30, 4); }
TEST(Join, UniqueKeys) { run_all_kinds({.retracts = {true, true}, .unique = {{0}, {0}}}, 30, 4); }
TEST(Join, OneUniqueKey) { run_all_kinds({.retracts = {true, true}, .unique = {std::nullopt, 0}}, 30, 4); }
TEST(Join, ManyKeys) { run_all_kinds({.retracts = {true, true}, .keys = 1500}, 800, 1); }
TEST(Join, EndedInputsTellOnce) { run_all_kinds({.at_end = true, .keys = 20}, 12, 4); }
TEST(Join, EndedInputsOfManyKeysTellOnce) { run_all_kinds({.at_end = true, .keys = 3000}, 400, 1); }

class CountedRows : public Output {
 public:
  void emit(ChangeBatch batch) override {
    EXPECT_LE(batch.rows(), columnar::kBatchRowsMax);
    ++batches;
    rows += batch.rows();
  }
  size_t batches = 0;
  size_t rows = 0;
};

void give(Operator& op, int port, const ChangeBatch& batch, CountedRows& counted) {
  ASSERT_TRUE(op.process(port, batch, counted).has_value());
  while (op.unfinished()) ASSERT_TRUE(op.resume(counted).has_value());
}

// Rows of key 1 with ids from `first` on.
ChangeBatch rows_from(size_t first, size_t count, int weight = 1) {
  std::vector<std::pair<Row, int>> rows;
  for (size_t i = 0; i < count; ++i) rows.emplace_back(Row{1, static_cast<int64_t>(first + i), 1}, weight);
  return make_batch(rows);
}

// A batch whose rows have very many partners leaves in pieces of bounded size.
TEST(Join, ManyPartnersLeaveInPieces) {
  constexpr size_t kRows = columnar::kBatchRowsMax;
  for (const bool retracts : {false, true}) {
    const std::unique_ptr<Operator> op = make({.kind = JoinKind::kFull, .retracts = {retracts, retracts}});
    CountedRows counted;
    give(*op, 0, rows_from(0, kRows), counted);
    give(*op, 0, rows_from(0, kRows), counted);  // equal rows are one with a count, where rows may be taken back
    EXPECT_EQ(counted.batches, 0U);
    ASSERT_TRUE(op->process(1, rows_from(0, 100), counted).has_value());
    int calls = 1;
    for (size_t before = 0; op->unfinished(); ++calls) {
      EXPECT_LE(counted.batches - before, 16U);
      before = counted.batches;
      ASSERT_TRUE(op->resume(counted).has_value());
    }
    EXPECT_GT(calls, 5);
    EXPECT_EQ(counted.rows, 2 * 100 * kRows);
  }
}

// Rows that all lose their partner at once come out at the barrier in pieces.
TEST(Join, ManyRowsWithoutPartnersLeaveInPieces) {
  const std::unique_ptr<Operator> op = make({.kind = JoinKind::kLeft, .retracts = {true, true}});
  CountedRows counted;
  give(*op, 1, rows_from(0, 1), counted);
  for (size_t batch = 0; batch < 40; ++batch) {
    give(*op, 0, rows_from(batch * columnar::kBatchRowsMax, columnar::kBatchRowsMax), counted);
  }
  ASSERT_EQ(*op->on_barrier(Epoch(1), counted), Progress::kDone);
  give(*op, 1, rows_from(0, 1, -1), counted);
  counted = {};
  int calls = 1;
  while (*op->on_barrier(Epoch(2), counted) == Progress::kMore) ++calls;
  EXPECT_GT(calls, 2);
  EXPECT_EQ(counted.rows, 40 * columnar::kBatchRowsMax);
}

}  // namespace
}  // namespace penstock::exec
