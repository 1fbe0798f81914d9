#include "format/text_encoding.h"

#include <fmt/format.h>

#include "format/text_value.h"
#include "types/calendar.h"
#include "types/value.h"

namespace penstock::format {

namespace {

using types::TypeKind;

void append_timestamp(std::string& out, int64_t micros, types::DataType type, TimestampFormat format) {
  size_t begin = out.size();
  types::append_timestamp(out, micros, std::min(type.precision(), 6));
  if (type.precision() > 0) {
    while (out.back() == '0') out.pop_back();
    if (out.back() == '.') out.pop_back();
  }
  if (format == TimestampFormat::kIso8601) out[out.find(' ', begin)] = 'T';
  if (type.kind() == TypeKind::kTimestampLtz) out += 'Z';
}

}  // namespace

void append_plain_value(std::string& out, const columnar::Column& column, size_t row, TimestampFormat format) {
  types::DataType type = column.type();
  switch (type.kind()) {
    case TypeKind::kBoolean: out += column.values<uint8_t>()[row] != 0 ? "true" : "false"; return;
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kBigInt: {
      fmt::format_int text(column.values<int64_t>()[row]);
      out.append(text.data(), text.size());
      return;
    }
    case TypeKind::kFloat:
    case TypeKind::kDouble:
      types::append_double(out, column.values<double>()[row], type.kind() == TypeKind::kFloat);
      return;
    case TypeKind::kDecimal: out += types::int128_to_text(column.values<types::Int128>()[row], type.scale()); return;
    case TypeKind::kBytes: append_base64(out, column.values<columnar::StringCell>()[row].view()); return;
    case TypeKind::kDate: types::append_date(out, column.values<int64_t>()[row]); return;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz: append_timestamp(out, column.values<int64_t>()[row], type, format); return;
    default: types::append_text(out, column.value(row), type); return;
  }
}

}  // namespace penstock::format
