#include "connector/scan.h"

#include <utility>

namespace penstock::connector {

void ScanProgress::note(int instance, Epoch epoch, Positions positions) {
  const std::lock_guard lock(mutex_);
  noted_[epoch][instance] = std::move(positions);
}

Positions ScanProgress::take_positions(Epoch epoch) {
  const std::lock_guard lock(mutex_);
  Positions all;
  if (const auto it = noted_.find(epoch); it != noted_.end()) {
    for (const auto& [instance, positions] : it->second) all.insert(all.end(), positions.begin(), positions.end());
  }
  noted_.erase(noted_.begin(), noted_.upper_bound(epoch));
  return all;
}

void ScanProgress::release() {
  std::vector<std::function<void()>> wakers;
  {
    const std::lock_guard lock(mutex_);
    released_.store(true, std::memory_order_release);
    wakers.swap(wakers_);
  }
  for (const auto& waker : wakers) waker();
}

void ScanProgress::on_release(std::function<void()> waker) {
  const std::lock_guard lock(mutex_);
  wakers_.push_back(std::move(waker));
}

}  // namespace penstock::connector
