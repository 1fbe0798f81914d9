// Values of nested types: one canonical string of bytes each, so that a nested value is held, hashed, compared and
// stored as a string is.
//
//   ARRAY      its elements, then 00
//   MULTISET   each different element and how often it is there, in the order of the elements, then 00
//   MAP        key, value, key, value, ... in the order of the keys, each once, then 00
//   ROW        its fields
//
// Each of these is a slot: 01 for NULL, or 02 and the value, in the encoding of ordered_bytes.h or, of a nested value,
// in this one. So equal values are equal bytes, and the order of the bytes is that of the elements from the first on,
// NULL before all others, a shorter list before a longer one.
//
// Reading trusts the bytes: they were written here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "types/ordered_bytes.h"
#include "types/type.h"
#include "types/value.h"

namespace penstock::types {

inline constexpr char kSlotEnd = 0;  // instead of a slot: the list is at its end
inline constexpr char kSlotNull = 1;
inline constexpr char kSlotValue = 2;

// Takes the next slot, whose type is `type`, from the front of `rest`; it is empty at the end of a list.
std::string_view take_slot(std::string_view& rest, DataType type);
inline bool is_null_slot(std::string_view slot) { return slot[0] == kSlotNull; }
// The nested value in a slot that is not NULL, as it stands alone.
inline std::string_view nested_in(std::string_view slot) { return slot.substr(1); }
// The slot of a ROW's field.
std::string_view field_slot(std::string_view row, DataType row_type, size_t field);

Value slot_value(std::string_view slot, DataType type);

// Writes slots. Its functions are those of columnar::ColumnBuilder, so that readers of values can write to both.
class SlotWriter {
 public:
  SlotWriter(std::string& out, DataType type) : out_(out), type_(type) {}

  DataType type() const { return type_; }
  void append_null() { out_ += kSlotNull; }
  void append_bool(bool v) { append_value(v); }
  void append_int64(int64_t v) { append_value(v); }
  void append_double(double v) { append_value(v); }
  void append_int128(Int128 v) { append_value(v); }
  // Of text and bytes; a nested value stands as it is.
  void append_string(std::string_view v) {
    if (!type_.is_nested()) return append_value(v);
    out_ += kSlotValue;
    out_ += v;
  }
  void append(const Value& v);

 private:
  template <class T>
  void append_value(T v) {
    out_ += kSlotValue;
    append_ordered(out_, v);
  }

  std::string& out_;
  DataType type_;
};

// Collects the entries of a MAP or MULTISET in any order. Of a key that comes twice the last value counts; the counts
// of a MULTISET are added.
class EntryWriter {
 public:
  explicit EntryWriter(DataType type) : type_(type) {}

  // `key` and `value` are slots.
  void add(std::string_view key, std::string_view value);
  // Appends the value and starts anew.
  void finish(std::string& out);

 private:
  struct Entry {
    size_t begin;  // of the key in bytes_, with the value behind it
    size_t key_size;
    size_t value_size;
  };
  std::string_view key_of(const Entry& entry) const {
    return std::string_view(bytes_).substr(entry.begin, entry.key_size);
  }
  std::string_view value_of(const Entry& entry) const {
    return std::string_view(bytes_).substr(entry.begin + entry.key_size, entry.value_size);
  }

  DataType type_;
  std::string bytes_;
  std::vector<Entry> entries_;
};

// The number of elements or entries; of a MULTISET each element counts as often as it is there.
int64_t cardinality(std::string_view value, DataType type);

// As CAST(... AS STRING): "[1, NULL]", "{k=v}", "(1, a)".
void append_nested_text(std::string& out, std::string_view value, DataType type);

}  // namespace penstock::types
