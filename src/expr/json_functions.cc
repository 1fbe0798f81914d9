// The SQL standard's functions that look into JSON text: JSON_VALUE, JSON_QUERY, JSON_EXISTS, IS JSON.
#include <algorithm>
#include <array>

#include "expr/binding.h"
#include "expr/json_path.h"

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

constexpr std::string_view kNothingThere = "nothing stands at the path of the JSON text";
std::string error_text(Outcome outcome) {
  if (outcome == Outcome::kMissing) return std::string(kNothingThere);
  return outcome == Outcome::kNoJson ? "the text is not JSON" : "what stands at the path of the JSON text does not fit";
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
    if (outcome == Outcome::kBadPath) return;
    if (outcome == Outcome::kFound && reader.found().size() == 1) {
      const dom::element element = reader.found()[0];
      if (element.is_null()) return call.set_null(row);
      if (json_scalar_text(element, text)) return out.set(row, text);
    }
    const bool empty = outcome == Outcome::kMissing;
    const Behavior behavior = empty ? on_empty : on_error;
    if (behavior == Behavior::kError) return call.fail(row, error_text(outcome));
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

// JSON_QUERY(text, path [, wrapper, on_empty, on_error]).
void json_query(KernelCall& call) {
  const bool has_clauses = call.argument_count() > 2;
  const std::string_view wrapper = has_clauses ? call.constant_text(2) : "WITHOUT";
  const Behavior on_empty = behavior_argument(call, 3, Behavior::kNull);
  const Behavior on_error = behavior_argument(call, 4, Behavior::kNull);
  JsonPathReader reader(call);
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    const Outcome outcome = reader.read(row);
    if (outcome == Outcome::kBadPath) return;
    if (outcome == Outcome::kFound) {
      const auto& found = reader.found();
      const bool one = found.size() == 1 && !reader.has_wildcard();
      const bool nested = one && (found[0].is_object() || found[0].is_array());
      if (nested && wrapper != "UNCONDITIONAL") return out.set(row, simdjson::minify(found[0]));
      if (wrapper != "WITHOUT") {
        std::string array = "[";
        for (dom::element element : found) {
          if (array.size() > 1) array += ',';
          array += simdjson::minify(element);
        }
        return out.set(row, array + "]");
      }
    }
    const Behavior behavior = outcome == Outcome::kMissing ? on_empty : on_error;
    if (behavior == Behavior::kError) return call.fail(row, error_text(outcome));
    if (behavior == Behavior::kEmptyArray) return out.set(row, "[]");
    if (behavior == Behavior::kEmptyObject) return out.set(row, "{}");
    call.set_null(row);
  });
  out.finish();
}

bool bind_json_query(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText, Takes::kText, Takes::kText};
  static constexpr size_t kClauses[] = {3, 4};
  if (!accept_arguments(call, kTakes, 2) || !accept_behaviors(call, kClauses)) return false;
  if (call.arguments.size() > 2 && !literal_text_upper(call, 2)) return false;
  call.result = TypeKind::kString;
  call.kernel = json_query;
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
    if (outcome != Outcome::kNoJson) return;
    if (on_error == Behavior::kError) return call.fail(row, error_text(outcome));
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

constexpr ScalarFunction kFunctions[] = {
    {"JSON_VALUE", kCategory,
     "JSON_VALUE(text, path [RETURNING type] [NULL | ERROR | DEFAULT value ON EMPTY] [... ON ERROR])",
     "The number, text or boolean at a path of JSON text, as STRING or the type that is asked for. ON EMPTY says what "
     "where nothing is there, ON ERROR where the text is not JSON or there is an object or array: NULL without them.",
     "JSON_VALUE('{\"a\": [1, {\"b\": \"x\"}]}', '$.a[1].b') => x\n"
     "JSON_VALUE('{\"a\": \"7\"}', '$.a' RETURNING INT) + 1 => 8\n"
     "JSON_VALUE('{}', '$.a' DEFAULT 'none' ON EMPTY) => none",
     bind_json_value, NullRule::kHandles},
    {"JSON_QUERY", kCategory,
     "JSON_QUERY(text, path [WITHOUT | WITH [CONDITIONAL | UNCONDITIONAL] WRAPPER] [NULL | EMPTY ARRAY | EMPTY OBJECT "
     "| "
     "ERROR ON EMPTY] [... ON ERROR])",
     "The object or array at a path of JSON text; NULL where there is none. A wrapper makes an array of what else is "
     "there, or of all that a path with [*] leads to.",
     "JSON_QUERY('{\"a\": [1, 2]}', '$.a') => [1,2]\n"
     "JSON_QUERY('{\"a\": [{\"b\": 1}, {\"b\": 2}]}', '$.a[*].b' WITH WRAPPER) => [1,2]",
     bind_json_query, NullRule::kMakes},
    {"JSON_EXISTS", kCategory, "JSON_EXISTS(text, path [TRUE | FALSE | UNKNOWN | ERROR ON ERROR])",
     "Whether anything stands at a path of JSON text; FALSE for text that is not JSON.",
     "JSON_EXISTS('{\"a\": null}', '$.a') => TRUE\nJSON_EXISTS('x', '$.a' UNKNOWN ON ERROR) => NULL", bind_json_exists,
     NullRule::kMakes},
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

}  // namespace penstock::expr
