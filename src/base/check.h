// Checks for broken invariants. They are in every build and are never reachable from input: input gets an Error.
#pragma once

#include <string_view>

namespace penstock::internal {
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view message);
}  // namespace penstock::internal

// Stops the program with file, line and message when `condition` is false.
#define PENSTOCK_CHECK(condition, message)                                         \
  do {                                                                             \
    if (!(condition)) [[unlikely]]                                                 \
      ::penstock::internal::check_failed(__FILE__, __LINE__, #condition, message); \
  } while (false)

// The same on hot paths: only in checked builds (debug, asan, tsan, fuzz), where PENSTOCK_CHECKED is 1.
#if PENSTOCK_CHECKED
#define PENSTOCK_DCHECK(condition, message) PENSTOCK_CHECK(condition, message)
#else
#define PENSTOCK_DCHECK(condition, message) \
  do {                                      \
  } while (false)
#endif
