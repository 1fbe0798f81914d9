// Shows what statements give: results on standard output, errors and notices on standard error.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/shell/live_table.h"
#include "app/shell/pg_client.h"
#include "app/shell/result_printer.h"

namespace penstock::app {

// The sink of one statement.
class ResultView : public ResultSink {
 public:
  struct Options {
    OutputFormat format = OutputFormat::kTable;
    std::FILE* out = stdout;
    bool live_in_place = false;  // draw SUBSCRIBE's rows in place: `out` is a terminal
  };
  // `sql` is the statement, for the places of errors; it outlives this.
  ResultView(std::string_view sql, Options options);

  void on_columns(const std::vector<ResultColumn>& columns) override;
  void on_row(const ResultRow& row) override;
  void on_complete(std::string_view tag) override;
  void on_error(const pgwire::Diagnostic& error) override;
  void on_notice(const pgwire::Diagnostic& notice) override;
  int on_idle() override;

  bool failed() const { return failed_; }
  // The tags of what has completed, the last one.
  const std::string& tag() const { return tag_; }

 private:
  Status apply_change(const ResultRow& row);
  void draw();
  void end_live();

  const std::string_view sql_;
  const Options options_;
  std::unique_ptr<ResultPrinter> printer_;  // while a result comes in
  bool any_row_ = false;                    // of the result at hand
  bool subscription_ = false;
  std::optional<LiveTable> live_;
  std::string live_error_;
  std::string epoch_;
  size_t lines_drawn_ = 0;
  bool stale_ = false;  // the screen does not show the rows as they are
  int64_t drawn_at_us_ = 0;
  bool failed_ = false;
  std::string tag_;
};

// Keeps all rows: for the few that the shell asks for itself.
class CollectedResult : public ResultSink {
 public:
  std::vector<ResultColumn> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::string error;

  void on_columns(const std::vector<ResultColumn>& c) override { columns = c; }
  void on_row(const ResultRow& row) override;
  void on_complete(std::string_view /*tag*/) override {}
  void on_error(const pgwire::Diagnostic& e) override { error = e.message; }
  void on_notice(const pgwire::Diagnostic& /*notice*/) override {}
};

// "ERROR: ...", the line of the statement with a caret under the place, and the hint.
std::string error_text(const pgwire::Diagnostic& error, std::string_view sql);

}  // namespace penstock::app
