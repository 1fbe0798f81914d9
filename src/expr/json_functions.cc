// The SQL standard's functions that look into JSON text: JSON_VALUE, JSON_QUERY, JSON_EXISTS, IS JSON.
#include <algorithm>
#include <array>

#include "expr/binding.h"
#include "expr/constant_check.h"
#include "expr/json_path.h"
#include "expr/json_view.h"
#include "expr/regex.h"
#include "expr/slots.h"
#include "types/nested.h"

namespace penstock::expr {

namespace {

namespace dom = simdjson::dom;
using Outcome = JsonPathReader::Outcome;

// What a clause ON EMPTY or ON ERROR asks for. The clauses are constant texts among the arguments.
enum class Behavior : uint8_t { kNull, kError, kDefault, kTrue, kFalse, kEmptyArray, kEmptyObject };

std::optional<Behavior> behavior_of(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Behavior>, 9> kBehaviors = {{
      {"NULL", Behavior::kNull},
      {"UNKNOWN", Behavior::kNull},
      {"ERROR", Behavior::kError},
      {"DEFAULT", Behavior::kDefault},
      {"TRUE", Behavior::kTrue},
      {"FALSE", Behavior::kFalse},
      {"EMPTY", Behavior::kEmptyArray},
      {"EMPTY ARRAY", Behavior::kEmptyArray},
      {"EMPTY OBJECT", Behavior::kEmptyObject},
  }};
  const auto* found = std::ranges::find(kBehaviors, text, &std::pair<std::string_view, Behavior>::first);
  return found == kBehaviors.end() ? std::nullopt : std::optional(found->second);
}

Behavior behavior_argument(const KernelCall& call, size_t argument, Behavior otherwise) {
  return argument < call.argument_count() ? *behavior_of(call.constant_text(argument)) : otherwise;
}

// Where a clause of this call stands, its text is one of the behaviors.
bool accept_behaviors(const CallSignature& call, std::span<const size_t> arguments) {
  for (size_t argument : arguments) {
    if (argument >= call.arguments.size()) break;
    std::optional<std::string> text = literal_text_upper(call, argument);
    if (!text || !behavior_of(*text)) return false;
  }
  return true;
}

std::string error_text(const JsonPathReader& reader) {
  return reader.error().empty() ? "what stands at the path of the JSON text does not fit" : reader.error();
}

Status check_path(std::string_view path) {
  PENSTOCK_TRY(JsonPath::compile(path));
  return {};
}

// JSON_VALUE(text, path [, on_empty, on_error [, default_on_empty, default_on_error]]).
void json_value(KernelCall& call) {
  const Behavior on_empty = behavior_argument(call, 2, Behavior::kNull);
  const Behavior on_error = behavior_argument(call, 3, Behavior::kNull);
  for (size_t row = 0; row < call.rows(); ++row) {
    if (call.is_argument_null(0, row) || call.is_argument_null(1, row)) call.set_null(row);
  }
  JsonPathReader reader(call);
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    Outcome outcome = reader.read(row);
    if (outcome == Outcome::kFound) {
      // A list of values is no value.
      if (reader.is_definite() && json_scalar_text(reader.found().back(), text)) return out.set(row, text);
      outcome = reader.is_lax() ? Outcome::kEmpty : Outcome::kError;
    }
    const bool empty = outcome == Outcome::kEmpty;
    const Behavior behavior = empty ? on_empty : on_error;
    if (behavior == Behavior::kError) return call.fail(row, error_text(reader));
    const size_t instead = empty ? 4 : 5;
    if (behavior != Behavior::kDefault || call.is_argument_null(instead, row)) return call.set_null(row);
    out.set(row, call.argument<StringCell>(instead)[row].view());
  });
  out.finish();
}

bool bind_json_value(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText,
                                     Takes::kText, Takes::kText, Takes::kText};
  static constexpr size_t kClauses[] = {2, 3};
  if (!accept_arguments(call, kTakes, 2) || !accept_behaviors(call, kClauses)) return false;
  call.result = TypeKind::kString;
  call.kernel = json_value;
  return true;
}

// What JSON_QUERY finds of a row, or what its clauses say instead: JSON text, valid until the next row.
class JsonQuery {
 public:
  explicit JsonQuery(KernelCall& call)
      : call_(call),
        reader_(call),
        wrapper_(call.argument_count() > 2 ? call.constant_text(2) : "WITHOUT"),
        on_empty_(behavior_argument(call, 3, Behavior::kNull)),
        on_error_(behavior_argument(call, 4, Behavior::kNull)) {}

  std::string error() const { return error_text(reader_); }
  // nullopt where the row is NULL, or has failed.
  std::optional<std::string_view> read(size_t row) {
    Outcome outcome = reader_.read(row);
    if (outcome == Outcome::kFound) {
      if (find_text()) return text_;
      outcome = reader_.is_lax() ? Outcome::kEmpty : Outcome::kError;
    }
    const Behavior behavior = outcome == Outcome::kEmpty ? on_empty_ : on_error_;
    if (behavior == Behavior::kEmptyArray) return "[]";
    if (behavior == Behavior::kEmptyObject) return "{}";
    behavior == Behavior::kError ? call_.fail(row, error_text(reader_)) : call_.set_null(row);
    return std::nullopt;
  }

 private:
  // All that a path to several values leads to is an array, also where it is one value or none.
  bool find_text() {
    const auto& found = reader_.found();
    const bool all = !reader_.is_definite();
    const bool is_array = all || found.back().is_array();
    if (!is_array && !found.back().is_object() && wrapper_ == "WITHOUT") return false;
    const bool wraps = wrapper_ == "UNCONDITIONAL" || (wrapper_ == "CONDITIONAL" && !is_array);
    text_.clear();
    if (wraps) text_ += '[';
    if (all) text_ += '[';
    for (size_t i = 0; i < found.size(); ++i) {
      if (i > 0) text_ += ',';
      append_json(text_, found[i]);
    }
    if (all) text_ += ']';
    if (wraps) text_ += ']';
    return true;
  }

  KernelCall& call_;
  JsonPathReader reader_;
  const std::string_view wrapper_;
  const Behavior on_empty_;
  const Behavior on_error_;
  std::string text_;
};

// JSON_QUERY(text, path [, wrapper, on_empty, on_error]).
void json_query(KernelCall& call) {
  JsonQuery query(call);
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    if (const auto text = query.read(row)) out.set(row, *text);
  });
  out.finish();
}

// The same as an ARRAY<STRING>: text as it is, other values as JSON. What is no array is an error.
void json_query_array(KernelCall& call) {
  JsonQuery query(call);
  const Behavior on_error = behavior_argument(call, 4, Behavior::kNull);
  std::string text;
  write_rows(call, [&](std::string& out, size_t row) {
    const auto json = query.read(row);
    if (!json) return;
    const JsonView root(*json);
    types::SlotWriter slots(out, TypeKind::kString);
    if (root.is_array()) {
      root.for_each_element([&](const JsonView& one) {
        if (one.is_null()) return slots.append_null();
        slots.append_string(json_scalar_text(one, text) ? std::string_view(text) : one.text());
      });
    } else if (on_error != Behavior::kEmptyArray) {
      return on_error == Behavior::kError ? call.fail(row, query.error()) : call.set_null(row);
    }
    out += types::kSlotEnd;
  });
}

template <Kernel kernel>
bool bind_json_query(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText, Takes::kText, Takes::kText};
  static constexpr size_t kClauses[] = {3, 4};
  if (!accept_arguments(call, kTakes, 2) || !accept_behaviors(call, kClauses)) return false;
  if (call.arguments.size() > 2 && !literal_text_upper(call, 2)) return false;
  call.result = kernel == json_query ? DataType(TypeKind::kString) : DataType::array(TypeKind::kString);
  call.kernel = kernel;
  return true;
}

// JSON_EXISTS(text, path [, on_error]).
void json_exists(KernelCall& call) {
  const Behavior on_error = behavior_argument(call, 2, Behavior::kFalse);
  JsonPathReader reader(call);
  std::vector<uint8_t> out(call.rows());
  for_valid_rows(call, [&](size_t row) {
    const Outcome outcome = reader.read(row);
    out[row] = outcome == Outcome::kFound ? 1 : 0;
    if (outcome != Outcome::kError) return;
    if (on_error == Behavior::kError) return call.fail(row, error_text(reader));
    if (on_error == Behavior::kNull) return call.set_null(row);
    out[row] = on_error == Behavior::kTrue ? 1 : 0;
  });
  call.finish(std::move(out));
}

bool bind_json_exists(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText};
  static constexpr size_t kClauses[] = {2};
  if (!accept_arguments(call, kTakes, 2) || !accept_behaviors(call, kClauses)) return false;
  call.result = TypeKind::kBoolean;
  call.kernel = json_exists;
  return true;
}

// --- what a value is ---

// Calls `body(row, value)` for the document of each row, or for the one value at a path into it; others are NULL.
template <class F>
void for_values(KernelCall& call, F body) {
  auto texts = call.argument<StringCell>(0);
  std::optional<ArgumentView<StringCell>> paths;
  if (call.argument_count() > 1) paths = call.argument<StringCell>(1);
  PatternCache<JsonPath> cache(JsonPath::compile);
  dom::parser parser;
  JsonMatches matches;
  std::string error;
  for_valid_rows(call, [&](size_t row) {
    const std::string_view text = texts[row].view();
    dom::element root;
    if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) return call.set_null(row);
    const JsonView document(text);
    if (!paths) return body(row, document);
    const JsonPath* path = cache.get((*paths)[row].view(), error);
    matches.clear();
    if (path == nullptr || !path->find(document, matches) || matches.values.size() != 1) return call.set_null(row);
    body(row, matches.values.front());
  });
}

void json_length(KernelCall& call) {
  std::vector<int64_t> out(call.rows());
  for_values(call, [&](size_t row, const JsonView& value) {
    out[row] = value.is_scalar() ? 1 : static_cast<int64_t>(value.size());
  });
  call.finish(std::move(out));
}

void json_type(KernelCall& call) {
  TextOutput out(call);
  for_values(call, [&](size_t row, const JsonView& value) {
    static constexpr std::string_view kNames[] = {"object", "array", "string", "number", "boolean", "null"};
    out.set(row, kNames[static_cast<size_t>(value.kind())]);
  });
  out.finish();
}

Status check_plain_path(std::string_view text) {
  const JsonPath path = PENSTOCK_TRY(JsonPath::compile(text));
  if (!path.has_mode()) return {};
  return invalid_argument("'{}' begins with a mode, which means nothing here", text).hint("write a path such as $.a.b");
}

// --- IS JSON ---

enum class JsonKind : uint8_t { kValue, kScalar, kArray, kObject };

template <JsonKind kind, bool wanted>
void is_json(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  dom::parser parser;
  map_valid<uint8_t>(call, [&](size_t row) {
    const std::string_view text = texts[row].view();
    dom::element root;
    bool is = parser.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS;
    const bool nested = is && (root.is_array() || root.is_object());
    if (kind == JsonKind::kScalar) is = is && !nested;
    if (kind == JsonKind::kArray) is = is && root.is_array();
    if (kind == JsonKind::kObject) is = is && root.is_object();
    return is == wanted ? 1 : 0;
  });
}

constexpr FunctionCategory kCategory = FunctionCategory::kJson;
using enum Takes;

template <JsonKind kind, bool wanted>
constexpr auto kIsJson = bind_fixed<is_json<kind, wanted>, TypeKind::kBoolean, kText>;

constexpr auto kBindLength = bind_optional<json_length, TypeKind::kInt, 1, kText, kText>;
constexpr auto kBindType = bind_optional<json_type, TypeKind::kString, 1, kText, kText>;

constexpr ConstantCheck kChecks[] = {
    {kBindLength, 1, check_plain_path},
    {kBindType, 1, check_plain_path},
    {bind_json_value, 1, check_path},
    {bind_json_query<json_query>, 1, check_path},
    {bind_json_query<json_query_array>, 1, check_path},
    {bind_json_exists, 1, check_path},
};

constexpr ScalarFunction kFunctions[] = {
    {"JSON_VALUE", kCategory,
     "JSON_VALUE(text, path [RETURNING type] [NULL | ERROR | DEFAULT value ON EMPTY] [... ON ERROR])",
     "The number, text or boolean at a path of JSON text, as STRING or the type that is asked for; numbers keep their "
     "digits. A path is strict or lax, strict where it does not say: what is not there, not such a value, or not JSON "
     "is an error in a strict path, and empty in a lax one; null is empty. ON EMPTY and ON ERROR say what it gives "
     "then: NULL without them. Steps of a path: `.name` `['name']` `['a', 'b']` `[0]` `[-1]` `[0, 2]` `[1:3]` `[*]` "
     "`.*`, `..` for what is anywhere inside, `[?(@.price < 10 && @.name)]` for what a condition holds for, and a "
     "function at the end: `.length()` `.keys()` `.first()` `.last()` `.index(1)` `.min()` `.max()` `.sum()` `.avg()` "
     "`.stddev()` `.concat()`. A path has at most 1,000 parts.",
     "JSON_VALUE('{\"a\": [1, {\"b\": \"x\"}]}', '$.a[1].b') => x\n"
     "JSON_VALUE('{\"a\": \"7\"}', '$.a' RETURNING INT) + 1 => 8\n"
     "JSON_VALUE('{\"a\": true}', '$.a') => true\n"
     "JSON_VALUE('{\"a\": [1.50, 2]}', '$.a[-2]') => 1.50\n"
     "JSON_VALUE('{\"a\": [1.50, 2]}', '$.a.length()') => 2\n"
     "JSON_VALUE('{\"a\": true}', '$.a' RETURNING BOOLEAN) => TRUE\n"
     "JSON_VALUE('{\"a\": true}', 'lax $.b' DEFAULT FALSE ON EMPTY) => false\n"
     "JSON_VALUE('{\"a\": true}', 'strict $.b' DEFAULT FALSE ON ERROR) => false\n"
     "JSON_VALUE('{\"a\": 1}', 'strict $.b' NULL ON EMPTY DEFAULT -1 ON ERROR) => -1\n"
     "JSON_VALUE('{\"a\": {\"b\": 1}}', 'lax $.a' DEFAULT 'e' ON EMPTY DEFAULT 'x' ON ERROR) => e\n"
     "JSON_VALUE('{\"a.b\": [0.998,0.996]}', '$.[\"a.b\"][0]' RETURNING DOUBLE) => 0.998\n"
     "JSON_VALUE('{\"contains blank\": \"right\"}', 'strict $.[''contains blank'']' NULL ON EMPTY DEFAULT 'wrong' ON "
     "ERROR) => right",
     bind_json_value, NullRule::kHandles},
    {"JSON_QUERY", kCategory,
     "JSON_QUERY(text, path [RETURNING STRING | ARRAY<STRING>] [WITHOUT | WITH [CONDITIONAL | UNCONDITIONAL] WRAPPER] "
     "[NULL | EMPTY ARRAY | EMPTY OBJECT | ERROR ON EMPTY] [... ON ERROR])",
     "The object or array at a path of JSON text, which is strict or lax as that of JSON_VALUE; a path that may lead "
     "to "
     "several values gives the array of all of them. Fields of objects come in the order of their names. A wrapper "
     "puts "
     "it into an array, a conditional one only what is none: numbers, text and booleans are there with a wrapper "
     "alone.",
     "JSON_QUERY('{\"a\": {\"b\": 1}}', '$.a') => {\"b\":1}\n"
     "JSON_QUERY('[1, 2]', '$') => [1,2]\n"
     "JSON_QUERY('[{\"p\":8},{\"p\":12}]', '$[?(@.p < 10)]') => [{\"p\":8}]\n"
     "JSON_QUERY('{\"a\":{\"b\":1},\"b\":2}', '$..b') => [2,1]\n"
     "JSON_QUERY('{\"a\":[{\"c\":\"c1\"},{\"c\":\"c2\"}]}', 'lax $.a[*].c') => [\"c1\",\"c2\"]\n"
     "JSON_QUERY('{\"a\":[{\"c\":\"c1\"},{\"c\":\"c2\"}]}', 'lax $.a[*].c' RETURNING ARRAY<STRING>) => [c1, c2]\n"
     "JSON_QUERY('{}', '$' WITH CONDITIONAL ARRAY WRAPPER) => [{}]\n"
     "JSON_QUERY('[1, 2]', '$' WITH CONDITIONAL ARRAY WRAPPER) => [1,2]\n"
     "JSON_QUERY('[1, 2]', '$' WITH UNCONDITIONAL ARRAY WRAPPER) => [[1,2]]\n"
     "JSON_QUERY('1', '$') => NULL\n"
     "JSON_QUERY('1', '$' WITH CONDITIONAL ARRAY WRAPPER) => [1]\n"
     "JSON_QUERY('{}', 'lax $.invalid' EMPTY OBJECT ON EMPTY) => {}\n"
     "JSON_QUERY('{}', 'strict $.invalid' EMPTY ARRAY ON ERROR) => []",
     bind_json_query<json_query>, NullRule::kMakes},
    {"JSON_QUERY ARRAY", FunctionCategory::kInternal, "JSON_QUERY(... RETURNING ARRAY<STRING>)", "See JSON_QUERY.", "",
     bind_json_query<json_query_array>, NullRule::kMakes},
    {"JSON_EXISTS", kCategory, "JSON_EXISTS(text, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR])",
     "Whether anything but null stands at a path of JSON text; a path that may lead to several values leads to a list "
     "of "
     "them, which is there. Where nothing does in a strict path (see JSON_VALUE), or the "
     "text "
     "is not JSON, ON ERROR says what it gives: FALSE without it.",
     "JSON_EXISTS('{\"a\": null}', '$.a') => FALSE\n"
     "JSON_EXISTS('{\"a\": true}', '$.b') => FALSE\n"
     "JSON_EXISTS('{\"a\": [{ \"b\": 1 }]}', '$.a[0].b') => TRUE\n"
     "JSON_EXISTS('{\"a\": true}', 'strict $.b' TRUE ON ERROR) => TRUE\n"
     "JSON_EXISTS('{\"a\": true}', 'strict $.b' FALSE ON ERROR) => FALSE\n"
     "JSON_EXISTS('x', '$.a' UNKNOWN ON ERROR) => NULL",
     bind_json_exists, NullRule::kMakes},
    {"JSON_LENGTH", kCategory, "JSON_LENGTH(text [, path])",
     "How many fields or elements the JSON text has, or what stands at a path into it; 1 of other values, NULL of what "
     "is "
     "no JSON or not one value.",
     "JSON_LENGTH('{\"a\": [1, 2]}') => 1\nJSON_LENGTH('{\"a\": [1, 2]}', '$.a') => 2\n"
     "JSON_LENGTH('{\"a\": [1, 2]}', '$.a[*]') => NULL",
     kBindLength, NullRule::kMakes},
    {"JSON_TYPE", kCategory, "JSON_TYPE(text [, path])",
     "'object', 'array', 'string', 'number', 'boolean' or 'null'; NULL of what is no JSON or not one value.",
     "JSON_TYPE('[1]') => array\nJSON_TYPE('[1]', '$[0]') => number", kBindType, NullRule::kMakes},
    {"IS JSON", kCategory, "text IS [NOT] JSON [VALUE | SCALAR | ARRAY | OBJECT]", "Whether the text is JSON.",
     "'[1]' IS JSON => TRUE\n'{\"a\": 1' IS NOT JSON => TRUE\n'[1]' IS JSON OBJECT => FALSE",
     kIsJson<JsonKind::kValue, true>},
    {"IS NOT JSON", FunctionCategory::kInternal, "text IS NOT JSON", "The opposite of IS JSON.", "",
     kIsJson<JsonKind::kValue, false>},
    {"IS JSON SCALAR", FunctionCategory::kInternal, "text IS JSON SCALAR", "See IS JSON.", "",
     kIsJson<JsonKind::kScalar, true>},
    {"IS NOT JSON SCALAR", FunctionCategory::kInternal, "text IS NOT JSON SCALAR", "See IS JSON.", "",
     kIsJson<JsonKind::kScalar, false>},
    {"IS JSON ARRAY", FunctionCategory::kInternal, "text IS JSON ARRAY", "See IS JSON.", "",
     kIsJson<JsonKind::kArray, true>},
    {"IS NOT JSON ARRAY", FunctionCategory::kInternal, "text IS NOT JSON ARRAY", "See IS JSON.", "",
     kIsJson<JsonKind::kArray, false>},
    {"IS JSON OBJECT", FunctionCategory::kInternal, "text IS JSON OBJECT", "See IS JSON.", "",
     kIsJson<JsonKind::kObject, true>},
    {"IS NOT JSON OBJECT", FunctionCategory::kInternal, "text IS NOT JSON OBJECT", "See IS JSON.", "",
     kIsJson<JsonKind::kObject, false>},
};

}  // namespace

std::span<const ScalarFunction> json_functions() { return kFunctions; }
std::span<const ConstantCheck> json_checks() { return kChecks; }

}  // namespace penstock::expr
