// Writes results to a terminal, a pipe or a file, row by row in bounded memory.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/shell/pg_client.h"
#include "base/result.h"

namespace penstock::app {

enum class OutputFormat : uint8_t {
  kTable,     // aligned columns
  kExpanded,  // one line per value, for wide rows
  kCsv,       // RFC 4180 with a header
  kJson,      // one object per line
};

Result<OutputFormat> parse_output_format(std::string_view name);

// One result at a time: begin(), rows, end().
class ResultPrinter {
 public:
  explicit ResultPrinter(std::FILE* out) : out_(out) {}
  virtual ~ResultPrinter() = default;

  static std::unique_ptr<ResultPrinter> make(OutputFormat format, std::FILE* out);

  virtual void begin(std::vector<ResultColumn> columns) = 0;
  virtual void row(const ResultRow& row) = 0;
  // Writes what has been held back, as when no more rows are there yet.
  virtual void flush();
  virtual void end() = 0;

 protected:
  void write(std::string_view text) { std::fwrite(text.data(), 1, text.size(), out_); }

 private:
  std::FILE* const out_;
};

// Columns that a terminal needs for the text; what is not UTF-8 counts byte by byte.
size_t display_width(std::string_view text);
// The text with control characters made visible, so that a value cannot move the cursor.
std::string printable(std::string_view text);
// True for the types whose values stand at the right.
bool is_numeric_type(uint32_t type_oid);

}  // namespace penstock::app
