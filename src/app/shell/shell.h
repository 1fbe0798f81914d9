// `penstock sql`: an SQL shell on a running server, through its PostgreSQL port.
#pragma once

#include <string>
#include <vector>

#include "app/shell/pg_client.h"
#include "app/shell/result_printer.h"

namespace penstock::app {

struct ShellOptions {
  PgAddress address;
  std::vector<std::string> commands;  // -c: runs these, then ends
  std::string file;                   // -f: runs its statements, then ends; "-" is standard input
  OutputFormat format = OutputFormat::kTable;
};

inline constexpr int kShellOk = 0;
inline constexpr int kShellStatementFailed = 1;  // not interactive: the first error ends it
inline constexpr int kShellNoConnection = 2;     // or a wrong flag

// Runs the shell and returns the exit status. Interactive when standard input is a terminal and there are neither
// commands nor a file.
int run_shell(const ShellOptions& options);

}  // namespace penstock::app
