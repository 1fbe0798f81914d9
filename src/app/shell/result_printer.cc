#include "app/shell/result_printer.h"

#include <wchar.h>

#include <algorithm>
#include <utility>

#include "base/json_text.h"
#include "pgwire/pg_type.h"

namespace penstock::app {
namespace {

namespace oid = pgwire::oid;

// The widths of columns are taken from these many rows; in later ones a wider value sticks out.
constexpr size_t kRowsMeasured = 1000;

// The code point at the front of `text`, which is cut by it; U+FFFD for a byte that is none.
char32_t take_code_point(std::string_view& text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0;
  const auto fail = [&] {
    text.remove_prefix(1);
    return U'\ufffd';
  };
  if (size == 0 || size > text.size()) return fail();
  char32_t code = size == 1 ? lead : lead & (0xffU >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xc0) != 0x80) return fail();
    code = code << 6 | (next & 0x3f);
  }
  text.remove_prefix(size);
  return code;
}

std::string padded(std::string_view text, size_t width, bool right) {
  const size_t used = display_width(text);
  const std::string space(width > used ? width - used : 0, ' ');
  return right ? space + std::string(text) : std::string(text) + space;
}

// A value as it stands in a cell; a null is empty, as in psql.
std::string cell(const std::optional<std::string_view>& value) { return value ? printable(*value) : std::string(); }

std::string row_count(uint64_t rows) { return "(" + std::to_string(rows) + (rows == 1 ? " row)\n\n" : " rows)\n\n"); }

class TablePrinter : public ResultPrinter {
 public:
  using ResultPrinter::ResultPrinter;

  void begin(std::vector<ResultColumn> columns) override {
    columns_ = std::move(columns);
    widths_.clear();
    for (const ResultColumn& column : columns_) widths_.push_back(display_width(printable(column.name)));
    rows_ = 0;
    header_written_ = false;
  }

  void row(const ResultRow& row) override {
    ++rows_;
    std::vector<std::string> cells;
    for (const auto& value : row) cells.push_back(cell(value));
    if (header_written_) return write_row(cells);
    for (size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], display_width(cells[i]));
    held_.push_back(std::move(cells));
    if (held_.size() == kRowsMeasured) write_held();
  }

  void flush() override {
    write_held();
    ResultPrinter::flush();
  }

  void end() override {
    write_held();
    write(row_count(rows_));
  }

 private:
  void write_held() {
    if (!std::exchange(header_written_, true)) write_header();
    for (const auto& cells : held_) write_row(cells);
    held_.clear();
  }

  void write_header() {
    std::string names;
    std::string rule;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string name = printable(columns_[i].name);
      const size_t left = (widths_[i] - display_width(name)) / 2;
      names += (i == 0 ? " " : "| ") + std::string(left, ' ') + padded(name, widths_[i] - left, false) + " ";
      rule += (i == 0 ? "" : "+") + std::string(widths_[i] + 2, '-');
    }
    write(names + "\n" + rule + "\n");
  }

  void write_row(const std::vector<std::string>& cells) {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      line += (i == 0 ? " " : "| ") + padded(cells[i], widths_[i], is_numeric_type(columns_[i].type_oid)) + " ";
    }
    while (line.ends_with(' ')) line.pop_back();
    write(line + "\n");
  }

  std::vector<ResultColumn> columns_;
  std::vector<size_t> widths_;
  std::vector<std::vector<std::string>> held_;
  bool header_written_ = false;
  uint64_t rows_ = 0;
};

class ExpandedPrinter : public ResultPrinter {
 public:
  using ResultPrinter::ResultPrinter;

  void begin(std::vector<ResultColumn> columns) override {
    columns_ = std::move(columns);
    rows_ = 0;
    width_ = 0;
    for (const ResultColumn& column : columns_) width_ = std::max(width_, display_width(printable(column.name)));
  }
  void row(const ResultRow& row) override {
    write("-[ record " + std::to_string(++rows_) + " ]\n");
    for (size_t i = 0; i < row.size(); ++i) {
      write(padded(printable(columns_[i].name), width_, false) + " | " + cell(row[i]) + "\n");
    }
  }
  void end() override { write(row_count(rows_)); }

 private:
  std::vector<ResultColumn> columns_;
  size_t width_ = 0;
  uint64_t rows_ = 0;
};

class CsvPrinter : public ResultPrinter {
 public:
  using ResultPrinter::ResultPrinter;

  void begin(std::vector<ResultColumn> columns) override {
    std::string line;
    for (size_t i = 0; i < columns.size(); ++i) line += (i == 0 ? "" : ",") + quoted(columns[i].name);
    write(line + "\n");
  }
  // A null is nothing, an empty text is "": they stay apart.
  void row(const ResultRow& row) override {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (i != 0) line += ',';
      if (row[i]) line += quoted(*row[i]);
    }
    write(line + "\n");
  }
  void end() override {}

 private:
  static std::string quoted(std::string_view text) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    return out + '"';
  }
};

class JsonPrinter : public ResultPrinter {
 public:
  using ResultPrinter::ResultPrinter;

  void begin(std::vector<ResultColumn> columns) override { columns_ = std::move(columns); }
  void row(const ResultRow& row) override {
    std::string line = "{";
    for (size_t i = 0; i < row.size(); ++i) {
      if (i != 0) line += ", ";
      append_json_string(line, columns_[i].name);
      line += ": ";
      append_value(line, row[i], columns_[i].type_oid);
    }
    write(line + "}\n");
  }
  void end() override {}

 private:
  static void append_value(std::string& out, const std::optional<std::string_view>& value, uint32_t type_oid) {
    if (!value) {
      out += "null";
    } else if (type_oid == oid::kBool) {
      out += *value == "t" ? "true" : "false";
    } else if (is_numeric_type(type_oid) && value->find_first_not_of("0123456789.eE+-") == std::string_view::npos) {
      out += *value;  // not NaN or Infinity, which JSON has no numbers for
    } else {
      append_json_string(out, *value);
    }
  }

  std::vector<ResultColumn> columns_;
};

}  // namespace

Result<OutputFormat> parse_output_format(std::string_view name) {
  if (name == "table") return OutputFormat::kTable;
  if (name == "expanded") return OutputFormat::kExpanded;
  if (name == "csv") return OutputFormat::kCsv;
  if (name == "json") return OutputFormat::kJson;
  return invalid_argument("there is no format \"{}\": table, expanded, csv and json are", name);
}

std::unique_ptr<ResultPrinter> ResultPrinter::make(OutputFormat format, std::FILE* out) {
  switch (format) {
    case OutputFormat::kTable: return std::make_unique<TablePrinter>(out);
    case OutputFormat::kExpanded: return std::make_unique<ExpandedPrinter>(out);
    case OutputFormat::kCsv: return std::make_unique<CsvPrinter>(out);
    case OutputFormat::kJson: return std::make_unique<JsonPrinter>(out);
  }
  return nullptr;
}

void ResultPrinter::flush() { std::fflush(out_); }

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const int columns = ::wcwidth(static_cast<wchar_t>(take_code_point(text)));
    width += columns < 0 ? 1 : static_cast<size_t>(columns);
  }
  return width;
}

std::string printable(std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

bool is_numeric_type(uint32_t type_oid) {
  constexpr uint32_t kNumeric[] = {oid::kInt2, oid::kInt4, oid::kInt8, oid::kFloat4, oid::kFloat8, oid::kNumeric};
  return std::find(std::begin(kNumeric), std::end(kNumeric), type_oid) != std::end(kNumeric);
}

}  // namespace penstock::app
