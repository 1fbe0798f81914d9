#include "connector/filesystem/partitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "columnar/column.h"
#include "expr/evaluate.h"
#include "expr/expr.h"
#include "format/text_value.h"
#include "types/text_scanner.h"

namespace penstock::connector {

namespace {

// "partition:LEVEL:NAME".
std::string_view name_in(std::string_view key) { return key.substr(key.find(':', kPartitionKey.size()) + 1); }

// Those that Hive and Flink write as %XX.
bool is_escaped(unsigned char c) {
  constexpr std::string_view kEscaped = "\"#%'*/:=?\\{[]^";
  return c < 0x20 || c == 0x7f || kEscaped.find(static_cast<char>(c)) != std::string_view::npos;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_escaped(byte)) {
      out += fmt::format("%{:02X}", byte);
    } else {
      out += c;
    }
  }
}

// What is no %XX stays as it is.
std::string unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned int byte = 0;
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
      if (error == std::errc() && end == text.data() + i + 3) {
        out += static_cast<char>(byte);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

// The text behind "NAME=" in the innermost directory of that column.
std::optional<std::string> directory_value(std::string_view file_name, std::string_view column) {
  size_t end = file_name.rfind('/');
  while (end != std::string_view::npos) {
    const size_t begin = end == 0 ? std::string_view::npos : file_name.rfind('/', end - 1);
    const size_t first = begin == std::string_view::npos ? 0 : begin + 1;
    const std::string_view directory = file_name.substr(first, end - first);
    const size_t equals = directory.find('=');
    if (equals != std::string_view::npos && unescape(directory.substr(0, equals)) == column) {
      return unescape(directory.substr(equals + 1));
    }
    end = begin;
  }
  return std::nullopt;
}

}  // namespace

bool is_partition_key(std::string_view key) { return key.starts_with(kPartitionKey); }

int partition_level(std::string_view key) {
  int level = 0;
  const std::string_view rest = key.substr(kPartitionKey.size());
  std::from_chars(rest.data(), rest.data() + rest.size(), level);
  return level;
}

Status check_partition_type(const std::string& table, const std::string& column, types::DataType type) {
  if (!type.is_nested() && type.kind() != types::TypeKind::kBytes) return {};
  return unsupported("table \"{}\": column {} is {}, whose values cannot be the names of directories", table, column,
                     type.with_nullable(true).to_string());
}

Result<types::Value> partition_value(std::string_view file_name, const MetadataColumn& column) {
  const std::string_view name = name_in(column.key);
  const std::optional<std::string> text = directory_value(file_name, name);
  if (!text) return invalid_argument("the file is in no directory {}=...", name);
  if (*text == kDefaultPartition) {
    if (column.type.nullable()) return types::Value();
    if (column.type.kind() == types::TypeKind::kString) return types::Value(std::string());
    return invalid_argument("column {} is NOT NULL, and the directory says NULL", name);
  }
  columnar::ColumnBuilder value(column.type, 1);
  if (!format::append_text_value(value, column.type, *text)) {
    return invalid_argument("column {}: {}", name, format::cannot_read(*text, column.type));
  }
  return value.finish()->value(0);
}

std::string partition_text(std::string_view file_name, const MetadataColumn& column) {
  const std::string_view name = name_in(column.key);
  return std::string(name) + "=" + directory_value(file_name, name).value_or("");
}

Result<std::string> partition_directory(const MetadataColumn& column, const types::Value& value) {
  const std::string_view name = name_in(column.key);
  std::string directory;
  append_escaped(directory, name);
  directory += '=';
  const std::string text = value.is_null() ? "" : types::to_text(value, column.type);
  if (text.empty()) {
    directory += kDefaultPartition;
  } else {
    append_escaped(directory, text);
  }
  if (directory.size() <= kDirectoryNameMax) return directory;
  return invalid_argument("column {}: the name of the directory of '{}' has {} bytes, of at most {}", name,
                          types::excerpt(text), directory.size(), kDirectoryNameMax);
}

PartitionFilter::PartitionFilter(const ScanRequest& request) {
  if (request.filter == nullptr) return;
  // The metadata column that a column of the output is; nullopt for others.
  const auto metadata_of = [&](size_t output) -> std::optional<size_t> {
    size_t input = output;
    if (!request.projections.empty()) {
      const expr::Expr& projection = *request.projections[output];
      if (projection.kind() != expr::Expr::Kind::kColumn) return std::nullopt;
      input = projection.column_index();
    }
    if (input < request.physical.size()) return std::nullopt;
    const size_t metadata = input - request.physical.size();
    if (!is_partition_key(request.metadata[metadata].key)) return std::nullopt;
    return metadata;
  };
  for (const ExprPtr& condition : expr::split_conjunction(request.filter)) {
    std::vector<size_t> used;
    expr::collect_columns(*condition, used);
    const bool decided = !used.empty() && condition->is_deterministic() &&
                         std::ranges::all_of(used, [&](size_t column) { return metadata_of(column).has_value(); });
    if (!decided) continue;
    conditions_.push_back(expr::transform(condition, [&](ExprPtr part) {
      if (part->kind() != expr::Expr::Kind::kColumn) return part;
      return expr::Expr::column(*metadata_of(part->column_index()), part->type(), part->column_name());
    }));
  }
}

bool PartitionFilter::admits(std::span<const types::Value> values) const {
  return std::ranges::all_of(conditions_, [&](const ExprPtr& condition) {
    const ExprPtr of_values = expr::transform(condition, [&](ExprPtr part) {
      if (part->kind() != expr::Expr::Kind::kColumn) return part;
      return expr::Expr::literal(values[part->column_index()], part->type());
    });
    const Result<types::Value> admitted = expr::evaluate_constant(*of_values, expr::EvalContext());
    // What cannot be computed is told of the rows.
    return !admitted || (!admitted->is_null() && admitted->as_bool());
  });
}

PartitionDirectories::PartitionDirectories(const SinkRequest& request) {
  std::vector<bool> in_files(request.schema.size(), true);
  std::vector<std::pair<int, Column>> columns;
  for (const SinkRequest::Metadata& metadata : request.metadata) {
    if (!is_partition_key(metadata.key)) continue;
    in_files[metadata.column] = false;
    columns.emplace_back(
        partition_level(metadata.key),
        Column{.from = {metadata.key, request.schema[metadata.column].type}, .column = metadata.column});
  }
  std::ranges::sort(columns, {}, [](const auto& column) { return column.first; });
  for (auto& [level, column] : columns) columns_.push_back(std::move(column));
  for (size_t i = 0; i < in_files.size(); ++i) {
    if (in_files[i]) record_columns_.push_back(static_cast<int>(i));
  }
}

Result<std::string> PartitionDirectories::directory(const columnar::ChangeBatch& batch, size_t row) const {
  std::string path;
  for (const Column& column : columns_) {
    if (!path.empty()) path += '/';
    path += PENSTOCK_TRY(partition_directory(column.from, batch.column(column.column)->value(row)));
  }
  return path;
}

}  // namespace penstock::connector
