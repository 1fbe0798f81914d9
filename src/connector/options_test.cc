#include "connector/options.h"

#include <gtest/gtest.h>

namespace penstock::connector {
namespace {

constexpr OptionDoc kDocs[] = {{"path", "required", ""},  {"size", "", ""},         {"interval", "", ""},
                               {"fields.#.kind", "", ""}, {"fields.#.min", "", ""}, {"mode", "a", ""},
                               {"rate", "", ""},          {"properties.*", "", ""}, {"flag", "false", ""}};

TEST(OptionsTest, Durations) {
  EXPECT_EQ(parse_duration_us("500"), 500'000);
  EXPECT_EQ(parse_duration_us("500 ms"), 500'000);
  EXPECT_EQ(parse_duration_us(" 10s "), 10'000'000);
  EXPECT_EQ(parse_duration_us("5 MIN"), 300'000'000);
  EXPECT_EQ(parse_duration_us("1 day"), 86'400'000'000);
  EXPECT_EQ(parse_duration_us("0"), 0);
  for (const char* wrong : {"", "-1 s", "s", "1.5 s", "1 fortnight", "1 s s", "9223372036854775807 d"}) {
    EXPECT_EQ(parse_duration_us(wrong), std::nullopt) << wrong;
  }
}

TEST(OptionsTest, Sizes) {
  EXPECT_EQ(parse_size_bytes("7"), 7);
  EXPECT_EQ(parse_size_bytes("64 kb"), 65'536);
  EXPECT_EQ(parse_size_bytes("128MB"), 134'217'728);
  EXPECT_EQ(parse_size_bytes("2 g"), 2LL << 30);
  for (const char* wrong : {"", "MB", "-1", "1 xb", "9223372036854775807 kb"}) {
    EXPECT_EQ(parse_size_bytes(wrong), std::nullopt) << wrong;
  }
}

TEST(OptionsTest, WhatIsNotKnownIsRefusedWithTheNearest) {
  const OptionMap options{{"connector", "x"}, {"paht", "/tmp"}};
  TableOptions reader("t", options, kDocs);
  EXPECT_FALSE(reader.has("path"));
  const Status finished = reader.finish();
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().to_string(), "table \"t\": unknown option 'paht' (hint: did you mean \"path\"?)");
}

TEST(OptionsTest, ValuesAreChecked) {
  const OptionMap options{{"path", ""},    {"size", "big"}, {"interval", "soon"},
                          {"rate", "12x"}, {"mode", "C"},   {"flag", "yes"}};
  TableOptions reader("t", options, kDocs);
  EXPECT_EQ(reader.require("path").value(), "");
  EXPECT_EQ(reader.get_size_bytes("size", 0).error().message(),
            "table \"t\": option 'size' = 'big': expected a size such as '64 kb' or '128 MB'");
  EXPECT_FALSE(reader.get_duration_us("interval", 0));
  EXPECT_FALSE(reader.get_int("rate", 0, 0, 100));
  EXPECT_FALSE(reader.get_double("rate", 0));
  EXPECT_FALSE(reader.get_bool("flag", false));
  EXPECT_EQ(reader.get_choice("mode", "a", {"a", "b"}).error().message(),
            "table \"t\": option 'mode' = 'c': expected one of a, b");
  EXPECT_TRUE(reader.finish());
}

TEST(OptionsTest, Defaults) {
  const OptionMap options;
  TableOptions reader("t", options, kDocs);
  EXPECT_EQ(reader.get_size_bytes("size", 5).value(), 5);
  EXPECT_EQ(reader.get_duration_us("interval", 6).value(), 6);
  EXPECT_EQ(reader.get_int("rate", 7, 0, 100).value(), 7);
  EXPECT_EQ(reader.get_bool("flag", true).value(), true);
  EXPECT_EQ(reader.get_choice("mode", "a", {"a", "b"}).value(), "a");
  EXPECT_EQ(reader.require("path").error().message(), "table \"t\": option 'path' is required");
}

TEST(OptionsTest, WildcardsStandForColumnNamesAndPrefixes) {
  const OptionMap options{{"fields.a.b.kind", "random"}, {"properties.x", "1"}, {"properties.y", "2"}};
  TableOptions reader("t", options, kDocs);
  EXPECT_EQ(reader.get("fields.a.b.kind", ""), "random");
  EXPECT_EQ(reader.with_prefix("properties."), (OptionMap{{"x", "1"}, {"y", "2"}}));
  EXPECT_TRUE(reader.finish());
}

}  // namespace
}  // namespace penstock::connector
