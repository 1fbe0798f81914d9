// Functions of maps. Entries come in the order of their keys.
#include <algorithm>
#include <optional>

#include "expr/binding.h"
#include "expr/constant_check.h"
#include "expr/regex.h"
#include "expr/regex_matches.h"
#include "expr/registry.h"
#include "expr/slots.h"
#include "expr/utf8.h"

namespace penstock::expr {

namespace {

// Calls `entry(key, value)` for each.
template <class F>
void for_each_entry(std::string_view map, DataType type, F entry) {
  for (std::string_view key; !(key = types::take_slot(map, type.part(0))).empty();) {
    entry(key, types::take_slot(map, type.part(1)));
  }
}

// An array with `append(std::string& out, key, value)` for each entry.
template <class F>
void array_of_entries(KernelCall& call, F append) {
  DataType type = call.argument_type(0);
  auto maps = call.argument<StringCell>(0);
  write_rows(call, [&](std::string& out, size_t row) {
    for_each_entry(maps[row].view(), type,
                   [&](std::string_view key, std::string_view value) { append(out, key, value); });
    out += types::kSlotEnd;
  });
}

void map_keys(KernelCall& call) {
  array_of_entries(call, [](std::string& out, std::string_view key, std::string_view) { out += key; });
}
void map_values(KernelCall& call) {
  array_of_entries(call, [](std::string& out, std::string_view, std::string_view value) { out += value; });
}
void map_entries(KernelCall& call) {
  array_of_entries(call, [](std::string& out, std::string_view key, std::string_view value) {
    out += types::kSlotValue;
    out.append(key).append(value);
  });
}

bool accept_map(const CallSignature& call) {
  return call.arguments.size() == 1 && call.argument_types[0].kind() == TypeKind::kMap;
}
template <Kernel kernel, size_t part>
bool bind_parts(CallSignature& call) {
  if (!accept_map(call)) return false;
  call.result = DataType::array(call.argument_types[0].part(part));
  call.kernel = kernel;
  return true;
}
bool bind_entries(CallSignature& call) {
  if (!accept_map(call)) return false;
  DataType map = call.argument_types[0];
  DataType entry = DataType::row({{"key", map.part(0)}, {"value", map.part(1)}});
  call.result = DataType::array(entry.with_nullable(false));
  call.kernel = map_entries;
  return true;
}

void map_from_arrays(KernelCall& call) {
  auto keys = call.argument<StringCell>(0);
  auto values = call.argument<StringCell>(1);
  ArraySlots key_slots(call.argument_type(0));
  ArraySlots value_slots(call.argument_type(1));
  types::EntryWriter entries(call.result_type());
  write_rows(call, [&](std::string& out, size_t row) {
    std::span<const std::string_view> k = key_slots.of(keys[row].view());
    std::span<const std::string_view> v = value_slots.of(values[row].view());
    if (k.size() != v.size()) {
      return call.fail(row, fmt::format("MAP_FROM_ARRAYS has {} keys and {} values", k.size(), v.size()));
    }
    for (size_t i = 0; i < k.size(); ++i) entries.add(k[i], v[i]);
    entries.finish(out);
  });
}
bool bind_from_arrays(CallSignature& call) {
  const std::vector<DataType>& types = call.argument_types;
  if (types.size() != 2 || types[0].kind() != TypeKind::kArray || types[1].kind() != TypeKind::kArray) return false;
  call.result = DataType::map(types[0].part(0), types[1].part(0));
  call.kernel = map_from_arrays;
  return true;
}

// A map without one of its entries would say something else: with a NULL for an entry it is NULL.
void map_from_entries(KernelCall& call) {
  auto arrays = call.argument<StringCell>(0);
  const DataType entry = call.argument_type(0).part(0);
  types::EntryWriter entries(call.result_type());
  write_rows(call, [&](std::string& out, size_t row) {
    std::string_view rest = arrays[row].view();
    for (std::string_view slot; !(slot = types::take_slot(rest, entry)).empty();) {
      if (types::is_null_slot(slot)) {
        call.set_null(row);
        continue;
      }
      std::string_view fields = types::nested_in(slot);
      const std::string_view key = types::take_slot(fields, entry.part(0));
      entries.add(key, types::take_slot(fields, entry.part(1)));
    }
    entries.finish(out);
  });
}
bool bind_from_entries(CallSignature& call) {
  if (call.argument_types.size() != 1 || call.argument_types[0].kind() != TypeKind::kArray) return false;
  const DataType entry = call.argument_types[0].part(0);
  if (entry.kind() != TypeKind::kRow || entry.parts().size() != 2) return false;
  call.result = DataType::map(entry.part(0), entry.part(1));
  call.kernel = map_from_entries;
  return true;
}

// Of a key in several maps, the value in the last counts.
void map_union(KernelCall& call) {
  types::EntryWriter entries(call.result_type());
  std::vector<ArgumentView<StringCell>> maps;
  for (size_t i = 0; i < call.argument_count(); ++i) maps.push_back(call.argument<StringCell>(i));
  write_rows(call, [&](std::string& out, size_t row) {
    for (const ArgumentView<StringCell>& map : maps) {
      for_each_entry(map[row].view(), call.result_type(),
                     [&](std::string_view key, std::string_view value) { entries.add(key, value); });
    }
    entries.finish(out);
  });
}
bool bind_union(CallSignature& call) {
  std::vector<DataType> given;
  for (size_t i = 0; i < call.arguments.size(); ++i) given.push_back(given_type(call, i));
  Result<DataType> common = common_type(given);
  if (!common || common->kind() != TypeKind::kMap) return false;
  std::ranges::fill(call.argument_types, common->with_nullable(true));
  call.result = *common;
  call.kernel = map_union;
  return true;
}

// Cuts text at what a delimiter of STR_TO_MAP matches, a regular expression, as Java's String.split does it.
class Delimiter {
 public:
  Delimiter(KernelCall& call, size_t argument, std::string_view otherwise)
      : call_(call), otherwise_(otherwise), cache_([](std::string_view text) { return Regex::compile(text); }) {
    if (argument < call.argument_count()) texts_ = call.argument<StringCell>(argument);
  }

  // The delimiter of this row; false fails it.
  bool set_row(size_t row) {
    const std::string_view text = texts_ ? (*texts_)[row].view() : otherwise_;
    // Most are text that matches nothing but itself.
    plain_ = text.empty() || text.find_first_of("\\^$.|?*+()[]{}") != text.npos ? std::string_view() : text;
    if (!plain_.empty()) return true;
    std::string error;
    const RegexPtr* regex = cache_.get(text, error);
    if (regex == nullptr) {
      call_.fail(row, std::move(error));
      return false;
    }
    regex_ = regex->get();
    return true;
  }

  // Calls `part(text)` with what stands before each delimiter, until it gives false, and gives what is left. A
  // delimiter of no width ends a character.
  template <class F>
  std::string_view split(std::string_view text, F part) const {
    size_t behind = 0;
    if (!plain_.empty()) {
      bool goes_on = true;
      for (size_t at = 0; goes_on && (at = find_part(text, plain_, behind)) != text.npos;) {
        goes_on = part(text.substr(behind, at - behind));
        behind = at + plain_.size();
      }
      return text.substr(behind);
    }
    for_each_match(*regex_, text, [&](const auto& match) {
      const auto at = static_cast<size_t>(match[0].data() - text.data());
      if (match[0].empty() && (at == 0 || at == text.size())) return true;
      const bool goes_on = part(text.substr(behind, at - behind));
      behind = at + match[0].size();
      return goes_on;
    });
    return text.substr(behind);
  }

 private:
  KernelCall& call_;
  std::string_view otherwise_;
  std::optional<ArgumentView<StringCell>> texts_;
  PatternCache<RegexPtr> cache_;
  std::string_view plain_;
  const Regex* regex_ = nullptr;
};

// "k1=v1,k2=v2"; a key without '=' has NULL, and empty pairs at the end are none.
void text_to_map(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  Delimiter between(call, 1, ",");
  Delimiter equals(call, 2, "=");
  types::EntryWriter entries(call.result_type());
  std::vector<std::string_view> pairs;
  std::string key;
  std::string value;
  write_rows(call, [&](std::string& out, size_t row) {
    if (!between.set_row(row) || !equals.set_row(row)) return;
    pairs.clear();
    pairs.push_back(between.split(texts[row].view(), [&](std::string_view pair) {
      pairs.push_back(pair);
      return true;
    }));
    while (!pairs.empty() && pairs.back().empty()) pairs.pop_back();
    for (std::string_view of_key : pairs) {
      key.clear();
      value.clear();
      bool has_value = false;
      const std::string_view of_value = equals.split(of_key, [&](std::string_view before) {
        has_value = true;
        of_key = before;
        return false;
      });
      types::SlotWriter(key, TypeKind::kString).append_string(of_key);
      types::SlotWriter value_slot(value, TypeKind::kString);
      has_value ? value_slot.append_string(of_value) : value_slot.append_null();
      entries.add(key, value);
    }
    entries.finish(out);
  });
}

Status check_regex(std::string_view pattern) {
  PENSTOCK_TRY(Regex::compile(pattern));
  return {};
}

bool bind_text_to_map(CallSignature& call) {
  static constexpr std::array kTakes{Takes::kText, Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 1)) return false;
  call.result = DataType::map(DataType(TypeKind::kString).with_nullable(false), TypeKind::kString);
  call.kernel = text_to_map;
  return true;
}

constexpr FunctionCategory kCategory = FunctionCategory::kCollection;

constexpr ConstantCheck kChecks[] = {
    {bind_text_to_map, 1, check_regex},
    {bind_text_to_map, 2, check_regex},
};

constexpr ScalarFunction kFunctions[] = {
    {"MAP_KEYS", kCategory, "MAP_KEYS(map)", "The keys, in order.", "MAP_KEYS(MAP['b', 1, 'a', 2]) => [a, b]",
     bind_parts<map_keys, 0>},
    {"MAP_VALUES", kCategory, "MAP_VALUES(map)", "The values, in the order of their keys.",
     "MAP_VALUES(MAP['b', 1, 'a', 2]) => [2, 1]", bind_parts<map_values, 1>},
    {"MAP_ENTRIES", kCategory, "MAP_ENTRIES(map)", "The entries as rows of key and value.",
     "MAP_ENTRIES(MAP['b', 1, 'a', 2]) => [(a, 2), (b, 1)]", bind_entries},
    {"MAP_FROM_ARRAYS", kCategory, "MAP_FROM_ARRAYS(keys, values)", "A map of two arrays of one length.",
     "MAP_FROM_ARRAYS(ARRAY['a', 'b'], ARRAY[1, 2]) => {a=1, b=2}", bind_from_arrays},
    {"MAP_FROM_ENTRIES", kCategory, "MAP_FROM_ENTRIES(entries)",
     "A map of an array of rows of key and value; NULL where one of the rows is NULL.",
     "MAP_FROM_ENTRIES(ARRAY[('a', 1), ('b', 2)]) => {a=1, b=2}", bind_from_entries, NullRule::kMakes},
    {"MAP_UNION", kCategory, "MAP_UNION(map, ...)", "The entries of all maps; of equal keys the last counts.",
     "MAP_UNION(MAP['a', 1], MAP['a', 2]) => {a=2}", bind_union},
    {"STR_TO_MAP", kCategory, "STR_TO_MAP(text [, between_pairs [, between_key_and_value]])",
     "A map from text such as 'a=1,b=2'. What stands between is a regular expression.",
     "STR_TO_MAP('a=1,b=2') => {a=1, b=2}\nSTR_TO_MAP('a: 1; b: 2', '; *', ': *') => {a=1, b=2}", bind_text_to_map},
};

}  // namespace

std::span<const ScalarFunction> map_functions() { return kFunctions; }
std::span<const ConstantCheck> map_checks() { return kChecks; }

}  // namespace penstock::expr
