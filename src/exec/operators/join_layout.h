// Which columns a join keeps of its inputs, and how pairs of rows become its output. Shared by the kinds of joins.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "columnar/change_batch.h"
#include "exec/operator.h"
#include "exec/operators/expression_context.h"
#include "expr/expr.h"
#include "state/row_store.h"
#include "types/type.h"

namespace penstock::exec {

// The inputs of a join, and the ports by which they come.
enum Side : uint8_t { kLeftSide = 0, kRightSide = 1 };
constexpr Side other(Side side) { return side == kLeftSide ? kRightSide : kLeftSide; }

enum class JoinKind : uint8_t { kInner, kLeft, kRight, kFull, kSemi, kAnti };

// Whether rows of that side come out by themselves: without a partner, or (kSemi) with one.
constexpr bool emits_alone(JoinKind kind, Side side) {
  if (kind == JoinKind::kFull) return true;
  return side == kRightSide ? kind == JoinKind::kRight : kind != JoinKind::kInner && kind != JoinKind::kRight;
}
// Whether only columns of the left input come out, and so never a pair.
constexpr bool left_only(JoinKind kind) { return kind == JoinKind::kSemi || kind == JoinKind::kAnti; }

struct JoinInput {
  std::vector<types::DataType> types;  // of its columns
  std::vector<int> keys;               // columns, one per key of the join
  bool append_only = true;             // rows are never taken back
  // Columns whose values are never in two rows at once, where such are known.
  std::optional<std::vector<int>> unique_key;
};

std::vector<types::DataType> key_types(const JoinInput& input);

// Pairs of a row of a batch and a stored row of the other side.
struct Pairs {
  std::vector<uint16_t> batch_rows;
  std::vector<state::RowId> stored_rows;

  size_t size() const { return batch_rows.size(); }
  void add(uint16_t batch_row, state::RowId stored_row) {
    batch_rows.push_back(batch_row);
    stored_rows.push_back(stored_row);
  }
  // Leaves the chosen ones.
  void keep(const columnar::Selection& chosen);
  void clear() {
    batch_rows.clear();
    stored_rows.clear();
  }
};

// The keys of a join for which the batch has NULLs that equal nothing; and the column of the time, where that counts
// and has NULLs.
std::vector<int> columns_with_null(const columnar::ChangeBatch& batch, const std::vector<int>& keys,
                                   const std::vector<bool>& nulls_match, std::optional<int> time = {});

// Owned by one operator; not thread-safe.
class JoinLayout {
 public:
  struct Options {
    JoinKind kind = JoinKind::kInner;
    std::array<std::vector<types::DataType>, 2> types;  // of the inputs' columns
    expr::ExprPtr condition;                            // over left ++ right; may be null
    std::vector<int> output;                            // columns of left ++ right
    std::array<std::vector<int>, 2> also_stored;        // columns of each side that are kept beside those in use
    ExpressionContext context;
  };
  explicit JoinLayout(Options options);
  // What it needs of the options of a join.
  template <class JoinOptions>
  static Options options_of(const JoinOptions& join) {
    return {.kind = join.kind,
            .types = {join.inputs[kLeftSide].types, join.inputs[kRightSide].types},
            .condition = join.condition,
            .output = join.output,
            .also_stored = {},
            .context = join.context};
  }

  // --- what is kept of a side ---
  const std::vector<int>& stored_columns(Side side) const { return stored_[side]; }
  std::vector<types::DataType> stored_types(Side side) const;
  std::vector<columnar::ColumnPtr> stored_values(Side side, const columnar::ChangeBatch& batch) const;
  // The place among those of a column of the input that is there.
  size_t stored_place(Side side, int column) const;

  // --- output ---
  bool has_condition() const { return condition_ != nullptr; }
  // The pairs of a batch of `side` for which the condition is true.
  Result<columnar::Selection> select(Side side, const columnar::ChangeBatch& batch, const state::RowStore& others,
                                     const Pairs& pairs) const;
  std::vector<columnar::ColumnPtr> join(Side side, const columnar::ChangeBatch& batch, const state::RowStore& others,
                                        const Pairs& pairs) const;
  // Rows of one side, with NULLs where the other side's columns would be.
  std::vector<columnar::ColumnPtr> alone(Side side, const state::RowStore& rows,
                                         std::span<const state::RowId> chosen) const;
  columnar::ChangeBatch alone(Side side, const columnar::ChangeBatch& batch) const;
  // The rows that have a value in each of these columns, so that they can have a partner. `out`, unless it is null,
  // gets the others, as rows of one side.
  columnar::ChangeBatch take_with_values(Side side, const columnar::ChangeBatch& batch, std::span<const int> columns,
                                         Output* out) const;

 private:
  // A column of the output or of the condition.
  struct Source {
    Side side;
    size_t column;  // of the input
    size_t stored;  // among those that are kept
    types::DataType type;
  };
  Source source_of(int column) const;
  static std::vector<columnar::ColumnPtr> gather(const std::vector<Source>& sources, Side side,
                                                 const columnar::ChangeBatch& batch, const state::RowStore& others,
                                                 const Pairs& pairs);

  const std::array<std::vector<types::DataType>, 2> types_;
  std::array<std::vector<int>, 2> stored_;
  std::vector<Source> output_;
  std::vector<Source> condition_columns_;
  expr::ExprPtr condition_;  // over condition_columns_
  const ExpressionContext context_;
};

}  // namespace penstock::exec
