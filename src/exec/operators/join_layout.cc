#include "exec/operators/join_layout.h"

#include <algorithm>
#include <utility>

#include "expr/evaluate.h"

namespace penstock::exec {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnPtr;

std::vector<types::DataType> key_types(const JoinInput& input) {
  std::vector<types::DataType> types;
  for (const int key : input.keys) types.push_back(input.types[static_cast<size_t>(key)]);
  return types;
}

void Pairs::keep(const columnar::Selection& chosen) {
  for (size_t i = 0; i < chosen.size(); ++i) {
    batch_rows[i] = batch_rows[chosen[i]];
    stored_rows[i] = stored_rows[chosen[i]];
  }
  batch_rows.resize(chosen.size());
  stored_rows.resize(chosen.size());
}

std::vector<int> columns_with_null(const ChangeBatch& batch, const std::vector<int>& keys,
                                   const std::vector<bool>& nulls_match, std::optional<int> time) {
  const auto has_null = [&](int column) { return batch.column(static_cast<size_t>(column))->has_nulls(); };
  std::vector<int> with_null;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!nulls_match[i] && has_null(keys[i])) with_null.push_back(keys[i]);
  }
  if (time && has_null(*time)) with_null.push_back(*time);
  return with_null;
}

JoinLayout::JoinLayout(Options options) : types_(std::move(options.types)), context_(std::move(options.context)) {
  const int left_columns = static_cast<int>(types_[kLeftSide].size());
  std::vector<size_t> used;
  if (options.condition != nullptr) expr::collect_columns(*options.condition, used);
  stored_ = std::move(options.also_stored);
  const auto store = [&](int column) {
    const Side side = column < left_columns ? kLeftSide : kRightSide;
    stored_[side].push_back(side == kLeftSide ? column : column - left_columns);
  };
  for (const int column : options.output) store(column);
  for (const size_t column : used) store(static_cast<int>(column));
  for (std::vector<int>& columns : stored_) {
    std::ranges::sort(columns);
    const auto repeated = std::ranges::unique(columns);
    columns.erase(repeated.begin(), repeated.end());
  }
  for (const int column : options.output) output_.push_back(source_of(column));
  std::vector<int> mapping(types_[kLeftSide].size() + types_[kRightSide].size(), -1);
  for (const size_t column : used) {
    mapping[column] = static_cast<int>(condition_columns_.size());
    condition_columns_.push_back(source_of(static_cast<int>(column)));
  }
  if (options.condition != nullptr) condition_ = expr::remap_columns(options.condition, mapping);
}

JoinLayout::Source JoinLayout::source_of(int column) const {
  const int left_columns = static_cast<int>(types_[kLeftSide].size());
  const Side side = column < left_columns ? kLeftSide : kRightSide;
  const int of_input = side == kLeftSide ? column : column - left_columns;
  return {.side = side,
          .column = static_cast<size_t>(of_input),
          .stored = stored_place(side, of_input),
          .type = types_[side][static_cast<size_t>(of_input)]};
}

size_t JoinLayout::stored_place(Side side, int column) const {
  return static_cast<size_t>(std::ranges::lower_bound(stored_[side], column) - stored_[side].begin());
}

std::vector<types::DataType> JoinLayout::stored_types(Side side) const {
  std::vector<types::DataType> types;
  for (const int column : stored_[side]) types.push_back(types_[side][static_cast<size_t>(column)]);
  return types;
}

std::vector<ColumnPtr> JoinLayout::stored_values(Side side, const ChangeBatch& batch) const {
  return batch.columns_at(stored_[side]);
}

std::vector<ColumnPtr> JoinLayout::gather(const std::vector<Source>& sources, Side side, const ChangeBatch& batch,
                                          const state::RowStore& others, const Pairs& pairs) {
  std::vector<ColumnPtr> columns;
  columns.reserve(sources.size());
  for (const Source& source : sources) {
    columns.push_back(source.side == side ? batch.column(source.column)->take(pairs.batch_rows)
                                          : others.gather(source.stored, pairs.stored_rows));
  }
  return columns;
}

Result<columnar::Selection> JoinLayout::select(Side side, const ChangeBatch& batch, const state::RowStore& others,
                                               const Pairs& pairs) const {
  const ChangeBatch candidates(pairs.size(), gather(condition_columns_, side, batch, others, pairs));
  expr::RowErrors errors;
  columnar::Selection selected = expr::select(*condition_, candidates, context_.eval(), errors);
  PENSTOCK_TRY(context_.set_aside(candidates, errors));
  return selected;
}

std::vector<ColumnPtr> JoinLayout::join(Side side, const ChangeBatch& batch, const state::RowStore& others,
                                        const Pairs& pairs) const {
  return gather(output_, side, batch, others, pairs);
}

std::vector<ColumnPtr> JoinLayout::alone(Side side, const state::RowStore& rows,
                                         std::span<const state::RowId> chosen) const {
  std::vector<ColumnPtr> columns;
  for (const Source& source : output_) {
    columns.push_back(source.side == side ? rows.gather(source.stored, chosen)
                                          : Column::constant(source.type, types::Value(), chosen.size()));
  }
  return columns;
}

ChangeBatch JoinLayout::alone(Side side, const ChangeBatch& batch) const {
  std::vector<ColumnPtr> columns;
  for (const Source& source : output_) {
    columns.push_back(source.side == side ? batch.column(source.column)
                                          : Column::constant(source.type, types::Value(), batch.rows()));
  }
  return batch.with_columns(std::move(columns));
}

ChangeBatch JoinLayout::take_with_values(Side side, const ChangeBatch& batch, std::span<const int> columns,
                                         Output* out) const {
  if (columns.empty()) return batch;
  columnar::Selection with_values;
  columnar::Selection with_null;
  const auto is_null = [&](size_t row) {
    return std::ranges::any_of(columns,
                               [&](int column) { return batch.column(static_cast<size_t>(column))->is_null(row); });
  };
  for (size_t row = 0; row < batch.rows(); ++row) {
    (is_null(row) ? with_null : with_values).push_back(static_cast<uint16_t>(row));
  }
  if (with_null.empty()) return batch;
  if (out != nullptr) out->emit(alone(side, batch.take(with_null)));
  return batch.take(with_values);
}

}  // namespace penstock::exec
