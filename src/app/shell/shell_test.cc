#include "app/shell/shell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "app/shell/completion.h"
#include "app/shell/live_table.h"
#include "app/shell/result_printer.h"
#include "app/shell/result_view.h"
#include "app/shell/statement_reader.h"
#include "pgwire/pg_type.h"

namespace penstock::app {
namespace {

using testing::ElementsAre;
using testing::Not;

// The items of lines, statements as they are and commands in brackets; what is left at the end after a bar.
std::string items(const std::vector<std::string>& lines) {
  StatementReader reader;
  std::string text;
  const auto append = [&](const StatementReader::Item& item) {
    text += item.is_command ? "[" + item.text + "]" : "{" + item.text + "}";
  };
  for (const std::string& line : lines) {
    reader.add_line(line);
    for (auto item = reader.next(); item; item = reader.next()) append(*item);
  }
  if (const auto rest = reader.rest()) {
    text += "|";
    append(*rest);
  }
  return text;
}

TEST(StatementReaderTest, CutsAtSemicolons) {
  EXPECT_EQ(items({"select 1; select 2;"}), "{select 1;}{select 2;}");
  EXPECT_EQ(items({"select", " 1", ";"}), "{select\n 1\n;}");
  EXPECT_EQ(items({"select 1"}), "|{select 1}");
  EXPECT_EQ(items({";;", " ", "; -- nothing", "/* at all */;"}), "");
}

TEST(StatementReaderTest, NotInsideQuotesAndComments) {
  EXPECT_EQ(items({"select ';', \";\", `;` -- ;", "/* ; /* ; */ ; */ + 1;"}),
            "{select ';', \";\", `;` -- ;\n/* ; /* ; */ ; */ + 1;}");
  EXPECT_EQ(items({"select 'it''s;';"}), "{select 'it''s;';}");
  EXPECT_EQ(items({"select 'a", ";b';"}), "{select 'a\n;b';}");
  EXPECT_EQ(items({"select '", ";"}), "|{select '\n;}");
  EXPECT_EQ(items({"/*", ";"}), "|{/*\n;}");
  EXPECT_EQ(items({"/*/ ;"}), "|{/*/ ;}");
}

TEST(StatementReaderTest, StatementSetsAreOneStatement) {
  EXPECT_EQ(items({"execute statement set begin", "insert into a select case when x then 1 end from s;",
                   "insert into b select t.end from t; end; select 1;"}),
            "{execute statement set begin\ninsert into a select case when x then 1 end from s;\n"
            "insert into b select t.end from t; end;}{select 1;}");
  EXPECT_EQ(items({"begin statement set; insert into a select 1; end;", "begin; select 1; end;"}),
            "{begin statement set; insert into a select 1; end;}{begin;}{select 1;}{end;}");
  EXPECT_EQ(items({"explain statement set begin insert into a select 'end;' /* end; */;"}),
            "|{explain statement set begin insert into a select 'end;' /* end; */;}");
}

TEST(StatementReaderTest, CommandsAreLines) {
  EXPECT_EQ(items({"\\d  name ", "select 1; \\x", "\\q"}), "[\\d  name]{select 1;}[\\x][\\q]");
  EXPECT_EQ(items({"select '\\d';"}), "{select '\\d';}");
}

TEST(PgUrlTest, Reads) {
  const auto address = parse_pg_url("postgres://me:secret@host:7433/db?sslmode=disable");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->user, "me");
  EXPECT_EQ(address->host, "host");
  EXPECT_EQ(address->port, 7433);
  EXPECT_EQ(address->database, "db");
  EXPECT_EQ(parse_pg_url("postgresql://[::1]:5")->host, "::1");
  EXPECT_EQ(parse_pg_url("postgres://")->host, "127.0.0.1");
  EXPECT_EQ(parse_pg_url("postgres://host")->port, 7432);
  for (const char* bad :
       {"host:7432", "postgres://host:port", "postgres://host:99999", "postgres://[::1:5", "http://x"}) {
    EXPECT_FALSE(parse_pg_url(bad)) << bad;
  }
}

const std::vector<ResultColumn> kColumns{{.name = "name", .type_oid = pgwire::oid::kText},
                                         {.name = "n", .type_oid = pgwire::oid::kInt8}};

std::string printed(OutputFormat format, const std::vector<ResultRow>& rows) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* memory = ::open_memstream(&text, &size);
  const auto printer = ResultPrinter::make(format, memory);
  printer->begin(kColumns);
  for (const ResultRow& row : rows) printer->row(row);
  printer->end();
  std::fclose(memory);
  std::string result(text, size);
  std::free(text);
  return result;
}

TEST(ResultPrinterTest, Tables) {
  EXPECT_EQ(printed(OutputFormat::kTable, {{"one", "1"}, {"eleven", "11"}, {std::nullopt, std::nullopt}}),
            "  name  | n  \n"
            "--------+----\n"
            " one    |  1\n"
            " eleven | 11\n"
            "        |\n"
            "(3 rows)\n\n");
  EXPECT_EQ(printed(OutputFormat::kTable, {}), " name | n \n------+---\n(0 rows)\n\n");
}

TEST(ResultPrinterTest, AValueCannotMoveTheCursor) {
  EXPECT_THAT(printed(OutputFormat::kTable, {{"\x1b[2J\n\tx\x7f", "1"}}), testing::HasSubstr("\\x1b[2J\\n\\tx\\x7f"));
}

TEST(ResultPrinterTest, ManyRowsAreNotHeldBack) {
  std::vector<ResultRow> rows(5000, {"x", "1"});
  rows.back()[0] = "wider than any row before";
  const std::string text = printed(OutputFormat::kTable, rows);
  EXPECT_THAT(text, testing::EndsWith(" wider than any row before | 1\n(5000 rows)\n\n"));
}

TEST(ResultPrinterTest, Expanded) {
  EXPECT_EQ(printed(OutputFormat::kExpanded, {{"one", "1"}}), "-[ record 1 ]\nname | one\nn    | 1\n(1 row)\n\n");
}

TEST(ResultPrinterTest, CsvKeepsNullAndEmptyApart) {
  EXPECT_EQ(printed(OutputFormat::kCsv, {{"a,\"b\"\n", "1"}, {"", std::nullopt}}),
            "name,n\n\"a,\"\"b\"\"\n\",1\n\"\",\n");
}

TEST(ResultPrinterTest, Json) {
  EXPECT_EQ(printed(OutputFormat::kJson, {{"say \"x\"", "1"}, {std::nullopt, "NaN"}}),
            "{\"name\": \"say \\\"x\\\"\", \"n\": 1}\n{\"name\": null, \"n\": \"NaN\"}\n");
}

TEST(ErrorTextTest, PutsACaretUnderThePlace) {
  EXPECT_EQ(error_text({.severity = "ERROR", .message = "m", .hint = "h", .position = 17}, "select 'x',\n    nothing"),
            "ERROR: m\nLINE 2:     nothing\n            ^\nHINT: h\n");
  EXPECT_EQ(error_text({.severity = "ERROR", .message = "m"}, "x"), "ERROR: m\n");
  EXPECT_THAT(error_text({.severity = "ERROR", .message = "m", .position = 999}, "x"), testing::HasSubstr("LINE 1: x"));
  EXPECT_THAT(error_text({.severity = "ERROR", .message = "m", .position = 500}, std::string(1000, 'x')),
              testing::HasSubstr("LINE 1: ...x"));
}

TEST(CompletionTest, OffersWhatFits) {
  Completion completion;
  completion.set_relations({"orders", "Totals"});
  completion.set_columns({"amount", "ordered_at"});
  EXPECT_THAT(completion.candidates("select * from ", 14), ElementsAre("orders", "Totals"));
  EXPECT_THAT(completion.candidates("SUBSCRIBE to", 10), ElementsAre("Totals"));
  EXPECT_THAT(completion.candidates("\\d o", 3), ElementsAre("orders"));
  EXPECT_THAT(completion.candidates("\\wa", 0), ElementsAre("\\watch"));
  EXPECT_THAT(completion.candidates("select am", 7), ElementsAre("amount"));
  EXPECT_THAT(completion.candidates("select ord", 7), ElementsAre("order", "ordered_at", "orders"));
  EXPECT_THAT(completion.candidates("SEL", 0), ElementsAre("SELECT"));
  EXPECT_THAT(completion.candidates("sel", 0), ElementsAre("select"));
}

// --- live rows ---

std::vector<std::string> drawn(const LiveTable& table, size_t height = 100) { return table.draw(height, 80); }

TEST(LiveTableTest, HoldsWhatTheChangesMake) {
  LiveTable table(kColumns);
  EXPECT_TRUE(table.apply({"b", "2"}, 1));
  EXPECT_TRUE(table.apply({"a", "10"}, 1));
  EXPECT_TRUE(table.apply({"a", "9"}, 1));
  EXPECT_THAT(drawn(table), ElementsAre(" name | n  ", "------+----", " a    |  9 ", " a    | 10 ", " b    |  2 "));
  EXPECT_TRUE(table.apply({"a", "10"}, -1));
  EXPECT_TRUE(table.apply({"a", "11"}, 1));
  EXPECT_THAT(drawn(table), testing::Contains(" a    | 11 "));
  EXPECT_THAT(drawn(table), Not(testing::Contains(" a    | 10 ")));
  EXPECT_EQ(table.rows(), 3U);
}

TEST(LiveTableTest, ADeletionMayComeBeforeItsInsertion) {
  LiveTable table(kColumns);
  EXPECT_TRUE(table.apply({"a", "1"}, -1));
  EXPECT_EQ(table.rows(), 0U);
  EXPECT_TRUE(table.apply({"a", "1"}, 1));
  EXPECT_EQ(table.rows(), 0U);
  EXPECT_TRUE(table.apply({"a", "1"}, 1));
  EXPECT_EQ(table.rows(), 1U);
}

TEST(LiveTableTest, CutsToTheScreenAndToItsBound) {
  LiveTable table(kColumns, 10);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(table.apply({"row", std::to_string(i)}, 1));
  EXPECT_EQ(drawn(table, 5).size(), 5U);
  for (const std::string& line : table.draw(5, 4)) EXPECT_LE(display_width(line), 4U);
  EXPECT_EQ(table.apply({"one more", "1"}, 1).error().code(), ErrorCode::kResourceExhausted);
}

TEST(LiveTableTest, NotANumberHasAPlace) {
  LiveTable table({{.name = "x", .type_oid = pgwire::oid::kFloat8}});
  for (const char* value : {"NaN", "1", "Infinity", "NaN", "-1"}) EXPECT_TRUE(table.apply({value}, 1));
  EXPECT_TRUE(table.apply({"NaN"}, -1));
  EXPECT_THAT(table.draw(100, 80),
              ElementsAre(testing::HasSubstr("x"), testing::HasSubstr("---"), testing::HasSubstr("-1"),
                          testing::HasSubstr("1"), testing::HasSubstr("Infinity"), testing::HasSubstr("NaN")));
}

// Random changes against a plain count.
TEST(LiveTableTest, CountsLikeAMultiset) {
  std::mt19937 random(3);  // NOLINT(cert-msc51-cpp)
  LiveTable table(kColumns);
  std::map<int, int> expected;
  for (int i = 0; i < 10'000; ++i) {
    const int key = static_cast<int>(random() % 50);
    const bool in = expected[key] == 0 || random() % 2 == 0;
    expected[key] += in ? 1 : -1;
    ASSERT_TRUE(table.apply({"k", std::to_string(key)}, in ? 1 : -1));
  }
  size_t rows = 0;
  for (const auto& [key, count] : expected) rows += static_cast<size_t>(count);
  EXPECT_EQ(table.rows(), rows);
  EXPECT_EQ(drawn(table, 1'000'000).size(), rows + 2);
}

}  // namespace
}  // namespace penstock::app
