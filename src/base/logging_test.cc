#include "base/logging.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace penstock::logging {
namespace {

constexpr int64_t kWhenUs = 1'767'323'045'678'999;  // 2026-01-02T03:04:05.678999Z

std::string logfmt(std::string_view message, std::initializer_list<Field> fields = {}) {
  return format_line(Format::kLogfmt, kWhenUs, Level::kInfo, message, fields);
}
std::string json(std::string_view message, std::initializer_list<Field> fields = {}) {
  return format_line(Format::kJson, kWhenUs, Level::kWarning, message, fields);
}

TEST(Logging, LogfmtQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(logfmt("topic created", {{"topic", "orders"}, {"partitions", 4}, {"ratio", 0.5}, {"compacted", true}}),
            "ts=2026-01-02T03:04:05.678Z level=info msg=\"topic created\" topic=orders partitions=4 ratio=0.5 "
            "compacted=true\n");
  EXPECT_EQ(
      logfmt("up", {{"a", ""}, {"b", "x=y"}, {"c", "say \"hi\""}, {"d", "back\\slash"}}),
      "ts=2026-01-02T03:04:05.678Z level=info msg=up a=\"\" b=\"x=y\" c=\"say \\\"hi\\\"\" d=\"back\\\\slash\"\n");
}

TEST(Logging, JsonIsOneObjectALine) {
  EXPECT_EQ(
      json("disk \"full\"", {{"path", "a b"}, {"free", int64_t{-1}}, {"ok", false}}),
      R"({"ts":"2026-01-02T03:04:05.678Z","level":"warning","msg":"disk \"full\"","path":"a b","free":-1,"ok":false})"
      "\n");
}

TEST(Logging, JsonHasNoNumberForNanAndInfinity) {
  const std::string line =
      json("m", {{"a", std::numeric_limits<double>::quiet_NaN()}, {"b", -std::numeric_limits<double>::infinity()}});
  EXPECT_TRUE(line.ends_with(R"("a":"nan","b":"-inf"})"
                             "\n"))
      << line;
}

TEST(Logging, NoInputBreaksALine) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value{'a', static_cast<char>(byte), 'b'};
    for (const std::string& line : {logfmt(value, {{"v", value}}), json(value, {{"v", value}})}) {
      EXPECT_EQ(line.find('\n'), line.size() - 1) << byte;
      EXPECT_EQ(line.find_first_of(std::string_view("\0\r\t\x1b\x7f", 5)), std::string::npos) << byte;
    }
  }
  EXPECT_TRUE(json("m", {{"v", "a\nb\tc\rd\x01"}})
                  .ends_with(R"("v":"a\nb\tc\rd\u0001"})"
                             "\n"));
}

TEST(Logging, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  const std::string good = "h\u00e9 \u20ac \U0001f600 \u0800 \U0010ffff";
  EXPECT_NE(json(good).find(good), std::string::npos);
  const std::string replacement = "\ufffd";
  // A lone continuation, a cut character, an overlong slash, a surrogate, one past U+10FFFF, 0xff.
  for (const std::string bad : {"\x80", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"}) {
    std::string expected;
    for (size_t i = 0; i < bad.size(); ++i) expected += replacement;
    EXPECT_NE(json(bad).find("\"msg\":\"" + expected + "\""), std::string::npos);
    EXPECT_NE(logfmt("m", {{"v", bad}}).find("v=\"" + expected + "\""), std::string::npos);
  }
}

TEST(Logging, LongValuesAreCut) {
  const std::string exact(kValueBytesMax, 'x');
  EXPECT_NE(logfmt("m", {{"v", exact}, {"w", 1}}).find("v=" + exact + " w=1"), std::string::npos);
  EXPECT_NE(logfmt("m", {{"v", exact + "x"}}).find("v=\"" + exact + "...\""), std::string::npos);
  EXPECT_NE(json("m", {{"v", exact + "x"}}).find("\"v\":\"" + exact + "...\""), std::string::npos);
  std::string euros;
  while (euros.size() < 2 * kValueBytesMax) euros += "\u20ac";
  EXPECT_EQ(json(euros).find("\ufffd"), std::string::npos);
}

// Standard error of `body`, through a pipe-less file so that any amount fits.
template <class Body>
std::string capture_stderr(Body body) {
  std::FILE* file = std::tmpfile();
  const int saved = dup(STDERR_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
  body();
  dup2(saved, STDERR_FILENO);
  close(saved);
  std::rewind(file);
  std::string out;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) out += static_cast<char>(c);
  std::fclose(file);
  return out;
}

TEST(Logging, TheLevelDecidesWhatIsWritten) {
  const std::string out = capture_stderr([] {
    debug("not at info");
    info("yes");
    configure(Level::kError, Format::kJson);
    warning("not at error");
    error("yes");
    configure(Level::kOff, Format::kJson);
    error("never");
    configure(Level::kInfo, Format::kLogfmt);
  });
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2) << out;
  EXPECT_NE(out.find("level=info msg=yes\n"), std::string::npos);
  EXPECT_NE(out.find(R"("level":"error","msg":"yes"})"), std::string::npos);
}

TEST(Logging, LinesOfSeveralThreadsStayWhole) {
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  const std::string out = capture_stderr([] {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < kLines; ++i) info("line", {{"thread", t}, {"i", i}, {"pad", std::string(200, 'p')}});
      });
    }
  });
  size_t lines = 0;
  for (size_t at = 0; at < out.size(); at = out.find('\n', at) + 1, ++lines) {
    ASSERT_EQ(out.compare(at, 3, "ts="), 0);
    ASSERT_EQ(out.find("\n", at) - out.find("pad=", at), 204U);
  }
  EXPECT_EQ(lines, size_t{kThreads} * kLines);
}

}  // namespace
}  // namespace penstock::logging
