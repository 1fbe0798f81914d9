#include "types/value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "types/calendar.h"
#include "types/decimal.h"

namespace penstock::types {
namespace {

DataType type_of(std::string_view text) { return DataType::parse(text).value(); }

struct TextCase {
  const char* type;
  const char* text;
  const char* canonical;  // nullptr: an error
};

TEST(ValueTextTest, ReadsAndPrintsAsFlinkCasts) {
  const TextCase cases[] = {
      {"BOOLEAN", "true", "TRUE"},
      {"BOOLEAN", "F", "FALSE"},
      {"BOOLEAN", "maybe", nullptr},
      {"TINYINT", "-128", "-128"},
      {"TINYINT", "128", nullptr},
      {"INT", " 42 ", "42"},
      {"INT", "+7", "7"},
      {"INT", "+-7", nullptr},
      {"INT", "1.999", "1"},
      {"INT", "2147483648", nullptr},
      {"INT", "", nullptr},
      {"INT", "12a", nullptr},
      {"BIGINT", "-9223372036854775808", "-9223372036854775808"},
      {"BIGINT", "9223372036854775808", nullptr},
      {"DOUBLE", "1", "1.0"},
      {"DOUBLE", "1e10", "1.0E10"},
      {"DOUBLE", "-0.0", "-0.0"},
      {"DOUBLE", "9999999", "9999999.0"},
      {"DOUBLE", "10000000", "1.0E7"},
      {"DOUBLE", "0.001", "0.001"},
      {"DOUBLE", "0.00099", "9.9E-4"},
      {"DOUBLE", "123456.789", "123456.789"},
      {"DOUBLE", "1e999", "Infinity"},
      {"DOUBLE", "-1e999", "-Infinity"},
      {"DOUBLE", "1e-999", "0.0"},
      {"DOUBLE", "NaN", "NaN"},
      {"DOUBLE", "1.7976931348623157E308", "1.7976931348623157E308"},
      {"DOUBLE", "1..2", nullptr},
      {"FLOAT", "3.4028235E38", "3.4028235E38"},
      {"FLOAT", "-3276913443134", "-3.2769135E12"},
      {"FLOAT", "0.1", "0.1"},
      {"DECIMAL(4, 3)", "9.87", "9.870"},
      {"DECIMAL(4, 3)", "9.8765", "9.877"},
      {"DECIMAL(4, 3)", "-9.8765", "-9.877"},
      {"DECIMAL(4, 3)", "10", nullptr},
      {"DECIMAL(4, 3)", "9.9995", nullptr},
      {"DECIMAL(3, 0)", "1e2", "100"},
      {"DECIMAL(3, 3)", "0.5", "0.500"},
      {"DECIMAL(3, 3)", "5e-4", "0.001"},
      {"DECIMAL(3, 3)", "4e-4", "0.000"},
      {"DECIMAL(3, 3)", "1e-999999999", "0.000"},
      {"DECIMAL(3, 3)", "1e999999999", nullptr},
      {"DECIMAL(3, 3)", "0e999999999", "0.000"},
      {"DECIMAL(38, 0)", "99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
      {"DECIMAL(38, 0)", "-99999999999999999999999999999999999999", "-99999999999999999999999999999999999999"},
      {"DECIMAL(38, 0)", "100000000000000000000000000000000000000", nullptr},
      {"DECIMAL(38, 38)", "0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"},
      {"DECIMAL(10, 2)", ".", nullptr},
      {"DECIMAL(10, 2)", "1.2.3", nullptr},
      {"DECIMAL(10, 2)", ".5", "0.50"},
      {"DECIMAL(10, 2)", "5.", "5.00"},
      {"DECIMAL(10, 2)", "1e", nullptr},
      {"STRING", " kept as it is ", " kept as it is "},
      {"BYTES", "852bfc7D05", "852bfc7d05"},
      {"BYTES", "8", nullptr},
      {"BYTES", "0g", nullptr},
      {"DATE", "2021-09-27", "2021-09-27"},
      {"DATE", "123", "0123-01-01"},
      {"DATE", "2021-09-27 12:34:56.123456789", "2021-09-27"},
      {"DATE", "2021/09/27", nullptr},
      {"DATE", "2021-02-29", nullptr},
      {"DATE", "2020-02-29", "2020-02-29"},
      {"DATE", "2021-13-01", nullptr},
      {"TIME(0)", "23", "23:00:00"},
      {"TIME(3)", "23:45", "23:45:00.0"},
      {"TIME(5)", "12:34:56.123", "12:34:56.123"},
      {"TIME(0)", "24:00:00", nullptr},
      {"TIME(0)", "2021-09-27", nullptr},
      {"TIMESTAMP(3)", "2026-01-02 03:04:05.678", "2026-01-02 03:04:05.678"},
      {"TIMESTAMP(3)", "2026-01-02T03:04:05", "2026-01-02 03:04:05.000"},
      {"TIMESTAMP(9)", "2021-09-27 12:34:56.123456789", "2021-09-27 12:34:56.123456000"},
      {"TIMESTAMP(0)", "2021-09-27", "2021-09-27 00:00:00"},
      {"TIMESTAMP(6)", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"},
      {"TIMESTAMP(3)", "123", nullptr},
      {"TIMESTAMP(3)", "2021-09-27 12:34:56.1234567890", nullptr},
      {"TIMESTAMP(3)", "2021-09-27 12:34:56.", nullptr},
      {"TIMESTAMP(3)", "2021-09-27 12:34:60", nullptr},
      {"TIMESTAMP(3)", "2021-09-27 12:34:56Z", nullptr},
      {"TIMESTAMP_LTZ(3)", "2021-09-27 12:34:56Z", "2021-09-27 12:34:56.000"},
      {"TIMESTAMP_LTZ(3)", "2021-09-27T12:34:56.5+02:00", "2021-09-27 10:34:56.500"},
      {"TIMESTAMP_LTZ(3)", "2021-09-27T12:34:56.5-0230", "2021-09-27 15:04:56.500"},
      {"INTERVAL DAY TO SECOND", "+1 10:17:36.789", "+1 10:17:36.789"},
      {"INTERVAL DAY TO SECOND", "-0 00:00:00.000001", "-0 00:00:00.000001"},
      {"INTERVAL DAY TO SECOND", "999999999 00:00:00", nullptr},
      {"INTERVAL YEAR TO MONTH", "-10-03", "-10-03"},
      {"INTERVAL YEAR TO MONTH", "1027-10", "+1027-10"},
      {"INTERVAL YEAR TO MONTH", "1-12", nullptr},
  };
  for (const TextCase& c : cases) {
    SCOPED_TRACE(std::string(c.type) + " from '" + c.text + "'");
    DataType type = type_of(c.type);
    auto value = from_text(c.text, type);
    if (c.canonical == nullptr) {
      EXPECT_FALSE(value.has_value()) << to_text(*value, type);
      continue;
    }
    ASSERT_TRUE(value.has_value()) << value.error().to_string();
    EXPECT_EQ(to_text(*value, type), c.canonical);
    auto again = from_text(c.canonical, type);
    ASSERT_TRUE(again.has_value()) << again.error().to_string();
    EXPECT_EQ(to_text(*again, type), c.canonical);
  }
}

TEST(ValueTextTest, NullIsNull) { EXPECT_EQ(to_text(Value(), TypeKind::kInt), "NULL"); }

TEST(ValueTextTest, ErrorShowsTextAndType) {
  auto value = from_text("abc", DataType(TypeKind::kInt).with_nullable(false));
  EXPECT_EQ(value.error().message(), "cannot read 'abc' as INT");
}

TEST(ValueTextTest, EveryDoubleReadsBack) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    double value = std::bit_cast<double>(random());
    if (std::isnan(value)) continue;
    std::string text;
    append_double(text, value, false);
    EXPECT_EQ(double_from_text(text).value(), value) << text;
    float narrow = static_cast<float>(value);
    text.clear();
    append_double(text, narrow, true);
    EXPECT_EQ(static_cast<float>(double_from_text(text).value()), narrow) << text;
  }
}

TEST(ValueTextTest, EveryTimestampReadsBack) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 20'000; ++i) {
    int64_t micros = static_cast<int64_t>(random()) >> (random() % 40 + 1);
    std::string text;
    append_timestamp(text, micros, 6);
    auto back = timestamp_from_text(text, false);
    ASSERT_TRUE(back.has_value()) << text;
    EXPECT_EQ(*back, micros) << text;
  }
}

TEST(ValueTextTest, EveryDecimalReadsBack) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 20'000; ++i) {
    int precision = static_cast<int>(random() % 38) + 1;
    int scale = static_cast<int>(random() % static_cast<uint64_t>(precision + 1));
    Int128 unscaled = (static_cast<Int128>(random()) << 64 | random()) % power_of_ten(precision);
    std::string text = int128_to_text(unscaled, scale);
    EXPECT_TRUE(decimal_from_text(text, precision, scale).value() == unscaled) << text;
  }
}

TEST(CalendarTest, DaysAndDatesAreInverse) {
  for (int64_t days = -1'000'000; days < 1'000'000; days += 37) {
    CivilDate date = civil_from_days(days);
    EXPECT_EQ(days_from_civil(date), days);
    EXPECT_LE(date.day, days_in_month(date.year, date.month));
  }
  EXPECT_EQ(days_from_civil({1970, 1, 1}), 0);
  EXPECT_EQ(days_from_civil({2000, 3, 1}), 11017);
  EXPECT_EQ(civil_from_days(-1), (CivilDate{1969, 12, 31}));
}

TEST(CalendarTest, MonthsEndInsideTheMonth) {
  EXPECT_EQ(add_months(days_from_civil({2021, 1, 31}), 1), days_from_civil({2021, 2, 28}));
  EXPECT_EQ(add_months(days_from_civil({2020, 1, 31}), 1), days_from_civil({2020, 2, 29}));
  EXPECT_EQ(add_months(days_from_civil({2020, 1, 31}), -13), days_from_civil({2018, 12, 31}));
}

TEST(DecimalTest, RescaleRoundsHalfAwayFromZero) {
  EXPECT_TRUE(rescale_decimal(125, 2, 1, 10) == Int128{13});
  EXPECT_TRUE(rescale_decimal(-125, 2, 1, 10) == Int128{-13});
  EXPECT_TRUE(rescale_decimal(124, 2, 1, 10) == Int128{12});
  EXPECT_TRUE(rescale_decimal(5, 0, 3, 4) == Int128{5000});
  EXPECT_FALSE(rescale_decimal(5, 0, 3, 3).has_value());
  EXPECT_FALSE(rescale_decimal(power_of_ten(38) - 1, 0, 38, 38).has_value());
}

TEST(DecimalTest, DoublesConvertThroughTheirShortestText) {
  EXPECT_TRUE(decimal_from_double(1.005, 10, 2) == Int128{101});
  EXPECT_FALSE(decimal_from_double(std::numeric_limits<double>::infinity(), 10, 2).has_value());
  EXPECT_FALSE(decimal_from_double(1e10, 5, 0).has_value());
  EXPECT_EQ(decimal_to_double(987, 2), 9.87);
  Int128 wide = decimal_from_text("123456789.123456789123456789", 30, 20).value();
  EXPECT_EQ(decimal_to_double(wide, 20), 1.2345678912345679E8);
}

}  // namespace
}  // namespace penstock::types
