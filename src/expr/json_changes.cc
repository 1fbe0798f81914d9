// PostgreSQL's operators and functions that make other JSON of JSON text. They write it without blanks, and keep the
// order of fields.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "expr/binding.h"
#include "expr/json_construction.h"
#include "expr/json_dom.h"
#include "expr/json_rows.h"

namespace penstock::expr {

namespace {

namespace dom = simdjson::dom;

void append_field_name(std::string& out, std::string_view name, bool first) {
  if (!first) out += ',';
  append_json_string(out, name);
  out += ':';
}

void append_field(std::string& out, dom::key_value_pair field, bool first) {
  append_field_name(out, field.key, first);
  out += simdjson::minify(field.value);
}

void append_elements(std::string& out, std::span<const std::string> elements) {
  out += fmt::format("[{}]", fmt::join(elements, ","));
}

// Texts of JSON elements.
std::vector<std::string> texts_of(dom::array array) {
  std::vector<std::string> texts;
  for (dom::element one : array) texts.emplace_back(simdjson::minify(one));
  return texts;
}

// --- without nulls ---

void append_without_nulls(std::string& out, dom::element element) {
  bool first = true;
  if (element.is_object()) {
    out += '{';
    for (dom::key_value_pair field : object_of(element)) {
      if (field.value.is_null()) continue;
      append_field_name(out, field.key, std::exchange(first, false));
      append_without_nulls(out, field.value);
    }
    out += '}';
  } else if (element.is_array()) {
    out += '[';
    for (dom::element one : array_of(element)) {
      if (!std::exchange(first, false)) out += ',';
      append_without_nulls(out, one);
    }
    out += ']';
  } else {
    out += simdjson::minify(element);
  }
}

void strip_nulls(KernelCall& call) {
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    std::string text;
    append_without_nulls(text, root);
    out.set(row, text);
  });
  out.finish();
}

// --- in lines ---

void append_pretty(std::string& out, dom::element element, size_t depth) {
  const bool object = element.is_object();
  if (!object && !element.is_array()) {
    out += simdjson::minify(element);
    return;
  }
  constexpr size_t kIndent = 4;
  const auto line = [&](size_t at) {
    out += '\n';
    out.append(at * kIndent, ' ');
  };
  bool first = true;
  const auto begin_part = [&] {
    if (!std::exchange(first, false)) out += ',';
    line(depth + 1);
  };
  out += object ? '{' : '[';
  if (object) {
    for (dom::key_value_pair field : object_of(element)) {
      begin_part();
      append_json_string(out, field.key);
      out += ": ";
      append_pretty(out, field.value, depth + 1);
    }
  } else {
    for (dom::element one : array_of(element)) {
      begin_part();
      append_pretty(out, one, depth + 1);
    }
  }
  line(depth);
  out += object ? '}' : ']';
}

void pretty(KernelCall& call) {
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    std::string text;
    append_pretty(text, root, 0);
    out.set(row, text);
  });
  out.finish();
}

// --- at a path ---

// Changes what stands at a place of JSON that is written again.
struct Change {
  enum class Kind : uint8_t { kSet, kInsert, kInsertAfter, kRemove };

  Kind kind = Kind::kSet;
  std::span<const std::string> path;
  std::string_view value;  // JSON; of kRemove none
  bool create = true;      // of kSet: where the last name of the path is not there
  bool* exists = nullptr;  // of kInsert: becomes true where a field is there already

  bool inserts() const { return kind == Kind::kInsert || kind == Kind::kInsertAfter; }
  bool is_last() const { return path.size() == 1; }
  // Whether something new stands at the last name where nothing is.
  bool adds() const { return is_last() && (inserts() || (kind == Kind::kSet && create)); }
  Change below() const {
    Change change = *this;
    change.path = path.subspan(1);
    return change;
  }
};

void append_changed(std::string& out, dom::element element, const Change& change);

void append_changed_field(std::string& out, dom::object object, const Change& change) {
  bool found = false;
  bool first = true;
  out += '{';
  for (dom::key_value_pair field : object) {
    if (found || field.key != change.path.front()) {
      append_field(out, field, std::exchange(first, false));
      continue;
    }
    found = true;
    if (change.is_last() && change.kind == Change::Kind::kRemove) continue;
    append_field_name(out, field.key, std::exchange(first, false));
    if (change.is_last() && change.inserts()) {
      *change.exists = true;
      out += simdjson::minify(field.value);
    } else {
      append_changed(out, field.value, change.below());
    }
  }
  if (!found && change.adds()) {
    append_field_name(out, change.path.front(), first);
    out += change.value;
  }
  out += '}';
}

// Behind either end a new element is the last or first.
void append_changed_element(std::string& out, dom::array array, const Change& change) {
  const auto size = static_cast<int64_t>(array.size());
  const std::optional<int64_t> place = json_place(change.path.front(), size);
  std::vector<std::string> elements;
  if (place && *place < 0 && change.adds()) elements.emplace_back(change.value);
  int64_t next = 0;
  for (dom::element one : array) {
    const bool here = place == next++;
    if (here && change.is_last() && change.kind == Change::Kind::kRemove) continue;
    if (here && change.is_last() && change.kind == Change::Kind::kInsert) elements.emplace_back(change.value);
    std::string& element = elements.emplace_back();
    if (here && !(change.is_last() && change.inserts())) {
      append_changed(element, one, change.below());
    } else {
      element = simdjson::minify(one);
    }
    if (here && change.is_last() && change.kind == Change::Kind::kInsertAfter) elements.emplace_back(change.value);
  }
  if (place && *place >= size && change.adds()) elements.emplace_back(change.value);
  append_elements(out, elements);
}

void append_changed(std::string& out, dom::element element, const Change& change) {
  if (change.path.empty()) {
    if (change.kind == Change::Kind::kSet) {
      out += change.value;
    } else {
      out += simdjson::minify(element);
    }
  } else if (element.is_object()) {
    append_changed_field(out, object_of(element), change);
  } else if (element.is_array()) {
    append_changed_element(out, array_of(element), change);
  } else {
    out += simdjson::minify(element);
  }
}

// The names of argument 1, an array of texts or '{a,0,b}', without those that are NULL. Where a NULL makes no sense, as
// in a path, or the text is no array, the row fails and there are none.
enum class Nulls : uint8_t { kSkipped, kRefused };
std::optional<std::vector<std::string>> names_at(KernelCall& call, size_t row, std::string_view names, Nulls nulls) {
  std::vector<std::string> found;
  bool refused = false;
  const bool is_text = call.argument_type(1).kind() == TypeKind::kString;
  const Status read = for_each_name(names, is_text, [&](std::optional<std::string_view> name) {
    if (name) found.emplace_back(*name);
    refused = refused || (!name && nulls == Nulls::kRefused);
    return !refused;
  });
  if (read && !refused) return found;
  call.fail(row, refused ? "a name in a path of JSON is NULL" : read.error().message());
  return std::nullopt;
}

// Fails the row unless what is changed is an object or array.
bool check_has_parts(KernelCall& call, size_t row, dom::element root, std::string_view function) {
  if (root.is_object() || root.is_array()) return true;
  call.fail(row, fmt::format("{} takes an object or array of JSON", function));
  return false;
}

// JSON_SET(json, path, value [, create]) or JSON_INSERT(json, path, value [, after])
template <bool insert>
void put_at_path(KernelCall& call) {
  auto paths = call.argument<StringCell>(1);
  auto values = call.argument<StringCell>(2);
  const std::string_view name = insert ? "JSON_INSERT" : "JSON_SET";
  dom::parser value_parser;
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!check_has_parts(call, row, root, name)) return;
    const auto path = names_at(call, row, paths[row].view(), Nulls::kRefused);
    if (!path) return;
    const std::string_view value = values[row].view();
    dom::element parsed;
    if (value_parser.parse(value.data(), value.size()).get(parsed) != simdjson::SUCCESS) {
      return call.fail(row, fmt::format("the value that {} puts in is not JSON", name));
    }
    const std::string new_value = simdjson::minify(parsed);
    const bool flag = call.argument_count() < 4 ? !insert : call.argument<uint8_t>(3)[row] != 0;
    bool exists = false;
    Change change{.path = *path, .value = new_value, .exists = &exists};
    if (insert) {
      change.kind = flag ? Change::Kind::kInsertAfter : Change::Kind::kInsert;
    } else {
      change.create = flag;
    }
    std::string text;
    if (path->empty()) {
      text = simdjson::minify(root);  // it names no place
    } else {
      append_changed(text, root, change);
    }
    if (exists) return call.fail(row, fmt::format("JSON_INSERT finds a field '{}' already", path->back()));
    out.set(row, text);
  });
  out.finish();
}

bool accept_path(DataType& path) {
  const bool names = path.kind() == TypeKind::kArray && path.part(0).kind() == TypeKind::kString;
  if (names) return true;
  if (!accept_argument(Takes::kText, path)) return false;
  path = TypeKind::kString;
  return true;
}

template <bool insert>
bool bind_put(CallSignature& call) {
  if (call.argument_types.size() < 3 || call.argument_types.size() > 4) return false;
  if (!accept_path(call.argument_types[1])) return false;
  for (const size_t text : {size_t{0}, size_t{2}}) {
    if (!accept_argument(Takes::kText, call.argument_types[text])) return false;
    call.argument_types[text] = TypeKind::kString;
  }
  if (call.argument_types.size() == 4) {
    if (!accept_argument(Takes::kBoolean, call.argument_types[3])) return false;
    call.argument_types[3] = TypeKind::kBoolean;
  }
  call.result = TypeKind::kString;
  call.kernel = put_at_path<insert>;
  return true;
}

// json #- path
void remove_path(KernelCall& call) {
  auto paths = call.argument<StringCell>(1);
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!check_has_parts(call, row, root, "#-")) return;
    const auto path = names_at(call, row, paths[row].view(), Nulls::kRefused);
    if (!path) return;
    std::string text;
    append_changed(text, root, {.kind = Change::Kind::kRemove, .path = *path});
    out.set(row, text);
  });
  out.finish();
}

bool bind_remove_path(CallSignature& call) {
  if (call.argument_types.size() != 2 || !accept_argument(Takes::kText, call.argument_types[0])) return false;
  if (!accept_path(call.argument_types[1])) return false;
  call.argument_types[0] = call.result = TypeKind::kString;
  call.kernel = remove_path;
  return true;
}

// --- without some names ---

// The object without these fields, or the array without the strings that are these.
void append_without(std::string& out, dom::element root, std::span<const std::string> names) {
  const std::unordered_set<std::string_view> unwanted(names.begin(), names.end());
  const auto is_named = [&](std::string_view text) { return unwanted.contains(text); };
  if (root.is_object()) {
    bool first = true;
    out += '{';
    for (dom::key_value_pair field : object_of(root)) {
      if (!is_named(field.key)) append_field(out, field, std::exchange(first, false));
    }
    out += '}';
    return;
  }
  std::vector<std::string> elements;
  for (dom::element one : array_of(root)) {
    std::string_view text;
    if (one.get_string().get(text) == simdjson::SUCCESS && is_named(text)) continue;
    elements.emplace_back(simdjson::minify(one));
  }
  append_elements(out, elements);
}

// json - name
void remove_name(KernelCall& call) {
  auto names = call.argument<StringCell>(1);
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!check_has_parts(call, row, root, "-")) return;
    const std::string name[] = {std::string(names[row].view())};
    std::string text;
    append_without(text, root, name);
    out.set(row, text);
  });
  out.finish();
}

// json - names
void remove_names(KernelCall& call) {
  auto arrays = call.argument<StringCell>(1);
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!check_has_parts(call, row, root, "-")) return;
    const auto names = names_at(call, row, arrays[row].view(), Nulls::kSkipped);
    if (!names) return;
    std::string text;
    append_without(text, root, *names);
    out.set(row, text);
  });
  out.finish();
}

void remove_element(KernelCall& call) {
  auto places = call.argument<int64_t>(1);
  TextOutput out(call);
  for_json_rows(call, [&](size_t row, dom::element root) {
    if (!root.is_array()) return call.fail(row, "- with a number takes an array of JSON");
    const std::string place[] = {fmt::format("{}", places[row])};
    std::string text;
    append_changed(text, root, {.kind = Change::Kind::kRemove, .path = place});
    out.set(row, text);
  });
  out.finish();
}

bool bind_remove(CallSignature& call) {
  if (call.argument_types.size() != 2 || call.argument_types[0].kind() != TypeKind::kString) return false;
  DataType& unwanted = call.argument_types[1];
  if (unwanted.is_integer()) {
    if (!is_json_text(*call.arguments[0])) return false;  // or it is a number in text, which needs a cast
    unwanted = TypeKind::kBigInt;
    call.kernel = remove_element;
  } else {
    const bool names = unwanted.kind() == TypeKind::kArray && unwanted.part(0).kind() == TypeKind::kString;
    if (!names && unwanted.kind() != TypeKind::kString) return false;
    call.kernel = names ? remove_names : remove_name;
  }
  call.result = TypeKind::kString;
  return true;
}

// --- two in one ---

// Objects become one, in which the fields of the second count; all else is arrays one after the other, where what is no
// array is one of a single element.
void append_joined(std::string& out, dom::element left, dom::element right) {
  if (!left.is_object() || !right.is_object()) {
    std::vector<std::string> elements;
    for (dom::element side : {left, right}) {
      const std::vector<std::string> some =
          side.is_array() ? texts_of(array_of(side)) : std::vector{std::string(simdjson::minify(side))};
      elements.insert(elements.end(), some.begin(), some.end());
    }
    return append_elements(out, elements);
  }
  // Fields of the first keep their places.
  std::vector<dom::key_value_pair> fields;
  std::unordered_map<std::string_view, size_t> places;
  for (const dom::object side : {object_of(left), object_of(right)}) {
    for (const dom::key_value_pair field : side) {
      const auto [place, fresh] = places.emplace(field.key, fields.size());
      if (fresh) {
        fields.push_back(field);
      } else {
        fields[place->second].value = field.value;
      }
    }
  }
  out += '{';
  for (const dom::key_value_pair& field : fields) append_field(out, field, &field == fields.data());
  out += '}';
}

void join(KernelCall& call) {
  auto lefts = call.argument<StringCell>(0);
  auto rights = call.argument<StringCell>(1);
  dom::parser left_parser;
  dom::parser right_parser;
  write_rows(call, [&](std::string& out, size_t row) {
    const std::string_view left = lefts[row].view();
    const std::string_view right = rights[row].view();
    dom::element first;
    dom::element second;
    if (left_parser.parse(left.data(), left.size()).get(first) != simdjson::SUCCESS ||
        right_parser.parse(right.data(), right.size()).get(second) != simdjson::SUCCESS) {
      return call.fail(row, "|| of JSON takes JSON on both sides");
    }
    append_joined(out, first, second);
  });
}

// A literal beside JSON is JSON too where it reads as such, so that text can still be put behind JSON.
bool bind_join(CallSignature& call) {
  if (call.arguments.size() != 2) return false;
  const bool json[] = {is_json_text(*call.arguments[0]), is_json_text(*call.arguments[1])};
  if (!json[0] && !json[1]) return false;
  for (size_t i = 0; i < 2; ++i) {
    if (json[i]) continue;
    const Expr& other = *call.arguments[i];
    if (!other.is_literal() || other.type().kind() != TypeKind::kString || other.value().is_null()) return false;
    const std::string_view text = other.value().as_string();
    dom::parser parser;
    if (parser.parse(text.data(), text.size()).error() != simdjson::SUCCESS) return false;
  }
  call.result = TypeKind::kString;
  call.kernel = join;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kJson;
constexpr NullRule kMakes = NullRule::kMakes;
using enum Takes;

constexpr ScalarFunction kFunctions[] = {
    {"||", kCategory, "json || json",
     "Two objects as one, in which the fields of the second count, or arrays one after the other, where what is no "
     "array is one of a single element. Text is JSON here by a cast (x::jsonb) or when a function of JSON made it; a "
     "literal, where the other side is JSON and it reads as such.",
     "'{\"a\": 1, \"b\": 2}'::jsonb || '{\"b\": 3}' => {\"a\":1,\"b\":3}\n"
     "'[1]'::jsonb || '[2, 3]'::jsonb => [1,2,3]",
     bind_join},
    {"-", kCategory, "json - name, json - names, json - index",
     "A JSON object without a field, an array without the strings that are the name or without the element at a place "
     "from 0, negative from the end.",
     "'{\"a\": 1, \"b\": 2}' - 'a' => {\"b\":2}\n'{\"a\": 1, \"b\": 2, \"c\": 3}' - ARRAY['a', 'c'] => {\"b\":2}\n"
     "'[\"a\", \"b\"]'::jsonb - 0 => [\"b\"]",
     bind_remove, kMakes},
    {"#-", kCategory, "json #- path", "The JSON without what stands at a path, an array of texts or '{a,0,b}'.",
     "'{\"a\": [1, 2]}' #- '{a,0}' => {\"a\":[2]}", bind_remove_path, kMakes},
    {"JSON_SET", kCategory, "JSON_SET(json, path, value [, create])",
     "The JSON with another value, itself JSON, at a path, an array of texts or '{a,0,b}'; what is not there yet is "
     "put in unless the last argument is FALSE.",
     "JSON_SET('{\"a\": [1, 2]}', '{a,1}', '3') => {\"a\":[1,3]}\n"
     "JSON_SET('{\"a\": 1}', ARRAY['b'], '\"x\"') => {\"a\":1,\"b\":\"x\"}",
     bind_put<false>, kMakes},
    {"JSON_INSERT", kCategory, "JSON_INSERT(json, path, value [, after])",
     "The JSON with a new element of an array before the one at a path, or after it where the last argument is TRUE; "
     "or with a new field of an object, which must not be there yet.",
     "JSON_INSERT('{\"a\": [0, 1]}', '{a,1}', '\"n\"') => {\"a\":[0,\"n\",1]}\n"
     "JSON_INSERT('[0, 1]', '{0}', '5', TRUE) => [0,5,1]",
     bind_put<true>, kMakes},
    {"JSON_STRIP_NULLS", kCategory, "JSON_STRIP_NULLS(json)", "The JSON without the fields of objects that are null.",
     "JSON_STRIP_NULLS('{\"a\": null, \"b\": [null]}') => {\"b\":[null]}",
     bind_fixed<strip_nulls, TypeKind::kString, kText>, kMakes},
    {"JSON_PRETTY", kCategory, "JSON_PRETTY(json)", "The JSON with a line for each field and element.",
     "CHAR_LENGTH(JSON_PRETTY('{\"a\": 1}')) => 14", bind_fixed<pretty, TypeKind::kString, kText>, kMakes},
};

}  // namespace

std::span<const ScalarFunction> json_change_functions() { return kFunctions; }

}  // namespace penstock::expr
