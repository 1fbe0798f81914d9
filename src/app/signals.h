// SIGINT and SIGTERM, as something to wait for.
#pragma once

#include <cstdint>

namespace penstock::app {

// Keeps both signals from ending the program. Call first of all: threads inherit it.
void hold_stop_signals();

// Waits for one of them, or for `seconds` when that is not 0. A second signal after that ends the program at once.
void wait_for_stop_signal(int64_t seconds);

}  // namespace penstock::app
