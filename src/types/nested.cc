#include "types/nested.h"

#include <algorithm>
#include <utility>

namespace penstock::types {

namespace {

// Moves `rest` past a nested value.
void skip_nested(std::string_view& rest, DataType type) {
  if (type.kind() == TypeKind::kRow) {
    for (const Field& field : type.parts()) take_slot(rest, field.type);
    return;
  }
  while (rest[0] != kSlotEnd) {
    for (const Field& part : type.parts()) take_slot(rest, part.type);
  }
  rest.remove_prefix(1);
}

void skip_value(std::string_view& rest, DataType type) {
  if (type.is_nested()) return skip_nested(rest, type);
  switch (type.physical()) {
    case Physical::kBool: rest.remove_prefix(1); return;
    case Physical::kInt64:
    case Physical::kDouble: rest.remove_prefix(8); return;
    case Physical::kInt128: rest.remove_prefix(16); return;
    case Physical::kString: take_ordered_string(rest); return;
  }
}

void append_slot_text(std::string& out, std::string_view slot, DataType type) {
  if (is_null_slot(slot)) {
    out += "NULL";
  } else if (type.is_nested()) {
    append_nested_text(out, nested_in(slot), type);
  } else {
    append_text(out, slot_value(slot, type), type);
  }
}

int64_t count_in(std::string_view slot) {
  slot.remove_prefix(1);
  return read_ordered_int64(slot);
}

}  // namespace

std::string_view take_slot(std::string_view& rest, DataType type) {
  PENSTOCK_CHECK(!rest.empty(), "a nested value is cut off");
  if (rest[0] == kSlotEnd) return {};
  std::string_view begin = rest;
  rest.remove_prefix(1);
  if (begin[0] == kSlotValue) skip_value(rest, type);
  return begin.substr(0, begin.size() - rest.size());
}

std::string_view field_slot(std::string_view row, DataType row_type, size_t field) {
  for (size_t i = 0; i < field; ++i) take_slot(row, row_type.part(i));
  return take_slot(row, row_type.part(field));
}

Value slot_value(std::string_view slot, DataType type) {
  if (is_null_slot(slot)) return {};
  slot.remove_prefix(1);
  if (type.is_nested()) return Value(std::string(slot));
  switch (type.physical()) {
    case Physical::kBool: return Value(read_ordered_bool(slot));
    case Physical::kInt64: return Value(read_ordered_int64(slot));
    case Physical::kDouble: return Value(read_ordered_double(slot));
    case Physical::kInt128: return Value(read_ordered_int128(slot));
    case Physical::kString: break;
  }
  std::string buffer;
  return Value(std::string(unescape_ordered_string(take_ordered_string(slot), buffer)));
}

void SlotWriter::append(const Value& v) {
  if (v.is_null()) return append_null();
  switch (type_.physical()) {
    case Physical::kBool: return append_bool(v.as_bool());
    case Physical::kInt64: return append_int64(v.as_int64());
    case Physical::kDouble: return append_double(v.as_double());
    case Physical::kInt128: return append_int128(v.as_int128());
    case Physical::kString: return append_string(v.as_string());
  }
}

void EntryWriter::add(std::string_view key, std::string_view value) {
  entries_.push_back({.begin = bytes_.size(), .key_size = key.size(), .value_size = value.size()});
  bytes_ += key;
  bytes_ += value;
}

void EntryWriter::finish(std::string& out) {
  // Of equal keys in the order in which they came.
  std::ranges::sort(entries_, {}, [&](const Entry& entry) { return std::pair(key_of(entry), entry.begin); });
  for (size_t i = 0; i < entries_.size();) {
    size_t end = i + 1;
    while (end < entries_.size() && key_of(entries_[end]) == key_of(entries_[i])) ++end;
    out += key_of(entries_[i]);
    if (type_.kind() == TypeKind::kMap) {
      out += value_of(entries_[end - 1]);
    } else {
      int64_t count = 0;  // a count is an INT: it stops at the largest
      for (size_t same = i; same < end; ++same) count += count_in(value_of(entries_[same]));
      SlotWriter(out, TypeKind::kInt).append_int64(std::min(count, int64_t{INT32_MAX}));
    }
    i = end;
  }
  out += kSlotEnd;
  bytes_.clear();
  entries_.clear();
}

int64_t cardinality(std::string_view value, DataType type) {
  int64_t count = 0;
  while (!take_slot(value, type.part(0)).empty()) {
    if (type.kind() == TypeKind::kArray) {
      ++count;
      continue;
    }
    std::string_view second = take_slot(value, type.part(1));
    count += type.kind() == TypeKind::kMap ? 1 : count_in(second);
  }
  return count;
}

void append_nested_text(std::string& out, std::string_view value, DataType type) {
  static constexpr std::string_view kBrackets[] = {"[]", "{}", "{}", "()"};
  std::string_view brackets = kBrackets[static_cast<size_t>(type.kind()) - static_cast<size_t>(TypeKind::kArray)];
  out += brackets[0];
  bool row = type.kind() == TypeKind::kRow;
  for (size_t i = 0; row ? i < type.parts().size() : value[0] != kSlotEnd; ++i) {
    if (i != 0) out += ", ";
    DataType first = type.part(row ? i : 0);
    append_slot_text(out, take_slot(value, first), first);
    if (row || type.kind() == TypeKind::kArray) continue;
    out += '=';
    append_slot_text(out, take_slot(value, type.part(1)), type.part(1));
  }
  out += brackets[1];
}

}  // namespace penstock::types
