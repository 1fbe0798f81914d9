// The chances that a generator took, so that they can be taken again, and fewer of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace penstock::sqltest {

// Hands out random numbers and remembers them. Made of remembered ones it hands out these, and 0 behind their end;
// every generator takes 0 for the simplest thing, so what comes of a sequence gets simpler when numbers are left out or
// lowered. That is how a failing query is shrunk without knowing what it is.
class Choices {
 public:
  explicit Choices(uint64_t seed) : random_(seed), fresh_(true) {}
  explicit Choices(std::vector<uint32_t> again) : given_(std::move(again)) {}

  // 0 to n - 1; n is at least 1.
  uint32_t below(uint32_t n);
  bool chance(uint32_t percent) { return below(100) >= 100 - percent; }
  template <typename T>
  const T& pick(const std::vector<T>& from) {
    return from[below(static_cast<uint32_t>(from.size()))];
  }

  const std::vector<uint32_t>& taken() const { return taken_; }

 private:
  std::mt19937_64 random_;
  bool fresh_ = false;
  std::vector<uint32_t> given_;
  std::vector<uint32_t> taken_;
};

}  // namespace penstock::sqltest
