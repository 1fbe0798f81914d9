#include "exec/operators/match_conditions.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "expr/evaluate.h"

namespace penstock::exec {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using expr::MatchReference;
using state::RowId;
using Kind = MatchReference::Kind;

namespace {

// The current row, or one so many rows from it: no need to know what a run has read.
bool is_near_current_row(const MatchReference& reference, int variable) {
  return types::contains(reference.variables, variable) && !reference.first && reference.offset == 0;
}

constexpr size_t align16(size_t bytes) { return (bytes + 15) / 16 * 16; }

}  // namespace

MatchConditions::MatchConditions(const MatchOptions& options, const state::RowStore& store)
    : options_(options), store_(store) {
  for (size_t i = 0; i < options.definitions.size(); ++i) {
    add_definition(options.definitions[i], static_cast<int>(i));
  }
  const auto look = [this](const MatchReference& reference) {
    rows_before_ = std::max(rows_before_, static_cast<uint64_t>(std::max<int64_t>(0, -reference.distance)));
    rows_behind_ = std::max(rows_behind_, static_cast<uint64_t>(std::max<int64_t>(0, reference.distance)));
  };
  for (const expr::MatchDefinition& definition : options.definitions) {
    std::ranges::for_each(definition.references, look);
  }
  std::ranges::for_each(options.references, look);
}

size_t MatchConditions::header_bytes(const MatchOptions& options) {
  return sizeof(MatchRowHeader) + options.definitions.size();
}

void MatchConditions::add_definition(const expr::MatchDefinition& definition, int variable) {
  const auto keep_rows = [this](types::VariableSet variables) {
    if (variables != types::kAllVariables && find_list(variables) == lists_.size()) lists_.push_back(variables);
  };
  for (const MatchReference& reference : definition.references) {
    if (reference.kind == Kind::kRow && !is_near_current_row(reference, variable)) keep_rows(reference.variables);
    if (reference.kind != Kind::kAggregate || find_aggregate(reference) < aggregates_.size()) continue;
    Aggregate aggregate{.reference = &reference, .accumulator = std::nullopt};
    if (MatchAggregate::is_plain(reference)) {
      aggregate.accumulator = accumulator_bytes_;
      accumulator_bytes_ += align16(reference.aggregate.kernels.state_bytes);
    } else {
      keep_rows(reference.variables);
    }
    aggregates_.push_back(aggregate);
    same_aggregates_ = same_aggregates_ && reference.variables == types::kAllVariables;
  }
}

size_t MatchConditions::find_list(types::VariableSet variables) const {
  return static_cast<size_t>(std::ranges::find(lists_, variables) - lists_.begin());
}

size_t MatchConditions::find_aggregate(const MatchReference& reference) const {
  const auto found =
      std::ranges::find_if(aggregates_, [&](const Aggregate& known) { return *known.reference == reference; });
  return static_cast<size_t>(found - aggregates_.begin());
}

std::vector<RowFit> MatchConditions::row_fits(const ChangeBatch& batch) const {
  const size_t variables = options_.definitions.size();
  std::vector<RowFit> fits(batch.rows() * variables, RowFit::kYes);
  for (size_t v = 0; v < variables; ++v) {
    if (options_.definitions[v].row_condition == nullptr) continue;
    expr::RowErrors errors;
    const ColumnPtr met =
        expr::evaluate(*options_.definitions[v].row_condition, batch, options_.expressions.eval(), errors);
    for (size_t row = 0; row < batch.rows(); ++row) {
      const bool yes = !met->is_null(row) && met->values<uint8_t>()[row] != 0;
      fits[row * variables + v] = yes ? RowFit::kYes : RowFit::kNo;
    }
    for (const expr::RowError& error : errors) fits[error.row * variables + v] = RowFit::kError;
  }
  return fits;
}

void MatchConditions::begin(MatchSearch& search) const {
  search.runs.clear();
  search.cells.clear();
  search.best.reset();
  search.runs.add_first();
  for (const Aggregate& aggregate : aggregates_) {
    if (!aggregate.accumulator) continue;
    const expr::BoundAggregate& function = aggregate.reference->aggregate;
    function.kernels.init(search.runs.accumulators(0) + *aggregate.accumulator, *function.parameters);
  }
}

Result<bool> MatchConditions::fits(const MatchCandidate& candidate, int variable) {
  const RowId row = candidate.rows->at(candidate.search->next);
  const RowFit fit = exec::row_fits(store_, row)[variable];
  if (fit == RowFit::kError) {
    PENSTOCK_TRY(set_aside(candidate, variable));
    return false;
  }
  const expr::MatchDefinition& definition = options_.definitions[static_cast<size_t>(variable)];
  if (fit == RowFit::kNo || definition.condition == nullptr) return fit == RowFit::kYes;
  std::vector<ColumnPtr> columns;
  for (const MatchReference& reference : definition.references) {
    columns.push_back(value(reference, candidate, variable));
  }
  expr::RowErrors errors;
  const ChangeBatch values(1, std::move(columns));
  const ColumnPtr met = expr::evaluate(*definition.condition, values, options_.expressions.eval(), errors);
  PENSTOCK_TRY(options_.expressions.set_aside(values, errors));
  return errors.empty() && !met->is_null(0) && met->values<uint8_t>()[0] != 0;
}

void MatchConditions::read(const MatchCandidate& candidate, int variable, MatchRuns& runs, size_t run,
                           StateVector<MatchCell>& cells) {
  for (size_t i = 0; i < lists_.size(); ++i) {
    if (!types::contains(lists_[i], variable)) continue;
    RunRows& list = runs.rows(run)[i];
    if (list.count++ == 0) list.first = candidate.place();
    cells.push_back({.value = candidate.place(), .previous = list.last});
    list.last = static_cast<uint32_t>(cells.size() - 1);
  }
  const RowId row = candidate.rows->at(candidate.search->next);
  for (const Aggregate& aggregate : aggregates_) {
    if (!aggregate.accumulator || !types::contains(aggregate.reference->variables, variable)) continue;
    MatchAggregate::add(*aggregate.reference, store_, runs.accumulators(run) + *aggregate.accumulator,
                        std::span(&row, 1));
  }
}

ColumnPtr MatchConditions::value(const MatchReference& reference, const MatchCandidate& candidate, int variable) const {
  switch (reference.kind) {
    case Kind::kRow: {
      const std::optional<uint64_t> number = locate(reference, candidate, variable);
      if (!number) return columnar::Column::constant(reference.type, {}, 1);
      const RowId row = candidate.rows->at(*number);
      return store_.gather(static_cast<size_t>(reference.column), std::span(&row, 1));
    }
    case Kind::kAggregate: return aggregate(reference, candidate, variable);
    default: return columnar::Column::constant(reference.type, types::Value(candidate.match_number), 1);
  }
}

ColumnPtr MatchConditions::aggregate(const MatchReference& reference, const MatchCandidate& candidate,
                                     int variable) const {
  const Aggregate& known = aggregates_[find_aggregate(reference)];
  columnar::ColumnBuilder result(reference.type, 1);
  if (!known.accumulator) {
    MatchAggregate all(reference, store_);
    all.add(rows_of(reference.variables, candidate, variable));
    all.append_result(result);
    return result.finish();
  }
  const expr::AggregateKernels& kernels = reference.aggregate.kernels;
  alignas(16) std::byte local[256];
  std::vector<std::byte> large;
  std::byte* state = local;
  if (kernels.state_bytes > sizeof local) {
    large.resize(kernels.state_bytes);
    state = large.data();
  }
  std::memcpy(state, candidate.search->runs.accumulators(candidate.run) + *known.accumulator, kernels.state_bytes);
  if (types::contains(reference.variables, variable)) {
    const RowId row = candidate.rows->at(candidate.search->next);
    MatchAggregate::add(reference, store_, state, std::span(&row, 1));
  }
  kernels.result(std::span(&state, 1), result);
  return result.finish();
}

uint32_t MatchConditions::place_from_end(const MatchSearch& search, const RunRows& list, uint64_t n) {
  uint32_t cell = list.last;
  for (; n > 0; --n) cell = search.cells[cell].previous;
  return search.cells[cell].value;
}

std::optional<uint64_t> MatchConditions::locate(const MatchReference& reference, const MatchCandidate& candidate,
                                                int variable) const {
  const MatchSearch& search = *candidate.search;
  const auto offset = static_cast<uint64_t>(reference.offset);
  const uint64_t current = candidate.place();
  uint64_t place = current;
  if (reference.variables == types::kAllVariables) {
    if (offset > current) return std::nullopt;
    place = reference.first ? offset : current - offset;
  } else if (!is_near_current_row(reference, variable)) {
    const RunRows& list = search.runs.rows(candidate.run)[find_list(reference.variables)];
    const uint64_t own = types::contains(reference.variables, variable) ? 1 : 0;
    if (offset >= list.count + own) return std::nullopt;
    const uint64_t from_end = reference.first ? list.count + own - 1 - offset : offset;
    if (own == 1 && from_end == 0) {
      place = current;
    } else if (reference.first && offset == 0) {
      place = list.first;
    } else {
      place = place_from_end(search, list, from_end - own);
    }
  }
  const uint64_t number = search.start + place + static_cast<uint64_t>(reference.distance);
  if (!candidate.rows->contains(number)) return std::nullopt;
  return number;
}

std::vector<RowId> MatchConditions::rows_of(types::VariableSet variables, const MatchCandidate& candidate,
                                            int variable) const {
  const MatchSearch& search = *candidate.search;
  std::vector<RowId> rows;
  if (variables == types::kAllVariables) {
    for (uint64_t number = search.start; number <= search.next; ++number) rows.push_back(candidate.rows->at(number));
    return rows;
  }
  if (types::contains(variables, variable)) rows.push_back(candidate.rows->at(search.next));
  const RunRows& list = search.runs.rows(candidate.run)[find_list(variables)];
  for (uint32_t cell = list.last; cell != kNoCell; cell = search.cells[cell].previous) {
    rows.push_back(candidate.rows->at(search.start + search.cells[cell].value));
  }
  std::ranges::reverse(rows);
  return rows;
}

Status MatchConditions::set_aside(const MatchCandidate& candidate, int variable) const {
  const RowId row = candidate.rows->at(candidate.search->next);
  std::vector<ColumnPtr> columns;
  for (size_t i = 0; i < options_.schema.size(); ++i) columns.push_back(store_.gather(i, std::span(&row, 1)));
  expr::RowErrors errors;
  const ChangeBatch values(1, std::move(columns));
  expr::evaluate(*options_.definitions[static_cast<size_t>(variable)].row_condition, values,
                 options_.expressions.eval(), errors);
  return options_.expressions.set_aside(values, errors);
}

}  // namespace penstock::exec
