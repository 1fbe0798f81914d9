// Nested values as JSON: an ARRAY is an array; a ROW is an object of its fields, a MAP one of its values by their keys,
// a MULTISET one of counts.
#pragma once

#include <string>
#include <utility>

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

}  // namespace penstock::columnar
