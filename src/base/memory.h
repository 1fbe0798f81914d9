// Memory accounting: a tree of budgets, and reservations that give back what they hold.
//
// A budget bounds one use (a topic's tail cache, a job's state, a subscription); its parent bounds the whole
// program at a share of the container's limit. Accounting is by estimate of the large pieces, not by malloc hooks; for
// the state of jobs see base/state_memory.h.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace penstock {

// Thread-safe. Outlives its children and every reservation on it.
class MemoryBudget {
 public:
  MemoryBudget(std::string name, size_t limit_bytes, MemoryBudget* parent = nullptr)
      : name_(std::move(name)), limit_bytes_(limit_bytes), parent_(parent) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Takes `bytes` here and in every parent, or nothing anywhere and returns false.
  [[nodiscard]] bool try_reserve(size_t bytes);
  // Takes `bytes` even over the limit, for what cannot be refused any more (it is then seen in used_bytes()).
  void force_reserve(size_t bytes);
  void release(size_t bytes);
  // Which one try_reserve(`bytes`) would be refused by now: this, or one above it; this when none would any more.
  const MemoryBudget& refusing(size_t bytes) const;

  const std::string& name() const { return name_; }
  size_t limit_bytes() const { return limit_bytes_; }
  size_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }

  // The memory that this process may use: the cgroup's limit where there is one, else the machine's memory.
  static size_t detect_limit_bytes();

 private:
  const std::string name_;
  const size_t limit_bytes_;
  MemoryBudget* const parent_;
  std::atomic<size_t> used_bytes_{0};
};

// A number of bytes as people write it: "67108864", "64M", "64MiB", "64 MiB"; units are powers of 1024.
std::optional<int64_t> parse_bytes(std::string_view text);

// Holds bytes of a budget and releases them when it goes. Not thread-safe.
class MemoryReservation {
 public:
  MemoryReservation() = default;
  explicit MemoryReservation(MemoryBudget* budget) : budget_(budget) {}
  MemoryReservation(MemoryReservation&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryReservation& operator=(MemoryReservation&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MemoryReservation() {
    if (budget_ != nullptr) budget_->release(bytes_);
  }

  // Changes what is held to `bytes`; false (and no change) when that would pass the limit. Shrinking never fails.
  [[nodiscard]] bool try_resize(size_t bytes);
  // The same even over the limit, as MemoryBudget::force_reserve().
  void force_resize(size_t bytes);
  size_t bytes() const { return bytes_; }

 private:
  MemoryBudget* budget_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace penstock
