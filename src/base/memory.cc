#include "base/memory.h"

#include <unistd.h>

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
