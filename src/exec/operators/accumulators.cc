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

void Accumulators::update(std::span<std::byte* const> groups, const columnar::ChangeBatch& batch) {
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
    if (call.filter < 0) {
      call.function.kernels.update(all, argument, weights);
      continue;
    }
    const columnar::Column& filter = *batch.column(static_cast<size_t>(call.filter));
    columnar::Selection rows;
    for (size_t row = 0; row < batch.rows(); ++row) {
      if (!filter.is_null(row) && filter.values<uint8_t>()[row] != 0) rows.push_back(static_cast<uint16_t>(row));
    }
    if (rows.empty()) continue;
    std::vector<expr::AggregateKernels::State> chosen_states;
    std::vector<int8_t> chosen_weights;
    for (const uint16_t row : rows) {
      chosen_states.push_back(all[row]);
      if (weights != nullptr) chosen_weights.push_back(weights[row]);
    }
    const columnar::ColumnPtr chosen = argument == nullptr ? nullptr : argument->take(rows);
    call.function.kernels.update(chosen_states, chosen.get(), weights == nullptr ? nullptr : chosen_weights.data());
  }
}

void Accumulators::append_results(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders) {
  for (size_t i = 0; i < calls_.size(); ++i) calls_[i].function.kernels.result(states(groups, i), builders[i]);
}

}  // namespace penstock::exec
