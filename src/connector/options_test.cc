#include "connector/options.h"

#include <gtest/gtest.h>

namespace penstock::connector {
namespace {

constexpr OptionDoc kDocs[] = {{"path", "required", ""},  {"size", "", ""},         {"interval", "", ""},
                               {"fields.#.kind", "", ""}, {"fields.#.min", "", ""}, {"mode", "a", ""},
                               {"rate", "", ""},          {"properties.*", "", ""}, {"flag", "false", ""}};

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
