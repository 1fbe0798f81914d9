#include "connector/scan.h"

#include <algorithm>
#include <utility>

namespace penstock::connector {

namespace {

// What operators behind both inputs see: idle ones hold nobody back.
exec::Watermark merge(const exec::Watermark& a, const exec::Watermark& b) {
  if (a.idle != b.idle) return a.idle ? b : a;
  return {.time = a.idle ? std::max(a.time, b.time) : std::min(a.time, b.time), .idle = a.idle};
}

}  // namespace

void ScanProgress::note(int instance, Epoch epoch, Noted noted) {
  const std::lock_guard lock(mutex_);
  noted_[epoch][instance] = std::move(noted);
}

ScanProgress::Noted ScanProgress::take(Epoch epoch) {
  const std::lock_guard lock(mutex_);
  std::optional<Noted> all;
  for (auto& [instance, noted] : noted_[epoch]) {
    if (!all) {
      all = std::move(noted);
      continue;
    }
    all->positions.insert(all->positions.end(), noted.positions.begin(), noted.positions.end());
    all->watermark = merge(all->watermark, noted.watermark);
  }
  noted_.erase(noted_.begin(), noted_.upper_bound(epoch));
  return std::move(all).value_or(Noted());
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
