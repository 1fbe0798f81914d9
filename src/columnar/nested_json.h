// Values as JSON: numbers and booleans are JSON's own; an ARRAY is an array; a ROW is an object of its fields, a MAP
// one of its values by their keys, a MULTISET one of counts; everything else is a string of its text.
#pragma once

#include <cmath>
#include <string>
#include <utility>

#include "base/json_text.h"
#include "columnar/nested.h"
#include "types/type.h"

namespace penstock::columnar {

// Appends the one value whose parts these are. `name(out, text)` appends the name of a field as a string,
// `key(out, column, row)` a value as one (NULL too), and `value(out, column, row)` a value or null.
template <class Name, class Key, class Value>
void append_nested_json(std::string& out, const NestedParts& parts, types::DataType type, bool without_null_fields,
                        const Name& name, const Key& key, const Value& value) {
  const bool is_array = type.kind() == types::TypeKind::kArray;
  const bool is_row = type.kind() == types::TypeKind::kRow;
  const size_t size = is_row ? type.parts().size() : parts.size();
  out += is_array ? '[' : '{';
  bool first = true;
  for (size_t i = 0; i < size; ++i) {
    const Column& values = *parts.columns[is_array ? 0 : is_row ? i : 1];
    const size_t row = is_row ? 0 : i;
    if (is_row && without_null_fields && values.is_null(row)) continue;
    if (!std::exchange(first, false)) out += ',';
    if (is_row) name(out, type.parts()[i].name);
    if (!is_row && !is_array) key(out, *parts.columns[0], i);
    if (!is_array) out += ':';
    value(out, values, row);
  }
  out += is_array ? ']' : '}';
}

// Appends a value's text as a string; NULL, for which JSON has no key, is the text "null". `text(out, column, row)`
// appends the text of a value that is not NULL.
template <class Text>
void append_json_text(std::string& out, const Column& column, size_t row, const Text& text) {
  if (column.is_null(row)) {
    out += "\"null\"";
  } else if (column.type().kind() == types::TypeKind::kString) {
    append_json_string(out, column.values<StringCell>()[row].view());
  } else {
    const size_t begin = out.size();
    text(out, column, row);
    quote_json_tail(out, begin);
  }
}

// Appends a value. `text` gives numbers as JSON has them, where they are finite.
template <class Text>
void append_json(std::string& out, const Column& column, size_t row, bool without_null_fields, const Text& text) {
  const types::DataType type = column.type();
  if (column.is_null(row)) {
    out += "null";
  } else if (type.is_nested()) {
    append_nested_json(
        out, take_apart(column, row, row + 1), type, without_null_fields, append_json_string,
        [&](std::string& to, const Column& keys, size_t entry) { append_json_text(to, keys, entry, text); },
        [&](std::string& to, const Column& values, size_t entry) {
          append_json(to, values, entry, without_null_fields, text);
        });
  } else if (type.kind() == types::TypeKind::kBoolean) {
    out += column.values<uint8_t>()[row] != 0 ? "true" : "false";
  } else if (type.is_numeric() && (!type.is_approximate() || std::isfinite(column.values<double>()[row]))) {
    text(out, column, row);
  } else {
    append_json_text(out, column, row, text);
  }
}

}  // namespace penstock::columnar
