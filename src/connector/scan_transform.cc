#include "connector/scan_transform.h"

#include <algorithm>
#include <utility>

#include "expr/evaluate.h"
#include "expr/expr.h"

namespace penstock::connector {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnPtr;
using columnar::Selection;

// The columns with the watermark before each row, as `of_row` gives it, rounded down to `unit_us`.
template <class OfRow>
void fill(const std::vector<size_t>& columns, int64_t unit_us, const OfRow& of_row, ChangeBatch& batch) {
  if (columns.empty()) return;
  std::vector<int64_t> values(batch.rows());
  std::vector<uint8_t> nulls(batch.rows(), 0);
  for (size_t row = 0; row < batch.rows(); ++row) {
    const EventTime watermark = of_row(row);
    nulls[row] = watermark == kMinEventTime ? 1 : 0;
    if (nulls[row] == 0) values[row] = watermark.value() - types::floor_modulo(watermark.value(), unit_us);
  }
  std::vector<ColumnPtr> filled = batch.columns();
  const ColumnPtr column =
      std::make_shared<const Column>(filled[columns.front()]->type(), std::move(values), std::move(nulls));
  for (const size_t place : columns) filled[place] = column;
  batch = batch.with_columns(std::move(filled));
}

// The rows that are selected, and those in error.
Selection union_of(Selection selected, const expr::RowErrors& errors) {
  if (errors.empty()) return selected;
  for (const expr::RowError& error : errors) selected.push_back(static_cast<Selection::value_type>(error.row));
  std::ranges::sort(selected);
  const auto repeated = std::ranges::unique(selected);
  selected.erase(repeated.begin(), repeated.end());
  return selected;
}

}  // namespace

std::vector<size_t> ScanTransform::metadata_columns(const ScanRequest& request, std::string_view key) {
  std::vector<size_t> columns;
  const auto wanted = std::ranges::find(request.metadata, key, &MetadataColumn::key);
  if (wanted == request.metadata.end()) return columns;
  const size_t read = request.physical.size() + static_cast<size_t>(wanted - request.metadata.begin());
  if (request.projections.empty()) columns.push_back(read);
  for (size_t i = 0; i < request.projections.size(); ++i) {
    const expr::Expr& projection = *request.projections[i];
    if (projection.kind() == expr::Expr::Kind::kColumn && projection.column_index() == read) columns.push_back(i);
  }
  return columns;
}

ScanTransform::Result ScanTransform::apply(ChangeBatch read, int64_t now_us, const ErrorCallback& on_error) const {
  const expr::EvalContext context{.now_us = now_us, .zone = nullptr};
  expr::RowErrors errors;
  ChangeBatch batch = read;
  if (!projections_.empty()) batch = read.with_columns(expr::evaluate_all(projections_, read, context, errors));
  Result result;
  if (watermark_ != nullptr) {
    const ColumnPtr watermarks = expr::evaluate(*watermark_, batch, context, errors);
    find_watermarks(batch, *watermarks, errors, now_us, result);
  }
  Selection selected;
  const bool filtered = filter_ != nullptr;
  if (filtered && filtered_again_) {
    expr::RowErrors undecided;
    selected = union_of(expr::select(*filter_, batch, context, undecided), undecided);
  } else if (filtered) {
    selected = expr::select(*filter_, batch, context, errors);
  }
  const bool failed = !errors.empty();
  if (failed) {
    Selection good = expr::rows_without(errors, batch.rows());
    for (const expr::RowError& error : expr::one_error_per_row(std::move(errors))) on_error(error.row, error.message);
    if (filtered) {
      Selection both;
      std::ranges::set_intersection(good, selected, std::back_inserter(both));
      good = std::move(both);
    }
    selected = std::move(good);
  }
  if ((failed || filtered) && selected.size() < batch.rows()) {
    batch = batch.take(selected);
    if (!result.watermark_before.empty()) {
      for (size_t i = 0; i < selected.size(); ++i) result.watermark_before[i] = result.watermark_before[selected[i]];
    }
  }
  result.batch = std::move(batch);
  return result;
}

void ScanTransform::find_watermarks(const ChangeBatch& batch, const Column& watermarks, const expr::RowErrors& errors,
                                    int64_t now_us, Result& result) const {
  const Column& times = *batch.column(time_column_);
  const auto values = watermarks.values<int64_t>();
  const auto time_values = times.values<int64_t>();
  const int64_t latest = max_ahead_us_ > 0 ? now_us + max_ahead_us_ : kMaxEventTime.value();
  std::vector<bool> failed(errors.empty() ? 0 : batch.rows(), false);  // they are no rows of the table
  for (const expr::RowError& error : errors) failed[error.row] = true;
  const auto has_watermark = [&](size_t row) { return !watermarks.is_null(row) && (failed.empty() || !failed[row]); };
  const auto moves = [&](size_t row) { return has_watermark(row) && values[row] <= latest; };
  uint64_t too_far_ahead = 0;
  for (size_t i = 0; i < batch.rows(); ++i) {
    if (moves(i)) {
      result.watermark = std::max(result.watermark.value_or(kMinEventTime), EventTime(values[i]));
    } else if (has_watermark(i)) {
      ++too_far_ahead;
    }
    if (!times.is_null(i)) result.least_time = std::min(result.least_time.value_or(time_values[i]), time_values[i]);
  }
  if (too_far_ahead > 0 && too_far_ahead_ != nullptr) too_far_ahead_->add(too_far_ahead);
  const bool makes_late = result.watermark && result.least_time &&
                          window_ends_.may_make_late(*result.least_time, result.watermark->value());
  if (!makes_late && !every_row_) return;
  EventTime before = kMinEventTime;
  result.watermark_before.reserve(batch.rows());
  for (size_t i = 0; i < batch.rows(); ++i) {
    result.watermark_before.push_back(before);
    if (moves(i)) before = std::max(before, EventTime(values[i]));
  }
}

size_t SplitWatermarks::add(int64_t now_us) {
  if (!released_.empty()) {
    const size_t split = released_.back();
    released_.pop_back();
    splits_[split] = {.last_event_us = now_us};
    return split;
  }
  splits_.push_back({.last_event_us = now_us});
  return splits_.size() - 1;
}

void SplitWatermarks::advance(size_t split, EventTime watermark, int64_t now_us) {
  Split& s = splits_[split];
  s.watermark = std::max(s.watermark, watermark);
  s.last_event_us = now_us;
  s.idle = false;
}

void SplitWatermarks::end(size_t split) { splits_[split].ended = true; }

void SplitWatermarks::release(size_t split) {
  end(split);
  released_.push_back(split);
}

EventTime SplitWatermarks::least_without(size_t split) const {
  EventTime least = kMaxEventTime;
  for (size_t i = 0; i < splits_.size(); ++i) {
    if (i != split && !splits_[i].idle && !splits_[i].ended) least = std::min(least, splits_[i].watermark);
  }
  return least;
}

void SplitWatermarks::fill_watermarks(EventTime own, EventTime others, ScanTransform::Result& rows) const {
  const auto of_split = [&](size_t row) { return std::max(own, rows.watermark_before[row]); };
  // A split that was idle, or is a file behind others, may be behind what has been told.
  fill(split_watermark_columns_, 1, [&](size_t row) { return std::max(emitted_, of_split(row)); }, rows.batch);
  fill(
      current_watermark_columns_, types::kMicrosPerMilli,
      [&](size_t row) { return std::max(emitted_, std::min(others, of_split(row))); }, rows.batch);
}

void SplitWatermarks::emit(size_t split, ScanTransform::Result rows, int64_t now_us, exec::SourceOutput& out) {
  const EventTime own = splits_[split].watermark;
  const EventTime others = least_without(split);
  fill_watermarks(own, others, rows);
  const EventTime reached = std::min(others, std::max(own, rows.watermark.value_or(kMinEventTime)));
  size_t begin = 0;
  if (tells_watermark_ && rows.least_time && reached > emitted_ &&
      window_ends_.may_make_late(*rows.least_time, reached.value())) {
    const Column& times = *rows.batch.column(time_column_);
    for (size_t row = 0; row < rows.batch.rows(); ++row) {
      const EventTime before = rows.watermark_before.empty() ? own : std::max(own, rows.watermark_before[row]);
      const EventTime watermark = std::min(others, before);
      if (watermark <= emitted_ || times.is_null(row)) continue;
      if (!window_ends_.may_be_late(times.values<int64_t>()[row], watermark.value())) continue;
      if (row > begin) out.emit(rows.batch.slice(begin, row));
      out.watermark({.time = watermark, .idle = false});
      emitted_ = watermark;
      begin = row;
    }
  }
  // Without rows too: it says that something was read, so that an epoch ends that tells how far.
  out.emit(begin == 0 ? std::move(rows.batch) : rows.batch.slice(begin, rows.batch.rows()));
  if (rows.watermark) advance(split, *rows.watermark, now_us);
}

void SplitWatermarks::tell(exec::SourceOutput& out) {
  const exec::Watermark watermark = current();
  emitted_ = std::max(emitted_, watermark.time);
  told_idle_ = watermark.idle;
  out.watermark(watermark);
}

void SplitWatermarks::restore(const exec::Watermark& told) {
  least_ = std::max(least_, told.time);
  if (!told.idle) return;
  for (Split& s : splits_) s.idle = true;
}

void SplitWatermarks::check_idle(int64_t now_us) {
  if (idle_timeout_us_ <= 0) return;
  for (Split& s : splits_) s.idle = s.idle || now_us - s.last_event_us >= idle_timeout_us_;
}

std::optional<int64_t> SplitWatermarks::next_idle_at_us() const {
  std::optional<int64_t> next;
  if (idle_timeout_us_ <= 0) return next;
  for (const Split& s : splits_) {
    const int64_t at = s.last_event_us + idle_timeout_us_;
    if (!s.idle && !s.ended && (!next || at < *next)) next = at;
  }
  return next;
}

exec::Watermark SplitWatermarks::current() const {
  // A source without splits, or with only idle ones, holds nobody back; what the idle ones had reached stays.
  exec::Watermark watermark{.time = kMaxEventTime, .idle = true};
  EventTime reached = kMinEventTime;
  for (const Split& s : splits_) {
    if (s.ended) continue;
    reached = std::max(reached, s.watermark);
    if (s.idle) continue;
    watermark.idle = false;
    watermark.time = std::min(watermark.time, s.watermark);
  }
  if (watermark.idle) watermark.time = reached;
  watermark.time = std::max(watermark.time, least_);
  return watermark;
}

}  // namespace penstock::connector
