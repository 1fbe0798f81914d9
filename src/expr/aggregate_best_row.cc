// The value of the row that is first or last by a key: FIRST_VALUE(x ORDER BY y), MAX_BY(x, y) and their kin.
#include "columnar/nested.h"
#include "expr/aggregate_list.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;

// Appends the value of an entry: NULL without one, and where its key is NULL.
void append_entry_value(std::string_view entry, const AggregateParameters& parameters, bool null_without_key,
                        ColumnBuilder& out) {
  if (entry.empty() || (null_without_key && is_null_key(entry, parameters))) return out.append_null();
  columnar::append_from_slot(out, entry_values(entry));
}

// Rows that are never taken back: only the best is kept.
template <bool last, bool by_key>
struct BestRow {
  static constexpr bool kOrdered = true;
  const AggregateParameters* parameters;
  StateString best;  // an entry; empty without rows

  explicit BestRow(const AggregateParameters& call) : parameters(&call) {}
  void add(std::string_view entry, int) {
    if (best.empty() || (last ? entry > std::string_view(best) : entry < std::string_view(best))) best = entry;
  }
  void merge(const BestRow& later) {
    if (!later.best.empty()) add(later.best, 1);
  }
  void result(ColumnBuilder& out) const { append_entry_value(best, *parameters, by_key, out); }
  void save(std::string& out) const { save_value(out, best); }
  bool load(std::string_view& bytes) { return load_value(bytes, best); }
};

template <bool last, bool by_key>
struct BestOutput {
  static void append(const OrderedRows& rows, ColumnBuilder& out) {
    append_entry_value(rows.end_entry(last), *rows.parameters, by_key, out);
  }
};

template <bool last, bool by_key>
AggregateKernels kernels_for(bool retractable) {
  if (retractable) return list_state_kernels<ListState<OrderedRows, BestOutput<last, by_key>>, by_key>(true);
  return list_state_kernels<BestRow<last, by_key>, by_key>(false);
}

// MAX_BY(value, key): NULL keys never win, so they stand at the far end.
template <bool maximum>
bool bind_by_key(AggregateSignature& call) {
  call.parameters.order = {{.descending = false, .nulls_first = maximum}};
  call.result = call.input();
  call.kernels = kernels_for<maximum, true>(call.retractable);
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kAggregate;
constexpr AggregateTakes kTwo = {.values_min = 2, .values_max = 2};

constexpr AggregateFunction kFunctions[] = {
    {"MAX_BY", kCategory, "MAX_BY(value, key)", "The value of the row with the greatest key; it may be NULL.",
     "MAX_BY(x, n) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => b", bind_by_key<true>, kTwo},
    {"MIN_BY", kCategory, "MIN_BY(value, key)", "The value of the row with the least key; it may be NULL.",
     "MIN_BY(x, n) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => a", bind_by_key<false>, kTwo},
    {"ARG_MAX", kCategory, "ARG_MAX(value, key)", "The same as MAX_BY.",
     "ARG_MAX(x, n) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => b", bind_by_key<true>, kTwo},
    {"ARG_MIN", kCategory, "ARG_MIN(value, key)", "The same as MIN_BY.",
     "ARG_MIN(x, n) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => a", bind_by_key<false>, kTwo},
    {"LAST", kCategory, "LAST(value, time)", "The same as MAX_BY, as TimescaleDB calls it.",
     "LAST(x, n) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => b", bind_by_key<true>, kTwo},
    {"FIRST", kCategory, "FIRST(value, time)", "The same as MIN_BY, as TimescaleDB calls it.",
     "FIRST(x, n) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => a", bind_by_key<false>, kTwo},
};

}  // namespace

AggregateKernels ordered_position_kernels(bool last, bool retractable) {
  return last ? kernels_for<true, false>(retractable) : kernels_for<false, false>(retractable);
}

std::span<const AggregateFunction> best_row_aggregates() { return kFunctions; }

}  // namespace penstock::expr
