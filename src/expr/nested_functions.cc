// Making nested values, and looking into them: ARRAY[...], MAP[...], ROW(...), row.field, array[index], map[key].
#include "base/suggest.h"
#include "expr/binding.h"
#include "expr/registry.h"
#include "expr/slots.h"

namespace penstock::expr {

namespace {

// --- constructors: NULLs are values like others ---

void make_array(KernelCall& call) {
  SlotArguments arguments(call);
  write_rows(call, [&](std::string& out, size_t row) {
    for (size_t i = 0; i < call.argument_count(); ++i) arguments.append(out, i, row);
    out += types::kSlotEnd;
  });
}

void make_row(KernelCall& call) {
  SlotArguments arguments(call);
  write_rows(call, [&](std::string& out, size_t row) {
    for (size_t i = 0; i < call.argument_count(); ++i) arguments.append(out, i, row);
  });
}

void make_map(KernelCall& call) {
  SlotArguments arguments(call);
  types::EntryWriter entries(call.result_type());
  std::string key;
  std::string value;
  write_rows(call, [&](std::string& out, size_t row) {
    for (size_t i = 0; i < call.argument_count(); i += 2) {
      entries.add(arguments.get(i, row, key), arguments.get(i + 1, row, value));
    }
    entries.finish(out);
  });
}

// The common type of every `step`-th argument from `first` on, which they are cast to; false when there is none.
bool to_common_type(CallSignature& call, size_t first, size_t step, DataType& common) {
  std::vector<DataType> given;
  for (size_t i = first; i < call.arguments.size(); i += step) given.push_back(given_type(call, i));
  Result<DataType> found = common_type(given);
  if (!found) return false;
  common = *found;
  if (common.kind() == TypeKind::kNull) common = DataType();
  for (size_t i = first; i < call.arguments.size(); i += step) call.argument_types[i] = common.with_nullable(true);
  return true;
}

bool bind_array(CallSignature& call) {
  DataType element;
  if (!to_common_type(call, 0, 1, element)) return false;
  call.result = DataType::array(element);
  call.kernel = make_array;
  call.never_null = true;
  return true;
}

bool bind_map(CallSignature& call) {
  DataType key;
  DataType value;
  if (call.arguments.size() % 2 != 0) return false;
  if (!to_common_type(call, 0, 2, key) || !to_common_type(call, 1, 2, value)) return false;
  call.result = DataType::map(key, value);
  call.kernel = make_map;
  call.never_null = true;
  return true;
}

bool bind_row(CallSignature& call) {
  if (call.arguments.empty()) return false;
  std::vector<types::Field> fields;
  for (size_t i = 0; i < call.arguments.size(); ++i) {
    fields.push_back({"EXPR$" + std::to_string(i), given_type(call, i)});
  }
  call.result = DataType::row(std::move(fields));
  call.kernel = make_row;
  call.never_null = true;
  return true;
}

// --- access ---

void row_field(KernelCall& call) {
  DataType type = call.argument_type(0);
  size_t field = static_cast<size_t>(call.operand(1).constant.as_int64());
  auto rows = call.argument<StringCell>(0);
  pick_slots(call, [&](size_t row) { return types::field_slot(rows[row].view(), type, field); });
}

bool bind_row_field(CallSignature& call) {
  if (call.arguments.size() != 2 || call.argument_types[0].kind() != TypeKind::kRow) return false;
  const Expr& index = *call.arguments[1];
  if (!index.is_literal() || !index.type().is_integer() || index.value().is_null()) return false;
  auto field = static_cast<size_t>(index.value().as_int64());
  if (field >= call.argument_types[0].parts().size()) return false;
  call.result = call.argument_types[0].part(field);
  call.kernel = row_field;
  return true;
}

void array_item(KernelCall& call) {
  DataType element = call.argument_type(0).part(0);
  auto arrays = call.argument<StringCell>(0);
  auto indexes = call.argument<int64_t>(1);
  pick_slots(call, [&](size_t row) -> std::string_view {
    std::string_view rest = arrays[row].view();
    std::string_view slot;
    if (indexes[row] < 1) return slot;
    for (int64_t i = 0; i < indexes[row]; ++i) {
      slot = types::take_slot(rest, element);
      if (slot.empty()) break;
    }
    return slot;
  });
}

void map_item(KernelCall& call) {
  DataType type = call.argument_type(0);
  auto maps = call.argument<StringCell>(0);
  SlotArguments arguments(call);
  std::string buffer;
  pick_slots(call, [&](size_t row) -> std::string_view {
    std::string_view wanted = arguments.get(1, row, buffer);
    std::string_view rest = maps[row].view();
    for (std::string_view key; !(key = types::take_slot(rest, type.part(0))).empty();) {
      std::string_view value = types::take_slot(rest, type.part(1));
      if (key == wanted) return value;
      if (key > wanted) break;  // they are in order
    }
    return {};
  });
}

bool bind_item(CallSignature& call) {
  if (call.arguments.size() != 2) return false;
  DataType collection = call.argument_types[0];
  DataType& index = call.argument_types[1];
  bool null_index = index.kind() == TypeKind::kNull;
  if (collection.kind() == TypeKind::kArray && (index.is_integer() || null_index)) {
    index = TypeKind::kBigInt;
    call.result = collection.part(0);
    call.kernel = array_item;
    return true;
  }
  if (collection.kind() != TypeKind::kMap) return false;
  const DataType keys[] = {collection.part(0), index};
  Result<DataType> common = common_type(keys);
  if (!common) return false;
  // The key meets those of the map as what they are; a wider one as what it is.
  index = common->with_nullable(true);
  std::vector<types::Field> parts(collection.parts().begin(), collection.parts().end());
  parts[0].type = index;
  call.argument_types[0] = collection.with_parts(std::move(parts));
  call.result = collection.part(1);
  call.kernel = map_item;
  return true;
}

// --- size ---

void cardinality(KernelCall& call) {
  DataType type = call.argument_type(0);
  auto values = call.argument<StringCell>(0);
  map_valid<int64_t>(call, [&](size_t row) { return types::cardinality(values[row].view(), type); });
}

bool bind_cardinality(CallSignature& call) {
  if (call.arguments.size() != 1) return false;
  DataType type = call.argument_types[0];
  if (!type.is_nested() || type.kind() == TypeKind::kRow) return false;
  call.result = TypeKind::kInt;
  call.kernel = cardinality;
  return true;
}

void sole_element(KernelCall& call) {
  DataType type = call.argument_type(0);
  auto values = call.argument<StringCell>(0);
  for_valid_rows(call, [&](size_t row) {
    int64_t count = types::cardinality(values[row].view(), type);
    if (count > 1) call.fail(row, fmt::format("ELEMENT needs at most one element, and there are {}", count));
  });
  pick_slots(call, [&](size_t row) {
    std::string_view rest = values[row].view();
    return types::take_slot(rest, type.part(0));
  });
}

bool bind_element(CallSignature& call) {
  if (call.arguments.size() != 1) return false;
  DataType type = call.argument_types[0];
  if (type.kind() != TypeKind::kArray && type.kind() != TypeKind::kMultiset) return false;
  call.result = type.part(0);
  call.kernel = sole_element;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kCollection;

constexpr ScalarFunction kFunctions[] = {
    {"ARRAY", kCategory, "ARRAY[element, ...]", "An array of these elements.", "ARRAY[1, 2] => [1, 2]", bind_array,
     NullRule::kHandles},
    {"MAP", kCategory, "MAP[key, value, ...]", "A map; of a key that comes twice the last value counts.",
     "MAP['a', 1, 'b', 2] => {a=1, b=2}", bind_map, NullRule::kHandles},
    {"ROW", kCategory, "ROW(value, ...)", "A row of these values, also written (a, b).", "ROW(1, 'a') => (1, a)",
     bind_row, NullRule::kHandles},
    {".", kCategory, "row.field", "A field of a row.", "CAST(ROW(1, 'a') AS ROW<n INT, s STRING>).s => a",
     bind_row_field, NullRule::kMakes},
    {"[]", kCategory, "array[index], map[key]",
     "An element of an array by its place, from 1, or the value of a key; NULL where there is none.",
     "ARRAY[7, 8][2] => 8\nMAP['a', 1]['a'] => 1", bind_item, NullRule::kMakes},
    {"CARDINALITY", kCategory, "CARDINALITY(collection)", "The number of elements, or of entries of a map.",
     "CARDINALITY(ARRAY[1, 2]) => 2", bind_cardinality},
    {"ELEMENT", kCategory, "ELEMENT(collection)",
     "The only element; NULL where there is none. More than one fail the row.", "ELEMENT(ARRAY[7]) => 7", bind_element,
     NullRule::kMakes},
};

}  // namespace

std::span<const ScalarFunction> nested_functions() { return kFunctions; }

Result<ExprPtr> bind_field(ExprPtr row, std::string_view name) {
  DataType type = row->type();
  if (type.kind() != TypeKind::kRow) {
    return invalid_argument("{} is {} and has no field {}", row->to_string(), type.with_nullable(true).to_string(),
                            name);
  }
  types::Schema fields(type.parts().begin(), type.parts().end());
  int field = types::find_field(fields, name);
  if (field == -2) return invalid_argument("field {} of {} is ambiguous", name, row->to_string());
  if (field < 0) {
    std::vector<std::string> names;
    for (const types::Field& known : fields) names.push_back(known.name);
    return not_found("{} has no field {}", row->to_string(), name).hint(did_you_mean(name, names));
  }
  DataType index = DataType(TypeKind::kInt).with_nullable(false);
  return bind_call(".", {std::move(row), Expr::literal(Value(int64_t{field}), index)});
}

std::optional<FieldAccess> as_field_access(const Expr& expr) {
  if (expr.kind() != Expr::Kind::kCall || expr.kernel() != row_field) return std::nullopt;
  return FieldAccess{expr.child(0), static_cast<size_t>(expr.child(1)->value().as_int64())};
}

}  // namespace penstock::expr
