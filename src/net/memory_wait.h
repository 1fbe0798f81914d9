// Back-pressure by memory: a connection is not read while there is no room for what it sends.
#pragma once

#include <chrono>
#include <functional>

#include "base/memory.h"
#include "net/asio.h"

namespace penstock::net {

// Waits on the caller's loop until `reservation` holds `bytes`, and gives true. It looks again and again, ever less
// often, since nobody hears of it when memory is given back. Gives false after `timeout`, or once `give_up` says so.
awaitable<bool> wait_for_memory(MemoryReservation& reservation, size_t bytes, std::chrono::milliseconds timeout,
                                std::function<bool()> give_up);

}  // namespace penstock::net
