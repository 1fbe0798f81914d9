// How many files the process may have open, sockets included.
#pragma once

#include <cstdint>

namespace penstock::app {

// Raises the limit as far as the system allows without more rights, and gives it.
int64_t raise_open_files_limit();

// How many are open now. Reads /proc.
int64_t open_files();

// Below which number a client's descriptor must be when `reserve` of `limit` are kept for the files of the log and the
// engine. Of a limit that is too small for that, clients get half.
int descriptors_for_clients(int64_t limit, int64_t reserve);

}  // namespace penstock::app
