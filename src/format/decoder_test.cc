#include "format/decoder.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

#include "columnar/change_batch.h"
#include "format/encoder.h"

namespace penstock::format {
namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using types::DataType;
using types::Schema;
using types::TypeKind;

Schema schema_of(std::initializer_list<std::pair<const char*, const char*>> fields) {
  Schema schema;
  for (auto [name, type] : fields) schema.push_back({name, DataType::parse(type).value()});
  return schema;
}

std::vector<size_t> all_columns(const Schema& schema) {
  std::vector<size_t> columns(schema.size());
  std::iota(columns.begin(), columns.end(), 0);
  return columns;
}

struct Decoded {
  std::string rows;    // batch text
  std::string failed;  // "record: message; ..."
};

Decoded decode(RowDecoder& decoder, const Schema& fields, std::span<const std::string_view> records,
               std::string_view readable = {}) {
  std::vector<ColumnBuilder> builders;
  for (const types::Field& field : fields) builders.emplace_back(field.type);
  std::vector<FailedRecord> failed;
  decoder.decode(records, readable, builders, failed);
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  size_t rows = columns.empty() ? records.size() - failed.size() : columns[0]->size();
  EXPECT_EQ(rows, records.size() - failed.size());
  for (const ColumnPtr& column : columns) EXPECT_EQ(column->size(), rows);
  Decoded decoded{.rows = to_text(ChangeBatch(rows, std::move(columns))), .failed = ""};
  for (const FailedRecord& record : failed) {
    if (!decoded.failed.empty()) decoded.failed += "; ";
    decoded.failed += fmt::format("{}{}: {}", record.record, record.ignored ? " (ignored)" : "", record.message);
  }
  return decoded;
}

Decoded decode_all(std::string_view format, const std::map<std::string, std::string>& options, const Schema& schema,
                   std::vector<std::string_view> records) {
  FormatOptions parsed = FormatOptions::parse(format, options).value();
  auto decoder = RowDecoder::make(parsed, schema, all_columns(schema)).value();
  return decode(*decoder, schema, records);
}

// One value of one type: its text, or "!message".
std::string json_value(const char* type, std::string_view json,
                       const std::map<std::string, std::string>& options = {}) {
  std::string record = fmt::format("{{\"before\": [1, {{}}], \"x\" : {} , \"after\": \"\"}}", json);
  Decoded decoded = decode_all("json", options, schema_of({{"x", type}}), {record});
  if (!decoded.failed.empty()) return "!" + decoded.failed.substr(decoded.failed.find(": ") + 2);
  return decoded.rows.substr(3);
}

TEST(JsonDecoderTest, ValuesOfEveryType) {
  EXPECT_EQ(json_value("INT", "42"), "42");
  EXPECT_EQ(json_value("INT", "-2147483648"), "-2147483648");
  EXPECT_EQ(json_value("INT", "2147483648"), "!field x: cannot read '2147483648' as INT");
  EXPECT_EQ(json_value("INT", "1.9"), "1");
  EXPECT_EQ(json_value("INT", "\" 12 \""), "12");
  EXPECT_EQ(json_value("INT", "\"1.5\""), "!field x: cannot read '1.5' as INT");
  EXPECT_EQ(json_value("INT", "true"), "!field x: cannot read 'true' as INT");
  EXPECT_EQ(json_value("INT", "{\"a\":1}"), "!field x: cannot read 'an object' as INT");
  EXPECT_EQ(json_value("INT", "null"), "NULL");
  EXPECT_EQ(json_value("INT NOT NULL", "null"), "!field x is null but NOT NULL");
  EXPECT_EQ(json_value("BIGINT", "9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(json_value("BIGINT", "9223372036854775808"), "!field x: cannot read '9223372036854775808' as BIGINT");
  EXPECT_EQ(json_value("BIGINT", "1e3"), "1000");
  EXPECT_EQ(json_value("DOUBLE", "1"), "1.0");
  EXPECT_EQ(json_value("DOUBLE", "-1.5e300"), "-1.5E300");
  EXPECT_EQ(json_value("DOUBLE", "\"2.5\""), "2.5");
  EXPECT_EQ(json_value("FLOAT", "0.1"), "0.1");
  EXPECT_EQ(json_value("DECIMAL(10, 2)", "12.345"), "12.35");
  EXPECT_EQ(json_value("DECIMAL(10, 2)", "\"12.3\""), "12.30");
  EXPECT_EQ(json_value("DECIMAL(38, 10)", "1234567890123456789012345678.0123456789"),
            "1234567890123456789012345678.0123456789");
  EXPECT_EQ(json_value("DECIMAL(3, 1)", "123.4"), "!field x: cannot read '123.4' as DECIMAL(3, 1)");
  EXPECT_EQ(json_value("BOOLEAN", "true"), "TRUE");
  EXPECT_EQ(json_value("BOOLEAN", "\"False\""), "FALSE");
  EXPECT_EQ(json_value("BOOLEAN", "1"), "!field x: cannot read '1' as BOOLEAN");
  EXPECT_EQ(json_value("STRING", "\"plain\""), "plain");
  EXPECT_EQ(json_value("STRING", R"("esc\"aped \u00e4\n and long enough")"), "'esc\"aped \xc3\xa4\n and long enough'");
  EXPECT_EQ(json_value("STRING", "\"\""), "''");
  EXPECT_EQ(json_value("STRING", "1.50"), "1.50");
  EXPECT_EQ(json_value("STRING", "false"), "false");
  EXPECT_EQ(json_value("STRING", R"({"a": [1, "}"]} )"), R"('{"a": [1, "}"]}')");
  EXPECT_EQ(json_value("STRING", "[1,2]"), "[1,2]");
  EXPECT_EQ(json_value("BYTES", "\"aGk=\""), "6869");
  EXPECT_EQ(json_value("BYTES", "\"aGk\""), "!field x: cannot read 'aGk' as BYTES");
  EXPECT_EQ(json_value("DATE", "\"2026-01-02\""), "2026-01-02");
  EXPECT_EQ(json_value("TIME(3)", "\"12:34:56.789\""), "12:34:56.789");
  EXPECT_EQ(json_value("TIMESTAMP(3)", "\"2026-01-02 03:04:05.6789\""), "'2026-01-02 03:04:05.678'");
  EXPECT_EQ(json_value("TIMESTAMP(3)", "\"2026-01-02T03:04:05\""), "'2026-01-02 03:04:05.000'");
  EXPECT_EQ(json_value("TIMESTAMP(3)", "\"2026-01-02T03:04:05Z\""),
            "!field x: cannot read '2026-01-02T03:04:05Z' as TIMESTAMP(3)");
  EXPECT_EQ(json_value("TIMESTAMP_LTZ(3)", "\"2026-01-02T03:04:05+01:00\""), "'2026-01-02 02:04:05.000'");
  EXPECT_EQ(json_value("TIMESTAMP_LTZ(3)", "\"2026-01-02 03:04:05Z\""), "'2026-01-02 03:04:05.000'");
  EXPECT_EQ(
      json_value("TIMESTAMP(3)", "1767322800000"),
      "!field x: cannot read '1767322800000' as TIMESTAMP(3) (it must be a string; for epoch times use BIGINT and "
      "TO_TIMESTAMP_LTZ)");
}

TEST(JsonDecoderTest, MalformedRecordsLeaveNoTrace) {
  Schema schema = schema_of({{"a", "INT"}, {"b", "STRING"}});
  Decoded decoded =
      decode_all("json", {}, schema,
                 {R"({"a":1,"b":"x"})", "", "not json", R"({"a":2,"b":"y)", R"({"a":3,"b":"z"}})",
                  R"({"b":"before","a":"bad"})", R"([{"a":1}])", R"({"a":4,"b":"w"})", "null", R"({"a":5 "b":"w"})",
                  R"({"a":tru,"b":"w"})", "{\"a\":6,\"b\":\"\xff\"}", "{", "{\"a\":6,\"b\":\"x\ny\"}"});
  EXPECT_EQ(decoded.rows, "+I 1 x | +I 3 z | +I 4 w");
  EXPECT_EQ(std::count(decoded.failed.begin(), decoded.failed.end(), ';'), 10) << decoded.failed;
  EXPECT_TRUE(decoded.failed.starts_with(
      "1: an empty record is not a JSON object; 2: not a JSON object: it does not end with }; 3: not"))
      << decoded.failed;
}

TEST(JsonDecoderTest, MissingFieldsAndOptions) {
  Schema schema = schema_of({{"a", "INT"}, {"b", "STRING"}});
  EXPECT_EQ(decode_all("json", {}, schema, {"{}", R"({"b":"x"})"}).rows, "+I NULL NULL | +I NULL x");
  EXPECT_EQ(decode_all("json", {{"json.fail-on-missing-field", "true"}}, schema, {R"({"b":"x"})"}).failed,
            "0: field a is missing");
  Decoded lenient = decode_all("json", {{"json.ignore-parse-errors", "true"}}, schema,
                               {R"({"a":"no","b":"x"})", "garbage", R"({"a":1,"b":"y"})"});
  EXPECT_EQ(lenient.rows, "+I NULL x | +I 1 y");
  EXPECT_EQ(lenient.failed, "1 (ignored): not a JSON object: it does not end with }");
  EXPECT_EQ(decode_all("json", {}, schema_of({{"a", "INT NOT NULL"}}), {"{}"}).failed,
            "0: field a is missing but NOT NULL");
}

TEST(JsonDecoderTest, KeysInAnyOrderEscapedAndRepeated) {
  Schema schema = schema_of({{"a", "INT"}, {"b", "INT"}, {"c", "INT"}});
  Decoded decoded =
      decode_all("json", {}, schema,
                 {R"({"a":1,"b":2,"c":3})", R"({"c":3,"a":1,"b":2})", R"({"x":{"a":9},"a":1,"aa":8,"b":2,"c":3})",
                  R"({"\u0061":1,"b":2,"c":3})", R"({"a":1,"a":7,"b":2,"c":3})", R"({"a\"":5,"a":1,"b":2,"c":3})",
                  R"({"a":1,"b":2})", R"({"a":1,"b":2,"c":3})"});
  EXPECT_EQ(decoded.rows, "+I 1 2 3 | +I 1 2 3 | +I 1 2 3 | +I 1 2 3 | +I 1 2 3 | +I 1 2 3 | +I 1 2 NULL | +I 1 2 3");
  EXPECT_EQ(decoded.failed, "");
}

TEST(JsonDecoderTest, OnlyWantedColumnsInTheirOrder) {
  Schema schema = schema_of({{"a", "INT"}, {"b", "STRING"}, {"c", "INT"}});
  const size_t wanted[] = {2, 0};
  auto decoder = RowDecoder::make({}, schema, wanted).value();
  const std::string_view records[] = {R"({"a":1,"b":7,"c":3})", R"({"a":2,"b":{},"c":4})"};
  EXPECT_EQ(decode(*decoder, {schema[2], schema[0]}, records).rows, "+I 3 1 | +I 4 2");
  auto none = RowDecoder::make({}, schema, std::span<const size_t>()).value();
  const std::string_view mixed[] = {"{}", "x", "{\"a\":1}"};
  EXPECT_EQ(decode(*none, {}, mixed).failed, "1: not a JSON object: it does not end with }");
}

// Records in place in one buffer, with every distance to its end, give the same as copies.
TEST(JsonDecoderTest, InPlaceAndCopiedAgree) {
  Schema schema = schema_of({{"a", "INT"}, {"b", "STRING"}});
  std::string one = R"({"a":12345,"b":"some text of some length"})";
  for (size_t padding = 0; padding < 130; ++padding) {
    auto buffer = std::make_unique<char[]>(one.size() * 2 + padding);  // exact, so that the sanitizer sees overreads
    std::copy(one.begin(), one.end(), buffer.get());
    std::copy(one.begin(), one.end(), buffer.get() + one.size());
    std::string_view readable(buffer.get(), one.size() * 2 + padding);
    std::memset(buffer.get() + one.size() * 2, '"', padding);
    const std::string_view records[] = {readable.substr(0, one.size()), readable.substr(one.size(), one.size())};
    auto decoder = RowDecoder::make({}, schema, all_columns(schema)).value();
    Decoded decoded = decode(*decoder, schema, records, readable);
    ASSERT_EQ(decoded.rows, "+I 12345 'some text of some length' | +I 12345 'some text of some length'");
  }
}

TEST(CsvDecoderTest, FieldsQuotesAndNulls) {
  Schema schema = schema_of({{"a", "INT"}, {"b", "STRING"}, {"c", "DOUBLE"}});
  Decoded decoded = decode_all(
      "csv", {}, schema,
      {"1,plain,2.5", "2,\"with, comma\",3", "3,\"a \"\"quote\"\"\",4\r\n", ",,", "5,\"\",6", " 6 ,\"two\nlines\",7"});
  EXPECT_EQ(decoded.rows,
            "+I 1 plain 2.5 | +I 2 'with, comma' 3.0 | +I 3 'a \"quote\"' 4.0 | +I NULL '' NULL | +I 5 '' 6.0 | "
            "+I 6 'two\nlines' 7.0");
  EXPECT_EQ(decoded.failed, "");
  Decoded bad = decode_all("csv", {}, schema, {"1,2", "1,2,3,4", "x,y,1", "1,\"open,2", "1,\"a\"b,2", "", "1,ok,2"});
  EXPECT_EQ(bad.rows, "+I 1 ok 2.0");
  EXPECT_EQ(
      bad.failed,
      "0: 3 fields expected, 2 found; 1: more than 3 fields; 2: field a: cannot read 'x' as INT; "
      "3: field b: the quote is not closed; 4: field b: text behind the closing quote; 5 (ignored): an empty line");
}

TEST(CsvDecoderTest, Options) {
  Schema schema = schema_of({{"a", "INT"}, {"b", "STRING"}});
  EXPECT_EQ(decode_all("csv", {{"csv.field-delimiter", "|"}, {"csv.null-literal", "n/a"}}, schema,
                       {"n/a|n/a", "1|\"n/a\"", "2|"})
                .rows,
            "+I NULL NULL | +I 1 n/a | +I 2 ''");
  EXPECT_EQ(decode_all("csv", {{"csv.escape-character", "\\"}}, schema, {R"(1,a\,b)", R"(2,"say \"hi\"")"}).rows,
            "+I 1 a,b | +I 2 'say \"hi\"'");
  EXPECT_EQ(decode_all("csv", {{"csv.disable-quote-character", "true"}}, schema, {"1,\"x\""}).rows, "+I 1 \"x\"");
  Decoded comments = decode_all("csv", {{"csv.allow-comments", "true"}}, schema, {"# a comment", "1,x"});
  EXPECT_EQ(comments.rows, "+I 1 x");
  EXPECT_EQ(comments.failed, "0 (ignored): a comment");
  Decoded lenient = decode_all("csv", {{"csv.ignore-parse-errors", "true"}}, schema, {"x,y", "1"});
  EXPECT_EQ(lenient.rows, "+I NULL y");
  EXPECT_EQ(lenient.failed, "1 (ignored): 2 fields expected, 1 found");
}

TEST(RawDecoderTest, TakesWholeRecords) {
  EXPECT_EQ(decode_all("raw", {}, schema_of({{"line", "STRING"}}), {"a b", ""}).rows, "+I 'a b' | +I ''");
  EXPECT_EQ(
      RowDecoder::make(FormatOptions::parse("raw", {}).value(), schema_of({{"a", "DATE"}}), std::span<const size_t>())
          .error()
          .message(),
      "the format raw needs one column, STRING, BYTES, BOOLEAN or a number but DECIMAL");
}

TEST(RawDecoderTest, NumbersAreTheirBytes) {
  using namespace std::string_view_literals;
  const auto decode = [](const std::string& type, std::string_view bytes, const std::string& order = "big-endian") {
    const Decoded decoded =
        decode_all("raw", {{"raw.endianness", order}}, {{"x", DataType::parse(type).value()}}, {bytes});
    return decoded.rows + decoded.failed;
  };
  EXPECT_EQ(decode("TINYINT", "\xff"sv), "+I -1");
  EXPECT_EQ(decode("SMALLINT", "\x01\x02"sv), "+I 258");
  EXPECT_EQ(decode("SMALLINT", "\x01\x02"sv, "little-endian"), "+I 513");
  EXPECT_EQ(decode("INT", "\xff\xff\xff\xfe"sv), "+I -2");
  EXPECT_EQ(decode("BIGINT", "\x80\0\0\0\0\0\0\0"sv), "+I -9223372036854775808");
  EXPECT_EQ(decode("BIGINT", "\x80\0\0\0\0\0\0\0"sv, "little-endian"), "+I 128");
  EXPECT_EQ(decode("FLOAT", "\x3f\xc0\0\0"sv), "+I 1.5");
  EXPECT_EQ(decode("DOUBLE", "\xbf\xf8\0\0\0\0\0\0"sv), "+I -1.5");
  EXPECT_EQ(decode("BOOLEAN", "\x01"sv), "+I TRUE");
  EXPECT_EQ(decode("BOOLEAN", "\0"sv), "+I FALSE");
  EXPECT_EQ(decode("INT", "\0\0\0"sv), "0: 3 bytes are no INT, which has 4");
  EXPECT_EQ(decode("INT", ""), "0: 0 bytes are no INT, which has 4");
}

std::vector<std::string> split_all(const FormatOptions& options, std::string_view bytes, bool at_end) {
  std::vector<std::string> records;
  std::string_view record;
  size_t next = 0;
  while (split_record(options, bytes, at_end, record, next)) {
    records.emplace_back(record);
    bytes.remove_prefix(next);
  }
  records.push_back("left: " + std::string(bytes));
  return records;
}

TEST(SplitRecordTest, LinesAndQuotedLineEnds) {
  FormatOptions json = FormatOptions::parse("json", {}).value();
  FormatOptions csv = FormatOptions::parse("csv", {}).value();
  using Records = std::vector<std::string>;
  EXPECT_EQ(split_all(json, "a\r\nb\nc", false), (Records{"a", "b", "left: c"}));
  EXPECT_EQ(split_all(json, "a\nb", true), (Records{"a", "b", "left: "}));
  EXPECT_EQ(split_all(csv, "1,\"x\ny\"\n2,\"say \"\"a\n\"\"\"\n3,5\" disk\n4", false),
            (Records{"1,\"x\ny\"", "2,\"say \"\"a\n\"\"\"", "3,5\" disk", "left: 4"}));
  EXPECT_EQ(split_all(csv, "1,\"open\n2\n", false), (Records{"left: 1,\"open\n2\n"}));
}

// --- encoders, and back ---

std::string encode_rows(std::string_view format, const std::map<std::string, std::string>& options,
                        const Schema& schema, std::string_view rows) {
  ChangeBatch batch = columnar::batch_from_text(rows, schema).value();
  auto encoder = RowEncoder::make(FormatOptions::parse(format, options).value(), schema).value();
  std::string out;
  std::vector<size_t> ends;
  encoder->encode_all(batch, out, ends);
  std::string lines;
  size_t begin = 0;
  for (size_t end : ends) {
    lines += (begin == 0 ? "" : "\n") + out.substr(begin, end - begin);
    begin = end;
  }
  return lines;
}

TEST(EncoderTest, Json) {
  Schema schema = schema_of({{"id", "BIGINT"},
                             {"na\"me", "STRING"},
                             {"price", "DECIMAL(10, 2)"},
                             {"at", "TIMESTAMP(3)"},
                             {"zoned", "TIMESTAMP_LTZ(3)"},
                             {"ratio", "DOUBLE"},
                             {"ok", "BOOLEAN"},
                             {"raw", "BYTES"},
                             {"day", "DATE"}});
  const char* rows =
      "+ 1 'q\"\\\t' 1.5 '2026-01-02 03:04:05.600' '2026-01-02 03:04:05' 1e10 TRUE 6869 2026-01-02 | "
      "+ NULL NULL NULL NULL NULL NaN NULL NULL NULL";
  EXPECT_EQ(encode_rows("json", {}, schema, rows),
            R"({"id":1,"na\"me":"q\"\\\t","price":1.50,"at":"2026-01-02 03:04:05.6","zoned":"2026-01-02 03:04:05Z",)"
            R"("ratio":1.0E10,"ok":true,"raw":"aGk=","day":"2026-01-02"})"
            "\n"
            R"({"id":null,"na\"me":null,"price":null,"at":null,"zoned":null,"ratio":"NaN","ok":null,"raw":null,)"
            R"("day":null})");
  EXPECT_EQ(
      encode_rows("json", {{"json.timestamp-format.standard", "ISO-8601"}, {"json.encode.ignore-null-fields", "true"}},
                  schema_of({{"a", "INT"}, {"at", "TIMESTAMP_LTZ(3)"}}), "+ NULL '2026-01-02 03:04:05' | + 1 NULL"),
      "{\"at\":\"2026-01-02T03:04:05Z\"}\n{\"a\":1}");
}

TEST(EncoderTest, Csv) {
  Schema schema = schema_of({{"a", "INT"}, {"b", "STRING"}});
  const char* rows = "+ 1 plain | + NULL NULL | + 2 'a,b' | + 3 'a\"b' | + 4 'two\nlines'";
  EXPECT_EQ(encode_rows("csv", {}, schema, rows), "1,plain\n,\n2,\"a,b\"\n3,\"a\"\"b\"\n4,\"two\nlines\"");
  EXPECT_EQ(encode_rows("csv", {{"csv.null-literal", "n/a"}}, schema, "+ NULL NULL | + 1 n/a"), "n/a,n/a\n1,\"n/a\"");
}

// What is written reads back the same, for any values.
TEST(RoundTripTest, RandomRows) {
  std::mt19937_64 random(21);
  Schema schema = schema_of({{"i", "INT"},
                             {"l", "BIGINT"},
                             {"d", "DOUBLE"},
                             {"f", "FLOAT"},
                             {"n", "DECIMAL(30, 7)"},
                             {"s", "STRING"},
                             {"b", "BOOLEAN"},
                             {"r", "BYTES"},
                             {"day", "DATE"},
                             {"t", "TIME(6)"},
                             {"at", "TIMESTAMP(6)"},
                             {"z", "TIMESTAMP_LTZ(3)"}});
  constexpr std::string_view kPieces[] = {"a", "\"",   "\\", ",",        "\n",
                                          "'", "NULL", " ",  "\xc3\xa4", "long piece of text"};
  for (int round = 0; round < 50; ++round) {
    std::vector<DataType> types;
    for (const types::Field& field : schema) types.push_back(field.type);
    columnar::BatchBuilder builder(types);
    for (int row = 0; row < 20; ++row) {
      for (size_t i = 0; i < schema.size(); ++i) {
        if (random() % 6 == 0) {
          builder.column(i).append_null();
          continue;
        }
        int64_t number = static_cast<int64_t>(random()) >> (random() % 60);
        switch (schema[i].type.kind()) {
          case TypeKind::kInt: builder.column(i).append_int64(static_cast<int32_t>(number)); break;
          case TypeKind::kDouble: builder.column(i).append_double(static_cast<double>(number) / 7); break;
          case TypeKind::kFloat:
            builder.column(i).append_double(static_cast<float>(static_cast<double>(number) / 7));
            break;
          case TypeKind::kDecimal: builder.column(i).append_int128(static_cast<types::Int128>(number) * 1001); break;
          case TypeKind::kBoolean: builder.column(i).append_bool(number % 2 == 0); break;
          case TypeKind::kDate: builder.column(i).append_int64(number % 100'000); break;
          case TypeKind::kTime: builder.column(i).append_int64(std::abs(number % 86'400'000'000)); break;
          case TypeKind::kTimestamp: builder.column(i).append_int64(number % (int64_t{1} << 52)); break;
          case TypeKind::kTimestampLtz: builder.column(i).append_int64(number % (int64_t{1} << 40) * 1000); break;
          case TypeKind::kString:
          case TypeKind::kBytes: {
            std::string text;
            for (uint64_t n = random() % 5; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
            builder.column(i).append_string(text);
            break;
          }
          default: builder.column(i).append_int64(number); break;
        }
      }
      builder.end_row();
    }
    ChangeBatch batch = builder.finish();
    for (const auto& [format, options] : std::vector<std::pair<std::string, std::map<std::string, std::string>>>{
             {"json", {}},
             {"json", {{"json.timestamp-format.standard", "ISO-8601"}, {"json.encode.ignore-null-fields", "true"}}},
             {"csv", {{"csv.null-literal", "NULL"}}},
             {"csv", {{"csv.null-literal", "n/a"}, {"csv.escape-character", "\\"}, {"csv.field-delimiter", "\\t"}}}}) {
      FormatOptions parsed = FormatOptions::parse(format, options).value();
      auto encoder = RowEncoder::make(parsed, schema).value();
      std::string out;
      std::vector<size_t> ends;
      encoder->encode_all(batch, out, ends);
      std::vector<std::string_view> records;
      size_t begin = 0;
      for (size_t end : ends) {
        records.push_back(std::string_view(out).substr(begin, end - begin));
        begin = end;
      }
      auto decoder = RowDecoder::make(parsed, schema, all_columns(schema)).value();
      Decoded decoded = decode(*decoder, schema, records, out);
      ASSERT_EQ(decoded.failed, "") << out;
      ASSERT_EQ(decoded.rows, to_text(batch)) << out;
    }
  }
}

// --- nested values ---

TEST(JsonDecoderTest, NestedValues) {
  Schema schema = schema_of({{"a", "ARRAY<ROW<x INT, y STRING>>"}, {"m", "MAP<INT, ARRAY<DOUBLE>>"}, {"n", "INT"}});
  Decoded decoded =
      decode_all("json", {}, schema,
                 {R"({"a": [{"y": "t", "x": 1}, {"x": 2, "z": [{}]}, null, {}], "m": {"2": [1], "1": []}, "n": 1})",
                  R"({"m": {}, "a": [], "n": 2})", R"({"n": 3, "a": null})"});
  EXPECT_EQ(decoded.failed, "");
  EXPECT_EQ(decoded.rows,
            "+I '[(1, t), (2, NULL), NULL, (NULL, NULL)]' '{1=[], 2=[1.0]}' 1 | +I [] {} 2 | +I NULL NULL 3");
}

TEST(JsonDecoderTest, SaysWhereANestedValueIsWrong) {
  Schema schema = schema_of({{"a", "ARRAY<ROW<x INT, y STRING NOT NULL>>"}, {"m", "MAP<STRING, INT>"}});
  const std::pair<const char*, const char*> cases[] = {
      {R"({"a": [{"x": 1, "y": ""}, {"x": "q"}]})", "field a[2].x: cannot read 'q' as INT"},
      {R"({"a": [{"x": 1}]})", "field a[1].y: is missing but NOT NULL"},
      {R"({"a": [{"y": null}]})", "field a[1].y: is null but NOT NULL"},
      {R"({"a": {"x": 1}})", "field a: cannot read 'an object' as ARRAY<ROW<`x` INT, `y` STRING NOT NULL>>"},
      {R"({"a": [7]})", "field a[1]: cannot read '7' as ROW<`x` INT, `y` STRING NOT NULL>"},
      {R"({"m": {"k": 1, "l": 5000000000}})", "field m['l']: cannot read '5000000000' as INT"},
      {R"({"m": [1]})", "field m: cannot read 'an array' as MAP<STRING, INT>"},
      {R"({"m": {"k": 1]})", "not valid JSON in field m"},
  };
  for (auto [record, expected] : cases) {
    EXPECT_EQ(decode_all("json", {}, schema, {record}).failed, std::string("0: ") + expected) << record;
  }
  EXPECT_EQ(
      decode_all("json", {{"json.fail-on-missing-field", "true"}}, schema, {R"({"a": [{"y": "b"}], "m": {}})"}).failed,
      "0: field a[1].x: is missing");
  EXPECT_EQ(decode_all("json", {{"json.ignore-parse-errors", "true"}}, schema,
                       {R"({"a": [{"x": "q", "y": "b"}, 5], "m": {"k": []}})"})
                .rows,
            "+I '[(NULL, b), NULL]' {k=NULL}");
}

TEST(JsonDecoderTest, ReadsOnlyTheWantedFieldsOfRows) {
  Schema schema = schema_of({{"id", "INT"}, {"r", "ROW<a INT NOT NULL, b ROW<c STRING, d ARRAY<INT>>, e INT>"}});
  const FieldPath wanted[] = {
      {.column = 1, .fields = {1, 1}}, {.column = 0, .fields = {}}, {.column = 1, .fields = {0}}};
  auto decoder = RowDecoder::make(FormatOptions(), schema, wanted).value();
  Schema fields = schema_of({{"d", "ARRAY<INT>"}, {"id", "INT"}, {"a", "INT"}});
  const std::string_view records[] = {
      R"({"id": 1, "r": {"a": 1, "b": {"c": 5, "d": [1]}, "e": "not looked at"}})",
      R"({"r": {"b": {"d": [2], "d": [3]}, "a": 2, "a": 9}, "id": 2})",
      R"({"r": {"a": 3, "b": null}})",
      R"({"r": null, "id": 4})",
      R"({"id": 5})",
      R"({"r": {"b": {"d": [1]}}, "id": 6})",
      R"({"r": {"a": 7, "b": {"d": ["x"]}}})",
      R"({"r": {"a": 8, "b": 1}})",
      R"({"r": [], "id": 9})",
      R"({"r": {"a": 10, "b": {"d": [10]}}, "id": 10})",
  };
  Decoded decoded = decode(*decoder, fields, records);
  EXPECT_EQ(decoded.rows, "+I [1] 1 1 | +I [2] 2 2 | +I NULL NULL 3 | +I NULL 4 NULL | +I NULL 5 NULL | +I [10] 10 10");
  EXPECT_EQ(decoded.failed,
            "5: field r.a is missing but NOT NULL; 6: field r.b.d[1]: cannot read 'x' as INT; "
            "7: field r.b: cannot read '1' as ROW<`c` STRING, `d` ARRAY<INT>>; "
            "8: field r: cannot read '[' as ROW<`a` INT NOT NULL, `b` ROW<`c` STRING, `d` ARRAY<INT>>, `e` INT>");
}

TEST(JsonDecoderTest, DeepAndWideValues) {
  Schema schema = schema_of({{"s", "STRING"}, {"a", "ARRAY<INT>"}});
  std::string deep = R"({"a": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_NE(decode_all("json", {}, schema, {deep}).failed, "");
  std::string wide = R"({"a": [1)";
  for (int i = 0; i < 200'000; ++i) wide += ",1";
  wide += "]}";
  EXPECT_EQ(decode_all("json", {}, schema, {wide}).failed, "");
}

TEST(FormatTypesTest, NestedColumnsAreRefusedWhereTheyCannotBe) {
  auto refused = [](const char* format, const char* type) {
    FormatOptions options = FormatOptions::parse(format, {}).value();
    Schema schema = schema_of({{"c", type}});
    bool decoder = RowDecoder::make(options, schema, all_columns(schema)).has_value();
    EXPECT_EQ(decoder, RowEncoder::make(options, schema).has_value());
    return !decoder;
  };
  EXPECT_TRUE(refused("csv", "ARRAY<INT>"));
  EXPECT_TRUE(refused("raw", "ROW<a INT>"));
  EXPECT_TRUE(refused("json", "ARRAY<MAP<ROW<a INT>, INT>>"));
  EXPECT_FALSE(refused("json", "MAP<DATE, MULTISET<STRING>>"));
}

TEST(JsonEncoderTest, NestedValuesComeBack) {
  Schema schema =
      schema_of({{"a", "ARRAY<ROW<x INT, y STRING>>"}, {"m", "MAP<DATE, BYTES>"}, {"s", "MULTISET<STRING>"}});
  const std::string_view record =
      R"({"a":[{"x":1,"y":"q\"t"},null,{"x":null,"y":null}],"m":{"2026-01-02":"AQI=","2026-01-03":null},"s":{"a":2,"b":1}})";
  for (bool ignore_nulls : {false, true}) {
    FormatOptions options;
    options.encode_ignore_null_fields = ignore_nulls;
    auto decoder = RowDecoder::make(options, schema, all_columns(schema)).value();
    std::vector<ColumnBuilder> builders;
    for (const types::Field& field : schema) builders.emplace_back(field.type);
    std::vector<FailedRecord> failed;
    decoder->decode({&record, 1}, {}, builders, failed);
    ASSERT_TRUE(failed.empty()) << failed[0].message;
    std::vector<ColumnPtr> columns;
    for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
    std::string encoded;
    RowEncoder::make(options, schema).value()->encode(ChangeBatch(1, columns), 0, encoded);
    std::string expected(record);
    if (ignore_nulls) expected.replace(expected.find(R"({"x":null,"y":null})"), 19, "{}");
    EXPECT_EQ(encoded, expected);
  }
}

}  // namespace
}  // namespace penstock::format
