#include "exec/operators/changing_sessions.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string>

#include "columnar/row_key.h"

namespace penstock::exec {

namespace {

using columnar::ChangeBatch;
using columnar::Column;
using columnar::ColumnPtr;
using columnar::Selection;

constexpr int64_t kNothingReached = std::numeric_limits<int64_t>::max();
constexpr uint32_t kPlaceMax = std::numeric_limits<int32_t>::max();

std::vector<ColumnPtr> take(std::span<const ColumnPtr> columns, const Selection& rows, size_t all) {
  std::vector<ColumnPtr> taken;
  for (const ColumnPtr& column : columns) taken.push_back(rows.size() == all ? column : column->take(rows));
  return taken;
}

// All columns of the rows as one.
ColumnPtr encode(const ChangeBatch& batch, const Selection& rows) {
  columnar::ColumnBuilder builder(types::TypeKind::kBytes);
  std::string row_bytes;
  for (const uint16_t row : rows) {
    row_bytes.clear();
    columnar::append_key(row_bytes, batch.columns(), row);
    builder.append_string(row_bytes);
  }
  return builder.finish();
}

}  // namespace

ChangingSessions::ChangingSessions(Options options)
    : options_(std::move(options)),
      keys_(options_.key_types,
            {.bytes = sizeof(Key),
             .init = [](void* /*context*/,
                        std::byte* key) { key_at(key) = {.times = new Times(), .reached = kNothingReached}; },
             .destroy = [](void* /*context*/, std::byte* key) { delete key_at(key).times; }}),
      groups_(options_.group_types, options_.payload),
      late_groups_({types::TypeKind::kBytes}, options_.payload) {}

ChangingSessions::~ChangingSessions() = default;

void ChangingSessions::add(std::span<const ColumnPtr> keys, std::span<const ColumnPtr> of_group, const Column& times,
                           const ChangeBatch& batch, std::vector<std::byte*>& groups) {
  keys_.find_or_insert(keys, batch.rows(), keys_of_rows_);
  const std::span<const int64_t> values = times.values<int64_t>();
  Selection in_time;
  Selection late;
  for (size_t row = 0; row < batch.rows(); ++row) {
    if (times.is_null(row) || !types::in_window_range(values[row])) continue;
    const Time* const time = admit(keys_of_rows_[row], values[row], batch.weight(row));
    if (time == nullptr) continue;
    const bool by_rows = time->late && !options_.groups_of_equal_rows;
    (by_rows ? late : in_time).push_back(static_cast<uint16_t>(row));
  }
  groups.assign(batch.rows(), nullptr);
  find_groups(groups_, in_time, take(of_group, in_time, batch.rows()), groups);
  if (!late.empty()) find_groups(late_groups_, late, std::vector{encode(batch, late)}, groups);
  for (const uint16_t row : late) at(groups[row]).equal = 1;
  for (size_t row = 0; row < batch.rows(); ++row) {
    std::byte* const group = groups[row];
    if (group == nullptr) continue;
    Group& own = at(group);
    if (own.key == nullptr) add_to_time(group, keys_of_rows_[row], values[row]);
    own.rows += batch.weight(row);
    if (own.rows > 0 || own.emptied != 0) continue;
    emptied_.push_back(group);
    own.emptied = static_cast<uint32_t>(emptied_.size());
  }
  std::ranges::sort(keys_of_rows_);
  const auto repeated = std::ranges::unique(keys_of_rows_);
  keys_of_rows_.erase(repeated.begin(), repeated.end());
  for (std::byte* key : keys_of_rows_) erase_key_without_times(key);
}

void ChangingSessions::find_groups(state::GroupTable& table, const Selection& rows, std::span<const ColumnPtr> columns,
                                   std::vector<std::byte*>& groups) {
  table.find_or_insert(columns, rows.size(), found_);
  for (size_t i = 0; i < rows.size(); ++i) groups[rows[i]] = found_[i];
}

// A row that is taken back belongs to an open session where a row of its time does; others that are near are not
// enough.
const ChangingSessions::Time* ChangingSessions::admit(std::byte* key, int64_t time, int weight) {
  Key& own = key_at(key);
  const auto next = own.times->lower_bound(time);
  if (next != own.times->end() && next->first == time) return &next->second;
  const bool near_next = next != own.times->end() && next->first - time <= options_.gap_us;
  const bool near_previous = next != own.times->begin() && time - std::prev(next)->first <= options_.gap_us;
  const bool late = is_passed(time);
  if (late && (weight < 0 || (!near_next && !near_previous))) return nullptr;
  const bool first = next == own.times->begin();
  const auto made = own.times->emplace_hint(next, time, Time{.groups = {}, .late = late});
  if (first && !near_next) set_reached(key, time);
  return &made->second;
}

void ChangingSessions::add_to_time(std::byte* group, std::byte* key, int64_t time) {
  StateVector<std::byte*>& groups = key_at(key).times->at(time).groups;
  at(group).key = key;
  at(group).time = time;
  at(group).place = static_cast<uint32_t>(groups.size()) & kPlaceMax;
  groups.push_back(group);
}

void ChangingSessions::set_reached(std::byte* key, int64_t reached) {
  Key& own = key_at(key);
  if (own.reached == reached) return;
  if (own.reached != kNothingReached) due_.erase({own.reached, key});
  own.reached = reached;
  if (reached != kNothingReached) due_.emplace(reached, key);
}

void ChangingSessions::remove_time(std::byte* key, Times::iterator time) {
  Key& own = key_at(key);
  const int64_t gone = time->first;
  const auto next = own.times->erase(time);
  if (gone > own.reached) return;
  if (next == own.times->begin()) {
    if (gone == own.reached) set_reached(key, next == own.times->end() ? kNothingReached : next->first);
    return;
  }
  const int64_t previous = std::prev(next)->first;
  if (gone == own.reached || next->first - previous > options_.gap_us) set_reached(key, previous);
}

bool ChangingSessions::close_some(EventTime watermark, size_t max) {
  watermark_ = watermark;
  while (!due_.empty() && closed_groups_.size() < max && is_passed(due_.begin()->first)) {
    const auto [reached, key] = *due_.begin();
    const Times& times = *key_at(key).times;
    auto next = times.upper_bound(reached);
    int64_t last = reached;
    for (; next != times.end() && next->first - last <= options_.gap_us; ++next) last = next->first;
    if (is_passed(last)) {
      close(key, last);
    } else {
      set_reached(key, last);
    }
  }
  if (closed_.empty()) release_closed();
  return !closed_.empty();
}

void ChangingSessions::close(std::byte* key, int64_t last) {
  Times& times = *key_at(key).times;
  bool open = false;
  auto time = times.begin();
  for (; time != times.end() && time->first <= last; time = times.erase(time)) {
    const size_t first = closed_groups_.size();
    for (std::byte* group : time->second.groups) {
      if (at(group).rows > 0) {
        closed_groups_.push_back(group);
      } else {
        erase_group(group);
      }
    }
    const size_t groups = closed_groups_.size() - first;
    if (groups == 0) continue;
    if (!open || time->first - closed_.back().last > options_.gap_us) {
      closed_.push_back({.key = key, .start = time->first, .last = time->first, .first = first, .groups = 0});
      open = true;
    }
    closed_.back().last = time->first;
    closed_.back().groups += groups;
  }
  set_reached(key, time == times.end() ? kNothingReached : time->first);
  if (times.empty()) keys_without_times_.push_back(key);
}

void ChangingSessions::end_epoch() {
  for (std::byte* group : emptied_) {
    if (group == nullptr) continue;
    Group& own = at(group);
    own.emptied = 0;
    if (own.rows > 0) continue;
    std::byte* const key = own.key;
    const auto time = key_at(key).times->find(own.time);
    StateVector<std::byte*>& groups = time->second.groups;
    groups[own.place] = groups.back();
    at(groups[own.place]).place = own.place;
    groups.pop_back();
    erase_group(group);
    if (!groups.empty()) continue;
    remove_time(key, time);
    erase_key_without_times(key);
  }
  emptied_.clear();
}

void ChangingSessions::erase_group(std::byte* group) {
  if (at(group).emptied != 0) emptied_[at(group).emptied - 1] = nullptr;
  if (options_.forget) options_.forget(group);
  (at(group).equal != 0 ? late_groups_ : groups_).erase(group);
}

void ChangingSessions::erase_key_without_times(std::byte* key) {
  if (key_at(key).times->empty()) keys_.erase(key);
}

void ChangingSessions::release_closed() {
  for (std::byte* group : closed_groups_) erase_group(group);
  keys_.erase(keys_without_times_);
  closed_.clear();
  closed_groups_.clear();
  keys_without_times_.clear();
}

void ChangingSessions::append_keys(std::span<const Closed> sessions, std::span<columnar::ColumnBuilder> builders) {
  std::vector<std::byte*> keys;
  for (const Closed& session : sessions) keys.push_back(session.key);
  keys_.append_keys(keys, builders);
}

}  // namespace penstock::exec
