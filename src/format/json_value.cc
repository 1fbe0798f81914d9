#include "format/json_value.h"

#include <cmath>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "format/text_value.h"
#include "types/value.h"

namespace penstock::format {

namespace {

using simdjson::ondemand::json_type;
using simdjson::ondemand::value;
using types::DataType;
using types::TypeKind;

JsonOutcome wrong(JsonReading& reading, std::string_view text, DataType type) {
  return reading.wrong(cannot_read(text, type));
}

// The text of a scalar as it stands in the record, without the space behind it.
std::string_view raw_scalar(value& from) {
  std::string_view token = from.raw_json_token();
  while (!token.empty() && static_cast<uint8_t>(token.back()) <= ' ') token.remove_suffix(1);
  return token;
}

// What is in a string. Without escapes, which is the rule, it is taken from the record as it is: that it is UTF-8 and
// has no control characters has been checked for the whole record.
bool string_text(value& from, std::string_view& text) {
  std::string_view token = raw_scalar(from);
  if (token.size() >= 2 && token.back() == '"' && std::memchr(token.data(), '\\', token.size()) == nullptr) {
    text = token.substr(1, token.size() - 2);
    return true;
  }
  return from.get_string().get(text) == simdjson::SUCCESS;
}

template <class Out>
JsonOutcome append_string(Out& out, DataType type, value& from, JsonReading& reading) {
  std::string_view text;
  if (!string_text(from, text)) return JsonOutcome::kBroken;
  return append_text_value(out, type, text) ? JsonOutcome::kValue : wrong(reading, text, type);
}

template <class Out>
JsonOutcome append_integer(Out& out, DataType type, value& from, JsonReading& reading) {
  types::IntegerRange range = types::integer_range(type.kind());
  int64_t number = 0;
  if (from.get_int64().get(number) != simdjson::SUCCESS) {
    double real = 0;
    // A fraction is cut off, as Jackson does.
    if (from.get_double().get(real) != simdjson::SUCCESS || !(std::abs(real) < 9.2e18)) {
      return wrong(reading, raw_scalar(from), type);
    }
    number = static_cast<int64_t>(real);
  }
  if (number < range.min || number > range.max) return wrong(reading, std::to_string(number), type);
  out.append_int64(number);
  return JsonOutcome::kValue;
}

template <class Out>
JsonOutcome append_number(Out& out, DataType type, value& from, JsonReading& reading) {
  if (type.is_integer()) return append_integer(out, type, from, reading);
  if (type.is_approximate()) {
    double number = 0;
    if (from.get_double().get(number) != simdjson::SUCCESS) return wrong(reading, raw_scalar(from), type);
    out.append_double(type.kind() == TypeKind::kFloat ? static_cast<double>(static_cast<float>(number)) : number);
    return JsonOutcome::kValue;
  }
  std::string_view token = raw_scalar(from);
  if (type.kind() != TypeKind::kDecimal && type.kind() != TypeKind::kString) {
    std::string message = cannot_read(token, type);
    if (type.is_timestamp()) message += " (it must be a string; for epoch times use BIGINT and TO_TIMESTAMP_LTZ)";
    return reading.wrong(std::move(message));
  }
  if (double ignored = 0; type.kind() == TypeKind::kString && from.get_double().get(ignored) != simdjson::SUCCESS) {
    return JsonOutcome::kBroken;
  }
  return append_text_value(out, type, token) ? JsonOutcome::kValue : wrong(reading, token, type);
}

template <class Out>
JsonOutcome append_boolean(Out& out, DataType type, value& from, JsonReading& reading) {
  bool truth = false;
  if (from.get_bool().get(truth) != simdjson::SUCCESS) return JsonOutcome::kBroken;
  std::string_view text = truth ? "true" : "false";
  if (type.kind() == TypeKind::kBoolean) {
    out.append_bool(truth);
  } else if (type.kind() == TypeKind::kString) {
    out.append_string(text);
  } else {
    return wrong(reading, text, type);
  }
  return JsonOutcome::kValue;
}

// --- nested values ---

// Reads a value inside of another one. Nothing is appended unless it gives kValue.
JsonOutcome append_json_slot(std::string& out, DataType type, value& from, JsonReading& reading) {
  size_t before = out.size();
  types::SlotWriter slot(out, type);
  switch (append_json_value(slot, type, from, reading)) {
    case JsonOutcome::kValue: return JsonOutcome::kValue;
    case JsonOutcome::kBroken: return JsonOutcome::kBroken;
    case JsonOutcome::kNull: break;
    case JsonOutcome::kWrong:
      if (!reading.ignored) return JsonOutcome::kWrong;
      out.resize(before);
      break;
  }
  if (!type.nullable()) return reading.missing("is null but NOT NULL");
  slot.append_null();
  return JsonOutcome::kValue;
}

JsonOutcome read_array(std::string& out, DataType type, value& from, JsonReading& reading) {
  simdjson::ondemand::array array;
  if (from.get_array().get(array) != simdjson::SUCCESS) return JsonOutcome::kBroken;
  size_t index = 0;
  for (auto result : array) {
    value element;
    if (std::move(result).get(element) != simdjson::SUCCESS) return JsonOutcome::kBroken;
    ++index;
    JsonOutcome outcome = append_json_slot(out, type.part(0), element, reading);
    if (outcome == JsonOutcome::kValue) continue;
    reading.path.insert(0, "[" + std::to_string(index) + "]");
    return outcome;
  }
  out += types::kSlotEnd;
  return JsonOutcome::kValue;
}

// A MAP, or a MULTISET as an object of counts; the keys are text, of whatever type.
JsonOutcome read_map(std::string& out, DataType type, value& from, JsonReading& reading) {
  simdjson::ondemand::object object;
  if (from.get_object().get(object) != simdjson::SUCCESS) return JsonOutcome::kBroken;
  types::EntryWriter entries(type);
  std::string key;
  std::string mapped;
  for (auto result : object) {
    simdjson::ondemand::field field;
    std::string_view name;
    if (std::move(result).get(field) != simdjson::SUCCESS) return JsonOutcome::kBroken;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS) return JsonOutcome::kBroken;
    key.clear();
    mapped.clear();
    types::SlotWriter key_slot(key, type.part(0));
    if (!append_text_value(key_slot, type.part(0), name)) return wrong(reading, name, type.part(0));
    JsonOutcome outcome = append_json_slot(mapped, type.part(1), field.value(), reading);
    if (outcome != JsonOutcome::kValue) {
      reading.path.insert(0, "['" + std::string(name) + "']");
      return outcome;
    }
    if (type.kind() == TypeKind::kMap) {
      entries.add(key, mapped);
    } else if (int64_t count = types::is_null_slot(mapped) ? 0 : types::slot_value(mapped, type.part(1)).as_int64();
               count > 0) {
      entries.add(key, mapped);
    }
  }
  entries.finish(out);
  return JsonOutcome::kValue;
}

// The fields of a ROW come in any order and are put into their own; of one that comes twice, the first counts.
class RowReader {
 public:
  RowReader(DataType type, JsonReading& reading) : fields_(type.parts()), reading_(reading), places_(fields_.size()) {}

  JsonOutcome read(std::string& out, value& from) {
    simdjson::ondemand::object object;
    if (from.get_object().get(object) != simdjson::SUCCESS) return JsonOutcome::kBroken;
    size_t found = 0;
    for (auto result : object) {
      simdjson::ondemand::field field;
      if (std::move(result).get(field) != simdjson::SUCCESS) return JsonOutcome::kBroken;
      std::string_view key;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS) return JsonOutcome::kBroken;
      size_t index = find(key);
      if (index == fields_.size() || places_[index].size != 0) continue;
      places_[index].begin = slots_.size();
      JsonOutcome outcome = append_json_slot(slots_, fields_[index].type, field.value(), reading_);
      if (outcome != JsonOutcome::kValue) return at_field(index, outcome);
      places_[index].size = slots_.size() - places_[index].begin;
      expected_ = index + 1;
      if (++found == fields_.size()) break;
    }
    return put_in_order(out);
  }

 private:
  struct Place {
    size_t begin = 0;
    size_t size = 0;  // 0: not found yet
  };

  size_t find(std::string_view key) const {
    if (expected_ < fields_.size() && fields_[expected_].name == key) return expected_;
    size_t index = 0;
    while (index < fields_.size() && fields_[index].name != key) ++index;
    return index;
  }

  JsonOutcome put_in_order(std::string& out) {
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (places_[i].size != 0) {
        out += std::string_view(slots_).substr(places_[i].begin, places_[i].size);
        continue;
      }
      if (reading_.options.fail_on_missing_field) return at_field(i, reading_.missing("is missing"));
      if (!fields_[i].type.nullable()) return at_field(i, reading_.missing("is missing but NOT NULL"));
      out += types::kSlotNull;
    }
    return JsonOutcome::kValue;
  }

  JsonOutcome at_field(size_t index, JsonOutcome outcome) {
    reading_.path.insert(0, "." + fields_[index].name);
    return outcome;
  }

  std::span<const types::Field> fields_;
  JsonReading& reading_;
  std::vector<Place> places_;
  std::string slots_;  // in the order in which they came
  size_t expected_ = 0;
};

template <class Out>
JsonOutcome append_nested(Out& out, DataType type, value& from, json_type kind, JsonReading& reading) {
  bool is_array = type.kind() == TypeKind::kArray;
  if (is_array != (kind == json_type::array)) return wrong(reading, is_array ? "an object" : "an array", type);
  std::string bytes;
  JsonOutcome outcome = is_array                        ? read_array(bytes, type, from, reading)
                        : type.kind() == TypeKind::kRow ? RowReader(type, reading).read(bytes, from)
                                                        : read_map(bytes, type, from, reading);
  if (outcome == JsonOutcome::kValue) out.append_string(bytes);
  return outcome;
}

template <class Out>
JsonOutcome append_container(Out& out, DataType type, value& from, json_type kind, JsonReading& reading) {
  if (type.is_nested()) return append_nested(out, type, from, kind, reading);
  std::string_view raw;
  simdjson::error_code error = simdjson::SUCCESS;
  if (kind == json_type::object) {
    simdjson::ondemand::object object;
    error = from.get_object().get(object);
    if (error == simdjson::SUCCESS) error = object.raw_json().get(raw);
  } else {
    simdjson::ondemand::array array;
    error = from.get_array().get(array);
    if (error == simdjson::SUCCESS) error = array.raw_json().get(raw);
  }
  if (error != simdjson::SUCCESS) return JsonOutcome::kBroken;
  if (type.kind() != TypeKind::kString) {
    return wrong(reading, kind == json_type::object ? "an object" : "an array", type);
  }
  while (!raw.empty() && static_cast<uint8_t>(raw.back()) <= ' ') raw.remove_suffix(1);
  out.append_string(raw);
  return JsonOutcome::kValue;
}

}  // namespace

template <class Out>
JsonOutcome append_json_value(Out& out, DataType type, value& from, JsonReading& reading) {
  // By the first character: the usual case of each type costs one comparison.
  json_type kind{};
  if (from.type().get(kind) != simdjson::SUCCESS) return JsonOutcome::kBroken;
  switch (kind) {
    case json_type::string: return append_string(out, type, from, reading);
    case json_type::number: return append_number(out, type, from, reading);
    case json_type::boolean: return append_boolean(out, type, from, reading);
    case json_type::null: {
      bool is_null = false;
      if (from.is_null().get(is_null) != simdjson::SUCCESS || !is_null) return JsonOutcome::kBroken;
      return JsonOutcome::kNull;
    }
    case json_type::object:
    case json_type::array: return append_container(out, type, from, kind, reading);
  }
  return JsonOutcome::kBroken;
}

template JsonOutcome append_json_value(columnar::ColumnBuilder& out, DataType type, value& from, JsonReading& reading);
template JsonOutcome append_json_value(types::SlotWriter& out, DataType type, value& from, JsonReading& reading);

}  // namespace penstock::format
