#include "app/signals.h"

#include <signal.h>

#include <ctime>

namespace penstock::app {

namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void hold_stop_signals() {
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void wait_for_stop_signal(int64_t seconds) {
  const sigset_t signals = stop_signals();
  if (seconds > 0) {
    const timespec timeout{.tv_sec = seconds, .tv_nsec = 0};
    sigtimedwait(&signals, nullptr, &timeout);
  } else {
    int received = 0;
    sigwait(&signals, &received);
  }
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace penstock::app
