// PostgreSQL's operators and functions on JSON text.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "expr/binding.h"
#include "expr/json_dom.h"
#include "expr/json_rows.h"
#include "expr/slots.h"

namespace penstock::expr {

namespace {

namespace dom = simdjson::dom;

// The elements that a text names in an object or, as a number that may count from the end, in an array.
std::optional<dom::element> step_by_name(dom::element from, std::string_view name) {
  dom::element found;
  if (find_field(from, name, found)) return found;
  if (!from.is_array()) return std::nullopt;
  const auto size = static_cast<int64_t>(array_of(from).size());
  const std::optional<int64_t> index = json_place(name, size);
  if (!index || *index < 0 || *index >= size || from.at(static_cast<size_t>(*index)).get(found) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return found;
}

// Parses the texts of argument 0 and writes what `find(row, root)` gives: as JSON, or as text, where null is NULL.
template <bool as_text, class F>
void write_found(KernelCall& call, F find) {
  auto texts = call.argument<StringCell>(0);
  dom::parser parser;
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    const std::string_view json = texts[row].view();
    dom::element root;
    if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return call.set_null(row);
    const std::optional<dom::element> found = find(row, root);
    if (!found || (as_text && found->is_null())) return call.set_null(row);
    if (as_text && json_scalar_text(*found, text)) return out.set(row, text);
    out.set(row, simdjson::minify(*found));
  });
  out.finish();
}

template <bool as_text>
void field_by_name(KernelCall& call) {
  auto names = call.argument<StringCell>(1);
  write_found<as_text>(call, [&](size_t row, dom::element root) -> std::optional<dom::element> {
    if (!root.is_object()) return std::nullopt;
    return step_by_name(root, names[row].view());
  });
}

template <bool as_text>
void element_by_index(KernelCall& call) {
  auto indexes = call.argument<int64_t>(1);
  write_found<as_text>(call, [&](size_t row, dom::element root) -> std::optional<dom::element> {
    if (!root.is_array()) return std::nullopt;
    return step_by_name(root, fmt::format("{}", indexes[row]));
  });
}

template <bool as_text>
bool bind_arrow(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  const bool by_index = call.argument_types[1].is_integer();
  static constexpr Takes kName[] = {Takes::kText, Takes::kText};
  static constexpr Takes kIndex[] = {Takes::kText, Takes::kInteger};
  if (!accept_arguments(call, by_index ? kIndex : kName, 2)) return false;
  call.result = TypeKind::kString;
  call.kernel = by_index ? element_by_index<as_text> : field_by_name<as_text>;
  return true;
}

template <bool as_text>
void value_by_path(KernelCall& call) {
  auto paths = call.argument<StringCell>(1);
  const bool is_text = call.argument_type(1).kind() == TypeKind::kString;
  write_found<as_text>(call, [&](size_t row, dom::element root) {
    std::optional<dom::element> at = root;
    const Status read = for_each_name(paths[row].view(), is_text, [&](std::optional<std::string_view> name) {
      at = name ? step_by_name(*at, *name) : std::nullopt;
      return at.has_value();
    });
    if (!read) call.fail(row, read.error().message());
    return at;
  });
}

template <bool as_text>
bool bind_hash_arrow(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  DataType& path = call.argument_types[1];
  if (path.kind() == TypeKind::kNull) path = TypeKind::kString;
  const bool names = path.kind() == TypeKind::kArray && path.part(0).kind() == TypeKind::kString;
  if (!accept_argument(Takes::kText, call.argument_types[0]) || (!names && path.kind() != TypeKind::kString))
    return false;
  call.argument_types[0] = call.result = TypeKind::kString;
  call.kernel = value_by_path<as_text>;
  return true;
}

template <bool as_text>
void extract_path(KernelCall& call) {
  write_found<as_text>(call, [&](size_t row, dom::element root) {
    std::optional<dom::element> at = root;
    for (size_t i = 1; i < call.argument_count() && at; ++i) {
      at = step_by_name(*at, call.argument<StringCell>(i)[row].view());
    }
    return at;
  });
}

template <bool as_text>
bool bind_extract_path(CallSignature& call) {
  if (call.argument_types.size() < 2) return false;
  for (DataType& type : call.argument_types) {
    if (!accept_argument(Takes::kText, type)) return false;
    type = TypeKind::kString;
  }
  call.result = TypeKind::kString;
  call.kernel = extract_path<as_text>;
  return true;
}

// --- what is in it ---

void array_length(KernelCall& call) {
  std::vector<int64_t> out(call.rows());
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!root.is_array()) return call.set_null(row);
    int64_t size = 0;
    for ([[maybe_unused]] dom::element one : array_of(root)) ++size;
    out[row] = size;
  });
  call.finish(std::move(out));
}

std::string_view type_name(dom::element element) {
  switch (element.type()) {
    case dom::element_type::ARRAY: return "array";
    case dom::element_type::OBJECT: return "object";
    case dom::element_type::STRING: return "string";
    case dom::element_type::BOOL: return "boolean";
    case dom::element_type::NULL_VALUE: return "null";
    default: return "number";
  }
}

void type_of(KernelCall& call) {
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) { out.set(row, type_name(root)); });
  out.finish();
}

void append_slot_of(types::SlotWriter& slot, dom::element element, bool as_text) {
  std::string text;
  if (as_text && element.is_null()) return slot.append_null();
  if (as_text && json_scalar_text(element, text)) return slot.append_string(text);
  slot.append_string(std::string_view(simdjson::minify(element)));
}

template <bool as_text>
void array_elements(KernelCall& call) {
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!root.is_array()) return call.set_null(row);
    std::string array;
    types::SlotWriter slot(array, TypeKind::kString);
    for (dom::element one : array_of(root)) append_slot_of(slot, one, as_text);
    out.set(row, array + types::kSlotEnd);
  });
  out.finish();
}

void object_keys(KernelCall& call) {
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!root.is_object()) return call.set_null(row);
    std::string array;
    types::SlotWriter slot(array, TypeKind::kString);
    for (dom::key_value_pair field : object_of(root)) slot.append_string(field.key);
    out.set(row, array + types::kSlotEnd);
  });
  out.finish();
}

template <bool as_text>
void object_entries(KernelCall& call) {
  TextOutput out(call);
  types::EntryWriter entries(call.result_type());
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!root.is_object()) return call.set_null(row);
    for (dom::key_value_pair field : object_of(root)) {
      std::string key;
      std::string value;
      types::SlotWriter(key, TypeKind::kString).append_string(field.key);
      types::SlotWriter value_slot(value, TypeKind::kString);
      append_slot_of(value_slot, field.value, as_text);
      entries.add(key, value);
    }
    std::string map;
    entries.finish(map);
    out.set(row, map);
  });
  out.finish();
}

template <Kernel kernel>
bool bind_list(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText};
  if (!accept_arguments(call, kTakes, 1)) return false;
  call.result = DataType::array(TypeKind::kString);
  call.kernel = kernel;
  return true;
}
template <Kernel kernel>
bool bind_entries(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText};
  if (!accept_arguments(call, kTakes, 1)) return false;
  call.result = DataType::map(DataType(TypeKind::kString).with_nullable(false), TypeKind::kString);
  call.kernel = kernel;
  return true;
}

// --- whether names are in it ---

// Whether it is the name of a field, an element of an array, or the text itself.
bool has_name(dom::element root, std::string_view name) {
  dom::element found;
  if (root.is_object()) return find_field(root, name, found);
  const auto is_name = [&](dom::element element) {
    std::string_view text;
    return element.get_string().get(text) == simdjson::SUCCESS && text == name;
  };
  if (!root.is_array()) return is_name(root);
  for (dom::element one : array_of(root)) {
    if (is_name(one)) return true;
  }
  return false;
}

void has_name_kernel(KernelCall& call) {
  auto names = call.argument<StringCell>(1);
  std::vector<uint8_t> out(call.rows());
  for_json_rows(call, [&](size_t row, dom::element root) { out[row] = has_name(root, names[row].view()) ? 1 : 0; });
  call.finish(std::move(out));
}

// `all`, or else any one, of the names of an array.
template <bool all>
void has_names_kernel(KernelCall& call) {
  auto names = call.argument<StringCell>(1);
  const bool is_text = call.argument_type(1).kind() == TypeKind::kString;
  std::vector<uint8_t> out(call.rows());
  for_json_rows(call, [&](size_t row, dom::element root) {
    bool has = all;
    const Status read = for_each_name(names[row].view(), is_text, [&](std::optional<std::string_view> name) {
      if (name) has = has_name(root, *name);
      return has == all;
    });
    if (!read) return call.fail(row, read.error().message());
    out[row] = has ? 1 : 0;
  });
  call.finish(std::move(out));
}

template <bool all>
bool bind_has_names(CallSignature& call) {
  if (call.argument_types.size() != 2) return false;
  DataType& names = call.argument_types[1];
  const bool is_array = names.kind() == TypeKind::kArray && names.part(0).kind() == TypeKind::kString;
  if (!accept_argument(Takes::kText, call.argument_types[0])) return false;
  if (!is_array && !accept_argument(Takes::kText, names)) return false;
  call.argument_types[0] = TypeKind::kString;
  if (!is_array) names = TypeKind::kString;
  call.result = TypeKind::kBoolean;
  call.kernel = has_names_kernel<all>;
  return true;
}

// --- whether one is in another ---

bool is_equal_number(dom::element a, dom::element b) {
  int64_t whole_a = 0;
  int64_t whole_b = 0;
  const bool whole = a.get_int64().get(whole_a) == simdjson::SUCCESS && b.get_int64().get(whole_b) == simdjson::SUCCESS;
  if (whole) return whole_a == whole_b;
  double number_a = 0;
  double number_b = 0;
  return a.get_double().get(number_a) == simdjson::SUCCESS && b.get_double().get(number_b) == simdjson::SUCCESS &&
         number_a == number_b;
}

// So many values are held against others in a row: each element of an array may be any element of the other.
constexpr int64_t kContainsStepsMax = 10'000'000;

// By their names; of several with one name the last counts.
using Fields = std::unordered_map<std::string_view, dom::element>;
Fields fields_of(dom::element element) {
  Fields fields;
  for (const dom::key_value_pair field : object_of(element)) fields.insert_or_assign(field.key, field.value);
  return fields;
}

// As PostgreSQL has it: all that `part` has is in `whole` in the same place, elements of arrays in any place. False,
// too, when no steps are left.
bool contains_json(dom::element whole, dom::element part, int64_t& steps_left) {
  if (--steps_left < 0 || type_name(whole) != type_name(part)) return false;
  if (part.is_object()) {
    const Fields fields = fields_of(whole);
    return std::ranges::all_of(fields_of(part), [&](const Fields::value_type& field) {
      const auto found = fields.find(field.first);
      return found != fields.end() && contains_json(found->second, field.second, steps_left);
    });
  }
  if (part.is_array()) {
    for (dom::element wanted : array_of(part)) {
      bool found = false;
      for (dom::element one : array_of(whole)) {
        found = contains_json(one, wanted, steps_left);
        if (found || steps_left < 0) break;
      }
      if (!found) return false;
    }
    return true;
  }
  return part.is_number() ? is_equal_number(whole, part) : simdjson::minify(whole) == simdjson::minify(part);
}

// `a @> b`, or with the operands the other way round `a <@ b`.
template <size_t whole>
void contains_kernel(KernelCall& call) {
  auto wholes = call.argument<StringCell>(whole);
  auto parts = call.argument<StringCell>(1 - whole);
  dom::parser whole_parser;
  dom::parser part_parser;
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    dom::element outer;
    dom::element inner;
    const std::string_view text = wholes[row].view();
    const std::string_view part = parts[row].view();
    if (whole_parser.parse(text.data(), text.size()).get(outer) != simdjson::SUCCESS ||
        part_parser.parse(part.data(), part.size()).get(inner) != simdjson::SUCCESS) {
      call.set_null(row);
      return 0;
    }
    int64_t steps_left = kContainsStepsMax;
    bool contains = false;
    if (outer.is_array() && !inner.is_array() && !inner.is_object()) {
      // An array contains a value that is one of its elements.
      for (dom::element one : array_of(outer)) contains = contains || contains_json(one, inner, steps_left);
    } else {
      contains = contains_json(outer, inner, steps_left);
    }
    if (steps_left < 0) call.fail(row, fmt::format("@> compares at most {} values of JSON", kContainsStepsMax));
    return contains ? 1 : 0;
  });
}

constexpr FunctionCategory kCategory = FunctionCategory::kJson;
constexpr NullRule kMakes = NullRule::kMakes;
using enum Takes;

constexpr ScalarFunction kFunctions[] = {
    {"->", kCategory, "json -> name, json -> index",
     "A field of a JSON object, of several with one name the last, or an element of an array by its place from 0, "
     "negative from the end; as JSON.",
     "'{\"a\": {\"b\": \"x\"}}' -> 'a' => {\"b\":\"x\"}\n'[1, 2, 3]' -> -1 => 3", bind_arrow<false>, kMakes},
    {"->>", kCategory, "json ->> name, json ->> index", "The same as text.",
     "'{\"a\": {\"b\": \"x\"}}' -> 'a' ->> 'b' => x", bind_arrow<true>, kMakes},
    {"#>", kCategory, "json #> path", "What stands at a path, an array of texts or '{a,0,b}'; as JSON.",
     "'{\"a\": [{\"b\": \"x\"}]}' #> '{a,0}' => {\"b\":\"x\"}", bind_hash_arrow<false>, kMakes},
    {"#>>", kCategory, "json #>> path", "The same as text.",
     "'{\"a\": [{\"b\": \"x\"}]}' #>> ARRAY['a', '0', 'b'] => x", bind_hash_arrow<true>, kMakes},
    {"JSON_EXTRACT_PATH", kCategory, "JSON_EXTRACT_PATH(json, name, ...)", "The same as #> with the names of the path.",
     "JSON_EXTRACT_PATH('{\"a\": [1]}', 'a') => [1]", bind_extract_path<false>, kMakes},
    {"JSON_EXTRACT_PATH_TEXT", kCategory, "JSON_EXTRACT_PATH_TEXT(json, name, ...)",
     "The same as #>> with the names of the path.", "JSON_EXTRACT_PATH_TEXT('{\"a\": [\"x\"]}', 'a', '0') => x",
     bind_extract_path<true>, kMakes},
    {"JSON_ARRAY_LENGTH", kCategory, "JSON_ARRAY_LENGTH(json)",
     "The number of elements of a JSON array; NULL of what is none.", "JSON_ARRAY_LENGTH('[1, 2]') => 2",
     bind_fixed<array_length, TypeKind::kInt, kText>, kMakes},
    {"JSON_TYPEOF", kCategory, "JSON_TYPEOF(json)",
     "'object', 'array', 'string', 'number', 'boolean' or 'null'; NULL of what is no JSON.",
     "JSON_TYPEOF('[1]') => array", bind_fixed<type_of, TypeKind::kString, kText>, kMakes},
    {"JSON_OBJECT_KEYS", kCategory, "JSON_OBJECT_KEYS(json)",
     "The names of a JSON object's fields, as an array; as a table one row each.",
     "JSON_OBJECT_KEYS('{\"b\": 1, \"a\": 2}') => [b, a]", bind_list<object_keys>, kMakes},
    {"JSON_ARRAY_ELEMENTS", kCategory, "JSON_ARRAY_ELEMENTS(json)",
     "The elements of a JSON array as an array of JSON; as a table one row each, also called value.",
     "JSON_ARRAY_ELEMENTS('[1, \"a\"]') => [1, \"a\"]", bind_list<array_elements<false>>, kMakes},
    {"JSON_ARRAY_ELEMENTS_TEXT", kCategory, "JSON_ARRAY_ELEMENTS_TEXT(json)", "The same as texts.",
     "JSON_ARRAY_ELEMENTS_TEXT('[1, \"a\"]') => [1, a]", bind_list<array_elements<true>>, kMakes},
    {"JSON_EACH", kCategory, "JSON_EACH(json)",
     "The fields of a JSON object as a map from names to JSON; as a table one row each.",
     "JSON_EACH('{\"a\": [1]}') => {a=[1]}", bind_entries<object_entries<false>>, kMakes},
    {"@>", kCategory, "json @> json",
     "Whether the first has all that the second has: its fields, and elements of its arrays in any place; NULL of what "
     "is no JSON.",
     "'{\"a\": 1, \"b\": [1, 2]}' @> '{\"b\": [2]}' => TRUE",
     bind_fixed<contains_kernel<0>, TypeKind::kBoolean, kText, kText>, kMakes},
    {"<@", kCategory, "json <@ json", "The same the other way round.", "'{\"a\": 2}' <@ '{\"a\": 1}' => FALSE",
     bind_fixed<contains_kernel<1>, TypeKind::kBoolean, kText, kText>, kMakes},
    {"?", kCategory, "json ? name", "Whether a text is the name of a field of the object, or an element of the array.",
     "'{\"a\": 1}' ? 'a' => TRUE\n'[\"a\", \"b\"]' ? 'c' => FALSE",
     bind_fixed<has_name_kernel, TypeKind::kBoolean, kText, kText>, kMakes},
    {"?|", kCategory, "json ?| names", "Whether one of the names, an array of texts or '{a,b}', is there so.",
     "'{\"a\": 1}' ?| ARRAY['b', 'a'] => TRUE", bind_has_names<false>, kMakes},
    {"?&", kCategory, "json ?& names", "Whether all of them are.", "'{\"a\": 1}' ?& '{a,b}' => FALSE",
     bind_has_names<true>, kMakes},
    {"JSON_EACH_TEXT", kCategory, "JSON_EACH_TEXT(json)", "The same with texts.",
     "JSON_EACH_TEXT('{\"a\": \"x\"}') => {a=x}", bind_entries<object_entries<true>>, kMakes},
};

}  // namespace

std::span<const ScalarFunction> json_operator_functions() { return kFunctions; }

}  // namespace penstock::expr
