#include "expr/json_text.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "expr/base64.h"
#include "types/nested.h"

namespace penstock::expr {

using types::DataType;
using types::TypeKind;

namespace {

std::string_view text_in(std::string_view slot, std::string& buffer) {
  slot.remove_prefix(1);
  return types::unescape_ordered_string(types::take_ordered_string(slot), buffer);
}

// JSON has no number for what is not finite: it becomes null.
void append_double(std::string& out, double value, bool is_float) {
  if (!std::isfinite(value)) {
    out += "null";
  } else {
    types::append_double(out, value, is_float);
  }
}

// The fields in the order of their names.
void append_row(std::string& out, std::string_view rest, DataType type) {
  std::vector<std::pair<std::string_view, size_t>> order;
  std::vector<std::string_view> slots;
  for (const types::Field& field : type.parts()) {
    order.emplace_back(field.name, slots.size());
    slots.push_back(types::take_slot(rest, field.type));
  }
  std::ranges::sort(order);
  out += '{';
  bool first = true;
  for (const auto& [name, place] : order) {
    if (!std::exchange(first, false)) out += ',';
    append_json_string(out, name);
    out += ':';
    append_slot_json(out, slots[place], type.part(place));
  }
  out += '}';
}

// "2026-01-02T03:04:05.678" without zeros at the end.
void append_iso_time(std::string& out, int64_t micros) {
  const size_t date = out.size();
  constexpr int kMicroDigits = 6;
  types::append_timestamp(out, micros, kMicroDigits);
  out[out.find(' ', date)] = 'T';
  out.resize(out.find_last_not_of('0') + 1);
  // Nothing but zeros stood behind the point.
  if (out.ends_with('.')) out.pop_back();
}

// Elements, or pairs of a name and a value.
void append_list(std::string& out, std::string_view rest, DataType type) {
  const bool pairs = type.kind() != TypeKind::kArray;
  out += pairs ? '{' : '[';
  bool first = true;
  for (std::string_view slot; !(slot = types::take_slot(rest, type.part(0))).empty();) {
    if (!std::exchange(first, false)) out += ',';
    if (pairs) {
      append_slot_json_name(out, slot, type.part(0));
      out += ':';
      append_slot_json(out, types::take_slot(rest, type.part(1)), type.part(1));
    } else {
      append_slot_json(out, slot, type.part(0));
    }
  }
  out += pairs ? '}' : ']';
}

}  // namespace

void append_slot_json(std::string& out, std::string_view slot, DataType type, bool is_json) {
  if (types::is_null_slot(slot)) {
    out += "null";
    return;
  }
  if (type.kind() == TypeKind::kRow) return append_row(out, types::nested_in(slot), type);
  if (type.is_nested()) return append_list(out, types::nested_in(slot), type);
  std::string buffer;
  if (type.kind() == TypeKind::kString) {
    const std::string_view text = text_in(slot, buffer);
    if (!is_json) return append_json_string(out, text);
    out += text;
    return;
  }
  const types::Value value = types::slot_value(slot, type);
  if (type.kind() == TypeKind::kBoolean) {
    out += value.as_bool() ? "true" : "false";
  } else if (type.is_approximate()) {
    append_double(out, value.as_double(), type.kind() == TypeKind::kFloat);
  } else if (type.is_numeric()) {
    types::append_text(out, value, type);
  } else if (type.is_timestamp()) {
    out += '"';
    append_iso_time(out, value.as_int64());
    out += type.kind() == TypeKind::kTimestampLtz ? "Z\"" : "\"";
  } else if (type.kind() == TypeKind::kBytes) {
    out += '"';
    append_base64(out, value.as_string());
    out += '"';
  } else {
    append_json_string(out, types::to_text(value, type));
  }
}

void append_slot_json_name(std::string& out, std::string_view slot, DataType type) {
  std::string buffer;
  if (!types::is_null_slot(slot) && type.kind() == TypeKind::kString) {
    return append_json_string(out, text_in(slot, buffer));
  }
  append_json_string(out, types::to_text(types::slot_value(slot, type), type));
}

}  // namespace penstock::expr
