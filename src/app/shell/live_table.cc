#include "app/shell/live_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "app/shell/result_printer.h"

namespace penstock::app {
namespace {

double number(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;  // else it has no place in an order
}

// Below zero, zero or above it, as `a` comes before, with or after `b`.
int compare(const std::optional<std::string>& a, const std::optional<std::string>& b, bool numeric) {
  if (!a || !b) return static_cast<int>(a.has_value()) - static_cast<int>(b.has_value());
  if (numeric) {
    const double left = number(*a);
    const double right = number(*b);
    if (left != right) return left < right ? -1 : 1;
  }
  return a->compare(*b);
}

}  // namespace

bool LiveTable::Order::operator()(const Row& a, const Row& b) const {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (const int order = compare(a[i], b[i], is_numeric_type(columns[i].type_oid)); order != 0) return order < 0;
  }
  return false;
}

Status LiveTable::apply(Row row, int weight) {
  const auto [at, added] = counts_.try_emplace(std::move(row), 0);
  const int before = std::max(at->second, 0);
  at->second += weight;
  rows_ += static_cast<size_t>(std::max(at->second, 0) - before);
  if (at->second == 0) counts_.erase(at);
  if (counts_.size() > rows_max_) {
    return make_error(ErrorCode::kResourceExhausted, "the view has more than {} rows, too many to follow here",
                      rows_max_)
        .hint("create a view of the rows that matter");
  }
  return {};
}

std::string clipped(std::string_view text, size_t width) {
  std::string out(text);
  while (display_width(out) > width) {
    while (!out.empty() && (static_cast<uint8_t>(out.back()) & 0xc0) == 0x80) out.pop_back();
    if (!out.empty()) out.pop_back();
  }
  return out;
}

std::vector<std::string> LiveTable::draw(size_t height, size_t width) const {
  std::vector<std::vector<std::string>> shown;
  std::vector<size_t> widths;
  for (const ResultColumn& column : columns_) widths.push_back(display_width(printable(column.name)));
  constexpr size_t kHeaderLines = 2;
  const size_t room = height > kHeaderLines ? height - kHeaderLines : 0;
  for (auto at = counts_.begin(); at != counts_.end() && shown.size() < room; ++at) {
    for (int i = 0; i < at->second && shown.size() < room; ++i) {
      std::vector<std::string> cells;
      for (const auto& value : at->first) cells.push_back(value ? printable(*value) : "");
      for (size_t c = 0; c < cells.size(); ++c) widths[c] = std::max(widths[c], display_width(cells[c]));
      shown.push_back(std::move(cells));
    }
  }
  const auto line = [&](const std::vector<std::string>& cells, bool header) {
    std::string text;
    for (size_t c = 0; c < cells.size(); ++c) {
      const std::string space(widths[c] - display_width(cells[c]), ' ');
      const bool right = !header && is_numeric_type(columns_[c].type_oid);
      text += (c == 0 ? " " : "| ") + (right ? space + cells[c] : cells[c] + space) + " ";
    }
    return clipped(text, width);
  };
  std::vector<std::string> names;
  std::string rule;
  for (size_t c = 0; c < columns_.size(); ++c) {
    names.push_back(printable(columns_[c].name));
    rule += (c == 0 ? "" : "+") + std::string(widths[c] + 2, '-');
  }
  std::vector<std::string> lines{line(names, true), clipped(rule, width)};
  for (const auto& cells : shown) lines.push_back(line(cells, false));
  return lines;
}

}  // namespace penstock::app
