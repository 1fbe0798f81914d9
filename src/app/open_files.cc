#include "app/open_files.h"

#include <sys/resource.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <iterator>
#include <system_error>

namespace penstock::app {

int64_t raise_open_files_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return INT_MAX;
  if (limit.rlim_cur != limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, INT_MAX));
}

int64_t open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  return error ? 0 : std::distance(begin(files), end(files)) - 1;  // without the one that is read here
}

int descriptors_for_clients(int64_t limit, int64_t reserve) {
  return static_cast<int>(std::clamp<int64_t>(std::max(limit - reserve, limit / 2), 0, INT_MAX));
}

}  // namespace penstock::app
