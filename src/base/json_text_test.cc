#include "base/json_text.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(JsonText, StringsAreAlwaysValid) {
  EXPECT_EQ(json_string("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            "\"a\xef\xbf\xbd"
            "b\"");
  EXPECT_EQ(json_string("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // a surrogate
  EXPECT_EQ(json_string("\xc3"), "\"\xef\xbf\xbd\"");
  EXPECT_EQ(json_string(std::string_view("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\\u007f\"");
  EXPECT_EQ(json_string("a\"b\\c\n\r\t\b\f"), R"("a\"b\\c\n\r\t\b\f")");
}

TEST(JsonText, TheTailOfATextIsMadeAString) {
  std::string out = "x:plain text";
  quote_json_tail(out, 2);
  EXPECT_EQ(out, "x:\"plain text\"");
  out += R"(,\x41 "q")";
  quote_json_tail(out, out.find('\\'));
  EXPECT_EQ(out, R"(x:"plain text","\\x41 \"q\"")");
  quote_json_tail(out, out.size());
  EXPECT_TRUE(out.ends_with("\"\""));
}

}  // namespace
}  // namespace penstock
