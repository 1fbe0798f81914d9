// Functions that look into JSON text.
#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <optional>

#include "expr/binding.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

namespace dom = simdjson::dom;

// A path: "$" followed by ".name", "['name']" or "[index]", with "lax " or "strict " before it.
class JsonPath {
 public:
  static Result<JsonPath> compile(std::string_view text) {
    JsonPath path;
    std::string_view rest = text;
    for (std::string_view mode : {"lax ", "strict "}) {
      if (rest.starts_with(mode)) rest.remove_prefix(mode.size());
    }
    bool ok = rest.starts_with('$');
    if (ok) rest.remove_prefix(1);
    while (ok && !rest.empty()) ok = path.add_step(rest);
    if (!ok) return invalid_argument("'{}' is not a JSON path such as $.a.b[0]", text);
    return path;
  }

  std::optional<dom::element> find(dom::element element) const {
    for (const Step& step : steps_) {
      bool missing = step.index < 0 ? element.at_key(step.name).get(element) != simdjson::SUCCESS
                                    : element.at(static_cast<size_t>(step.index)).get(element) != simdjson::SUCCESS;
      if (missing) return std::nullopt;
    }
    return element;
  }

 private:
  struct Step {
    std::string name;
    int64_t index = -1;  // -1: by name
  };

  // Takes one step from the front of `rest`.
  bool add_step(std::string_view& rest) {
    if (rest.starts_with('.')) {
      size_t size = std::min(rest.find_first_of(".[", 1), rest.size());
      steps_.push_back({.name = std::string(rest.substr(1, size - 1))});
      rest.remove_prefix(size);
      return size > 1;
    }
    size_t end = rest.find(rest.starts_with("['") ? "']" : "]");
    if (!rest.starts_with('[') || end == rest.npos) return false;
    if (rest.starts_with("['")) {
      steps_.push_back({.name = std::string(rest.substr(2, end - 2))});
      rest.remove_prefix(end + 2);
      return true;
    }
    int64_t index = -1;
    auto [at, error] = std::from_chars(rest.data() + 1, rest.data() + end, index);
    if (error != std::errc() || at != rest.data() + end || index < 0) return false;
    steps_.push_back({.name = "", .index = index});
    rest.remove_prefix(end + 1);
    return true;
  }

  std::vector<Step> steps_;
};

// Calls `found(row, element)` for the rows in whose text (argument 0) something stands at the path (argument 1), and
// `missing(row)` for the others that are not NULL; text that is no JSON has nothing.
template <class Found, class Missing>
void visit_paths(KernelCall& call, Found found, Missing missing) {
  auto texts = call.argument<StringCell>(0);
  auto paths = call.argument<StringCell>(1);
  dom::parser parser;
  std::optional<Result<JsonPath>> path;
  std::string path_text;
  for_valid_rows(call, [&](size_t row) {
    if (!path || paths[row].view() != path_text) {
      path_text = paths[row].view();
      path = JsonPath::compile(path_text);
    }
    if (!*path) return call.fail(row, path->error().message());
    std::string_view text = texts[row].view();
    dom::element root;
    std::optional<dom::element> element;
    if (parser.parse(text.data(), text.size()).get(root) == simdjson::SUCCESS) element = (*path)->find(root);
    element ? found(row, *element) : missing(row);
  });
}

// The text of a scalar; false for null, objects and arrays.
bool scalar_text(dom::element element, std::string& out) {
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

void json_value(KernelCall& call) {
  TextOutput out(call);
  std::string text;
  visit_paths(
      call,
      [&](size_t row, dom::element element) {
        if (!scalar_text(element, text)) return call.set_null(row);
        out.set(row, text);
      },
      [&](size_t row) { call.set_null(row); });
  out.finish();
}

void json_query(KernelCall& call) {
  TextOutput out(call);
  visit_paths(
      call,
      [&](size_t row, dom::element element) {
        if (!element.is_object() && !element.is_array()) return call.set_null(row);
        out.set(row, simdjson::minify(element));
      },
      [&](size_t row) { call.set_null(row); });
  out.finish();
}

void json_exists(KernelCall& call) {
  std::vector<uint8_t> out(call.rows());
  visit_paths(call, [&](size_t row, dom::element) { out[row] = 1; }, [](size_t) {});
  call.finish(std::move(out));
}

constexpr FunctionCategory kCategory = FunctionCategory::kText;
using enum Takes;

constexpr ScalarFunction kFunctions[] = {
    {"JSON_VALUE", kCategory, "JSON_VALUE(text, path)",
     "The number, text or boolean at a path of JSON text; NULL where there is none, or an object or array.",
     "JSON_VALUE('{\"a\": [1, {\"b\": \"x\"}]}', '$.a[1].b') -> x",
     bind_fixed<json_value, TypeKind::kString, kText, kText>, NullRule::kMakes},
    {"JSON_QUERY", kCategory, "JSON_QUERY(text, path)",
     "The object or array at a path of JSON text; NULL where there is none.",
     "JSON_QUERY('{\"a\": [1, 2]}', '$.a') -> [1,2]", bind_fixed<json_query, TypeKind::kString, kText, kText>,
     NullRule::kMakes},
    {"JSON_EXISTS", kCategory, "JSON_EXISTS(text, path)", "Whether anything stands at a path of JSON text.",
     "JSON_EXISTS('{\"a\": null}', '$.a') -> TRUE", bind_fixed<json_exists, TypeKind::kBoolean, kText, kText>},
};

}  // namespace

std::span<const ScalarFunction> json_functions() { return kFunctions; }

}  // namespace penstock::expr
