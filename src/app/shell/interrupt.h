// Ctrl-C as something that can be waited for.
#pragma once

namespace penstock::app {

// Takes SIGINT over for the life of the object; at most one exists. Each Ctrl-C becomes a byte that fd() can read.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  int fd() const;
  // True when there was one since the last call; forgets it.
  bool take();
  // Waits for one; false when `timeout_ms` have passed without.
  bool wait(int timeout_ms);
};

}  // namespace penstock::app
