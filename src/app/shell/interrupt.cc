#include "app/shell/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace penstock::app {
namespace {

// A signal handler can reach nothing but globals.
int pipe_ends[2] = {-1, -1};

void on_signal(int /*signal*/) {
  const int saved = errno;
  const char byte = 1;
  [[maybe_unused]] const ssize_t n = ::write(pipe_ends[1], &byte, 1);
  errno = saved;
}

}  // namespace

Interrupt::Interrupt() {
  if (::pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC) != 0) return;
  struct sigaction action{};
  action.sa_handler = on_signal;  // without SA_RESTART: reading from the terminal ends, too
  ::sigaction(SIGINT, &action, nullptr);
}

Interrupt::~Interrupt() {
  ::signal(SIGINT, SIG_DFL);
  for (int& end : pipe_ends) {
    if (end >= 0) ::close(end);
    end = -1;
  }
}

int Interrupt::fd() const { return pipe_ends[0]; }

bool Interrupt::take() {
  bool any = false;
  char byte = 0;
  while (::read(pipe_ends[0], &byte, 1) == 1) any = true;
  return any;
}

bool Interrupt::wait(int timeout_ms) {
  pollfd waiting{.fd = pipe_ends[0], .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, timeout_ms);
  } while (ready < 0 && errno == EINTR);
  return ready > 0 && take();
}

}  // namespace penstock::app
