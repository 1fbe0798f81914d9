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
    bytes_ = call.distinct ? align_to(bytes_, alignof(Link)) : bytes_;
    anchors_.push_back(bytes_);
    if (call.distinct) bytes_ += sizeof(Link);
  }
}

state::PayloadLayout Accumulators::layout() {
  const bool destroys =
      std::ranges::any_of(calls_, [](const AggregateCall& call) { return call.function.kernels.destroy != nullptr; });
  state::PayloadLayout layout{.bytes = bytes_, .context = this};
  layout.init = [](void* context, std::byte* payload) {
    auto& self = *static_cast<Accumulators*>(context);
    for (size_t i = 0; i < self.calls_.size(); ++i) {
      const expr::BoundAggregate& function = self.calls_[i].function;
      function.kernels.init(payload + self.offsets_[i], *function.parameters);
    }
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
        state::PayloadLayout{.bytes = sizeof(SeenValue)});
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

Accumulators::Chosen Accumulators::choose_distinct(size_t call, std::span<std::byte* const> groups,
                                                   const columnar::ChangeBatch& batch, const Chosen& chosen,
                                                   state::GroupTable& seen) const {
  const columnar::ColumnPtr& argument = batch.column(static_cast<size_t>(calls_[call].argument));
  columnar::Selection present;
  std::vector<std::byte*> present_groups;
  std::vector<int64_t> weights;
  for (size_t i = 0; i < chosen.rows.size(); ++i) {
    if (argument->is_null(chosen.rows[i])) continue;
    present.push_back(chosen.rows[i]);
    present_groups.push_back(groups[chosen.rows[i]]);
    weights.push_back(chosen.weights[i]);
  }
  const std::vector<int8_t> changes = count_values(call, present_groups, argument->take(present), weights, seen);
  Chosen changed;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (changes[i] == 0) continue;
    changed.rows.push_back(present[i]);
    changed.weights.push_back(changes[i]);
  }
  return changed;
}

std::vector<int8_t> Accumulators::count_values(size_t call, std::span<std::byte* const> groups,
                                               const columnar::ColumnPtr& values, std::span<const int64_t> weights,
                                               state::GroupTable& seen) const {
  std::vector<int64_t> addresses;  // a group does not move, so its address stands for its key
  addresses.reserve(groups.size());
  for (std::byte* group : groups) addresses.push_back(static_cast<int64_t>(reinterpret_cast<uintptr_t>(group)));
  const std::vector<columnar::ColumnPtr> keys = {
      std::make_shared<const columnar::Column>(types::TypeKind::kBigInt, std::move(addresses), std::vector<uint8_t>()),
      values};
  std::vector<std::byte*> entries;
  seen.find_or_insert(keys, groups.size(), entries);
  std::vector<int8_t> changes(groups.size(), 0);
  std::vector<std::byte*> gone;
  for (size_t i = 0; i < entries.size(); ++i) {
    auto& value = *reinterpret_cast<SeenValue*>(entries[i]);
    if (value.link.next == nullptr) {
      Link& ring = anchor(groups[i], call);
      if (ring.next == nullptr) ring = {&ring, &ring};
      value.link = {.next = ring.next, .previous = &ring};
      ring.next->previous = &value.link;
      ring.next = &value.link;
    }
    const bool was = value.count > 0;
    value.count += weights[i];
    if (was != (value.count > 0)) changes[i] = was ? int8_t{-1} : int8_t{1};
    if (value.count == 0) gone.push_back(entries[i]);
  }
  // It may have come back since, or gone twice.
  std::erase_if(gone, [](std::byte* entry) { return reinterpret_cast<SeenValue*>(entry)->count != 0; });
  std::ranges::sort(gone);
  const auto repeated = std::ranges::unique(gone);
  gone.erase(repeated.begin(), repeated.end());
  for (std::byte* entry : gone) {
    const Link& link = reinterpret_cast<SeenValue*>(entry)->link;
    link.previous->next = link.next;
    link.next->previous = link.previous;
    seen.erase(entry);
  }
  return changes;
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
    if (call.distinct) chosen = choose_distinct(i, groups, batch, chosen, *distinct[i]);
    if (chosen.rows.empty()) continue;
    std::vector<expr::AggregateKernels::State> chosen_states;
    for (const uint16_t row : chosen.rows) chosen_states.push_back(all[row]);
    const columnar::ColumnPtr taken = argument == nullptr ? nullptr : argument->take(chosen.rows);
    call.function.kernels.update(chosen_states, taken.get(), weights == nullptr ? nullptr : chosen.weights.data());
  }
}

void Accumulators::merge(std::span<std::byte* const> into, DistinctTables& into_distinct,
                         std::span<std::byte* const> from, DistinctTables& from_distinct) {
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (calls_[i].distinct) {
      merge_distinct(i, into, *into_distinct[i], from, *from_distinct[i]);
      continue;
    }
    const auto to = states(into, i);
    from_states_.clear();
    for (std::byte* group : from) from_states_.push_back(group + offsets_[i]);
    calls_[i].function.kernels.merge(to, from_states_);
  }
}

// What a group has seen is added value by value, since the other may have seen some of them too.
void Accumulators::merge_distinct(size_t call, std::span<std::byte* const> into, state::GroupTable& into_seen,
                                  std::span<std::byte* const> from, state::GroupTable& from_seen) {
  const expr::AggregateKernels& kernels = calls_[call].function.kernels;
  std::vector<std::byte*> owners;
  std::vector<std::byte*> entries;
  std::vector<int64_t> counts;
  const auto add = [&] {
    if (entries.empty()) return;
    std::vector<columnar::ColumnBuilder> keys;
    keys.emplace_back(types::TypeKind::kBigInt);
    keys.emplace_back(calls_[call].function.argument_type);
    from_seen.append_keys(entries, keys);
    const columnar::ColumnPtr values = keys[1].finish();
    const std::vector<int8_t> changes = count_values(call, owners, values, counts, into_seen);
    columnar::Selection rows;
    std::vector<expr::AggregateKernels::State> changed;
    std::vector<int8_t> weights;
    for (size_t row = 0; row < changes.size(); ++row) {
      if (changes[row] == 0) continue;
      rows.push_back(static_cast<uint16_t>(row));
      changed.push_back(owners[row] + offsets_[call]);
      weights.push_back(changes[row]);
    }
    kernels.update(changed, values->take(rows).get(), kernels.retracts ? weights.data() : nullptr);
    owners.clear();
    entries.clear();
    counts.clear();
  };
  for (size_t i = 0; i < from.size(); ++i) {
    const Link& ring = anchor(from[i], call);
    for (const Link* link = ring.next; link != nullptr && link != &ring; link = link->next) {
      const auto* value = reinterpret_cast<const SeenValue*>(link);
      owners.push_back(into[i]);
      entries.push_back(reinterpret_cast<std::byte*>(const_cast<SeenValue*>(value)));
      counts.push_back(value->count);
      if (entries.size() == columnar::kBatchRowsMax) add();
    }
  }
  add();
}

void Accumulators::forget(std::byte* group, DistinctTables& distinct) const {
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i].distinct) continue;
    Link& ring = anchor(group, i);
    for (Link* link = ring.next; link != nullptr && link != &ring;) {
      Link* const next = link->next;
      distinct[i]->erase(reinterpret_cast<std::byte*>(link));
      link = next;
    }
    ring = {};
  }
}

void Accumulators::append_results(std::span<std::byte* const> groups, std::span<columnar::ColumnBuilder> builders) {
  for (size_t i = 0; i < calls_.size(); ++i) calls_[i].function.kernels.result(states(groups, i), builders[i]);
}

}  // namespace penstock::exec
