#include "exec/operators/match_output.h"

#include <algorithm>
#include <utility>

#include "columnar/change_batch.h"
#include "expr/evaluate.h"

namespace penstock::exec {

using columnar::ChangeBatch;
using columnar::ColumnPtr;
using expr::MatchReference;
using state::RowId;
using Kind = MatchReference::Kind;

MatchOutput::MatchOutput(const MatchOptions& options, const state::RowStore& store)
    : options_(options), store_(store), running_(options.references.size()) {
  for (const MatchReference& reference : options.references) {
    collected_.emplace_back();
    if (reference.kind != Kind::kRow) collected_.back().values.emplace(reference.type);
    const bool counts = reference.kind == Kind::kRow || reference.kind == Kind::kAggregate;
    if (counts && std::ranges::find(places_, reference.variables, &Places::variables) == places_.end()) {
      places_.push_back({.variables = reference.variables, .places = {}});
    }
  }
}

Status MatchOutput::add(const FoundMatch& match, Output& out) {
  for (Places& places : places_) {
    places.places.clear();
    for (size_t place = 0; place < match.labels.size(); ++place) {
      if (!types::contains(places.variables, variable_of(match.labels[place]))) continue;
      places.places.push_back(static_cast<uint32_t>(place));
    }
  }
  for (size_t i = 0; i < running_.size(); ++i) {
    const MatchReference& reference = options_.references[i];
    if (reference.kind != Kind::kAggregate) continue;
    running_[i] = {.aggregate = std::make_unique<MatchAggregate>(reference, store_), .added = 0};
  }
  if (!options_.all_rows) return add_row(match, match.labels.size() - 1, out);
  for (size_t place = 0; place < match.labels.size(); ++place) {
    if ((match.labels[place] & kExcludedLabel) == 0) PENSTOCK_TRY(add_row(match, place, out));
  }
  return {};
}

Status MatchOutput::add_row(const FoundMatch& match, size_t place, Output& out) {
  for (size_t i = 0; i < options_.references.size(); ++i) append(i, match, place);
  return end_row(out);
}

Status MatchOutput::add_unmatched(RowId row, Output& out) {
  for (size_t i = 0; i < options_.references.size(); ++i) {
    const MatchReference& reference = options_.references[i];
    if (reference.kind != Kind::kRow) {
      collected_[i].values->append_null();
    } else {
      const bool own = reference.variables == types::kAllVariables && reference.is_current_row(0);
      collected_[i].rows.push_back(own ? row : state::kNoRow);
    }
  }
  return end_row(out);
}

Status MatchOutput::end_row(Output& out) { return ++rows_ < columnar::kBatchRowsMax ? Status() : flush(out); }

void MatchOutput::append(size_t reference, const FoundMatch& match, size_t place) {
  const MatchReference& wanted = options_.references[reference];
  Collected& collected = collected_[reference];
  switch (wanted.kind) {
    case Kind::kRow: collected.rows.push_back(locate(wanted, match, place)); break;
    case Kind::kAggregate: append_aggregate(reference, match, place); break;
    case Kind::kClassifier:
      collected.values->append_string(options_.variables[static_cast<size_t>(variable_of(match.labels[place]))]);
      break;
    case Kind::kMatchNumber: collected.values->append_int64(match.number); break;
    case Kind::kMatchTime: collected.values->append_int64(time_of(store_, match.row(match.labels.size() - 1))); break;
  }
}

const std::vector<uint32_t>& MatchOutput::places_of(types::VariableSet variables) const {
  return std::ranges::find(places_, variables, &Places::variables)->places;
}

size_t MatchOutput::visible(const std::vector<uint32_t>& places, const MatchReference& reference, size_t place) {
  if (!reference.running) return places.size();
  return static_cast<size_t>(std::ranges::upper_bound(places, static_cast<uint32_t>(place)) - places.begin());
}

RowId MatchOutput::locate(const MatchReference& reference, const FoundMatch& match, size_t place) const {
  const std::vector<uint32_t>& places = places_of(reference.variables);
  const size_t count = visible(places, reference, place);
  const auto offset = static_cast<uint64_t>(reference.offset);
  if (offset >= count) return state::kNoRow;
  const size_t found = reference.first ? places[offset] : places[count - 1 - offset];
  const uint64_t number = match.start + found + static_cast<uint64_t>(reference.distance);
  return match.rows->contains(number) ? match.rows->at(number) : state::kNoRow;
}

void MatchOutput::append_aggregate(size_t reference, const FoundMatch& match, size_t place) {
  const MatchReference& wanted = options_.references[reference];
  const std::vector<uint32_t>& places = places_of(wanted.variables);
  const size_t count = visible(places, wanted, place);
  Running& running = running_[reference];
  std::vector<RowId> rows;
  for (; running.added < count; ++running.added) rows.push_back(match.row(places[running.added]));
  running.aggregate->add(rows);
  running.aggregate->append_result(*collected_[reference].values);
}

ColumnPtr MatchOutput::finish(size_t reference) {
  const MatchReference& wanted = options_.references[reference];
  Collected& collected = collected_[reference];
  if (collected.values) return collected.values->finish();
  const auto column = static_cast<size_t>(wanted.column);
  std::vector<RowId> rows = std::exchange(collected.rows, {});
  std::vector<RowId> present = rows;
  std::erase(present, state::kNoRow);
  ColumnPtr values = store_.gather(column, present);
  if (present.size() == rows.size()) return values;
  columnar::ColumnBuilder builder(wanted.type, rows.size());
  size_t next = 0;
  for (const RowId row : rows) {
    row == state::kNoRow ? builder.append_null() : builder.append_from(*values, next++);
  }
  return builder.finish();
}

Status MatchOutput::flush(Output& out) {
  if (rows_ == 0) return {};
  std::vector<ColumnPtr> values;
  for (size_t i = 0; i < collected_.size(); ++i) values.push_back(finish(i));
  const ChangeBatch batch(std::exchange(rows_, 0), std::move(values));
  std::vector<ColumnPtr> columns;
  expr::RowErrors errors;
  for (const expr::ExprPtr& output : options_.outputs) {
    columns.push_back(expr::evaluate(*output, batch, options_.expressions.eval(), errors));
  }
  ChangeBatch measured = batch.with_columns(std::move(columns));
  if (!errors.empty()) {
    PENSTOCK_TRY(options_.expressions.set_aside(batch, errors));
    measured = measured.take(expr::rows_without(errors, batch.rows()));
  }
  if (!measured.empty()) out.emit(std::move(measured));
  ++batches_;
  return {};
}

}  // namespace penstock::exec
