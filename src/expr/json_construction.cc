// Functions that make JSON text of values.
#include "expr/json_construction.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "expr/binding.h"
#include "expr/json_text.h"
#include "expr/registry.h"
#include "expr/slots.h"

namespace penstock::expr {

namespace {

// The first argument of the kernels here is a constant text: whether NULLs are left out, and then for each value
// whether its text is JSON itself.
constexpr char kAbsentOnNull = 'A';
constexpr char kNullOnNull = 'N';
constexpr char kJsonValue = 'j';
constexpr char kPlainValue = 'v';

class JsonValues {
 public:
  explicit JsonValues(const KernelCall& call) : call_(call), slots_(call), flags_(call.constant_text(0)) {}

  bool is_left_out(size_t argument, size_t row) const {
    return flags_[0] == kAbsentOnNull && call_.is_argument_null(argument, row);
  }
  void append(std::string& out, size_t argument, size_t row) {
    append_slot_json(out, slots_.get(argument, row, buffer_), call_.argument_type(argument),
                     flags_[argument] == kJsonValue);
  }
  void append_name(std::string& out, size_t argument, size_t row) {
    append_slot_json_name(out, slots_.get(argument, row, buffer_), call_.argument_type(argument));
  }

 private:
  const KernelCall& call_;
  SlotArguments slots_;
  std::string_view flags_;
  std::string buffer_;
};

// The fields in the order of their names; of several with one name the last counts.
void json_object(KernelCall& call) {
  JsonValues values(call);
  // Names as JSON, and values.
  std::vector<std::pair<std::string, std::string>> fields(call.argument_count() / 2);
  write_rows(call, [&](std::string& out, size_t row) {
    size_t count = 0;
    for (size_t i = 1; i < call.argument_count(); i += 2) {
      if (call.is_argument_null(i, row)) return call.fail(row, "the name of a field of a JSON object is NULL");
      if (values.is_left_out(i + 1, row)) continue;
      auto& [name, value] = fields[count++];
      name.clear();
      value.clear();
      values.append_name(name, i, row);
      values.append(value, i + 1, row);
    }
    const auto given = std::span(fields).first(count);
    // The quotes at the ends of names would come before longer names.
    const auto name_of = [](const auto& field) {
      return std::string_view(field.first).substr(0, field.first.size() - 1);
    };
    for (size_t i = 1; i < count; ++i) {
      const auto place =
          std::upper_bound(given.begin(), given.begin() + i, name_of(given[i]),
                           [&](std::string_view name, const auto& field) { return name < name_of(field); });
      std::rotate(place, given.begin() + i, given.begin() + i + 1);
    }
    out += '{';
    for (size_t i = 0; i < count; ++i) {
      if (i + 1 < count && given[i].first == given[i + 1].first) continue;
      if (out.size() > 1) out += ',';
      out.append(given[i].first).append(1, ':').append(given[i].second);
    }
    out += '}';
  });
}

void json_array(KernelCall& call) {
  JsonValues values(call);
  write_rows(call, [&](std::string& out, size_t row) {
    out += '[';
    for (size_t i = 1; i < call.argument_count(); ++i) {
      if (values.is_left_out(i, row)) continue;
      if (out.size() > 1) out += ',';
      values.append(out, i, row);
    }
    out += ']';
  });
}

void json_string(KernelCall& call) {
  JsonValues values(call);
  for (size_t row = 0; row < call.rows(); ++row) {
    if (call.is_argument_null(1, row)) call.set_null(row);
  }
  write_rows(call, [&](std::string& out, size_t row) { values.append(out, 1, row); });
}

template <Kernel kernel, size_t step, bool never_null>
bool bind_constructor(CallSignature& call) {
  if (call.arguments.empty() || (call.arguments.size() - 1) % step != 0) return false;
  std::optional<std::string> flags = literal_text_upper(call, 0);
  if (!flags || flags->size() != call.arguments.size()) return false;
  for (DataType& type : call.argument_types) {
    if (type.kind() == TypeKind::kNull) type = TypeKind::kString;
  }
  for (size_t i = 1; step == 2 && i < call.argument_types.size(); i += 2) {
    if (call.argument_types[i].is_nested()) return false;
  }
  call.result = TypeKind::kString;
  call.never_null = never_null;
  call.kernel = kernel;
  return true;
}

// --- quotes ---

void json_quote(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  write_rows(call, [&](std::string& out, size_t row) { append_json_string(out, texts[row].view()); });
}

// Text that is no JSON string stays as it is.
void json_unquote(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  simdjson::dom::parser parser;
  write_rows(call, [&](std::string& out, size_t row) {
    const std::string_view text = texts[row].view();
    std::string_view inside;
    simdjson::dom::element element;
    const bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    const bool is_string = quoted && parser.parse(text.data(), text.size()).get(element) == simdjson::SUCCESS &&
                           element.get_string().get(inside) == simdjson::SUCCESS;
    out += is_string ? inside : text;
  });
}

void json_checked(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  simdjson::dom::parser parser;
  write_rows(call, [&](std::string& out, size_t row) {
    const std::string_view text = texts[row].view();
    if (parser.parse(text.data(), text.size()).error() != simdjson::SUCCESS) {
      return call.fail(row, fmt::format("'{}' is not JSON", text.substr(0, 100)));
    }
    out += text;
  });
}

// The text as it is: the expression says what it is.
void as_json(KernelCall& call) {
  if (!call.operand(0).is_constant()) return call.finish(call.operand(0).column);
  auto texts = call.argument<StringCell>(0);
  write_rows(call, [&](std::string& out, size_t row) { out += texts[row].view(); });
}

constexpr FunctionCategory kCategory = FunctionCategory::kJson;
using enum Takes;

constexpr ScalarFunction kFunctions[] = {
    {"JSON OBJECT", FunctionCategory::kInternal, "JSON_OBJECT(...)", "See JSON_OBJECT.", "",
     bind_constructor<json_object, 2, true>, NullRule::kHandles},
    {"JSON ARRAY", FunctionCategory::kInternal, "JSON_ARRAY(...)", "See JSON_ARRAY.", "",
     bind_constructor<json_array, 1, true>, NullRule::kHandles},
    {"JSON STRING", FunctionCategory::kInternal, "JSON_STRING(value)", "See JSON_STRING.", "",
     bind_constructor<json_string, 1, false>, NullRule::kHandles},
    {"AS JSON", FunctionCategory::kInternal, "CAST(text AS JSON)", "See JSON.", "",
     bind_fixed<as_json, TypeKind::kString, kText>},
    {"JSON_QUOTE", kCategory, "JSON_QUOTE(text)", "The text as a JSON string: in quotes, with escapes.",
     "JSON_QUOTE('a b') => \"a b\"", bind_fixed<json_quote, TypeKind::kString, kText>},
    {"JSON_UNQUOTE", kCategory, "JSON_UNQUOTE(text)",
     "What is in a JSON string, without quotes and escapes; text that is none stays as it is.",
     "JSON_UNQUOTE('\"a\"') => a", bind_fixed<json_unquote, TypeKind::kString, kText>},
    {"JSON", kCategory, "JSON(text)",
     "The text, which must be JSON; where it becomes part of another JSON value, it stands as it is.",
     "JSON_OBJECT(KEY 'a' VALUE JSON('[1]')) => {\"a\":[1]}", bind_fixed<json_checked, TypeKind::kString, kText>},
};

// The constructor over flags and the values.
Result<ExprPtr> with_flags(std::string_view function, std::vector<ExprPtr> values, bool absent_on_null) {
  std::string flags(1, absent_on_null ? kAbsentOnNull : kNullOnNull);
  for (const ExprPtr& value : values) flags += is_json_text(*value) ? kJsonValue : kPlainValue;
  values.insert(values.begin(),
                Expr::literal(Value(std::move(flags)), DataType(TypeKind::kString).with_nullable(false)));
  return bind_call(function, std::move(values));
}

}  // namespace

std::span<const ScalarFunction> json_construction_functions() { return kFunctions; }

Result<ExprPtr> bind_json_object(std::vector<ExprPtr> names_and_values, bool absent_on_null) {
  if (names_and_values.size() % 2 != 0) return invalid_argument("JSON_OBJECT needs a value for each name");
  return with_flags("JSON OBJECT", std::move(names_and_values), absent_on_null);
}
Result<ExprPtr> bind_json_array(std::vector<ExprPtr> values, bool absent_on_null) {
  return with_flags("JSON ARRAY", std::move(values), absent_on_null);
}
Result<ExprPtr> bind_json_string(std::vector<ExprPtr> values) {
  if (values.size() != 1) return invalid_argument("JSON_STRING takes one value");
  return with_flags("JSON STRING", std::move(values), false);
}

bool is_json_text(const Expr& expr) {
  if (expr.kind() != Expr::Kind::kCall || expr.type().kind() != TypeKind::kString) return false;
  static constexpr std::array<std::string_view, 16> kNames = {"JSON OBJECT",
                                                              "JSON ARRAY",
                                                              "JSON STRING",
                                                              "AS JSON",
                                                              "JSON",
                                                              "JSON_QUERY",
                                                              "->",
                                                              "#>",
                                                              "||",
                                                              "-",
                                                              "#-",
                                                              "JSON_SET",
                                                              "JSON_INSERT",
                                                              "JSON_EXTRACT_PATH",
                                                              "JSON_STRIP_NULLS",
                                                              "JSON_PRETTY"};
  const bool of_text = expr.function().category == FunctionCategory::kText;  // the other ||
  return !of_text && std::ranges::count(kNames, expr.function().name) > 0;
}

}  // namespace penstock::expr
