// LISTAGG and STRING_AGG: the texts of a group in one.
#include "expr/aggregate_list.h"

namespace penstock::expr {

namespace {

using columnar::ColumnBuilder;
using types::TypeKind;

struct JoinedOutput {
  template <class Values>
  static void append(const Values& values, ColumnBuilder& out) {
    const auto& constants = values.parameters->constants;
    const std::string_view separator = constants.empty() ? std::string_view(",") : constants[0].value.as_string();
    std::string text;
    std::string buffer;
    bool any = false;
    values.for_each([&](std::string_view slot) {
      if (std::exchange(any, true)) text += separator;
      slot.remove_prefix(1);
      text += types::unescape_ordered_string(types::take_ordered_string(slot), buffer);
    });
    any ? out.append_string(text) : out.append_null();
  }
};

bool bind_joined(AggregateSignature& call) {
  if (call.input().kind() != TypeKind::kString) return false;
  const auto& constants = call.parameters.constants;
  if (!constants.empty() && (constants[0].type.kind() != TypeKind::kString || constants[0].value.is_null())) {
    call.complaint = "the separator is a text";
    return false;
  }
  call.result = TypeKind::kString;
  call.kernels = list_kernels<JoinedOutput, false>(call);
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kAggregate;
constexpr AggregateTakes kTakes = {.constants_max = 1, .order = AggregateTakes::Order::kMay};

constexpr AggregateFunction kFunctions[] = {
    {"LISTAGG", kCategory, "LISTAGG([DISTINCT] text [, separator]) [WITHIN GROUP (ORDER BY ...)]",
     "The texts that are not NULL, joined by a separator (','), in the order asked for or that in which they came.",
     "LISTAGG(x) FROM (VALUES ('b'), (NULL), ('a')) AS t(x) => b,a\n"
     "LISTAGG(x, '-') WITHIN GROUP (ORDER BY x) FROM (VALUES ('b'), ('a')) AS t(x) => a-b",
     bind_joined, kTakes},
    {"STRING_AGG", kCategory, "STRING_AGG([DISTINCT] text, separator [ORDER BY ...])", "The same as LISTAGG.",
     "STRING_AGG(x, ', ' ORDER BY n DESC) FROM (VALUES ('a', 1), ('b', 2)) AS t(x, n) => b, a", bind_joined, kTakes},
};

}  // namespace

std::span<const AggregateFunction> text_aggregates() { return kFunctions; }

}  // namespace penstock::expr
