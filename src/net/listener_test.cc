#include "net/listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <string>
#include <thread>

#include "net/blocking_pool.h"
#include "net/run_blocking.h"

namespace penstock::net {
namespace {

using namespace std::chrono_literals;

awaitable<void> echo(std::shared_ptr<Connection> connection) {
  char buffer[256];
  for (;;) {
    auto [read_error, n] = co_await connection->socket().async_read_some(asio::buffer(buffer), kAwait);
    if (read_error) co_return;
    auto [write_error, written] = co_await asio::async_write(connection->socket(), asio::buffer(buffer, n), kAwait);
    if (write_error) co_return;
  }
}

// A blocking client.
class Client {
 public:
  explicit Client(int port, const char* host = "127.0.0.1") {
    boost::system::error_code error;
    socket_.connect(tcp::endpoint(asio::ip::make_address(host), static_cast<uint16_t>(port)), error);
    connected_ = !error;
  }

  bool connected() const { return connected_; }
  void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }
  // Bytes until `size` or the end of the stream.
  std::string receive(size_t size) {
    std::string bytes(size, '\0');
    boost::system::error_code error;
    bytes.resize(asio::read(socket_, asio::buffer(bytes), error));
    return bytes;
  }
  bool at_end() { return receive(1).empty(); }

 private:
  asio::io_context context_;
  tcp::socket socket_{context_};
  bool connected_ = false;
};

ListenerOptions any_port(std::string host = "127.0.0.1") {
  return {.name = "test", .listen = {.host = std::move(host), .port = 0}};
}

TEST(ListenerTest, ServesConnectionsOnEveryLoop) {
  EventLoopPool loops("test", 2);
  auto listener = *Listener::start(loops, any_port(), echo);
  EXPECT_NE(listener->port(), 0);
  EXPECT_EQ(listener->address(), "127.0.0.1:" + std::to_string(listener->port()));

  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(std::make_unique<Client>(listener->port()));
  for (auto& client : clients) client->send("hello");
  for (auto& client : clients) EXPECT_EQ(client->receive(5), "hello");
  EXPECT_EQ(listener->connections(), 5);
}

TEST(ListenerTest, AnEmptyHostIsEveryInterface) {
  EventLoopPool loops("test", 1);
  auto listener = *Listener::start(loops, any_port(""), echo);
  Client client(listener->port());
  ASSERT_TRUE(client.connected());
  client.send("x");
  EXPECT_EQ(client.receive(1), "x");
}

TEST(ListenerTest, APortInUseIsAnError) {
  EventLoopPool loops("test", 1);
  auto listener = *Listener::start(loops, any_port(), echo);
  auto options = any_port();
  options.listen.port = static_cast<uint16_t>(listener->port());
  const auto second = Listener::start(loops, options, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message(), testing::HasSubstr(listener->address()));
}

TEST(ListenerTest, ClosesConnectionsAboveTheLimit) {
  MetricsRegistry metrics;
  EventLoopPool loops("test", 1);
  auto options = any_port();
  options.connections_max = 2;
  options.refusal = "no room";
  options.metrics = &metrics;
  auto listener = *Listener::start(loops, options, echo);
  auto one = std::make_unique<Client>(listener->port());
  Client two(listener->port());
  one->send("1");
  two.send("2");
  EXPECT_EQ(one->receive(1), "1");
  EXPECT_EQ(two.receive(1), "2");

  EXPECT_EQ(Client(listener->port()).receive(100), "no room");
  EXPECT_EQ(metrics.counter("penstock_test_connections_refused_total", "").value(), 1);
  EXPECT_EQ(metrics.gauge("penstock_test_connections", "").value(), 2);

  one.reset();
  while (listener->connections() == 2) std::this_thread::yield();
  Client again(listener->port());
  again.send("3");
  EXPECT_EQ(again.receive(1), "3");
}

int open_file() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(ListenerTest, LeavesDescriptorsToTheRestOfTheProcess) {
  MetricsRegistry metrics;
  EventLoopPool loops("test", 1);
  auto options = any_port();
  const int lowest_free = open_file();
  options.descriptors_max = lowest_free + 20;
  options.metrics = &metrics;
  auto listener = *Listener::start(loops, options, echo);
  std::vector<int> files;
  while (files.empty() || files.back() < options.descriptors_max) files.push_back(open_file());
  EXPECT_TRUE(Client(listener->port()).at_end());
  EXPECT_EQ(metrics.counter("penstock_test_connections_refused_total", "").value(), 1);

  for (const int file : files) ::close(file);
  Client client(listener->port());
  client.send("x");
  EXPECT_EQ(client.receive(1), "x");
  ::close(lowest_free);
}

TEST(ListenerTest, ShutdownClosesIdleConnectionsAndRefusesNewOnes) {
  EventLoopPool loops("test", 2);
  auto listener = *Listener::start(loops, any_port(), echo);
  Client client(listener->port());
  client.send("x");
  EXPECT_EQ(client.receive(1), "x");

  EXPECT_TRUE(listener->shutdown(10s));
  EXPECT_TRUE(client.at_end());
  Client late(listener->port());
  EXPECT_TRUE(!late.connected() || late.at_end());
}

TEST(ListenerTest, ShutdownLetsWhatIsInFlightFinish) {
  EventLoopPool loops("test", 1);
  std::promise<void> started;
  std::promise<void> draining;
  auto handler = [&](std::shared_ptr<Connection> connection) -> awaitable<void> {
    asio::steady_timer forever(connection->loop().context(), asio::steady_timer::time_point::max());
    connection->on_drain([&] { forever.cancel(); });
    started.set_value();
    co_await forever.async_wait(kAwait);
    draining.set_value();
    co_await asio::async_write(connection->socket(), asio::buffer("done", 4), kAwait);
  };
  auto listener = *Listener::start(loops, any_port(), handler);
  Client client(listener->port());
  started.get_future().wait();

  auto done = std::async(std::launch::async, [&] { return listener->shutdown(10s); });
  draining.get_future().wait();
  EXPECT_EQ(client.receive(4), "done");
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(done.get());
}

TEST(ListenerTest, ShutdownClosesWhatDoesNotFinishInTime) {
  EventLoopPool loops("test", 1);
  std::promise<void> started;
  auto handler = [&](std::shared_ptr<Connection> connection) -> awaitable<void> {
    connection->on_drain([] {});
    started.set_value();
    char byte;
    co_await connection->socket().async_read_some(asio::buffer(&byte, 1), kAwait);
  };
  auto listener = *Listener::start(loops, any_port(), handler);
  Client client(listener->port());
  started.get_future().wait();
  EXPECT_TRUE(listener->shutdown(1ms));
  EXPECT_TRUE(client.at_end());
}

TEST(ListenerTest, ShutdownDoesNotWaitForWhoTakesNothing) {
  EventLoopPool loops("test", 1);
  // Sends far more than the system keeps for a client.
  auto handler = [](std::shared_ptr<Connection> connection) -> awaitable<void> {
    connection->on_drain([] {});
    const std::string much(64 << 20, 'x');
    co_await asio::async_write(connection->socket(), asio::buffer(much), kAwait);
  };
  auto options = any_port();
  options.stalled_grace = 200ms;
  auto listener = *Listener::start(loops, options, handler);
  Client silent(listener->port());
  Client reader(listener->port());
  EXPECT_EQ(reader.receive(1), "x");
  auto done = std::async(std::launch::async, [&] { return listener->shutdown(std::chrono::hours(1)); });
  EXPECT_EQ(reader.receive(64 << 20).size(), (64U << 20) - 1) << "who reads gets all of it";
  EXPECT_TRUE(done.get());
}

TEST(ListenerTest, GoesOnlyAfterItsHandlersHaveReturned) {
  std::atomic<bool> returned = false;
  std::promise<void> started;
  std::promise<void> closed;
  {
    EventLoopPool loops("test", 1);
    BlockingPool pool("blocking", 1);
    auto handler = [&](std::shared_ptr<Connection> connection) -> awaitable<void> {
      connection->on_close([&] { closed.set_value(); });
      started.set_value();
      co_await run_blocking(pool, [&] {
        closed.get_future().wait();
        std::this_thread::sleep_for(50ms);  // longer than the grace, so that the handler would be left behind
      });
      returned = true;
    };
    auto options = any_port();
    options.close_grace = 0ms;
    auto listener = *Listener::start(loops, options, handler);
    const Client client(listener->port());
    started.get_future().wait();
    EXPECT_FALSE(listener->shutdown(0ms));
    listener.reset();
    EXPECT_TRUE(returned);
  }
}

TEST(ListenerTest, AHandlersExceptionEndsItsConnectionOnly) {
  EventLoopPool loops("test", 1);
  bool first = true;
  auto handler = [&](std::shared_ptr<Connection> connection) -> awaitable<void> {
    if (std::exchange(first, false)) throw std::runtime_error("from a library");
    co_await echo(connection);
  };
  auto listener = *Listener::start(loops, any_port(), handler);
  EXPECT_TRUE(Client(listener->port()).at_end());
  Client client(listener->port());
  client.send("x");
  EXPECT_EQ(client.receive(1), "x");
}

TEST(RunBlockingTest, ComesBackToTheConnectionsThreadWithTheValue) {
  EventLoopPool loops("test", 1);
  BlockingPool pool("blocking", 2);
  std::promise<std::string> seen;
  auto coroutine = [&]() -> awaitable<void> {
    const auto loop_thread = std::this_thread::get_id();
    std::thread::id pool_thread;
    co_await run_blocking(pool, [&] { pool_thread = std::this_thread::get_id(); });
    Result<std::unique_ptr<int>> value =
        co_await run_blocking(pool, []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); });
    EXPECT_NE(pool_thread, loop_thread);
    EXPECT_EQ(std::this_thread::get_id(), loop_thread);
    EXPECT_EQ(**value, 7);
    Result<int> error = co_await run_blocking(pool, []() -> Result<int> { return not_found("nothing"); });
    seen.set_value(error ? "" : error.error().message());
  };
  asio::co_spawn(loops.first().context(), coroutine(), asio::detached);
  EXPECT_EQ(seen.get_future().get(), "nothing");
}

TEST(RunBlockingTest, ABlockedCallDoesNotHoldTheLoop) {
  EventLoopPool loops("test", 1);
  std::promise<void> release;
  std::promise<void> finished;
  BlockingPool pool("blocking", 1);
  auto coroutine = [&]() -> awaitable<void> {
    co_await run_blocking(pool, [&] { release.get_future().wait(); });
    finished.set_value();
  };
  asio::co_spawn(loops.first().context(), coroutine(), asio::detached);
  loops.first().post([&] { release.set_value(); });  // runs although the coroutine's call is blocked
  finished.get_future().wait();
}

TEST(EventLoopTest, PostsInOrderAndDropsAfterStop) {
  auto loop = std::make_shared<EventLoop>("test");
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 3; ++i) loop->post([&order, i] { order.push_back(i); });
  loop->run_after(1ms, [&] { done.set_value(); });
  done.get_future().wait();
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
  loop->stop();
  loop->post([&order] { order.push_back(3); });
  EXPECT_EQ(order.size(), 3);
}

// A coroutine waits for something that ends while the loop stops, and holds the loop.
TEST(EventLoopTest, StopLetsGoOfWhatHasCompleted) {
  auto loop = std::make_shared<EventLoop>("test");
  auto timer = std::make_shared<asio::steady_timer>(loop->context(), asio::steady_timer::time_point::max());
  const std::weak_ptr<EventLoop> left = loop;
  std::promise<void> waits;
  auto coroutine = [&waits](std::shared_ptr<EventLoop> /*held*/,
                            std::shared_ptr<asio::steady_timer> forever) -> awaitable<void> {
    waits.set_value();
    co_await forever->async_wait(kAwait);
  };
  asio::co_spawn(loop->context(), coroutine(loop, timer), asio::detached);
  waits.get_future().wait();
  std::promise<void> cancels;
  loop->post([&loop, &cancels, timer = std::move(timer)] {
    cancels.set_value();
    timer->cancel();
    while (!loop->context().stopped()) std::this_thread::yield();
  });
  cancels.get_future().wait();
  loop->stop();
  loop.reset();
  EXPECT_TRUE(left.expired());
}

}  // namespace
}  // namespace penstock::net
