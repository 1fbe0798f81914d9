#include "base/memory.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace penstock {

bool MemoryBudget::try_reserve(size_t bytes) {
  size_t used = used_bytes_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_bytes_ || used > limit_bytes_ - bytes) return false;
  } while (!used_bytes_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
  if (parent_ != nullptr && !parent_->try_reserve(bytes)) {
    used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
  }
  return true;
}

void MemoryBudget::force_reserve(size_t bytes) {
  for (MemoryBudget* b = this; b != nullptr; b = b->parent_) b->used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void MemoryBudget::release(size_t bytes) {
  for (MemoryBudget* b = this; b != nullptr; b = b->parent_) b->used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

const MemoryBudget& MemoryBudget::refusing(size_t bytes) const {
  for (const MemoryBudget* b = this; b != nullptr; b = b->parent_) {
    if (bytes > b->limit_bytes_ || b->used_bytes() > b->limit_bytes_ - bytes) return *b;
  }
  return *this;
}

size_t MemoryBudget::detect_limit_bytes() {
  const auto machine = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  // cgroup v2 says "max" where there is no limit; v1 says a number larger than any machine.
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::ifstream file(path);
    size_t limit = 0;
    if (file >> limit && limit < machine) return limit;
  }
  return machine;
}

std::optional<int64_t> parse_bytes(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int>, 12> kUnits{{{"", 0},
                                                                     {"B", 0},
                                                                     {"K", 10},
                                                                     {"KiB", 10},
                                                                     {"M", 20},
                                                                     {"MiB", 20},
                                                                     {"G", 30},
                                                                     {"GiB", 30},
                                                                     {"T", 40},
                                                                     {"TiB", 40},
                                                                     {"k", 10},
                                                                     {"kiB", 10}}};
  int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  const auto* unit = std::ranges::find(kUnits, text, &std::pair<std::string_view, int>::first);
  int64_t bytes = 0;
  if (unit == kUnits.end() || __builtin_mul_overflow(number, int64_t{1} << unit->second, &bytes)) return std::nullopt;
  return bytes;
}

bool MemoryReservation::try_resize(size_t bytes) {
  if (budget_ == nullptr) return bytes == 0;
  if (bytes > bytes_) {
    if (!budget_->try_reserve(bytes - bytes_)) return false;
  } else {
    budget_->release(bytes_ - bytes);
  }
  bytes_ = bytes;
  return true;
}

void MemoryReservation::force_resize(size_t bytes) {
  if (budget_ == nullptr) return;
  if (bytes > bytes_) {
    budget_->force_reserve(bytes - bytes_);
  } else {
    budget_->release(bytes_ - bytes);
  }
  bytes_ = bytes;
}

}  // namespace penstock
