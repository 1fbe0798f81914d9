// Awaits a blocking call from a coroutine:
//
//   Result<Rows> rows = co_await run_blocking(pool, [&] { return session.execute(sql); });
#pragma once

#include <type_traits>
#include <utility>

#include "net/asio.h"
#include "net/blocking_pool.h"

namespace penstock::net {

// Runs `call` on a thread of the pool and resumes the coroutine, with its value, on the executor it came from.
// The coroutine's frame lives until then, so `call` may refer to its locals. The pool must be destroyed before the
// event loops are. `call` must not throw.
template <class F>
awaitable<std::invoke_result_t<F&>> run_blocking(BlockingPool& pool, F call) {
  using Value = std::invoke_result_t<F&>;
  auto executor = co_await asio::this_coro::executor;
  auto start = [&pool, executor, &call](auto handler) {
    auto work = asio::make_work_guard(executor);
    pool.submit([executor, &call, handler = std::move(handler), work = std::move(work)]() mutable {
      if constexpr (std::is_void_v<Value>) {
        call();
        asio::post(executor, [handler = std::move(handler)]() mutable { handler(); });
      } else {
        asio::post(executor, [handler = std::move(handler), value = call()]() mutable { handler(std::move(value)); });
      }
    });
  };
  if constexpr (std::is_void_v<Value>) {
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(start, asio::use_awaitable);
  } else {
    Value value = co_await asio::async_initiate<decltype(asio::use_awaitable), void(Value)>(start, asio::use_awaitable);
    co_return value;
  }
}

}  // namespace penstock::net
