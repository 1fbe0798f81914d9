#include "exec/operators/match_rows.h"

#include <algorithm>
#include <new>

#include "columnar/change_batch.h"
#include "columnar/row_key.h"

namespace penstock::exec {

using expr::AggregateKernels;

namespace {

// Those that the filter lets through.
std::vector<state::RowId> counted_rows(const expr::MatchReference& reference, const state::RowStore& store,
                                       std::span<const state::RowId> rows) {
  if (reference.filter < 0) return {rows.begin(), rows.end()};
  const columnar::ColumnPtr met = store.gather(static_cast<size_t>(reference.filter), rows);
  std::vector<state::RowId> counted;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (!met->is_null(row) && met->values<uint8_t>()[row] != 0) counted.push_back(rows[row]);
  }
  return counted;
}

}  // namespace

MatchAggregate::MatchAggregate(const expr::MatchReference& reference, const state::RowStore& store)
    : reference_(reference),
      store_(store),
      state_(new(std::align_val_t(kAlign)) std::byte[std::max<size_t>(reference.aggregate.kernels.state_bytes, 1)]) {
  reference_.aggregate.kernels.init(state_, *reference_.aggregate.parameters);
}

MatchAggregate::~MatchAggregate() {
  if (reference_.aggregate.kernels.destroy != nullptr) reference_.aggregate.kernels.destroy(state_);
  operator delete[](state_, std::align_val_t(kAlign));
}

void MatchAggregate::add(std::span<const state::RowId> rows) {
  if (!reference_.distinct) return add(reference_, store_, state_, rows);
  const std::vector<state::RowId> counted = counted_rows(reference_, store_, rows);
  const columnar::ColumnPtr values = store_.gather(static_cast<size_t>(reference_.column), counted);
  std::vector<state::RowId> fresh;
  for (size_t row = 0; row < counted.size(); ++row) {
    std::string value;
    columnar::append_key(value, std::span(&values, 1), row);
    if (seen_.emplace(value).second) fresh.push_back(counted[row]);
  }
  update(reference_, store_, state_, fresh);
}

void MatchAggregate::add(const expr::MatchReference& reference, const state::RowStore& store, std::byte* state,
                         std::span<const state::RowId> rows) {
  if (reference.filter < 0) return update(reference, store, state, rows);
  update(reference, store, state, counted_rows(reference, store, rows));
}

void MatchAggregate::update(const expr::MatchReference& reference, const state::RowStore& store, std::byte* state,
                            std::span<const state::RowId> rows) {
  while (!rows.empty()) {
    const auto chunk = rows.first(std::min(rows.size(), columnar::kBatchRowsMax));
    const std::vector<AggregateKernels::State> states(chunk.size(), state);
    columnar::ColumnPtr values;
    if (reference.column >= 0) values = store.gather(static_cast<size_t>(reference.column), chunk);
    reference.aggregate.kernels.update(states, values.get(), nullptr);
    rows = rows.subspan(chunk.size());
  }
}

void MatchAggregate::append_result(columnar::ColumnBuilder& out) {
  reference_.aggregate.kernels.result(std::span(&state_, 1), out);
}

}  // namespace penstock::exec
