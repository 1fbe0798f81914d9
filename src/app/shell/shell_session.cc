#include "app/shell/shell_session.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <utility>

#include "app/shell/result_view.h"
#include "base/time.h"
#include "sql/keywords.h"

namespace penstock::app {
namespace {

// A file may read others, but not itself for ever.
constexpr int kFileDepthMax = 16;
// Tables and views whose columns Tab knows.
constexpr size_t kCompletedRelationsMax = 100;
constexpr double kWatchDefaultS = 2;

constexpr std::string_view kHelp =
    "SQL statements end with a semicolon and may have many lines. Ctrl-C cancels, Ctrl-D leaves.\n"
    "  \\d [NAME]         tables and views; the columns of one\n"
    "  \\dt, \\dv          tables; views\n"
    "  \\dj, \\da          jobs; alerts\n"
    "  \\watch [SECONDS]  run the last statement again and again (2)\n"
    "  \\x                one line per value: on or off\n"
    "  \\format NAME      table, expanded, csv or json\n"
    "  \\timing           how long statements take: on or off\n"
    "  \\i FILE           run the statements of a file\n"
    "  \\q                leave\n"
    "SUBSCRIBE view; shows the rows of a view as they change.\n";

// "\d  name ;" as its two words.
std::pair<std::string_view, std::string_view> split_command(std::string_view line) {
  const size_t space = line.find_first_of(" \t");
  if (space == std::string_view::npos) return {line, {}};
  std::string_view argument = line.substr(std::min(line.find_first_not_of(" \t", space), line.size()));
  while (!argument.empty() && std::string_view("; \t\r").find(argument.back()) != std::string_view::npos) {
    argument.remove_suffix(1);
  }
  return {line.substr(0, space), argument};
}

bool changes_names(std::string_view tag) {
  return tag.starts_with("CREATE") || tag.starts_with("DROP") || tag.starts_with("ALTER");
}

}  // namespace

ShellSession::ShellSession(const ShellOptions& options, Interrupt& interrupt, bool out_is_terminal)
    : options_(options), interrupt_(interrupt), out_is_terminal_(out_is_terminal), format_(options.format) {}

Status ShellSession::connect() {
  client_ = PENSTOCK_TRY(PgClient::connect(options_.address));
  client_->cancel_when_readable(interrupt_.fd());
  names_changed_ = true;
  return {};
}

ShellSession::Outcome ShellSession::fail(const Error& error) const {
  fmt::print(stderr, "{}\n", error.to_string());
  return Outcome::kFailed;
}

OutputFormat ShellSession::format() const {
  return expanded_ && format_ == OutputFormat::kTable ? OutputFormat::kExpanded : format_;
}

ShellSession::Outcome ShellSession::run(const StatementReader::Item& item) {
  interrupt_.take();
  return item.is_command ? run_command(item.text) : run_statement(item.text);
}

ShellSession::Outcome ShellSession::query(std::string_view sql, ResultSink& sink) {
  if (client_ == nullptr) {
    if (Status connected = connect(); !connected) {
      fail(connected.error());
      return Outcome::kLost;
    }
  }
  if (Status done = client_->query(sql, sink); !done) {
    client_.reset();
    fail(done.error());
    return Outcome::kLost;
  }
  return Outcome::kOk;
}

ShellSession::Outcome ShellSession::run_statement(const std::string& sql) {
  last_statement_ = sql;
  const int64_t begin_us = monotonic_time_us();
  ResultView view(sql, {.format = format(), .out = stdout, .live_in_place = out_is_terminal_});
  const Outcome outcome = query(sql, view);
  if (outcome != Outcome::kOk) return outcome;
  if (timing_) fmt::print("Time: {:.3f} ms\n", static_cast<double>(monotonic_time_us() - begin_us) / 1000);
  if (changes_names(view.tag())) names_changed_ = true;
  return view.failed() ? Outcome::kFailed : Outcome::kOk;
}

ShellSession::Outcome ShellSession::run_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(not_found("cannot read \"{}\"", path));
  if (file_depth_ == kFileDepthMax)
    return fail(invalid_argument("files read each other more than {} deep", kFileDepthMax));
  ++file_depth_;
  const Outcome outcome = run_input(file);
  --file_depth_;
  return outcome;
}

ShellSession::Outcome ShellSession::run_input(std::istream& input) {
  StatementReader reader;
  std::string line;
  while (std::getline(input, line)) {
    reader.add_line(line);
    for (auto item = reader.next(); item; item = reader.next()) {
      if (const Outcome outcome = run(*item); outcome != Outcome::kOk) return outcome;
    }
  }
  const auto item = reader.rest();
  return item ? run(*item) : Outcome::kOk;
}

// --- backslash commands ---

ShellSession::Outcome ShellSession::run_command(std::string_view line) {
  const auto [command, argument] = split_command(line);
  if (command == "\\q") return Outcome::kQuit;
  if (command == "\\?" || command == "\\h") {
    show_help();
    return Outcome::kOk;
  }
  if (command == "\\d" && !argument.empty()) return run_statement(fmt::format("DESCRIBE {}", argument));
  if (command == "\\d") return list_relations("");
  if (command == "\\dt") return list_relations("table");
  if (command == "\\dv") return list_relations("view");
  if (command == "\\dj") return run_statement("SHOW JOBS");
  if (command == "\\da") return run_statement("SHOW ALERTS");
  if (command == "\\watch") return watch(argument);
  if (command == "\\i") return run_file(std::string(argument));
  if (command == "\\x") {
    expanded_ = !expanded_;
    fmt::print("Expanded display is {}.\n", expanded_ ? "on" : "off");
    return Outcome::kOk;
  }
  if (command == "\\timing") {
    timing_ = !timing_;
    fmt::print("Timing is {}.\n", timing_ ? "on" : "off");
    return Outcome::kOk;
  }
  if (command == "\\format") {
    const Result<OutputFormat> format = parse_output_format(argument);
    if (!format) return fail(format.error());
    format_ = *format;
    return Outcome::kOk;
  }
  return fail(invalid_argument("there is no command {}", command).hint("\\? lists them"));
}

void ShellSession::show_help() const { fmt::print("{}", kHelp); }

// SHOW TABLES gives every relation with its kind; `kind` is a part of the kinds to list.
ShellSession::Outcome ShellSession::list_relations(std::string_view kind) {
  CollectedResult relations;
  if (const Outcome outcome = query("SHOW TABLES", relations); outcome != Outcome::kOk) return outcome;
  if (!relations.error.empty()) return fail(Error(ErrorCode::kInternal, relations.error));
  const auto printer = ResultPrinter::make(format(), stdout);
  printer->begin(relations.columns);
  for (const auto& row : relations.rows) {
    const std::string row_kind = sql::to_lower(row.back().value_or(""));
    if (row_kind.find(kind) == std::string::npos) continue;
    printer->row(ResultRow(row.begin(), row.end()));
  }
  printer->end();
  printer->flush();
  return Outcome::kOk;
}

ShellSession::Outcome ShellSession::watch(std::string_view argument) {
  double interval_s = kWatchDefaultS;
  if (!argument.empty()) {
    const auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), interval_s);
    constexpr double kIntervalMaxS = 86'400;
    if (error != std::errc() || end != argument.data() + argument.size() || !(interval_s > 0) ||
        interval_s > kIntervalMaxS) {
      return fail(invalid_argument("\\watch takes a number of seconds, not {}", argument));
    }
  }
  if (last_statement_.empty()) return fail(invalid_argument("there is no statement to watch yet"));
  for (;;) {
    if (const Outcome outcome = watch_once(interval_s); outcome != Outcome::kOk) return outcome;
    if (interrupt_.wait(static_cast<int>(interval_s * 1000))) return Outcome::kOk;
  }
}

// Shows the result where the last one stood. It is made aside first, so that nothing flickers.
ShellSession::Outcome ShellSession::watch_once(double interval_s) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* memory = ::open_memstream(&text, &size);
  ResultView view(last_statement_, {.format = format(), .out = memory, .live_in_place = false});
  const Outcome outcome = query(last_statement_, view);
  std::fclose(memory);
  if (out_is_terminal_) {
    fmt::print("\x1b[H\x1b[J{}  every {} s; Ctrl-C ends\n\n", format_iso8601_ms(wall_time_us()), interval_s);
  }
  std::fwrite(text, 1, size, stdout);
  std::fflush(stdout);
  std::free(text);
  if (outcome != Outcome::kOk) return outcome;
  return view.failed() ? Outcome::kFailed : Outcome::kOk;
}

// --- completion ---

void ShellSession::refresh_completion() {
  if (!names_changed_ || client_ == nullptr) return;
  names_changed_ = false;
  CollectedResult relations;
  if (query("SHOW TABLES", relations) != Outcome::kOk) return;
  std::vector<std::string> names;
  std::vector<std::string> columns;
  for (const auto& row : relations.rows) {
    if (row.empty() || !row[0]) continue;
    names.push_back(*row[0]);
    if (names.size() > kCompletedRelationsMax) continue;
    CollectedResult described;
    if (query(fmt::format("DESCRIBE {}", sql::quote_identifier(*row[0])), described) != Outcome::kOk) return;
    for (const auto& column : described.rows) {
      if (!column.empty() && column[0]) columns.push_back(*column[0]);
    }
  }
  completion_.set_relations(std::move(names));
  completion_.set_columns(std::move(columns));
}

}  // namespace penstock::app
