// What kernels over JSON text are written with.
#pragma once

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "expr/function.h"
#include "expr/kernel.h"
#include "expr/slots.h"
#include "types/nested.h"

namespace penstock::expr {

// Calls `body(row, root)` for the rows whose text, argument 0, is JSON; others are NULL.
template <class F>
void for_json_rows(KernelCall& call, F body) {
  auto texts = call.argument<StringCell>(0);
  simdjson::dom::parser parser;
  for_valid_rows(call, [&](size_t row) {
    const std::string_view json = texts[row].view();
    simdjson::dom::element root;
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return call.set_null(row);
    body(row, root);
  });
}

// Calls `step(name)` for the names of an array of texts, or of a text such as '{a,0,b}', until it gives false.
template <class F>
void for_each_name(std::string_view array, bool is_text, F step) {
  if (!is_text) {
    std::string buffer;
    for (std::string_view slot; !(slot = types::take_slot(array, TypeKind::kString)).empty();) {
      if (types::is_null_slot(slot)) continue;
      slot.remove_prefix(1);
      if (!step(types::unescape_ordered_string(types::take_ordered_string(slot), buffer))) return;
    }
    return;
  }
  if (array.starts_with('{') && array.ends_with('}')) array = array.substr(1, array.size() - 2);
  while (!array.empty()) {
    const std::string_view name = array.substr(0, array.find(','));
    array.remove_prefix(std::min(name.size() + 1, array.size()));
    if (!step(name)) return;
  }
}

// A name as the place of an element in an array of that size, counted from 0; it may count from the end, and be beyond
// both ends. Nothing when it is no number.
inline std::optional<int64_t> json_place(std::string_view name, int64_t size) {
  int64_t place = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), place);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return place < 0 ? place + size : place;
}

}  // namespace penstock::expr
