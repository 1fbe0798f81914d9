#include "app/bench/client_cores.h"

namespace penstock::app {

ClientCores::ClientCores() {
  if (sched_getaffinity(0, sizeof(before_), &before_) != 0) return;
  cpu_set_t upper_half = before_;
  int to_clear = CPU_COUNT(&before_) / 2;
  for (int core = 0; core < CPU_SETSIZE && to_clear > 0; ++core) {
    if (!CPU_ISSET(core, &upper_half)) continue;
    CPU_CLR(core, &upper_half);
    --to_clear;
  }
  sched_setaffinity(0, sizeof(upper_half), &upper_half);
}

ClientCores::~ClientCores() {
  if (CPU_COUNT(&before_) > 0) sched_setaffinity(0, sizeof(before_), &before_);
}

}  // namespace penstock::app
