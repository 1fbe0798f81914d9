#include "app/shell/shell.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <iostream>
#include <optional>
#include <string>

#include "app/shell/interrupt.h"
#include "app/shell/line_editor.h"
#include "app/shell/shell_session.h"
#include "app/shell/statement_reader.h"

namespace penstock::app {
namespace {

using Outcome = ShellSession::Outcome;

int exit_status(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
    case Outcome::kQuit: return kShellOk;
    case Outcome::kFailed: return kShellStatementFailed;
    case Outcome::kLost: return kShellNoConnection;
  }
  return kShellOk;
}

int run_commands(ShellSession& session, const std::vector<std::string>& commands) {
  for (const std::string& command : commands) {
    StatementReader reader;
    reader.add_line(command);
    for (;;) {
      auto item = reader.next();
      if (!item) item = reader.rest();
      if (!item) break;
      if (const Outcome outcome = session.run(*item); outcome != Outcome::kOk) return exit_status(outcome);
    }
  }
  return kShellOk;
}

// History keeps an entry on one line.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int run_interactive(ShellSession& session, Interrupt& interrupt) {
  fmt::print("penstock sql: server {}. \\? helps, \\q leaves.\n", session.client().server_version());
  LineEditor editor(session.completion(), interrupt, LineEditor::default_history_path());
  StatementReader reader;
  for (;;) {
    session.refresh_completion();
    const bool pending = reader.pending();
    std::string line;
    const auto outcome = editor.read(pending ? "       -> " : "penstock=> ", line);
    if (outcome == LineEditor::Outcome::kEnd) break;
    if (outcome == LineEditor::Outcome::kInterrupted) {
      reader.clear();
      continue;
    }
    // In the midst of a statement, a line with a backslash ends it: "SELECT ... \watch".
    const size_t first = line.find_first_not_of(" \t");
    if (pending && first != std::string::npos && line[first] == '\\') {
      if (auto rest = reader.rest()) session.run(*rest);
    }
    reader.add_line(line);
    for (auto item = reader.next(); item; item = reader.next()) {
      editor.remember(one_line(item->text));
      if (session.run(*item) == Outcome::kQuit) return kShellOk;
    }
  }
  fmt::print("\n");
  return kShellOk;
}

}  // namespace

int run_shell(const ShellOptions& options) {
  std::setlocale(LC_CTYPE, "");
  Interrupt interrupt;
  const bool out_is_terminal = ::isatty(STDOUT_FILENO) != 0;
  ShellSession session(options, interrupt, out_is_terminal);
  if (Status connected = session.connect(); !connected) {
    fmt::print(stderr, "penstock sql: {}\n", connected.error().to_string());
    return kShellNoConnection;
  }
  if (!options.commands.empty()) return run_commands(session, options.commands);
  if (!options.file.empty() && options.file != "-") return exit_status(session.run_file(options.file));
  if (!options.file.empty() || ::isatty(STDIN_FILENO) == 0) return exit_status(session.run_input(std::cin));
  return run_interactive(session, interrupt);
}

}  // namespace penstock::app
