#include "app/shell/line_editor.h"

#include <poll.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

// readline.h wants FILE to be declared before it.
#include <readline/history.h>
#include <readline/readline.h>

namespace penstock::app {
namespace {

constexpr int kHistoryEntriesMax = 10'000;

// readline's hooks are plain functions.
const Completion* completion_in_use = nullptr;
Interrupt* interrupt_in_use = nullptr;

char** complete(const char* /*text*/, int begin, int end) {
  rl_attempted_completion_over = 1;  // no file names
  const std::string line(rl_line_buffer, static_cast<size_t>(end));
  const std::vector<std::string> found = completion_in_use->candidates(line, static_cast<size_t>(begin));
  if (found.empty()) return nullptr;
  // readline frees this: first what all have in common, then each, then a null.
  std::string common = found[0];
  for (const std::string& candidate : found) {
    size_t same = 0;
    while (same < common.size() && same < candidate.size() && common[same] == candidate[same]) ++same;
    common.resize(same);
  }
  const size_t typed = static_cast<size_t>(end - begin);
  if (common.size() < typed) common = line.substr(static_cast<size_t>(begin));
  auto** matches = static_cast<char**>(std::calloc(found.size() + 2, sizeof(char*)));
  matches[0] = strdup(common.c_str());
  if (found.size() == 1) return matches;
  for (size_t i = 0; i < found.size(); ++i) matches[i + 1] = strdup(found[i].c_str());
  return matches;
}

// Waits for a key or for Ctrl-C, which gives the line up. Waiting for both at once, a Ctrl-C is not lost that comes
// just before the read.
int read_key(std::FILE* input) {
  std::array<pollfd, 2> waiting{{{.fd = ::fileno(input), .events = POLLIN, .revents = 0},
                                 {.fd = interrupt_in_use->fd(), .events = POLLIN, .revents = 0}}};
  while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
  }
  if ((waiting[1].revents & POLLIN) == 0) return rl_getc(input);
  rl_replace_line("", 0);
  return '\n';
}

}  // namespace

LineEditor::LineEditor(const Completion& completion, Interrupt& interrupt, std::string history_path)
    : interrupt_(interrupt), history_path_(std::move(history_path)) {
  completion_in_use = &completion;
  interrupt_in_use = &interrupt;
  rl_readline_name = "penstock";
  rl_catch_signals = 0;
  rl_getc_function = read_key;
  rl_attempted_completion_function = complete;
  rl_basic_word_break_characters = " \t\n,();=<>+-*/'";
  using_history();
  stifle_history(kHistoryEntriesMax);
  if (!history_path_.empty()) read_history(history_path_.c_str());
}

LineEditor::~LineEditor() {
  completion_in_use = nullptr;
  rl_getc_function = rl_getc;
  rl_attempted_completion_function = nullptr;
  if (history_path_.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(history_path_).parent_path(), ignored);
  // What was typed may hold secrets: nobody else may read it.
  const mode_t before = ::umask(S_IRWXG | S_IRWXO);
  write_history(history_path_.c_str());
  ::umask(before);
}

LineEditor::Outcome LineEditor::read(const std::string& prompt, std::string& line) {
  interrupt_.take();
  char* typed = ::readline(prompt.c_str());
  if (typed == nullptr) return Outcome::kEnd;
  line = typed;
  std::free(typed);
  if (!interrupt_.take()) return Outcome::kLine;
  std::fputs("^C\n", stdout);
  return Outcome::kInterrupted;
}

void LineEditor::remember(const std::string& entry) {
  const HIST_ENTRY* last = history_length > 0 ? history_get(history_base + history_length - 1) : nullptr;
  if (!entry.empty() && (last == nullptr || entry != last->line)) add_history(entry.c_str());
}

std::string LineEditor::default_history_path() {
  const auto from = [](const char* variable, const char* rest) {
    const char* value = std::getenv(variable);
    return value == nullptr || *value == '\0' ? std::string() : std::string(value) + rest;
  };
  std::string path = from("XDG_STATE_HOME", "/penstock/history");
  return path.empty() ? from("HOME", "/.local/state/penstock/history") : path;
}

}  // namespace penstock::app
