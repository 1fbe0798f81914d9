#include "columnar/nested.h"

#include "base/check.h"

namespace penstock::columnar {

using types::DataType;
using types::Physical;
using types::TypeKind;

namespace {

// Appends the entries of one value to the builders of the parts, and says how many they are.
uint32_t append_entries(std::string_view value, DataType type, std::vector<ColumnBuilder>& builders) {
  if (type.kind() == TypeKind::kRow) {
    for (ColumnBuilder& builder : builders) append_from_slot(builder, types::take_slot(value, builder.type()));
    return 1;
  }
  uint32_t entries = 0;
  for (; value[0] != types::kSlotEnd; ++entries) {
    for (ColumnBuilder& builder : builders) append_from_slot(builder, types::take_slot(value, builder.type()));
  }
  return entries;
}

// Puts the entries of each row into one value.
class Assembler {
 public:
  Assembler(DataType type, const NestedParts& parts) : type_(type), parts_(parts), entries_(type) {}

  // Appends the value of a row to `out`.
  void append(size_t row, std::string& out) {
    if (type_.kind() == TypeKind::kMap || type_.kind() == TypeKind::kMultiset) return append_entries(row, out);
    for (size_t entry = parts_.begin(row); entry < parts_.ends[row]; ++entry) {
      for (const ColumnPtr& column : parts_.columns) append_slot(out, *column, entry);
    }
    if (type_.kind() == TypeKind::kArray) out += types::kSlotEnd;
  }

 private:
  void append_entries(size_t row, std::string& out) {
    for (size_t entry = parts_.begin(row); entry < parts_.ends[row]; ++entry) {
      key_.clear();
      value_.clear();
      append_slot(key_, *parts_.columns[0], entry);
      append_slot(value_, *parts_.columns[1], entry);
      entries_.add(key_, value_);
    }
    entries_.finish(out);
  }

  DataType type_;
  const NestedParts& parts_;
  types::EntryWriter entries_;
  std::string key_;
  std::string value_;
};

}  // namespace

NestedParts take_apart(const Column& column, size_t begin, size_t end) {
  DataType type = column.type();
  std::vector<ColumnBuilder> builders;
  for (const types::Field& part : type.parts()) builders.emplace_back(part.type, end - begin);
  NestedParts parts;
  parts.ends.reserve(end - begin);
  uint32_t entries = 0;
  std::span<const StringCell> values = column.values<StringCell>();
  for (size_t row = begin; row < end; ++row) {
    if (!column.is_null(row)) {
      entries += append_entries(values[row].view(), type, builders);
    } else if (type.kind() == TypeKind::kRow) {
      for (ColumnBuilder& builder : builders) builder.append_null();
      ++entries;
    }
    parts.ends.push_back(entries);
  }
  for (ColumnBuilder& builder : builders) parts.columns.push_back(builder.finish());
  return parts;
}

ColumnPtr put_together(DataType type, const NestedParts& parts, std::vector<uint8_t> nulls) {
  PENSTOCK_DCHECK(parts.columns.size() == type.parts().size(), "the parts are those of another type");
  Assembler assembler(type, parts);
  auto heap = std::make_shared<StringHeap>();
  std::vector<StringCell> cells(parts.ends.size());
  std::string value;
  for (size_t row = 0; row < cells.size(); ++row) {
    if (!nulls.empty() && nulls[row] != 0) continue;
    value.clear();
    assembler.append(row, value);
    cells[row] = heap->add(value);
  }
  return std::make_shared<const Column>(type, std::move(cells), std::move(nulls),
                                        std::vector<Column::Owner>{std::move(heap)});
}

void append_slot(std::string& out, const Column& column, size_t row) {
  types::SlotWriter slot(out, column.type());
  if (column.is_null(row)) return slot.append_null();
  switch (column.type().physical()) {
    case Physical::kBool: return slot.append_bool(column.values<uint8_t>()[row] != 0);
    case Physical::kInt64: return slot.append_int64(column.values<int64_t>()[row]);
    case Physical::kDouble: return slot.append_double(column.values<double>()[row]);
    case Physical::kInt128: return slot.append_int128(column.values<types::Int128>()[row]);
    case Physical::kString: return slot.append_string(column.values<StringCell>()[row].view());
  }
}

void append_from_slot(ColumnBuilder& out, std::string_view slot) {
  if (types::is_null_slot(slot)) return out.append_null();
  slot.remove_prefix(1);
  if (out.type().is_nested()) return out.append_string(slot);
  switch (out.type().physical()) {
    case Physical::kBool: return out.append_bool(types::read_ordered_bool(slot));
    case Physical::kInt64: return out.append_int64(types::read_ordered_int64(slot));
    case Physical::kDouble: return out.append_double(types::read_ordered_double(slot));
    case Physical::kInt128: return out.append_int128(types::read_ordered_int128(slot));
    case Physical::kString: {
      std::string buffer;
      return out.append_string(types::unescape_ordered_string(types::take_ordered_string(slot), buffer));
    }
  }
}

}  // namespace penstock::columnar
