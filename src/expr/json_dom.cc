#include "expr/json_dom.h"

#include <fmt/format.h>

#include "types/value.h"

namespace penstock::expr {

namespace dom = simdjson::dom;

bool find_field(dom::element element, std::string_view name, dom::element& value) {
  if (!element.is_object()) return false;
  bool found = false;
  for (const dom::key_value_pair field : object_of(element)) {
    if (field.key != name) continue;
    value = field.value;
    found = true;
  }
  return found;
}

bool json_scalar_text(dom::element element, std::string& out) {
  out.clear();
  switch (element.type()) {
    case dom::element_type::STRING: out = element.get_string().value_unsafe(); return true;
    case dom::element_type::INT64: out = fmt::format("{}", element.get_int64().value_unsafe()); return true;
    case dom::element_type::UINT64: out = fmt::format("{}", element.get_uint64().value_unsafe()); return true;
    case dom::element_type::DOUBLE: types::append_double(out, element.get_double().value_unsafe(), false); return true;
    case dom::element_type::BOOL: out = element.get_bool().value_unsafe() ? "true" : "false"; return true;
    default: return false;
  }
}

}  // namespace penstock::expr
