#include "exec/operators/accumulators.h"

#include <algorithm>
#include <utility>

namespace penstock::exec {

namespace {

constexpr size_t align_to(size_t bytes, size_t align) { return (bytes + align - 1) / align * align; }

}  // namespace

Accumulators::Accumulators(std::vector<AggregateCall> calls, size_t prefix_bytes)
    : calls_(std::move(calls)), bytes_(prefix_bytes) {
  for (const AggregateCall& call : calls_) {
    bytes_ = align_to(bytes_, std::max<size_t>(1, call.function.kernels.state_align));
    offsets_.push_back(bytes_);
    bytes_ += call.function.kernels.state_bytes;
  }
}

state::PayloadLayout Accumulators::layout() {
  const bool destroys =
      std::ranges::any_of(calls_, [](const AggregateCall& call) { return call.function.kernels.destroy != nullptr; });
  state::PayloadLayout layout{.bytes = bytes_, .context = this};
  layout.init = [](void* context, std::byte* payload) {
    auto& self = *static_cast<Accumulators*>(context);
    for (size_t i = 0; i < self.calls_.size(); ++i) self.calls_[i].function.kernels.init(payload + self.offsets_[i]);
  };
  if (!destroys) return layout;
  layout.destroy = [](void* context, std::byte* payload) {
    auto& self = *static_cast<Accumulators*>(context);
    for (size_t i = 0; i < self.calls_.size(); ++i) {
      const auto destroy = self.calls_[i].function.kernels.destroy;
      if (destroy != nullptr) destroy(payload + self.offsets_[i]);
    }
  };
  return layout;
}

std::span<const expr::AggregateKernels::State> Accumulators::states(std::span<std::byte* const> groups, size_t call) {
  states_.resize(groups.size());
  const size_t offset = offsets_[call];
  for (size_t i = 0; i < groups.size(); ++i) states_[i] = groups[i] + offset;
  return states_;
}

DistinctTables Accumulators::make_distinct_tables() const {
  DistinctTables tables(calls_.size());
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i].distinct) continue;
    tables[i] = std::make_unique<state::GroupTable>(
        std::vector<types::DataType>{types::TypeKind::kBigInt, calls_[i].function.argument_type},
        state::PayloadLayout{.bytes = sizeof(int64_t)});
  }
  return tables;
}

Accumulators::Chosen Accumulators::choose(const AggregateCall& call, const columnar::ChangeBatch& batch) {
  Chosen chosen;
  const columnar::Column* filter = call.filter < 0 ? nullptr : batch.column(static_cast<size_t>(call.filter)).get();
  for (size_t row = 0; row < batch.rows(); ++row) {
    if (filter != nullptr && (filter->is_null(row) || filter->values<uint8_t>()[row] == 0)) continue;
    chosen.rows.push_back(static_cast<uint16_t>(row));
    chosen.weights.push_back(static_cast<int8_t>(batch.weight(row)));
  }
  return chosen;
}

Accumulators::Chosen Accumulators::choose_distinct(const AggregateCall& call, std::span<std::byte* const> groups,
                                                   const columnar::ChangeBatch& batch, const Chosen& chosen,
                                                   state::GroupTable& seen) {
  const columnar::ColumnPtr& argument = batch.column(static_cast<size_t>(call.argument));
  Chosen present;
  std::vector<int64_t> addresses;  // a group does not move, so its address stands for its key
  for (size_t i = 0; i < chosen.rows.size(); ++i) {
    if (argument->is_null(chosen.rows[i])) continue;
    present.rows.push_back(chosen.rows[i]);
    present.weights.push_back(chosen.weights[i]);
    addresses.push_back(static_cast<int64_t>(reinterpret_cast<uintptr_t>(groups[chosen.rows[i]])));
  }
  const std::vector<columnar::ColumnPtr> keys = {
      std::make_shared<const columnar::Column>(types::TypeKind::kBigInt, std::move(addresses), std::vector<uint8_t>()),
      argument->take(present.rows)};
  std::vector<std::byte*> counters;
  seen.find_or_insert(keys, present.rows.size(), counters);
  Chosen changed;
  for (size_t i = 0; i < counters.size(); ++i) {
    auto& count = *reinterpret_cast<int64_t*>(counters[i]);
    const bool was = count > 0;
    count += present.weights[i];
    if (was == (count > 0)) continue;
    changed.rows.push_back(present.rows[i]);
    changed.weights.push_back(was ? int8_t{-1} : int8_t{1});
  }
  std::erase_if(counters, [](std::byte* counter) { return *reinterpret_cast<int64_t*>(counter) != 0; });
  std::ranges::sort(counters);
  const auto repeated = std::ranges::unique(counters);
  counters.erase(repeated.begin(), repeated.end());
  for (std::byte* counter : counters) seen.erase(counter);
  return changed;
}

void Accumulators::update(std::span<std::byte* const> groups, const columnar::ChangeBatch& batch,
                          DistinctTables& distinct) {
  const int8_t* weights = nullptr;
  if (!batch.append_only()) {
    weights_.resize(batch.rows());
    for (size_t row = 0; row < batch.rows(); ++row) weights_[row] = static_cast<int8_t>(batch.weight(row));
    weights = weights_.data();
  }
  for (size_t i = 0; i < calls_.size(); ++i) {
    const AggregateCall& call = calls_[i];
    const columnar::Column* argument =
        call.argument < 0 ? nullptr : batch.column(static_cast<size_t>(call.argument)).get();
    const auto all = states(groups, i);
    if (call.filter < 0 && !call.distinct) {
      call.function.kernels.update(all, argument, weights);
      continue;
    }
    Chosen chosen = choose(call, batch);
    if (call.distinct) chosen = choose_distinct(call, groups, batch, chosen, *distinct[i]);
    if (chosen.rows.empty()) continue;
    std::vector<expr::AggregateKernels::State> chosen_states;
    for (const uint16_t row : chosen.rows) chosen_states.push_back(all[row]);
    const columnar::ColumnPtr taken = argument == nullptr ? nullptr : argument->take(chosen.rows);
    call.function.kernels.update(chosen_states, taken.get(), weights == nullptr ? nullptr : chosen.weights.data());
  }
}

void Accumulators::append_results(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders) {
  for (size_t i = 0; i < calls_.size(); ++i) calls_[i].function.kernels.result(states(groups, i), builders[i]);
}

}  // namespace penstock::exec
