#include "exec/operators/match.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include "exec/operators/match_conditions.h"
#include "exec/operators/match_output.h"
#include "exec/operators/match_rows.h"
#include "exec/operators/match_search.h"
#include "exec/operators/partition_table.h"
#include "state/row_store.h"
#include "types/types_of.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using state::RowId;

struct MatchPartition {
  RowsInOrder<RowId> waiting;           // rows behind the watermark
  MatchRows rows;                       // those in front of it
  uint64_t next_start = 0;              // the row with which the next match may begin
  std::unique_ptr<MatchSearch> search;  // null while there is no such row
  uint64_t matched_end = 0;             // rows from here on are in no match so far
  int64_t matches = 0;                  // found so far
  std::optional<int64_t> due;           // the watermark at which something is to be done
};

class Match : public Operator {
 public:
  explicit Match(MatchOptions options)
      : options_(std::move(options)),
        store_(types_of(options_.schema), MatchConditions::header_bytes(options_)),
        searcher_(options_, store_),
        output_(options_, store_),
        partitions_(options_.schema, options_.partition_by),
        counts_matches_(uses_match_number(options_)) {}

  Status process(int /*port*/, const ChangeBatch& all, Output& /*out*/) override {
    if (!all.append_only()) return make_error(ErrorCode::kInternal, "rows of row patterns are only inserts");
    const ChangeBatch batch = without_late(all, time_column(all), watermark_, options_.late);
    const std::vector<RowFit> fits = searcher_.conditions().row_fits(batch);
    const std::vector<std::byte*>& groups = partitions_.find(batch);
    const std::span<const int64_t> times = time_column(batch).values<int64_t>();
    const size_t variables = options_.definitions.size();
    store_.load(batch.columns(), batch.rows());
    for (size_t row = 0; row < batch.rows(); ++row) {
      const RowId stored = store_.insert(row);
      *reinterpret_cast<MatchRowHeader*>(store_.header(stored)) = {.time = times[row]};
      std::memcpy(row_fits(store_, stored), fits.data() + row * variables, variables);
      key_.clear();
      append_sort_key(key_, options_.order_by, batch, row);
      append_arrival(key_, arrivals_++);
      MatchPartition& partition = partitions_.at(groups[row]);
      partition.waiting.emplace(key_, stored);
      if (!partition.due || times[row] < *partition.due) schedule(groups[row], times[row]);
    }
    return {};
  }

  Result<Progress> on_watermark(EventTime watermark, Output& out) override {
    watermark_ = watermark;
    const uint64_t batches = output_.batches();
    while (std::byte* const group = due_.take_first(watermark.value())) {
      partitions_.at(group).due.reset();
      PENSTOCK_TRY(advance(group, out));
      if (output_.batches() != batches) return Progress::kMore;
    }
    PENSTOCK_TRY(output_.flush(out));
    for (const RowId row : dropped_) store_.erase(row);
    dropped_.clear();
    return Progress::kDone;
  }

  // A match that is still searched for ends no earlier than it begins. Without WITHIN a search may never end, and holds
  // nothing back: what it finds may come behind the watermark.
  EventTime output_watermark(EventTime watermark) const override {
    if (open_.empty()) return watermark;
    return std::min(watermark, EventTime(open_.begin()->first - 1));
  }
  bool passes_watermarks() const override { return false; }

 private:
  // Rows of a partition that are put in order at once.
  static constexpr size_t kRowsPerStep = 4 * columnar::kBatchRowsMax;

  // Whether the number of matches must be kept.
  static bool uses_match_number(const MatchOptions& options) {
    const auto uses = [](const std::vector<expr::MatchReference>& references) {
      return std::ranges::count(references, expr::MatchReference::Kind::kMatchNumber, &expr::MatchReference::kind) > 0;
    };
    return uses(options.references) ||
           std::ranges::any_of(options.definitions, uses, &expr::MatchDefinition::references);
  }

  const columnar::Column& time_column(const ChangeBatch& batch) const {
    return *batch.column(static_cast<size_t>(options_.order_by.front().column));
  }

  void schedule(std::byte* group, std::optional<int64_t> due) { due_.move(group, partitions_.at(group).due, due); }

  // Puts rows that the watermark has reached in order, and searches them.
  Status advance(std::byte* group, Output& out) {
    MatchPartition& partition = partitions_.at(group);
    auto next = partition.waiting.begin();
    for (size_t taken = 0; next != partition.waiting.end() && taken < kRowsPerStep; ++next, ++taken) {
      if (time_of(store_, next->second) > watermark_.value()) break;
      partition.rows.add(next->second);
    }
    partition.waiting.erase(partition.waiting.begin(), next);
    const bool all = partition.waiting.empty() || first_waiting(partition) > watermark_.value();
    if (PENSTOCK_TRY(search(group, all ? watermark_ : kMinEventTime, out)) == Progress::kMore) {
      schedule(group, watermark_.value());
      return {};
    }
    schedule(group, due_time(partition));
    const bool gone =
        partition.waiting.empty() && partition.search == nullptr && partition.rows.begin() == partition.rows.end();
    if (gone && (!counts_matches_ || partition.matches == 0)) partitions_.erase(group);
    return {};
  }

  int64_t first_waiting(const MatchPartition& partition) const {
    return time_of(store_, partition.waiting.begin()->second);
  }

  // Finds matches until one is undecided, or, with kMore, a batch of them has left.
  Result<Progress> search(std::byte* group, EventTime watermark, Output& out) {
    MatchPartition& partition = partitions_.at(group);
    const uint64_t batches = output_.batches();
    while (partition.search != nullptr || partition.next_start < partition.rows.end()) {
      if (partition.search == nullptr) open_search(group);
      const MatchProgress progress{.watermark = watermark, .match_number = partition.matches + 1};
      const MatchSearcher::Found found = PENSTOCK_TRY(searcher_.go_on(*partition.search, partition.rows, progress));
      if (found == MatchSearcher::Found::kUndecided) {
        if (watermark == kMaxEventTime) PENSTOCK_TRY(emit_unmatched(partition, partition.rows.end(), out));
        return Progress::kDone;
      }
      ++partition.next_start;
      if (found == MatchSearcher::Found::kMatch) PENSTOCK_TRY(emit(partition, out));
      PENSTOCK_TRY(emit_unmatched(partition, partition.next_start, out));
      close_search(group);
      const uint64_t kept = searcher_.conditions().rows_before();
      if (partition.next_start > kept) partition.rows.drop_before(partition.next_start - kept, dropped_);
      if (output_.batches() != batches) return Progress::kMore;
    }
    return Progress::kDone;
  }

  void open_search(std::byte* group) {
    MatchPartition& partition = partitions_.at(group);
    partition.search = searcher_.begin(partition.next_start);
    if (options_.within_us) open_.insert({time_of(store_, partition.rows.at(partition.next_start)), group});
  }

  void close_search(std::byte* group) {
    MatchPartition& partition = partitions_.at(group);
    if (options_.within_us) open_.erase({time_of(store_, partition.rows.at(partition.search->start)), group});
    searcher_.end(std::move(partition.search));
  }

  // Emits the match that has been found, and sets where the next one may begin.
  Status emit(MatchPartition& partition, Output& out) {
    FoundMatch match{.rows = &partition.rows,
                     .start = partition.search->start,
                     .labels = searcher_.labels(*partition.search),
                     .number = ++partition.matches};
    PENSTOCK_TRY(output_.add(match, out));
    partition.matched_end = std::max(partition.matched_end, match.start + match.labels.size());
    using To = types::MatchSkip::To;
    if (options_.skip.to == To::kNextRow) return {};
    if (options_.skip.to == To::kPastLastRow) {
      partition.next_start = match.start + match.labels.size();
      return {};
    }
    const auto is_target = [&](uint32_t label) { return types::contains(options_.skip.variables, variable_of(label)); };
    const auto first = std::ranges::find_if(match.labels, is_target);
    auto target = first;
    if (options_.skip.to == To::kLast && first != match.labels.end()) {
      target = std::prev(std::find_if(match.labels.rbegin(), match.labels.rend(), is_target).base());
    }
    if (target == match.labels.end()) {
      return invalid_argument("AFTER MATCH SKIP TO a variable that the match has no row of")
          .hint("skip TO NEXT ROW or PAST LAST ROW, or to a variable that every match has");
    }
    if (target == match.labels.begin()) {
      return invalid_argument("AFTER MATCH SKIP TO the first row of the match, which would be found for ever")
          .hint("skip TO NEXT ROW or PAST LAST ROW");
    }
    partition.next_start = match.start + static_cast<uint64_t>(target - match.labels.begin());
    return {};
  }

  // Emits the rows up to `end`, with which no match begins any more, that are in none.
  Status emit_unmatched(MatchPartition& partition, uint64_t end, Output& out) {
    if (!options_.unmatched_rows) return {};
    for (; partition.matched_end < end; ++partition.matched_end) {
      PENSTOCK_TRY(output_.add_unmatched(partition.rows.at(partition.matched_end), out));
    }
    return {};
  }

  // When the partition has to be looked at again: when the next row is reached, when WITHIN decides, or at the end.
  std::optional<int64_t> due_time(const MatchPartition& partition) const {
    std::optional<int64_t> due;
    if (!partition.waiting.empty()) due = first_waiting(partition);
    if (partition.search == nullptr || watermark_ == kMaxEventTime) return due;
    int64_t decided = kMaxEventTime.value();
    if (options_.within_us) {
      const int64_t start = time_of(store_, partition.rows.at(partition.search->start));
      const bool reached = start > decided - *options_.within_us || start + *options_.within_us <= watermark_.value();
      // Where it is reached and nothing was decided, a row is waited for that NEXT looks at.
      if (!reached) decided = start + *options_.within_us;
    }
    return std::min(decided, due.value_or(decided));
  }

  const MatchOptions options_;
  state::RowStore store_;
  MatchSearcher searcher_;
  MatchOutput output_;
  PartitionTable<MatchPartition> partitions_;
  const bool counts_matches_;
  EventTime watermark_ = kMinEventTime;
  uint64_t arrivals_ = 0;
  std::string key_;  // of the row at hand
  DuePartitions due_;
  TimesOfGroups open_;          // with WITHIN: by the time at which their search begins
  StateVector<RowId> dropped_;  // to be erased when nothing refers to them any more
};

}  // namespace

std::unique_ptr<Operator> make_match(MatchOptions options) { return std::make_unique<Match>(std::move(options)); }

}  // namespace penstock::exec
