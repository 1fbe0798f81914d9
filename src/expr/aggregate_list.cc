#include "expr/aggregate_list.h"

#include <cstring>

namespace penstock::expr {

namespace {

// What stands before a key: NULL before or behind all values, which have the marker between.
constexpr char kNullBefore = 0;
constexpr char kValue = 1;
constexpr char kNullBehind = 2;

void append_key(std::string& out, std::string_view slot, AggregateOrder order) {
  if (types::is_null_slot(slot)) {
    out += order.nulls_first ? kNullBefore : kNullBehind;
    return;
  }
  out += kValue;
  const size_t begin = out.size();
  out += slot.substr(1);
  if (!order.descending) return;
  // No value is the beginning of another, so inverted bytes are in the reverse order.
  for (size_t i = begin; i < out.size(); ++i) out[i] = static_cast<char>(~out[i]);
}

}  // namespace

void append_ordered_entry(std::string& out, std::string_view row, const AggregateParameters& parameters) {
  const size_t values = parameters.values();
  std::string_view rest = row;
  for (size_t i = 0; i < values; ++i) types::take_slot(rest, parameters.inputs[i]);
  const std::string_view value_slots = row.substr(0, row.size() - rest.size());
  const size_t begin = out.size();
  for (size_t i = 0; i < parameters.order.size(); ++i) {
    append_key(out, types::take_slot(rest, parameters.inputs[values + i]), parameters.order[i]);
  }
  const auto key_bytes = static_cast<uint32_t>(out.size() - begin);
  out += value_slots;
  save_value(out, key_bytes);
}

std::string_view entry_values(std::string_view entry) {
  uint32_t key_bytes = 0;
  const size_t end = entry.size() - sizeof key_bytes;
  std::memcpy(&key_bytes, entry.data() + end, sizeof key_bytes);
  return entry.substr(key_bytes, end - key_bytes);
}

bool is_null_key(std::string_view entry, const AggregateParameters& parameters) {
  return !parameters.order.empty() && entry[0] != kValue;
}

std::string_view OrderedRows::end_entry(bool last) const {
  const auto first_of = [](auto begin, auto end) -> std::string_view {
    for (auto at = begin; at != end; ++at) {
      if (at->second > 0) return at->first;
    }
    return {};
  };
  return last ? first_of(entries.rbegin(), entries.rend()) : first_of(entries.begin(), entries.end());
}

void OrderedRows::save(std::string& out) const {
  save_value(out, static_cast<uint64_t>(entries.size()));
  for (const auto& [entry, times] : entries) {
    save_value(out, entry);
    save_value(out, times);
  }
}

bool OrderedRows::load(std::string_view& bytes) {
  uint64_t size = 0;
  if (!load_value(bytes, size)) return false;
  for (uint64_t i = 0; i < size; ++i) {
    StateString entry;
    int64_t times = 0;
    if (!load_value(bytes, entry) || !load_value(bytes, times)) return false;
    entries.emplace_hint(entries.end(), std::move(entry), times);
  }
  return true;
}

}  // namespace penstock::expr
