#include "app/shell/result_view.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/time.h"
#include "pgwire/sql_state.h"

namespace penstock::app {
namespace {

// The columns that SUBSCRIBE puts in front of the view's.
constexpr std::string_view kEpochColumn = "epoch";
constexpr std::string_view kOpColumn = "op";
constexpr size_t kOwnColumns = 2;
// How often rows that change are drawn at most.
constexpr int64_t kDrawIntervalUs = 50'000;
// An error shows this much of a long line around its place.
constexpr size_t kExcerptWidth = 72;

bool is_subscription(const std::vector<ResultColumn>& columns) {
  return columns.size() >= kOwnColumns && columns[0].name == kEpochColumn && columns[1].name == kOpColumn;
}

// Lines and columns of the terminal.
std::pair<size_t, size_t> terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {24, 80};
  return {size.ws_row, size.ws_col};
}

// The byte at which character `position` (from 1) begins.
size_t byte_of_character(std::string_view text, uint32_t position) {
  size_t byte = 0;
  for (uint32_t character = 1; character < position && byte < text.size(); ++character) {
    do {
      ++byte;
    } while (byte < text.size() && (static_cast<uint8_t>(text[byte]) & 0xc0) == 0x80);
  }
  return byte;
}

}  // namespace

std::string error_text(const pgwire::Diagnostic& error, std::string_view sql) {
  std::string text = fmt::format("{}: {}\n", error.severity, error.message);
  if (error.position) {
    const size_t at = byte_of_character(sql, *error.position);
    const size_t newline = sql.substr(0, at).rfind('\n');
    const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    std::string_view line = sql.substr(begin, sql.find('\n', begin) - begin);
    size_t offset = at - begin;
    const auto number = std::count(sql.begin(), sql.begin() + static_cast<ptrdiff_t>(begin), '\n') + 1;
    std::string prefix = fmt::format("LINE {}: ", number);
    if (offset > kExcerptWidth / 2) {
      size_t cut = offset - kExcerptWidth / 2;
      while (cut < offset && (static_cast<uint8_t>(line[cut]) & 0xc0) == 0x80) ++cut;
      line.remove_prefix(cut);
      offset -= cut;
      prefix += "...";
    }
    const std::string shown = clipped(printable(line), kExcerptWidth);
    const size_t indent = prefix.size() + display_width(printable(line.substr(0, offset)));
    text += fmt::format("{}{}\n{}^\n", prefix, shown, std::string(indent, ' '));
  }
  if (!error.hint.empty()) text += fmt::format("HINT: {}\n", error.hint);
  return text;
}

ResultView::ResultView(std::string_view sql, Options options) : sql_(sql), options_(options) {}

void ResultView::on_columns(const std::vector<ResultColumn>& columns) {
  subscription_ = is_subscription(columns);
  if (subscription_ && options_.live_in_place && options_.format == OutputFormat::kTable) {
    live_.emplace(std::vector<ResultColumn>(columns.begin() + kOwnColumns, columns.end()));
    stale_ = true;
    return;
  }
  any_row_ = false;
  printer_ = ResultPrinter::make(options_.format, options_.out);
  printer_->begin(columns);
}

void ResultView::on_row(const ResultRow& row) {
  if (live_) {
    if (Status applied = apply_change(row); !applied) live_error_ = applied.error().to_string();
  } else {
    printer_->row(row);
    any_row_ = true;
  }
}

Status ResultView::apply_change(const ResultRow& row) {
  if (!live_error_.empty()) return {};
  stale_ = true;
  epoch_ = row[0].value_or("");
  const std::string_view op = row[1].value_or("");
  LiveTable::Row values;
  for (size_t i = kOwnColumns; i < row.size(); ++i) {
    values.push_back(row[i] ? std::optional<std::string>(*row[i]) : std::nullopt);
  }
  return live_->apply(std::move(values), op.starts_with('-') || op == "UB" ? -1 : 1);
}

int ResultView::on_idle() {
  if (!live_) {
    if (printer_ != nullptr && subscription_) printer_->flush();
    return -1;
  }
  if (!stale_) return -1;
  const int64_t waited_us = monotonic_time_us() - drawn_at_us_;
  if (waited_us < kDrawIntervalUs) return static_cast<int>((kDrawIntervalUs - waited_us) / 1000 + 1);
  draw();
  return -1;
}

void ResultView::draw() {
  constexpr size_t kOtherLines = 2;  // the state below, and the cursor's
  const auto [height, width] = terminal_size();
  std::vector<std::string> lines = live_->draw(height > kOtherLines ? height - kOtherLines : 1, width);
  lines.push_back(live_error_.empty() ? fmt::format("({} rows, epoch {}; Ctrl-C ends)", live_->rows(), epoch_)
                                      : live_error_ + "; Ctrl-C ends");
  std::string screen = lines_drawn_ > 0 ? fmt::format("\x1b[{}A", lines_drawn_) : "";
  for (const std::string& line : lines) screen += "\r\x1b[2K" + clipped(line, width) + "\n";
  screen += "\x1b[J";
  std::fwrite(screen.data(), 1, screen.size(), options_.out);
  std::fflush(options_.out);
  lines_drawn_ = lines.size();
  drawn_at_us_ = monotonic_time_us();
  stale_ = false;
}

void ResultView::end_live() {
  if (stale_) draw();
  live_.reset();
  lines_drawn_ = 0;
}

void ResultView::on_complete(std::string_view tag) {
  tag_ = tag;
  if (live_) {
    end_live();
  } else if (printer_ != nullptr) {
    printer_->end();
    printer_.reset();
  } else if (options_.format == OutputFormat::kTable || options_.format == OutputFormat::kExpanded) {
    fmt::print(options_.out, "{}\n", tag);
  }
  std::fflush(options_.out);
}

void ResultView::on_error(const pgwire::Diagnostic& error) {
  const bool ended_by_user = subscription_ && error.sql_state == pgwire::sql_state::kQueryCancelled;
  if (live_) end_live();
  // A result that failed before its first row is the error alone.
  if (printer_ != nullptr && (any_row_ || ended_by_user)) printer_->end();
  printer_.reset();
  std::fflush(options_.out);
  if (ended_by_user) return;  // there is no other end to SUBSCRIBE
  failed_ = true;
  fmt::print(stderr, "{}", error_text(error, sql_));
}

void ResultView::on_notice(const pgwire::Diagnostic& notice) {
  std::fflush(options_.out);
  fmt::print(stderr, "{}", error_text(notice, sql_));
}

void CollectedResult::on_row(const ResultRow& row) {
  auto& values = rows.emplace_back();
  for (const auto& value : row) values.push_back(value ? std::optional<std::string>(*value) : std::nullopt);
}

}  // namespace penstock::app
