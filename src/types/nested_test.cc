#include "types/nested.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace penstock::types {
namespace {

DataType type_of(std::string_view text) { return DataType::parse(text).value(); }

// A value of any type as plain C++: what encodings are held against.
struct Plain {
  Value scalar;
  std::vector<Plain> parts;  // of nested values: the elements; the entries, key and value by turns; the fields
  bool null = false;
};

// A total order, NULL first; NaN is the largest number, and 0.0 is -0.0.
int compare(const Plain& a, const Plain& b, DataType type) {
  if (a.null || b.null) return static_cast<int>(b.null) - static_cast<int>(a.null);
  if (type.is_nested()) {
    for (size_t i = 0; i < std::min(a.parts.size(), b.parts.size()); ++i) {
      DataType part = type.part(type.kind() == TypeKind::kArray ? 0 : i % type.parts().size());
      if (int c = compare(a.parts[i], b.parts[i], part); c != 0) return c;
    }
    return static_cast<int>(a.parts.size() > b.parts.size()) - static_cast<int>(a.parts.size() < b.parts.size());
  }
  auto order = [](auto x, auto y) { return static_cast<int>(x > y) - static_cast<int>(x < y); };
  switch (type.physical()) {
    case Physical::kBool: return order(a.scalar.as_bool(), b.scalar.as_bool());
    case Physical::kInt64: return order(a.scalar.as_int64(), b.scalar.as_int64());
    case Physical::kInt128: return order(a.scalar.as_int128(), b.scalar.as_int128());
    case Physical::kString: return order(a.scalar.as_string(), b.scalar.as_string());
    case Physical::kDouble: break;
  }
  double x = a.scalar.as_double();
  double y = b.scalar.as_double();
  if (std::isnan(x) || std::isnan(y)) return static_cast<int>(std::isnan(x)) - static_cast<int>(std::isnan(y));
  return order(x, y);
}

// Few different values, so that equal ones come often.
Plain random_value(DataType type, std::mt19937_64& random) {
  Plain value;
  if (type.nullable() && random() % 5 == 0) {
    value.null = true;
    return value;
  }
  if (type.kind() == TypeKind::kRow) {
    for (const Field& field : type.parts()) value.parts.push_back(random_value(field.type, random));
    return value;
  }
  if (type.is_nested()) {
    size_t entries = random() % 4;
    std::vector<std::vector<Plain>> list;
    for (size_t i = 0; i < entries; ++i) {
      std::vector<Plain> entry;
      for (const Field& part : type.parts()) entry.push_back(random_value(part.type, random));
      list.push_back(std::move(entry));
    }
    if (type.kind() != TypeKind::kArray) {
      auto less = [&](const auto& a, const auto& b) { return compare(a[0], b[0], type.part(0)) < 0; };
      std::sort(list.begin(), list.end(), less);
      auto same = [&](const auto& a, const auto& b) { return compare(a[0], b[0], type.part(0)) == 0; };
      list.erase(std::unique(list.begin(), list.end(), same), list.end());
    }
    for (auto& entry : list) {
      for (Plain& part : entry) value.parts.push_back(std::move(part));
    }
    return value;
  }
  static const double kDoubles[] = {0.0, -0.0, 1.5, -1.5, std::nan(""), -std::nan("1"), HUGE_VAL, -HUGE_VAL, 5e-324};
  static const char* const kTexts[] = {"", "a", "ab", "a longer text than a cell holds", "\xff"};
  switch (type.physical()) {
    case Physical::kBool: value.scalar = Value(random() % 2 == 0); break;
    case Physical::kInt64: value.scalar = Value(static_cast<int64_t>(random() % 5) - 2); break;
    case Physical::kInt128:
      value.scalar = Value(static_cast<Int128>(static_cast<int64_t>(random() % 3) - 1) << 70);
      break;
    case Physical::kDouble: value.scalar = Value(kDoubles[random() % std::size(kDoubles)]); break;
    case Physical::kString:
      value.scalar =
          Value(random() % 4 == 0 ? std::string("a\0b\0", random() % 5) : kTexts[random() % std::size(kTexts)]);
      break;
  }
  return value;
}

void append_plain(std::string& out, const Plain& value, DataType type) {
  if (value.null) return SlotWriter(out, type).append_null();
  if (!type.is_nested()) return SlotWriter(out, type).append(value.scalar);
  std::string bytes;
  for (size_t i = 0; i < value.parts.size(); ++i) {
    append_plain(bytes, value.parts[i], type.part(type.kind() == TypeKind::kArray ? 0 : i % type.parts().size()));
  }
  if (type.kind() != TypeKind::kRow) bytes += kSlotEnd;
  SlotWriter(out, type).append_string(bytes);
}

Plain read_plain(std::string_view slot, DataType type) {
  Plain value;
  if (is_null_slot(slot)) {
    value.null = true;
    return value;
  }
  if (!type.is_nested()) {
    value.scalar = slot_value(slot, type);
    return value;
  }
  std::string_view rest = nested_in(slot);
  for (size_t i = 0; type.kind() == TypeKind::kRow ? i < type.parts().size() : rest[0] != kSlotEnd; ++i) {
    DataType part = type.part(type.kind() == TypeKind::kArray ? 0 : i % type.parts().size());
    value.parts.push_back(read_plain(take_slot(rest, part), part));
  }
  return value;
}

const char* const kTypes[] = {
    "ARRAY<INT>",
    "ARRAY<DOUBLE NOT NULL>",
    "ARRAY<STRING>",
    "ARRAY<ARRAY<STRING>>",
    "MAP<STRING, DOUBLE>",
    "MULTISET<STRING>",
    "ROW<a INT, b STRING, c DOUBLE>",
    "ROW<a ARRAY<BOOLEAN>, b MAP<BIGINT, ROW<x DECIMAL(38, 2), y BYTES>>>",
    "ARRAY<ROW<a STRING, b ARRAY<INT>, c TIMESTAMP(3)>>",
};

TEST(NestedTest, RoundTripsAndOrdersAsTheValuesDo) {
  std::mt19937_64 random(20261128);
  for (const char* text : kTypes) {
    DataType type = type_of(text);
    int equal = 0;
    for (int round = 0; round < 3000; ++round) {
      Plain a = random_value(type, random);
      Plain b = random_value(type, random);
      std::string slot_a;
      std::string slot_b;
      append_plain(slot_a, a, type);
      append_plain(slot_b, b, type);
      ASSERT_EQ(compare(read_plain(slot_a, type), a, type), 0) << text;
      int expected = compare(a, b, type);
      int order = slot_a.compare(slot_b);
      ASSERT_EQ(order == 0, expected == 0) << text;
      ASSERT_EQ(order < 0, expected < 0) << text;
      equal += expected == 0 ? 1 : 0;
      // A slot tells its own end, whatever follows.
      std::string both = slot_a + slot_b;
      std::string_view rest = both;
      ASSERT_EQ(take_slot(rest, type), slot_a) << text;
      ASSERT_EQ(rest, slot_b) << text;
    }
    EXPECT_GT(equal, 0) << text;
  }
}

std::string slot(const Value& value, DataType type) {
  std::string out;
  SlotWriter(out, type).append(value);
  return out;
}

TEST(NestedTest, EntriesComeInOrderAndTheLastOfAKeyCounts) {
  std::mt19937_64 random(7);
  DataType map = type_of("MAP<STRING, INT>");
  for (int round = 0; round < 200; ++round) {
    std::map<std::string, int64_t> expected;
    EntryWriter entries(map);
    for (int i = 0; i < 6; ++i) {
      std::string key(1, static_cast<char>('a' + random() % 4));
      auto value = static_cast<int64_t>(random() % 100);
      expected[key] = value;
      entries.add(slot(Value(key), TypeKind::kString), slot(Value(value), TypeKind::kInt));
    }
    std::string in_order;
    for (const auto& [key, value] : expected) {
      in_order += slot(Value(key), TypeKind::kString) + slot(Value(value), TypeKind::kInt);
    }
    std::string written;
    entries.finish(written);
    ASSERT_EQ(written, in_order + kSlotEnd);
    ASSERT_EQ(cardinality(written, map), static_cast<int64_t>(expected.size()));
  }
}

TEST(NestedTest, CountsOfAMultisetAreAdded) {
  DataType multiset = type_of("MULTISET<STRING>");
  EntryWriter entries(multiset);
  for (auto [text, count] : {std::pair("b", 1), std::pair("a", 2), std::pair("b", 4)}) {
    entries.add(slot(Value(std::string(text)), TypeKind::kString), slot(Value(int64_t{count}), TypeKind::kInt));
  }
  std::string value;
  entries.finish(value);
  EXPECT_EQ(to_text(Value(value), multiset), "{a=2, b=5}");
  EXPECT_EQ(cardinality(value, multiset), 7);
}

TEST(NestedTest, TextAsFlinkWritesIt) {
  DataType type = type_of("ROW<a ARRAY<INT>, b MAP<STRING, DATE>, c STRING>");
  std::string row;
  std::string array = slot(Value(int64_t{1}), TypeKind::kInt) + kSlotNull + kSlotEnd;
  std::string map =
      slot(Value(std::string("k")), TypeKind::kString) + slot(Value(int64_t{20'455}), TypeKind::kDate) + kSlotEnd;
  SlotWriter(row, type.part(0)).append_string(array);
  SlotWriter(row, type.part(1)).append_string(map);
  SlotWriter(row, type.part(2)).append_null();
  EXPECT_EQ(to_text(Value(row), type), "([1, NULL], {k=2026-01-02}, NULL)");
  EXPECT_EQ(field_slot(row, type, 1).substr(1), map);
}

TEST(NestedTest, NothingIsReadFromText) { EXPECT_FALSE(from_text("[1]", type_of("ARRAY<INT>")).has_value()); }

}  // namespace
}  // namespace penstock::types
