// The parts of Boost.Asio that the network servers use, and how they use them: errors as values, never as exceptions.
// Private to net and to the .cc files and private headers of the servers (kafka, pgwire, http).
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace penstock::net {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;

// Completion token: `auto [error, bytes] = co_await socket.async_read_some(buffer, kAwait);`
inline constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

}  // namespace penstock::net
