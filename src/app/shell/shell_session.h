// The state of a shell: its connection, how it shows results, and the backslash commands.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/shell/completion.h"
#include "app/shell/interrupt.h"
#include "app/shell/pg_client.h"
#include "app/shell/result_printer.h"
#include "app/shell/shell.h"
#include "app/shell/statement_reader.h"
#include "base/result.h"

namespace penstock::app {

// Used by one thread.
class ShellSession {
 public:
  ShellSession(const ShellOptions& options, Interrupt& interrupt, bool out_is_terminal);

  // Connects; also again after the connection was lost.
  Status connect();
  bool connected() const { return client_ != nullptr; }
  const PgClient& client() const { return *client_; }

  enum class Outcome : uint8_t { kOk, kFailed, kLost, kQuit };
  // Runs a statement or a backslash command and shows what it gives.
  Outcome run(const StatementReader::Item& item);
  // Reads statements to the end; stops at the first failure.
  Outcome run_input(std::istream& input);
  Outcome run_file(const std::string& path);

  // Asks the server for the names that can be completed, when they may have changed.
  void refresh_completion();
  const Completion& completion() const { return completion_; }

 private:
  Outcome run_statement(const std::string& sql);
  Outcome query(std::string_view sql, ResultSink& sink);
  Outcome run_command(std::string_view line);
  Outcome list_relations(std::string_view kind);
  Outcome watch(std::string_view argument);
  Outcome watch_once(double interval_s);
  Outcome fail(const Error& error) const;
  void show_help() const;
  OutputFormat format() const;

  const ShellOptions options_;
  Interrupt& interrupt_;
  const bool out_is_terminal_;
  std::unique_ptr<PgClient> client_;
  OutputFormat format_;
  bool expanded_ = false;
  bool timing_ = false;
  std::string last_statement_;
  Completion completion_;
  bool names_changed_ = true;
  int file_depth_ = 0;
};

}  // namespace penstock::app
