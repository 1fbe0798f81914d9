// Functions that tell about values, their types, and what names stand for.
#include "expr/binding.h"

namespace penstock::expr {

namespace {

void type_of(KernelCall& call) {
  const std::string name = call.argument_type(0).to_string();
  TextOutput out(call);
  for (size_t row = 0; row < call.rows(); ++row) out.set(row, name);
  out.finish();
}

bool bind_type_of(CallSignature& call) {
  if (call.argument_types.empty() || call.argument_types.size() > 2) return false;
  // The name that Flink gives with TRUE is that of every type here.
  if (call.argument_types.size() == 2 && call.argument_types[1].kind() != TypeKind::kBoolean) return false;
  call.result = TypeKind::kString;
  call.never_null = true;
  call.kernel = type_of;
  return true;
}

// The name is the argument: who binds the call knows it.
void given_name(KernelCall& call) {
  const auto names = call.argument<StringCell>(0);
  TextOutput out(call);
  for (size_t row = 0; row < call.rows(); ++row) out.set(row, names[row].view());
  out.finish();
}

bool bind_given_name(CallSignature& call) {
  if (call.argument_types.size() != 1 || call.argument_types[0].kind() != TypeKind::kString) return false;
  call.result = TypeKind::kString;
  call.kernel = given_name;
  return true;
}

constexpr ScalarFunction kFunctions[] = {
    {"CURRENT_DATABASE", FunctionCategory::kSystem, "CURRENT_DATABASE()",
     "The schema that names without one are in; in a view, that of its text.", "CURRENT_DATABASE() => public",
     bind_given_name},
    {"CURRENT_SCHEMA", FunctionCategory::kSystem, "CURRENT_SCHEMA()", "The same as CURRENT_DATABASE.",
     "CURRENT_SCHEMA => public", bind_given_name},
    {"CURRENT_CATALOG", FunctionCategory::kSystem, "CURRENT_CATALOG()", "The one catalog.",
     "CURRENT_CATALOG() => penstock", bind_given_name},
    {"TYPEOF", FunctionCategory::kCast, "TYPEOF(value [, force_serializable])",
     "The name of the value's type; all names can be read back, with or without the second argument.",
     "TYPEOF(CAST(NULL AS DECIMAL(10, 2))) => DECIMAL(10, 2)\nTYPEOF('a', TRUE) => STRING NOT NULL", bind_type_of,
     NullRule::kHandles},
};

}  // namespace

std::span<const ScalarFunction> system_functions() { return kFunctions; }

}  // namespace penstock::expr
