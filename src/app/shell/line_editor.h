// Lines from a terminal, with editing, history and completion (GNU readline).
#pragma once

#include <optional>
#include <string>

#include "app/shell/completion.h"
#include "app/shell/interrupt.h"

namespace penstock::app {

// At most one exists: readline keeps its state in globals.
class LineEditor {
 public:
  // `completion` and `interrupt` outlive it. Reads the history from `history_path` when there is one.
  LineEditor(const Completion& completion, Interrupt& interrupt, std::string history_path);
  // Writes the history.
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Outcome : unsigned char { kLine, kInterrupted, kEnd };
  Outcome read(const std::string& prompt, std::string& line);
  void remember(const std::string& entry);

  // $XDG_STATE_HOME/penstock/history, else ~/.local/state/penstock/history; empty without a home.
  static std::string default_history_path();

 private:
  Interrupt& interrupt_;
  const std::string history_path_;
};

}  // namespace penstock::app
