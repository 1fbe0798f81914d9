// The types of a schema's columns.
#pragma once

#include <vector>

#include "types/type.h"

namespace penstock::types {

inline std::vector<DataType> types_of(const Schema& schema) {
  std::vector<DataType> types;
  types.reserve(schema.size());
  for (const Field& field : schema) types.push_back(field.type);
  return types;
}

template <class Index>
std::vector<DataType> types_of(const Schema& schema, const std::vector<Index>& columns) {
  std::vector<DataType> types;
  types.reserve(columns.size());
  for (const Index column : columns) types.push_back(schema[static_cast<size_t>(column)].type);
  return types;
}

}  // namespace penstock::types
