// The examples of docs/sql/statements.md run, in their order and in one session, and give the rows that stand below
// them.
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "sql/parser.h"
#include "sqltest/files.h"
#include "sqltest/instance.h"
#include "sqltest/rows.h"

namespace penstock::sqltest {
namespace {

constexpr std::string_view kPage = PENSTOCK_SOURCE_DIR "/docs/sql/statements.md";
constexpr std::string_view kRow = "-- ";
constexpr std::string_view kErrorRow = "-- error: ";

struct Example {
  std::string sql;
  Lines expected;  // the comments behind it; empty: its rows are not shown
};

// The statements of the blocks that are marked as SQL.
std::vector<Example> examples_of(const std::string& page) {
  constexpr std::string_view kBegin = "```sql\n";
  std::vector<Example> examples;
  for (size_t at = page.find(kBegin); at != std::string::npos; at = page.find(kBegin, at)) {
    at += kBegin.size();
    const std::string block = page.substr(at, page.find("```", at) - at);
    const auto statements = sql::split_statements(block).value();
    for (size_t i = 0; i < statements.size(); ++i) {
      const size_t begin = statements[i].offset + statements[i].text.size();
      const size_t end = i + 1 < statements.size() ? statements[i + 1].offset : block.size();
      Example example{.sql = std::string(statements[i].text), .expected = {}};
      for (const std::string& line : split_lines(block.substr(begin, end - begin))) {
        if (line.starts_with(kRow)) example.expected.push_back(line.substr(kRow.size()));
      }
      examples.push_back(std::move(example));
    }
  }
  return examples;
}

Lines run(Instance& instance, const std::string& sql) {
  const Result<Rows> rows = instance.run(sql);
  if (!rows) return {std::string(kErrorRow.substr(kRow.size())) + rows.error().message()};
  Lines lines;
  for (const columnar::ChangeBatch& batch : rows->batches) {
    for (size_t row = 0; row < batch.rows(); ++row) lines.push_back(readable_row(batch, row));
  }
  return lines;
}

TEST(StatementExamplesTest, DoWhatThePageSays) {
  std::stringstream page;
  page << std::ifstream(std::string(kPage)).rdbuf();
  const auto instance = Instance::start({}).value();
  const std::vector<Example> examples = examples_of(page.str());
  EXPECT_GT(examples.size(), 50);
  for (const Example& example : examples) {
    const Lines lines = run(*instance, example.sql);
    if (!example.expected.empty()) {
      EXPECT_EQ(lines, example.expected) << example.sql;
    } else {
      EXPECT_FALSE(!lines.empty() && lines.front().starts_with("error: ")) << example.sql << "\n" << lines.front();
    }
  }
}

}  // namespace
}  // namespace penstock::sqltest
