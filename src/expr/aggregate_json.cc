// JSON_ARRAYAGG and JSON_OBJECTAGG, and PostgreSQL's JSON_AGG and JSON_OBJECT_AGG.
#include "columnar/nested.h"
#include "expr/aggregate_list.h"
#include "expr/json_text.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::TypeKind;

bool is_json(const AggregateParameters& parameters, size_t input) {
  return input < parameters.json.size() && parameters.json[input];
}

struct JsonArrayOutput {
  template <class Values>
  static void append(const Values& values, ColumnBuilder& out) {
    const AggregateParameters& parameters = *values.parameters;
    std::string array;
    values.for_each([&](std::string_view slot) {
      array += array.empty() ? '[' : ',';
      append_slot_json(array, slot, parameters.inputs[0], is_json(parameters, 0));
    });
    array.empty() ? out.append_null() : out.append_string(array + "]");
  }
};

// Whether NULLs are left out: the constant says so, else as the function does by itself.
bool leaves_out_nulls(const AggregateSignature& call, bool by_itself) {
  const auto& constants = call.parameters.constants;
  return constants.empty() ? by_itself : constants[0].value.as_string() == "ABSENT ON NULL";
}

template <bool absent_on_null>
bool bind_array(AggregateSignature& call) {
  call.result = TypeKind::kString;
  call.kernels = leaves_out_nulls(call, absent_on_null) ? list_kernels<JsonArrayOutput, false>(call)
                                                        : list_kernels<JsonArrayOutput, true>(call);
  return true;
}

// Rows are kept as (name, value) in the order of their bytes: of the names, and of equal names that of the values, of
// which the last counts.
template <bool absent_on_null>
struct JsonObjectOutput {
  static void append(const OrderedRows& rows, ColumnBuilder& out) {
    const AggregateParameters& parameters = *rows.parameters;
    std::string object = "{";
    bool any = false;
    std::string_view name;
    std::string_view value;
    const auto write = [&] {
      if (name.empty() || (absent_on_null && types::is_null_slot(value))) return;
      if (object.size() > 1) object += ',';
      append_slot_json_name(object, name, parameters.inputs[0]);
      object += ':';
      append_slot_json(object, value, parameters.inputs[1], is_json(parameters, 1));
    };
    rows.for_each([&](std::string_view pair) {
      any = true;
      const std::string_view next = types::take_slot(pair, parameters.inputs[0]);
      if (next != name) write();
      name = next;
      value = pair;
    });
    write();
    any ? out.append_string(object + "}") : out.append_null();
  }
};

// A NULL has no name to stand under: its row does not count.
bool bind_object(AggregateSignature& call) {
  if (call.input(0).is_nested()) return false;
  call.result = TypeKind::kString;
  call.kernels = leaves_out_nulls(call, false)
                     ? list_state_kernels<ListState<OrderedRows, JsonObjectOutput<true>>, false>(true)
                     : list_state_kernels<ListState<OrderedRows, JsonObjectOutput<false>>, false>(true);
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kAggregate;
constexpr AggregateTakes kValue = {.constants_max = 1, .order = AggregateTakes::Order::kMay, .nulls_count = true};
constexpr AggregateTakes kPair = {.values_min = 2, .values_max = 2, .constants_max = 1};

constexpr AggregateFunction kFunctions[] = {
    {"JSON_ARRAYAGG", kCategory, "JSON_ARRAYAGG(value [NULL | ABSENT ON NULL] [ORDER BY ...])",
     "The values as a JSON array; NULLs are left out unless NULL ON NULL is said.",
     "JSON_ARRAYAGG(x ORDER BY x) FROM (VALUES ('b'), ('a'), (NULL)) AS t(x) => [\"a\",\"b\"]", bind_array<true>,
     kValue},
    {"JSON_AGG", kCategory, "JSON_AGG(value [ORDER BY ...])", "The values as a JSON array, NULLs as null.",
     "JSON_AGG(x) FROM (VALUES (1), (NULL)) AS t(x) => [1,null]", bind_array<false>, kValue},
    {"JSON_OBJECTAGG", kCategory, "JSON_OBJECTAGG([KEY] name VALUE value [NULL | ABSENT ON NULL])",
     "Names and values as a JSON object, in the order of the names; of equal names one counts.",
     "JSON_OBJECTAGG(KEY k VALUE v) FROM (VALUES ('b', 1), ('a', 2)) AS t(k, v) => {\"a\":2,\"b\":1}", bind_object,
     kPair},
    {"JSON_OBJECT_AGG", kCategory, "JSON_OBJECT_AGG(name, value)", "The same as JSON_OBJECTAGG.",
     "JSON_OBJECT_AGG(k, v) FROM (VALUES ('a', 1)) AS t(k, v) => {\"a\":1}", bind_object, kPair},
};

}  // namespace

std::span<const AggregateFunction> json_aggregates() { return kFunctions; }

}  // namespace penstock::expr
