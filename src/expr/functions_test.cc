#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <random>

#include "expr/aggregate.h"
#include "expr/function_catalog.h"
#include "expr/like_pattern.h"
#include "expr/test_expression.h"
#include "types/calendar.h"
#include "types/time_zone.h"

namespace penstock::expr {
namespace {

using testing::evaluate_text;
using types::Schema;
using types::TimeZone;
using types::TypeKind;

struct Case {
  const char* text;
  const char* expected;
};

void expect_all(std::span<const Case> cases, const EvalContext& context = {}) {
  for (const Case& c : cases) EXPECT_EQ(evaluate_text(c.text, context), c.expected) << c.text;
}

TEST(FunctionTablesTest, EveryFunctionIsDocumented) {
  for (const FunctionDoc& doc : function_docs()) {
    EXPECT_FALSE(doc.description.empty()) << doc.name;
    EXPECT_FALSE(doc.signature.empty()) << doc.name;
    EXPECT_EQ(doc.examples.empty(), doc.examples.find(" => ") == doc.examples.npos) << doc.name;
  }
}

// Every word of a function stands in one table only, so that it has one meaning.
TEST(FunctionTablesTest, ScalarFunctionsAreNoAggregates) {
  for (const ScalarFunction* function : scalar_functions()) {
    EXPECT_FALSE(is_aggregate_function(function->name)) << function->name;
  }
}

// The reference page is made of the tables; PENSTOCK_REWRITE_GOLDENS=1 writes it anew.
TEST(FunctionTablesTest, TheReferencePageIsCurrent) {
  const std::string path = PENSTOCK_SOURCE_DIR "/docs/sql/functions.md";
  std::ifstream file(path);
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  const std::string mark = "<!-- functions -->\n";
  const size_t at = page.find(mark);
  ASSERT_NE(at, page.npos);
  const std::string made = page.substr(0, at + mark.size()) + functions_markdown();
  if (std::getenv("PENSTOCK_REWRITE_GOLDENS") != nullptr) {
    std::ofstream(path) << made;
  } else {
    EXPECT_EQ(page, made) << path;
  }
}

// A bare NULL in any place gives NULL, and never a crash.
TEST(FunctionTablesTest, NullArgumentsGiveNull) {
  const Case cases[] = {{"UPPER(NULL)", "NULL"},
                        {"SUBSTRING(NULL, 1)", "NULL"},
                        {"SUBSTRING('abc', NULL)", "NULL"},
                        {"CONCAT('a', NULL)", "NULL"},
                        {"CONCAT_WS(NULL, 'a')", "NULL"},
                        {"CONCAT_WS(',', NULL, NULL)", ""},
                        {"ROUND(NULL)", "NULL"},
                        {"ROUND(1.5, NULL)", "NULL"},
                        {"GREATEST(1, NULL)", "NULL"},
                        {"NULL LIKE 'a'", "NULL"},
                        {"'a' LIKE NULL", "NULL"},
                        {"TO_TIMESTAMP(NULL)", "NULL"},
                        {"EXTRACT(YEAR FROM NULL)", "NULL"},
                        {"LPAD(NULL, 1)", "NULL"},
                        {"POWER(NULL, 1)", "NULL"},
                        {"REGEXP_EXTRACT(NULL, 'a')", "NULL"}};
  expect_all(cases);
}

TEST(TextFunctionsTest, PartsAndPositions) {
  const Case cases[] = {{"SUBSTRING('penstock', -5)", "stock"},
                        {"SUBSTRING('penstock', -5, 2)", "st"},
                        {"SUBSTRING('penstock', 0, 3)", "pen"},
                        {"SUBSTRING('abc', 4)", ""},
                        {"SUBSTRING('abc', 2, 0)", ""},
                        {"SUBSTRING('abc', 2, -1)", "NULL"},
                        {"SUBSTRING('abc', 9223372036854775807, 9223372036854775807)", ""},
                        {"SUBSTRING('abc', -9223372036854775807, 9223372036854775807)", ""},
                        {"SUBSTRING('gr\xc3\xbc\xc3\x9f"
                         "e', 3, 2)",
                         "\xc3\xbc\xc3\x9f"},
                        {"CHAR_LENGTH('gr\xc3\xbc\xc3\x9f"
                         "e')",
                         "5"},
                        {"OCTET_LENGTH('gr\xc3\xbc\xc3\x9f"
                         "e')",
                         "7"},
                        {"REVERSE('\xc3\xbc"
                         "a')",
                         "a\xc3\xbc"},
                        {"UPPER('gr\xc3\xbc\xc3\x9f"
                         "e \xce\xb1 \xd0\xb6')",
                         "GR\xc3\x9c\xc3\x9f"
                         "E \xce\x91 \xd0\x96"},
                        {"LOWER('\xc3\x9c \xc5\xbd')", "\xc3\xbc \xc5\xbe"},
                        {"POSITION('\xc3\x9f' , 'gr\xc3\xbc\xc3\x9f"
                         "e')",
                         "4"},
                        {"LEFT('abc', 5)", "abc"},
                        {"LEFT('abc', -1)", ""},
                        {"RIGHT('\xc3\xbc"
                         "ab', 3)",
                         "\xc3\xbc"
                         "ab"},
                        {"TRIM('\xc3\xbc"
                         "a\xc3\xbc', '\xc3\xbc')",
                         "a"},
                        {"TRIM('   ')", ""},
                        {"LTRIM('abcab', 'ab')", "cab"},
                        {"SPLIT_INDEX('a::b', '::', 1)", "b"},
                        {"SPLIT_INDEX('a', ',', 1)", "NULL"},
                        {"SPLIT_INDEX('a', ',', -1)", "NULL"},
                        {"SPLIT_INDEX('', ',', 0)", "NULL"},
                        {"LPAD('abc', 2)", "ab"},
                        {"LPAD('a', 4, 'xy')", "xyxa"},
                        {"LPAD('a', -1, 'x')", "NULL"},
                        {"RPAD('a', 3, '')", "NULL"},
                        {"REPEAT('a', -1)", ""},
                        {"REPEAT('ab', 9000000000)", "row error: the result is longer than 16 MiB"},
                        {"REPLACE('aaa', 'aa', 'b')", "ba"},
                        {"REPLACE('abc', '', 'x')", "abc"},
                        {"LOCATE('a', 'banana', 0)", "2"},
                        {"1 || 'a'", "1a"},
                        {"CONCAT(1, TRUE, NULL)", "NULL"}};
  expect_all(cases);
}

// What is long, or asked for very often, is looked through once.
TEST(TextFunctionsTest, PlacesThatAreCounted) {
  const Case cases[] = {{"INSTR('abc', '', 1, 9223372036854775807)", "1"},
                        {"INSTR('abc', '', -1, 9223372036854775807)", "4"},
                        {"INSTR('éaéa', 'é', -1, 2)", "1"},
                        {"INSTR('éaéa', 'aé', -1)", "2"},
                        {"INSTR('éaéa', 'a', -5)", "0"},
                        {"INSTR('éaéa', 'éaéaé', -1)", "0"},
                        {"INSTR('aaaa', 'aa', -1, 3)", "1"},
                        {"INSTR('aaaa', 'aa', -1, 4)", "0"},
                        {"INSTR('Corporate Floor', 'or', -3, 2)", "2"},
                        {"INSTR(REPEAT('a', 200000), 'b', -1)", "0"},
                        {"INSTR(REPEAT('a', 200000), 'a', 1, 200000)", "200000"},
                        {"INSTR(REPEAT('a', 200000), 'a', -1, 200000)", "1"}};
  expect_all(cases);
}

// Parts of long text share it with their argument; the argument may go.
TEST(TextFunctionsTest, PartsOutliveTheirArgument) {
  Schema schema{{"s", TypeKind::kString}};
  columnar::ColumnPtr part;
  {
    columnar::ChangeBatch batch =
        columnar::batch_from_text("+ 'a text that is much longer than a cell'", schema).value();
    RowErrors errors;
    part = evaluate(**testing::TestExpression::parse("SUBSTRING(s, 3, 30)", schema), batch, {}, errors);
  }
  EXPECT_EQ(part->value(0).as_string(), "text that is much longer than ");
}

TEST(LikeTest, AgreesWithRegularExpressions) {
  std::mt19937 random(31);
  constexpr std::string_view kTextLetters = "aab";
  constexpr std::string_view kPatternLetters = "aab%%_";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    std::string pattern;
    for (size_t n = random() % 8; n > 0; --n) text += kTextLetters[random() % kTextLetters.size()];
    for (size_t n = random() % 7; n > 0; --n) pattern += kPatternLetters[random() % kPatternLetters.size()];
    // The plain definition, by recursion.
    std::function<bool(size_t, size_t)> plain = [&](size_t t, size_t p) -> bool {
      if (p == pattern.size()) return t == text.size();
      if (pattern[p] == '%') return plain(t, p + 1) || (t < text.size() && plain(t + 1, p));
      return t < text.size() && (pattern[p] == '_' || pattern[p] == text[t]) && plain(t + 1, p + 1);
    };
    EXPECT_EQ(LikePattern::compile(pattern, 0)->matches(text), plain(0, 0)) << text << " LIKE " << pattern;
  }
}

TEST(PatternTest, EscapesCharactersAndErrors) {
  const Case cases[] = {{"'50%' LIKE '50!%' ESCAPE '!'", "TRUE"},
                        {"'50x' LIKE '50!%' ESCAPE '!'", "FALSE"},
                        {"'a' LIKE 'a!' ESCAPE '!'",
                         "row error: the LIKE pattern 'a!' has an escape before something else than %, _ or itself"},
                        {"'\xc3\xbc' LIKE '_'", "TRUE"},
                        {"'' LIKE '%'", "TRUE"},
                        {"'' LIKE ''", "TRUE"},
                        {"'a\nb' LIKE 'a%b'", "TRUE"},
                        {"'a.c' SIMILAR TO 'a.c'", "TRUE"},
                        {"'abc' SIMILAR TO 'a.c'", "FALSE"},
                        {"'abc' SIMILAR TO '%(b|d)%'", "TRUE"},
                        {"'abc' SIMILAR TO '[a-c]{3}'", "TRUE"},
                        {"'abcd' SIMILAR TO 'abc'", "FALSE"},
                        {"REGEXP('a', '(')", "row error: the pattern '(' is wrong: missing ): ("},
                        {"REGEXP_EXTRACT('abc', 'b', 1)", "NULL"},
                        {"REGEXP_EXTRACT('abc', 'x')", "NULL"},
                        {"REGEXP_REPLACE('aXb', 'X', '$9')", "a$9b"}};
  expect_all(cases);
}

TEST(JsonFunctionsTest, PathsAndWhatIsMissing) {
  const Case cases[] = {{"JSON_VALUE('{\"a\": 1.50}', '$.a')", "1.50"},
                        {"JSON_VALUE('{\"a\": 18446744073709551615}', 'lax $.a')", "18446744073709551615"},
                        {"JSON_VALUE('{\"a b\": true}', '$[''a b'']')", "true"},
                        {"JSON_VALUE('[[1,2],[3]]', '$[1][0]')", "3"},
                        {"JSON_VALUE('7', '$')", "7"},
                        {"JSON_VALUE('{\"a\": null}', '$.a')", "NULL"},
                        {"JSON_VALUE('{\"a\": {}}', '$.a')", "NULL"},
                        {"JSON_VALUE('{\"a\": 1}', '$.b.c')", "NULL"},
                        {"JSON_VALUE('[1]', '$[1]')", "NULL"},
                        {"JSON_VALUE('not json', '$.a')", "NULL"},
                        {"JSON_VALUE('', '$')", "NULL"},
                        {"JSON_EXISTS('{', '$')", "FALSE"},
                        {"JSON_QUERY('{\"a\": 1}', '$.a')", "NULL"},
                        {"JSON_QUERY('{\"a\": {\"b\" : \"\\n\"}}', '$')", "{\"a\":{\"b\":\"\\n\"}}"}};
  expect_all(cases);
  for (const char* path : {"", "a.", "$a", "$.", "$[", "$[-]", "$[x]", "$[''a]", "$[1"}) {
    std::string text = evaluate_text(fmt::format("JSON_VALUE('{{}}', '{}')", path));
    EXPECT_TRUE(text.find("is not a JSON path such as $.a.b[0]: ") != text.npos) << path << ": " << text;
  }
}

TEST(MathTest, Values) {
  const Case cases[] = {{"ROUND(1.005e0, 2)", "1.01"},
                        {"ROUND(-2.5)", "-3"},
                        {"ROUND(-2.5e0)", "-3.0"},
                        {"ROUND(1234, -2)", "1200"},
                        {"ROUND(1250, -2)", "1300"},
                        {"ROUND(1.5, 400)", "1.5"},
                        {"ROUND(1e300, -290)", "1.0E300"},
                        {"ROUND(1e300, -400)", "0.0"},
                        {"TRUNCATE(-1.999, 1)", "-1.9"},
                        {"TRUNCATE(1999, -3)", "1000"},
                        {"FLOOR(1.5e0)", "1.0"},
                        {"FLOOR(-0.1)", "-1"},
                        {"CEIL(9.9)", "10"},
                        {"CEIL(-9.9)", "-9"},
                        {"ABS(CAST(-128 AS TINYINT))", "-128"},
                        {"SIGN(-0.5)", "-1.0"},
                        {"SQRT(-1)", "NaN"},
                        {"POWER(2, 0.5)", "1.4142135623730951"},
                        {"GREATEST(1, 2.5)", "2.5"},
                        {"LEAST('abc', 'abd', 'a text of more than twelve')", "a text of more than twelve"}};
  expect_all(cases);
  EXPECT_EQ(evaluate_text("ROUND(2.345, 2)", {}, true), "DECIMAL(4, 2): 2.35");
  EXPECT_EQ(evaluate_text("CEIL(2.345)", {}, true), "DECIMAL(4, 0): 3");
  EXPECT_EQ(evaluate_text("ABS(-1)", {}, true), "INT: 1");
}

TEST(TemporalTest, ArithmeticAndFields) {
  const Case cases[] = {
      {"TIMESTAMP(3) '2026-01-31 10:00:00' + INTERVAL DAY TO SECOND '+1 01:00:00'", "2026-02-01 11:00:00.000"},
      {"INTERVAL DAY TO SECOND '+1 00:00:00' + TIMESTAMP(3) '2026-01-31'", "2026-02-01 00:00:00.000"},
      {"TIMESTAMP(3) '2024-02-29 10:00:00' - INTERVAL YEAR TO MONTH '1-00'", "2023-02-28 10:00:00.000"},
      {"DATE '2026-01-31' + INTERVAL DAY TO SECOND '+1 00:00:00'", "2026-02-01"},
      {"DATE '2026-01-31' + INTERVAL DAY TO SECOND '+0 01:00:00'", "2026-01-31 01:00:00.000"},
      {"TIME '23:30:00' + INTERVAL DAY TO SECOND '+0 01:00:00'", "00:30:00"},
      {"TIME '00:30:00' - INTERVAL DAY TO SECOND '+5 01:00:00'", "23:30:00"},
      {"TIMESTAMP(3) '2026-01-02 00:00:00' - TIMESTAMP(3) '2026-01-01 12:00:00'", "+0 12:00:00.000"},
      {"INTERVAL DAY TO SECOND '+0 00:00:10' * 6", "+0 00:01:00.000"},
      {"DATE '2026-01-31' + INTERVAL YEAR TO MONTH '9999999-00'", "row error: the time is moved out of range"},
      {"EXTRACT(YEAR FROM TIMESTAMP(3) '2026-05-17 13:14:15.678')", "2026"},
      {"EXTRACT(MILLISECOND FROM TIMESTAMP(3) '2026-05-17 13:14:15.678')", "678"},
      {"EXTRACT(EPOCH FROM TIMESTAMP(3) '1970-01-01 00:00:59.999')", "59"},
      {"EXTRACT(EPOCH FROM TIMESTAMP(3) '1969-12-31 23:59:59.5')", "-1"},
      {"EXTRACT(DOW FROM DATE '2026-01-04')", "1"},
      {"EXTRACT(ISODOW FROM DATE '2026-01-04')", "7"},
      {"EXTRACT(WEEK FROM DATE '2027-01-01')", "53"},
      {"EXTRACT(ISOYEAR FROM DATE '2027-01-01')", "2026"},
      {"EXTRACT(CENTURY FROM DATE '2000-12-31')", "20"},
      {"EXTRACT(CENTURY FROM DATE '2001-01-01')", "21"},
      {"EXTRACT(DAY FROM INTERVAL DAY TO SECOND '+3 04:05:06')", "3"},
      {"EXTRACT(HOUR FROM INTERVAL DAY TO SECOND '+3 04:05:06')", "4"},
      {"EXTRACT(MONTH FROM INTERVAL YEAR TO MONTH '1-03')", "3"},
      {"FLOOR(TIMESTAMP(3) '2026-05-17 13:14:15.678' TO HOUR)", "2026-05-17 13:00:00.000"},
      {"FLOOR(TIMESTAMP(3) '1969-12-31 23:59:59.999' TO MINUTE)", "1969-12-31 23:59:00.000"},
      {"FLOOR(TIMESTAMP(3) '2026-05-20 13:14:15.678' TO WEEK)", "2026-05-17 00:00:00.000"},
      {"CEIL(TIMESTAMP(3) '2026-12-31 13:14:15.678' TO QUARTER)", "2027-01-01 00:00:00.000"},
      {"CEIL(TIMESTAMP(3) '2026-05-17 13:00:00' TO HOUR)", "2026-05-17 13:00:00.000"},
      {"CEIL(TIMESTAMP(3) '2026-05-17 23:00:01' TO HOUR)", "2026-05-18 00:00:00.000"},
      {"FLOOR(DATE '2026-05-17' TO YEAR)", "2026-01-01"},
      {"TIMESTAMPADD(MONTH, 1, DATE '2026-01-31')", "2026-02-28"},
      {"TIMESTAMPADD(MINUTE, -1, TIMESTAMP(3) '2026-01-01')", "2025-12-31 23:59:00.000"},
      {"TIMESTAMPADD(YEAR, 999999999, DATE '2026-01-31')", "row error: the time is moved out of range"},
      {"TIMESTAMPADD(HOUR, 9223372036854775807, TIME '10:00:00')", "17:00:00"},
      {"TIMESTAMPDIFF(MONTH, TIMESTAMP(3) '2026-01-31', TIMESTAMP(3) '2026-02-28')", "1"},
      {"TIMESTAMPDIFF(MONTH, TIMESTAMP(3) '2026-01-15 12:00:00', TIMESTAMP(3) '2026-02-15')", "0"},
      {"TIMESTAMPDIFF(YEAR, DATE '2026-01-31', DATE '2024-02-01')", "-1"},
      {"TIMESTAMPDIFF(HOUR, TIMESTAMP(3) '2026-01-01 00:59:00', TIMESTAMP(3) '2026-01-01 02:00:00')", "1"},
  };
  expect_all(cases);
  EXPECT_TRUE(evaluate_text("EXTRACT(FORTNIGHT FROM DATE '2026-01-01')").starts_with("error: EXTRACT does not take"));
}

TEST(TemporalTest, Conversions) {
  const Case cases[] = {
      {"TO_TIMESTAMP('2026-01-02 03:04:05.678')", "2026-01-02 03:04:05.678"},
      {"TO_TIMESTAMP('nonsense')", "NULL"},
      {"TO_TIMESTAMP('20260102', 'yyyyMMdd')", "2026-01-02 00:00:00.000"},
      {"TO_TIMESTAMP('2026-02-30', 'yyyy-MM-dd')", "2026-02-28 00:00:00.000"},
      {"TO_TIMESTAMP('5/17/26 1:02 PM', 'M/d/yy h:mm a')", "2026-05-17 13:02:00.000"},
      {"TO_TIMESTAMP('2026T03.5', 'yyyy''T''HH.S')", "2026-01-01 03:00:00.500"},
      {"TO_TIMESTAMP('x', 'Q')", "NULL"},
      {"TO_TIMESTAMP_LTZ(1767322800123, 3)", "2026-01-02 03:00:00.123"},
      {"TO_TIMESTAMP_LTZ(1, 2)", "row error: the precision 2 is neither 0 (seconds) nor 3 (milliseconds)"},
      {"TO_TIMESTAMP_LTZ(9223372036854775807, 3)", "NULL"},
      {"DATE_FORMAT(TIMESTAMP(3) '2026-01-02 03:04:05.678', 'yyyyMMdd-HHmmss.SSS')", "20260102-030405.678"},
      {"DATE_FORMAT('2026-01-02 03:04:05', 'EEEE D')", "Friday 2"},
      {"DATE_FORMAT(DATE '2026-01-02', 'yy/M/d')", "26/1/2"},
      {"CONVERT_TZ('2026-07-02 03:00:00', 'UTC', 'Europe/Berlin')", "2026-07-02 05:00:00"},
      {"CONVERT_TZ('2026-07-02 03:00:00', 'UTC', 'Mars/Olympus')",
       "error: CONVERT_TZ: there is no time zone 'Mars/Olympus' (hint: use a name such as 'Europe/Berlin', or "
       "'+02:00')"},
  };
  expect_all(cases);
}

TEST(TemporalTest, OffsetsOfZones) {
  const Case cases[] = {{"TO_TIMESTAMP('2026-01-02 +UTC', 'yyyy-MM-dd VV')", "NULL"},
                        {"TO_TIMESTAMP('2026-01-02 UTC', 'yyyy-MM-dd VV')", "2026-01-02 00:00:00.000"},
                        {"TO_TIMESTAMP('2026-01-02 -18:00', 'yyyy-MM-dd VV')", "2026-01-02 00:00:00.000"},
                        {"TO_TIMESTAMP('2026-01-02 +18:01', 'yyyy-MM-dd VV')", "NULL"},
                        {"TO_TIMESTAMP('2026-01-02 GMT+18', 'yyyy-MM-dd O')", "2026-01-02 00:00:00.000"},
                        {"TO_TIMESTAMP('2026-01-02 GMT+19', 'yyyy-MM-dd O')", "NULL"},
                        {"UNIX_TIMESTAMP('1970-01-02 GMT+23:59', 'yyyy-MM-dd z')", "60"},
                        {"UNIX_TIMESTAMP('292277-01-09 GMT-99', 'yyyy-MM-dd z')", "-9223372036854775808"},
                        {"CONVERT_TZ('1970-01-01 00:00:00', 'UTC', '+1')", "1970-01-01 01:00:00"},
                        {"CONVERT_TZ('1970-01-01 00:00:00', '+0100', 'Etc/GMT+5')", "1969-12-31 18:00:00"}};
  expect_all(cases);
  for (const char* name : {"/usr/share/zoneinfo/Europe/Berlin", "Europe//Berlin", "../Berlin", "+01::00", "Mars", ""}) {
    EXPECT_FALSE(TimeZone::load(name).has_value()) << name;
  }
}

TEST(TemporalTest, SessionZoneAndQueryTime) {
  TimeZone berlin = TimeZone::load("Europe/Berlin").value();
  EvalContext context{.now_us = types::timestamp_from_text("2026-07-01 22:30:00.1234", false).value(), .zone = &berlin};
  const Case cases[] = {
      {"CAST(CURRENT_TIMESTAMP AS STRING)", "2026-07-02 00:30:00.123"},
      {"LOCALTIMESTAMP", "2026-07-02 00:30:00.123"},
      {"CURRENT_DATE", "2026-07-02"},
      {"LOCALTIME", "00:30:00"},
      {"UNIX_TIMESTAMP()", "1782945000"},
      {"EXTRACT(HOUR FROM CURRENT_TIMESTAMP)", "0"},
      {"CAST(FLOOR(CURRENT_TIMESTAMP TO DAY) AS STRING)", "2026-07-02 00:00:00.000"},
      {"CAST(TIMESTAMP(3) '2026-01-01 12:00:00' AS TIMESTAMP_LTZ(3))", "2026-01-01 11:00:00.000"},
      {"CAST(CAST('2026-01-01 12:00:00' AS TIMESTAMP_LTZ(3)) AS STRING)", "2026-01-01 12:00:00.000"},
      {"CAST(CAST('2026-01-01 12:00:00Z' AS TIMESTAMP_LTZ(3)) AS STRING)", "2026-01-01 13:00:00.000"},
      {"FROM_UNIXTIME(0)", "1970-01-01 01:00:00"},
      {"DATE_FORMAT(CURRENT_TIMESTAMP, 'HH:mm')", "00:30"},
  };
  expect_all(cases, context);
  EXPECT_FALSE((*testing::TestExpression::parse("NOW()"))->is_constant());
}

TEST(CastTest, Matrix) {
  const Case cases[] = {
      {"CAST(300 AS TINYINT)", "44"},
      {"CAST(1.9 AS INT)", "1"},
      {"CAST(-1.9e0 AS INT)", "-1"},
      {"CAST(9234567891.12345e0 AS INT)", "2147483647"},
      {"CAST(CAST('NaN' AS DOUBLE) AS BIGINT)", "0"},
      {"CAST(1e300 AS BIGINT)", "9223372036854775807"},
      {"CAST(123456.7890e0 AS SMALLINT)", "-7616"},
      {"CAST(3276913443134.87 AS INT)", "-146603714"},
      {"CAST(1.255 AS DECIMAL(3, 2))", "1.26"},
      {"CAST(12.5 AS DECIMAL(3, 2))", "row error: 12.5 does not fit DECIMAL(3, 2)"},
      {"CAST(1e0 AS DECIMAL(3, 2))", "1.00"},
      {"CAST(TRUE AS INT)", "1"},
      {"CAST(0 AS BOOLEAN)", "FALSE"},
      {"CAST(TRUE AS STRING)", "TRUE"},
      {"CAST('yes' AS BOOLEAN)", "TRUE"},
      {"CAST(' 12 ' AS BIGINT)", "12"},
      {"CAST('x' AS DOUBLE)", "row error: cannot read 'x' as DOUBLE"},
      {"TRY_CAST('x' AS DOUBLE)", "NULL"},
      {"CAST(9.87 AS FLOAT)", "9.87"},
      {"CAST('2026-01-02 03:04:05.6789' AS TIMESTAMP(3))", "2026-01-02 03:04:05.678"},
      {"CAST(TIMESTAMP(6) '2026-01-02 03:04:05.678901' AS TIMESTAMP(3))", "2026-01-02 03:04:05.678"},
      {"CAST(TIMESTAMP(3) '1969-12-31 23:00:00' AS DATE)", "1969-12-31"},
      {"CAST(TIMESTAMP(3) '1969-12-31 23:00:01' AS TIME)", "23:00:01"},
      {"CAST(DATE '2026-01-02' AS TIMESTAMP(3))", "2026-01-02 00:00:00.000"},
      {"CAST(INTERVAL DAY TO SECOND '+0 00:00:01.5' AS BIGINT)", "1500"},
      {"CAST(1500 AS INTERVAL DAY TO SECOND)", "+0 00:00:01.500"},
      {"CAST('aé' AS BYTES)", "61c3a9"},
      {"CAST(UNHEX('61c3a9') AS STRING)", "aé"},
      {"CAST(UNHEX('61ffc3eda08062') AS STRING)", "a\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDb"},
      {"CAST(NULL AS INT)", "NULL"},
  };
  expect_all(cases);
  EXPECT_TRUE(
      evaluate_text("CAST(DATE '2026-01-02' AS TIME)").starts_with("error: there is no cast from DATE to TIME"));
}

}  // namespace
}  // namespace penstock::expr
