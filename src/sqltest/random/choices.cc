#include "sqltest/random/choices.h"

namespace penstock::sqltest {

uint32_t Choices::below(uint32_t n) {
  const size_t at = taken_.size();
  uint32_t value = 0;
  if (fresh_) {
    value = static_cast<uint32_t>(random_() % n);
  } else if (at < given_.size()) {
    value = given_[at] % n;
  }
  taken_.push_back(value);
  return value;
}

}  // namespace penstock::sqltest
