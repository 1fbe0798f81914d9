// Keeps the load generator off the server's cores.
#pragma once

#include <sched.h>

namespace penstock::app {

// While it lives, this thread, and the threads that it starts, run on the upper half of the cores that the process may
// use (one of two); on a single core nothing changes. Make it after the server has been started, which would inherit
// it.
class ClientCores {
 public:
  ClientCores();
  ~ClientCores();
  ClientCores(const ClientCores&) = delete;
  ClientCores& operator=(const ClientCores&) = delete;

 private:
  cpu_set_t before_{};
};

}  // namespace penstock::app
