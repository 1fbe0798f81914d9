#include "pgwire/row_encoder.h"

#include <charconv>
#include <iterator>

#include "base/check.h"
#include "base/json_text.h"
#include "columnar/nested_json.h"
#include "pgwire/pg_type.h"
#include "pgwire/value_binary.h"
#include "pgwire/value_text.h"
#include "pgwire/wire.h"
#include "types/calendar.h"
#include "types/value.h"

namespace penstock::pgwire {

using columnar::Column;
using types::DataType;
using types::TypeKind;

namespace {

int64_t int64_at(const Column& column, size_t row) { return column.values<int64_t>()[row]; }
double double_at(const Column& column, size_t row) { return column.values<double>()[row]; }
types::Int128 int128_at(const Column& column, size_t row) { return column.values<types::Int128>()[row]; }
bool bool_at(const Column& column, size_t row) { return column.values<uint8_t>()[row] != 0; }
const columnar::StringCell& string_at(const Column& column, size_t row) {
  return column.values<columnar::StringCell>()[row];
}

// Both formats of a text are the text.
void append_string(std::string& out, const Column& column, size_t row) { out += string_at(column, row).view(); }

void append_nothing(std::string& /*out*/, const Column& /*column*/, size_t /*row*/) {}

void append_integer_text(std::string& out, const Column& column, size_t row) {
  char digits[24];
  const auto end = std::to_chars(digits, std::end(digits), int64_at(column, row));
  out.append(digits, static_cast<size_t>(end.ptr - digits));
}

}  // namespace

RowEncoder::AppendValue RowEncoder::text_form(DataType type) {
  switch (type.kind()) {
    case TypeKind::kNull: return append_nothing;
    case TypeKind::kBoolean:
      return [](std::string& out, const Column& column, size_t row) { out += bool_at(column, row) ? 't' : 'f'; };
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
    case TypeKind::kInt:
    case TypeKind::kBigInt: return append_integer_text;
    case TypeKind::kFloat:
      return [](std::string& out, const Column& column, size_t row) {
        append_float_text(out, double_at(column, row), true);
      };
    case TypeKind::kDouble:
      return [](std::string& out, const Column& column, size_t row) {
        append_float_text(out, double_at(column, row), false);
      };
    case TypeKind::kDecimal:
      return [](std::string& out, const Column& column, size_t row) {
        out += types::int128_to_text(int128_at(column, row), column.type().scale());
      };
    case TypeKind::kString: return append_string;
    case TypeKind::kBytes:
      return [](std::string& out, const Column& column, size_t row) {
        append_bytea_text(out, string_at(column, row).view());
      };
    case TypeKind::kDate:
      return [](std::string& out, const Column& column, size_t row) { append_date_text(out, int64_at(column, row)); };
    case TypeKind::kTime:
      return [](std::string& out, const Column& column, size_t row) {
        const int64_t time = int64_at(column, row);
        constexpr int kFractionDigits = 6;  // of which PostgreSQL writes those that are needed
        types::append_time(out, time, time % types::kMicrosPerSecond == 0 ? 0 : kFractionDigits);
      };
    case TypeKind::kTimestamp:
      return [](std::string& out, const Column& column, size_t row) {
        append_timestamp_text(out, int64_at(column, row), false);
      };
    case TypeKind::kTimestampLtz:
      return [](std::string& out, const Column& column, size_t row) {
        append_timestamp_text(out, int64_at(column, row), true);
      };
    case TypeKind::kIntervalDayTime:
      return
          [](std::string& out, const Column& column, size_t row) { append_interval_text(out, int64_at(column, row)); };
    case TypeKind::kIntervalYearMonth:
      return [](std::string& out, const Column& column, size_t row) {
        append_month_interval_text(out, int64_at(column, row));
      };
    case TypeKind::kArray: return is_pg_array(type) ? append_array_text : append_json;
    case TypeKind::kMultiset:
    case TypeKind::kMap:
    case TypeKind::kRow: return append_json;
  }
  return append_nothing;
}

RowEncoder::AppendValue RowEncoder::binary_form(DataType type) {
  switch (type.kind()) {
    case TypeKind::kNull: return append_nothing;
    case TypeKind::kBoolean:
      return [](std::string& out, const Column& column, size_t row) { out += bool_at(column, row) ? '\1' : '\0'; };
    case TypeKind::kTinyInt:
    case TypeKind::kSmallInt:
      return [](std::string& out, const Column& column, size_t row) {
        append_int16(out, static_cast<int16_t>(int64_at(column, row)));
      };
    case TypeKind::kInt:
      return [](std::string& out, const Column& column, size_t row) {
        append_int32(out, static_cast<int32_t>(int64_at(column, row)));
      };
    case TypeKind::kBigInt:
    case TypeKind::kTime:
      return [](std::string& out, const Column& column, size_t row) { append_int64(out, int64_at(column, row)); };
    case TypeKind::kFloat:
      return [](std::string& out, const Column& column, size_t row) { append_float4(out, double_at(column, row)); };
    case TypeKind::kDouble:
      return [](std::string& out, const Column& column, size_t row) { append_float8(out, double_at(column, row)); };
    case TypeKind::kDecimal:
      return [](std::string& out, const Column& column, size_t row) {
        append_numeric(out, int128_at(column, row), column.type().scale());
      };
    case TypeKind::kString:
    case TypeKind::kBytes: return append_string;
    case TypeKind::kDate:
      return [](std::string& out, const Column& column, size_t row) {
        append_int32(out, static_cast<int32_t>(int64_at(column, row) - kPgEpochDays));
      };
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampLtz:
      return [](std::string& out, const Column& column, size_t row) {
        append_int64(out, int64_at(column, row) - kPgEpochMicros);
      };
    case TypeKind::kIntervalDayTime:
      return [](std::string& out, const Column& column, size_t row) { append_interval(out, int64_at(column, row), 0); };
    case TypeKind::kIntervalYearMonth:
      return [](std::string& out, const Column& column, size_t row) { append_interval(out, 0, int64_at(column, row)); };
    case TypeKind::kArray: return is_pg_array(type) ? append_array_binary : append_json;
    case TypeKind::kMultiset:
    case TypeKind::kMap:
    case TypeKind::kRow: return append_json;  // both formats of json are its text
  }
  return append_nothing;
}

// {1,NULL,"with space"}
void RowEncoder::append_array_text(std::string& out, const Column& column, size_t row) {
  const columnar::NestedParts parts = columnar::take_apart(column, row, row + 1);
  const Column& elements = *parts.columns[0];
  const AppendValue append = text_form(elements.type());
  std::string text;
  out += '{';
  for (size_t i = 0; i < elements.size(); ++i) {
    if (i != 0) out += ',';
    if (elements.is_null(i)) {
      out += "NULL";
      continue;
    }
    text.clear();
    append(text, elements, i);
    append_array_element(out, text);
  }
  out += '}';
}

// The number of dimensions, whether there are NULLs, the type of the elements; then the size and the first index, and
// the elements with their lengths.
void RowEncoder::append_array_binary(std::string& out, const Column& column, size_t row) {
  const columnar::NestedParts parts = columnar::take_apart(column, row, row + 1);
  const Column& elements = *parts.columns[0];
  const AppendValue append = binary_form(elements.type());
  append_int32(out, elements.size() == 0 ? 0 : 1);
  append_int32(out, elements.has_nulls() ? 1 : 0);
  append_int32(out, static_cast<int32_t>(pg_type_of(elements.type()).oid));
  if (elements.size() == 0) return;
  append_int32(out, static_cast<int32_t>(elements.size()));
  append_int32(out, 1);
  for (size_t i = 0; i < elements.size(); ++i) {
    const size_t length_at = out.size();
    append_int32(out, elements.is_null(i) ? -1 : 0);
    if (elements.is_null(i)) continue;
    append(out, elements, i);
    patch_length(out, length_at, out.size() - length_at - sizeof(int32_t));
  }
}

void RowEncoder::append_json(std::string& out, const Column& column, size_t row) {
  columnar::append_json(
      out, column, row, /*without_null_fields=*/false,
      [](std::string& to, const Column& values, size_t entry) { text_form(values.type())(to, values, entry); });
}

RowEncoder::RowEncoder(const types::Schema& schema, const std::vector<Format>& formats) {
  columns_.reserve(schema.size());
  for (size_t i = 0; i < schema.size(); ++i) {
    const DataType type = schema[i].type;
    columns_.push_back(format_at(formats, i) == Format::kText ? text_form(type) : binary_form(type));
  }
}

void RowEncoder::append_rows(std::string& out, const columnar::ChangeBatch& batch, size_t begin, size_t end) const {
  PENSTOCK_CHECK(batch.columns().size() == columns_.size(), "a batch has other columns than its result");
  for (size_t row = begin; row < end; ++row) {
    const MessageScope message(out, 'D');
    append_int16(out, static_cast<int16_t>(columns_.size()));
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Column& column = *batch.column(i);
      if (column.is_null(row)) {
        append_int32(out, -1);
        continue;
      }
      const size_t length_at = out.size();
      append_int32(out, 0);
      columns_[i](out, column, row);
      patch_length(out, length_at, out.size() - length_at - sizeof(int32_t));
    }
  }
}

std::vector<ColumnDescription> describe_columns(const types::Schema& schema, const std::vector<Format>& formats) {
  std::vector<ColumnDescription> columns;
  columns.reserve(schema.size());
  for (size_t i = 0; i < schema.size(); ++i) {
    const PgType type = pg_type_of(schema[i].type);
    columns.push_back({.name = schema[i].name,
                       .oid = type.oid,
                       .size = type.size,
                       .modifier = type.modifier,
                       .format = format_at(formats, i)});
  }
  return columns;
}

}  // namespace penstock::pgwire
