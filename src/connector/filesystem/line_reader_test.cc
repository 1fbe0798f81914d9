#include "connector/filesystem/line_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "io/simulated_env.h"
#include "log/compression.h"

namespace penstock::connector {
namespace {

using State = LineReader::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LineReaderTest : public testing::Test {
 protected:
  LineReaderTest() {
    options_.format.kind = format::FormatKind::kRaw;
    options_.record_bytes_max = 1000;
    options_.buffer_bytes = 16;
    options_.on_bad_line = [this](const BadLine& line) {
      bad_.push_back(fmt::format("@{} {}: {}", line.offset, line.raw, line.error));
    };
    file_ = env_.open("/f", io::OpenMode::kCreateNew).value();
  }

  void append(std::string_view text) { ASSERT_TRUE(file_->write_at(file_->size().value(), text)); }

  LineReader open(uint64_t position = 0, const std::string& name = "f") {
    return {options_, FileBytes::open(env_, "/f", name, position).value(), position};
  }
  // Reads until there is nothing more for now: "0:line", "5:next".
  std::vector<std::string> read(LineReader& reader, State until = State::kEnd, size_t lines_max = 100) {
    std::vector<std::string> all;
    std::vector<Line> lines;
    for (int i = 0; i < 1'000'000; ++i) {
      const auto state = reader.read(lines_max, lines);
      EXPECT_TRUE(state) << state.error().to_string();
      if (!state) return all;
      for (const Line& line : lines) all.push_back(fmt::format("{}:{}", line.offset, line.text));
      if (*state == State::kLines || *state == State::kMore) {
        EXPECT_EQ(lines.empty(), *state == State::kMore);
        continue;
      }
      EXPECT_EQ(*state, until);
      return all;
    }
    ADD_FAILURE() << "no end";
    return all;
  }
  // A file that ends where it ends now.
  std::vector<std::string> read_all(std::string_view text) {
    append(text);
    LineReader reader = open();
    reader.end_at(file_->size().value());
    return read(reader);
  }
  std::vector<std::string> take_bad() { return std::exchange(bad_, {}); }

  io::SimulatedEnv env_{1};
  std::unique_ptr<io::File> file_;
  LineReader::Options options_;
  std::vector<std::string> bad_;
};

TEST_F(LineReaderTest, LinesEndWithLfOrCrLfAndTheLastWithNeither) {
  EXPECT_THAT(read_all("a\r\nbc\n\nd"), ElementsAre("0:a", "3:bc", "6:", "7:d"));
}

TEST_F(LineReaderTest, AnEmptyFileHasNone) { EXPECT_THAT(read_all(""), IsEmpty()); }

TEST_F(LineReaderTest, AByteOrderMarkIsNoPartOfTheFirstLine) {
  EXPECT_THAT(read_all("\xef\xbb\xbf"
                       "a\nb\n"),
              ElementsAre("3:a", "5:b"));
}

TEST_F(LineReaderTest, HalfAByteOrderMarkIsText) { EXPECT_THAT(read_all("\xef\xbb"), ElementsAre("0:\xef\xbb")); }

TEST_F(LineReaderTest, ALineOfColumnNamesIsPassedOver) {
  options_.format.kind = format::FormatKind::kCsv;
  options_.header = true;
  EXPECT_THAT(read_all("\xef\xbb\xbf"
                       "name,n\na,1\nname,n\n"),
              ElementsAre("10:a,1", "14:name,n"));
}

TEST_F(LineReaderTest, BlankLinesOfJsonAreNoRecords) {
  options_.format.kind = format::FormatKind::kJson;
  EXPECT_THAT(read_all("{}\n\n \t\r\n{}\n"), ElementsAre("0:{}", "8:{}"));
}

TEST_F(LineReaderTest, QuotedLineEndsOfCsvDoNotCount) {
  options_.format.kind = format::FormatKind::kCsv;
  EXPECT_THAT(read_all("\"a\nb\",1\n\"c \"\"\n\",2\n"), ElementsAre("0:\"a\nb\",1", "8:\"c \"\"\n\",2"));
}

TEST_F(LineReaderTest, WithoutAnEndTheRestOfALineIsWaitedFor) {
  append("whole\nhal");
  LineReader reader = open();
  EXPECT_THAT(read(reader, State::kRest), ElementsAre("0:whole"));
  EXPECT_EQ(reader.position(), 6u);
  EXPECT_EQ(reader.seen(), 9u);
  append("f");
  reader.rest();
  EXPECT_THAT(read(reader, State::kRest), IsEmpty());
  append("\nnext\n");
  EXPECT_THAT(read(reader, State::kRest), ElementsAre("6:half", "11:next"));
  append("rest");
  reader.end_at(UINT64_MAX);
  EXPECT_THAT(read(reader), ElementsAre("16:rest"));
}

TEST_F(LineReaderTest, ReadingGoesOnAtAPosition) {
  append("a\nbb\nccc\n");
  LineReader reader = open(5);
  EXPECT_THAT(read(reader, State::kRest), ElementsAre("5:ccc"));
}

TEST_F(LineReaderTest, ItStopsBeforeAPositionUntilItIsLetGo) {
  append("a\nbb\nccc\n");
  LineReader reader = open();
  reader.end_at(9);
  reader.stop_at(2);
  EXPECT_THAT(read(reader, State::kRest), ElementsAre("0:a"));
  reader.stop_at(std::nullopt);
  EXPECT_THAT(read(reader), ElementsAre("2:bb", "5:ccc"));
}

TEST_F(LineReaderTest, ALongLineIsBadAndTheNextOneIsNot) {
  options_.record_bytes_max = 20;
  EXPECT_THAT(read_all("a\n" + std::string(5000, 'x') + "\nb\n"), ElementsAre("0:a", "5003:b"));
  EXPECT_THAT(take_bad(), ElementsAre(HasSubstr(": longer than 20 bytes")));
}

TEST_F(LineReaderTest, ALongLastLineIsBad) {
  options_.record_bytes_max = 20;
  EXPECT_THAT(read_all("a\n" + std::string(500, 'x')), ElementsAre("0:a"));
  EXPECT_THAT(take_bad(), ElementsAre(testing::StartsWith("@2 xxx")));
}

TEST_F(LineReaderTest, ALineOfJustTheLimitIsGood) {
  options_.record_bytes_max = 20;
  EXPECT_THAT(read_all(std::string(20, 'x') + "\n" + std::string(21, 'y') + "\n"),
              ElementsAre("0:" + std::string(20, 'x')));
  EXPECT_THAT(take_bad(), ElementsAre(testing::StartsWith("@21 yyy")));
}

TEST_F(LineReaderTest, WhileALongLineIsPassedOverThePositionIsItsBeginning) {
  options_.record_bytes_max = 20;
  append("a\n" + std::string(500, 'x'));
  LineReader reader = open();
  EXPECT_THAT(read(reader, State::kRest), ElementsAre("0:a"));
  EXPECT_EQ(reader.position(), 2u);
  EXPECT_THAT(take_bad(), IsEmpty()) << "its end has not come";
  append("\nb\n");
  EXPECT_THAT(read(reader, State::kRest), ElementsAre("503:b"));
  EXPECT_THAT(take_bad(), ElementsAre(testing::StartsWith("@2 xxx")));
}

TEST_F(LineReaderTest, AQuoteThatIsNeverClosedCostsOneLine) {
  options_.format.kind = format::FormatKind::kCsv;
  options_.record_bytes_max = 200;
  std::string text = "a,1\n\"open,2\n";
  for (int i = 0; i < 100; ++i) text += fmt::format("b,{}\n", i);
  EXPECT_EQ(read_all(text).size(), 101u);
  EXPECT_THAT(take_bad(), ElementsAre(HasSubstr("@4 \"open,2: a quote is not closed")));
}

// Any content, in pieces of any size, is read as a plain split would.
TEST_F(LineReaderTest, PiecesMakeNoDifference) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::string text;
    for (uint32_t i = random() % 400; i > 0; --i) text += "ab\r\n"[random() % 4];
    std::vector<std::string> expected;
    for (size_t at = 0; at < text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      std::string line = text.substr(at, end - at);
      if (line.ends_with('\r')) line.pop_back();
      expected.push_back(fmt::format("{}:{}", at, line));
      at = end + 1;
    }
    ASSERT_TRUE(file_->truncate(0));
    options_.buffer_bytes = 1 + random() % 40;
    size_t given = 0;
    LineReader reader = open();
    std::vector<std::string> lines;
    while (given < text.size()) {
      const size_t size = std::min<size_t>(text.size() - given, random() % 60);
      append(std::string_view(text).substr(given, size));
      given += size;
      std::ranges::move(read(reader, State::kRest, 1 + random() % 5), std::back_inserter(lines));
      if (random() % 2 == 0) reader.rest();
    }
    reader.end_at(text.size());
    std::ranges::move(read(reader), std::back_inserter(lines));
    EXPECT_EQ(lines, expected) << "seed " << seed;
  }
}

TEST_F(LineReaderTest, CompressedFilesAreReadAsWhatIsInThem) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += fmt::format("line {}\n", i);
  for (const auto& [codec, name] :
       {std::pair{log::CompressionCodec::kGzip, "f.gz"}, {log::CompressionCodec::kZstd, "f.zst"}}) {
    ASSERT_TRUE(file_->truncate(0));
    const std::string first = log::compress(codec, text).value();
    append(first);
    append(log::compress(codec, "last\n").value());  // a second member or frame
    LineReader whole = open(0, name);
    whole.end_at(file_->size().value());
    const auto lines = read(whole);
    ASSERT_EQ(lines.size(), 3001u);
    EXPECT_EQ(lines.back(), fmt::format("{}:last", text.size()));
    LineReader rest = open(text.size() - 10, name);
    rest.end_at(file_->size().value());
    EXPECT_THAT(read(rest), ElementsAre(fmt::format("{}:line 2999", text.size() - 10), lines.back()));
    EXPECT_THAT(take_bad(), IsEmpty());

    // Cut off: what is there is read, and told.
    LineReader cut = open(0, name);
    cut.end_at(first.size() - 20);
    EXPECT_LE(read(cut).size(), 3000u);
    EXPECT_THAT(take_bad(), ElementsAre(HasSubstr("cut off")));

    // Damaged: the rest is left out.
    env_.flip_byte("/f", 1, 0xff);
    LineReader damaged = open(0, name);
    damaged.end_at(file_->size().value());
    EXPECT_THAT(read(damaged), IsEmpty());
    EXPECT_THAT(take_bad(), ElementsAre(HasSubstr("the rest of the file is left out")));
  }
}

TEST_F(LineReaderTest, AFailedReadIsAnError) {
  append("a\n");
  LineReader reader = open();
  env_.fail(io::SimulatedEnv::Operation::kRead, 1, false);
  std::vector<Line> lines;
  EXPECT_FALSE(reader.read(10, lines));
}

}  // namespace
}  // namespace penstock::connector
