#include "format/format.h"

#include <gtest/gtest.h>

namespace penstock::format {
namespace {

std::string parse_error(std::string_view format, const std::map<std::string, std::string>& options) {
  Result<FormatOptions> parsed = FormatOptions::parse(format, options);
  return parsed ? "no error" : parsed.error().to_string();
}

TEST(FormatOptionsTest, ReadsOptions) {
  FormatOptions json = FormatOptions::parse("json", {{"json.ignore-parse-errors", "true"},
                                                     {"json.timestamp-format.standard", "ISO-8601"}})
                           .value();
  EXPECT_EQ(json.kind, FormatKind::kJson);
  EXPECT_TRUE(json.ignore_parse_errors);
  EXPECT_EQ(json.timestamp_format, TimestampFormat::kIso8601);
  FormatOptions csv =
      FormatOptions::parse(
          "csv", {{"csv.field-delimiter", "\\t"}, {"csv.null-literal", ""}, {"csv.disable-quote-character", "TRUE"}})
          .value();
  EXPECT_EQ(csv.field_delimiter, '\t');
  EXPECT_TRUE(csv.has_null_literal);
  EXPECT_EQ(csv.quote_character, 0);
  EXPECT_EQ(FormatOptions::parse("raw", {})->kind, FormatKind::kRaw);
}

TEST(FormatOptionsTest, ErrorsHelp) {
  EXPECT_EQ(parse_error("jsonn", {}),
            "there is no format 'jsonn' (hint: the formats are json, csv, raw, debezium-json)");
  EXPECT_EQ(parse_error("json", {{"json.ignore-parse-error", "true"}}),
            "the format json has no option 'json.ignore-parse-error' (hint: did you mean 'json.ignore-parse-errors'?)");
  EXPECT_EQ(parse_error("json", {{"json.ignore-parse-errors", "yes"}}),
            "option 'json.ignore-parse-errors': expected true or false and not 'yes'");
  EXPECT_EQ(parse_error("csv", {{"csv.field-delimiter", "ab"}}),
            "option 'csv.field-delimiter': expected one character and not 'ab'");
  EXPECT_EQ(parse_error("csv", {{"csv.field-delimiter", "\""}}),
            "csv.field-delimiter and csv.quote-character are the same");
  EXPECT_EQ(parse_error("csv", {{"csv.escape-character", "\\"}, {"csv.null-literal", "\\N"}}),
            "csv.null-literal contains the csv.escape-character");
  EXPECT_EQ(parse_error("raw", {{"csv.null-literal", "x"}}),
            "the format raw has no option 'csv.null-literal' (hint: its options are raw.endianness, raw.charset)");
  EXPECT_EQ(parse_error("json", {{"json.ignore-parse-errors", "true"}, {"json.fail-on-missing-field", "true"}}),
            "json.fail-on-missing-field and json.ignore-parse-errors cannot both be true");
}

TEST(FormatOptionsTest, EveryOptionIsDocumentedWithAWorkingDefault) {
  for (const FormatOptionDoc& doc : format_option_docs()) {
    EXPECT_FALSE(doc.description.empty()) << doc.key;
    if (doc.default_value.empty()) continue;
    std::string format(doc.key.substr(0, doc.key.find('.')));
    EXPECT_EQ(parse_error(format, {{std::string(doc.key), std::string(doc.default_value)}}), "no error") << doc.key;
  }
}

}  // namespace
}  // namespace penstock::format
