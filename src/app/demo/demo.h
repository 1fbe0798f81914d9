// `penstock demo`: fraud detection on generated card transactions, from a Kafka producer to a live dashboard.
#pragma once

#include <cstdint>

#include "app/config.h"

namespace penstock::app {

struct DemoOptions {
  Config config;
  bool temporary_directory = true;  // make one, and remove it at the end
  int64_t duration_s = 0;           // 0: until it is stopped
  bool check = false;               // at the end, compare every view with a recomputation from the log
  int64_t rate = 150;               // transactions per second
};

// Returns the exit status: 0, or 1 when something failed or a view is wrong.
int run_demo(DemoOptions options);

}  // namespace penstock::app
