#include "net/memory_wait.h"

#include <algorithm>

namespace penstock::net {
namespace {

constexpr std::chrono::milliseconds kRetryDelayMin{10};
// Many may wait: together they must not keep the loops busy.
constexpr std::chrono::milliseconds kRetryDelayMax{320};

}  // namespace

awaitable<bool> wait_for_memory(MemoryReservation& reservation, size_t bytes, std::chrono::milliseconds timeout,
                                std::function<bool()> give_up) {
  using Clock = asio::steady_timer::clock_type;
  const auto end = Clock::now() + timeout;
  asio::steady_timer retry(co_await asio::this_coro::executor);
  for (auto delay = kRetryDelayMin;; delay = std::min(2 * delay, kRetryDelayMax)) {
    if (give_up()) co_return false;
    if (reservation.try_resize(bytes)) co_return true;
    if (Clock::now() >= end) co_return false;
    retry.expires_after(delay);
    co_await retry.async_wait(kAwait);
  }
}

}  // namespace penstock::net
