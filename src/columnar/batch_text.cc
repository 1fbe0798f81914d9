// The readable form of batches that tests use.
#include <optional>

#include "columnar/change_batch.h"

namespace penstock::columnar {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

bool needs_quotes(std::string_view text) {
  return text.empty() || text == "NULL" || text.find_first_of(" \t\r\n'|") != std::string_view::npos;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '\'';
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  out += '\'';
}

std::optional<RowOp> op_from_text(std::string_view text) {
  if (text == "+" || text == "+I") return RowOp::kInsert;
  if (text == "-" || text == "-D") return RowOp::kDelete;
  if (text == "-U") return RowOp::kUpdateBefore;
  if (text == "+U") return RowOp::kUpdateAfter;
  return std::nullopt;
}

// Splits the text into words, quoted words and bars.
class BatchTextReader {
 public:
  enum class Kind { kEnd, kBar, kWord, kQuoted, kUnclosed };
  struct Token {
    Kind kind;
    std::string text;
  };

  explicit BatchTextReader(std::string_view text) : rest_(text) {}

  Token next() {
    size_t begin = rest_.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return {Kind::kEnd, ""};
    rest_.remove_prefix(begin);
    if (rest_[0] == '|') {
      rest_.remove_prefix(1);
      return {Kind::kBar, "|"};
    }
    if (rest_[0] == '\'') return quoted();
    size_t size = std::min(rest_.find_first_of(" \t\r\n|"), rest_.size());
    std::string word(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return {Kind::kWord, std::move(word)};
  }

 private:
  Token quoted() {
    std::string text;
    for (size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == '\'') {
        if (at + 1 == rest_.size() || rest_[at + 1] != '\'') {
          rest_.remove_prefix(at + 1);
          return {Kind::kQuoted, std::move(text)};
        }
        ++at;
      }
      text += rest_[at];
    }
    rest_ = {};
    return {Kind::kUnclosed, std::move(text)};
  }

  std::string_view rest_;
};

}  // namespace

std::string to_text(const ChangeBatch& batch) {
  std::string out;
  for (size_t row = 0; row < batch.rows(); ++row) {
    if (row != 0) out += " | ";
    out += short_name(batch.op(row));
    for (const ColumnPtr& column : batch.columns()) {
      out += ' ';
      if (column->is_null(row)) {
        out += "NULL";
        continue;
      }
      std::string text = types::to_text(column->value(row), column->type());
      if (needs_quotes(text)) {
        append_quoted(out, text);
      } else {
        out += text;
      }
    }
  }
  return out;
}

Result<ChangeBatch> batch_from_text(std::string_view text, const types::Schema& schema) {
  using Kind = BatchTextReader::Kind;
  std::vector<types::DataType> column_types;
  for (const types::Field& field : schema) column_types.push_back(field.type);
  BatchBuilder builder(column_types);
  BatchTextReader in(text);
  auto token = in.next();
  if (token.kind == Kind::kEnd) return builder.finish();
  while (true) {
    std::optional<RowOp> op = op_from_text(token.text);
    if (!op || token.kind != Kind::kWord) {
      return invalid_argument("row {}: expected +I, -D, -U or +U and not '{}'", builder.rows(), token.text);
    }
    if (builder.full()) return invalid_argument("a batch has at most {} rows", kBatchRowsMax);
    for (size_t i = 0; i < schema.size(); ++i) {
      token = in.next();
      if (token.kind == Kind::kUnclosed) return invalid_argument("row {}: a quote is not closed", builder.rows());
      if (token.kind != Kind::kWord && token.kind != Kind::kQuoted) {
        return invalid_argument("row {}: {} values expected, only {} found", builder.rows(), schema.size(), i);
      }
      if (token.kind == Kind::kWord && token.text == "NULL") {
        builder.column(i).append_null();
        continue;
      }
      Result<types::Value> value = types::from_text(token.text, schema[i].type);
      if (!value) {
        return std::move(value.error()).context(fmt::format("row {}, column {}", builder.rows(), schema[i].name));
      }
      builder.column(i).append(*value);
    }
    builder.end_row(*op);
    token = in.next();
    if (token.kind == Kind::kEnd) return builder.finish();
    if (token.kind != Kind::kBar) {
      return invalid_argument("row {}: more than {} values", builder.rows() - 1, schema.size());
    }
    token = in.next();
  }
}

}  // namespace penstock::columnar
