#include "exec/operators/match_rows.h"

#include <algorithm>
#include <new>

#include "columnar/change_batch.h"

namespace penstock::exec {

using expr::AggregateKernels;

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

void MatchAggregate::add(std::span<const state::RowId> rows) { add(reference_, store_, state_, rows); }

void MatchAggregate::add(const expr::MatchReference& reference, const state::RowStore& store, std::byte* state,
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
