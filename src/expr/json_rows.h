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

#include "base/result.h"
#include "expr/function.h"
#include "expr/kernel.h"
#include "expr/slots.h"
#include "types/array_text.h"
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

// Calls `step(name)` for the names of an array of texts, or of a text such as '{a,0,"b c"}', until it gives false; it
// is given nothing for one that is NULL. Fails when the text is no array.
template <class F>
Status for_each_name(std::string_view array, bool is_text, F step) {
  using Name = std::optional<std::string_view>;
  if (is_text) {
    types::ArrayTextReader in(array);
    if (!in.accept('{')) return in.unreadable();
    bool goes_on = true;
    if (in.accept('}')) return in.at_end() ? Status() : in.unreadable();
    do {
      const std::optional<std::string> name = PENSTOCK_TRY(in.element());
      goes_on = goes_on && step(name ? Name(*name) : Name());
    } while (in.accept(','));
    return in.accept('}') && in.at_end() ? Status() : in.unreadable();
  }
  std::string buffer;
  for (std::string_view slot; !(slot = types::take_slot(array, TypeKind::kString)).empty();) {
    const bool null = types::is_null_slot(slot);
    slot.remove_prefix(1);
    if (!step(null ? Name() : Name(types::unescape_ordered_string(types::take_ordered_string(slot), buffer)))) break;
  }
  return {};
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
