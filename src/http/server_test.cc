#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "http/http_fixture_test.h"
#include "net/asio.h"

namespace penstock::http {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using testing::StartsWith;
namespace asio = boost::asio;
using boost::system::error_code;

// A blocking client of bytes.
class Client {
 public:
  explicit Client(int port, int receive_buffer = 0) {
    socket_.open(asio::ip::tcp::v4());
    if (receive_buffer > 0) socket_.set_option(asio::socket_base::receive_buffer_size(receive_buffer));
    socket_.connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)});
  }

  // False when the server has closed the connection.
  bool send(std::string_view bytes) {
    error_code error;
    asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), error);
    return !error;
  }
  // All that comes until the server closes the connection.
  std::string read_to_end() {
    std::string bytes;
    error_code error;
    asio::read(socket_, asio::dynamic_buffer(bytes), error);
    return bytes;
  }
  std::string read_some(size_t bytes) {
    std::string data(bytes, '\0');
    error_code error;
    data.resize(asio::read(socket_, asio::buffer(data), error));
    return data;
  }
  void close() { socket_.close(); }

 private:
  asio::io_context context_;
  asio::ip::tcp::socket socket_{context_};
};

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    options_.listen = "127.0.0.1:0";
    options_.api.engine = &engine_;
    options_.api.metrics = &metrics_;
    engine_.canned("select", {"+ a 1"});
    engine_.statements["endless"] = {.parameters = {}, .schema = kWordSchema, .endless = true, .error = {}};
  }

  int port() {
    if (server_ == nullptr) {
      auto started = HttpServer::start(options_);
      EXPECT_TRUE(started) << started.error().message();
      server_ = std::move(*started);
    }
    return server_->port();
  }
  static std::string get(std::string_view path, std::string_view more = "Connection: close\r\n") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", path, more);
  }
  static std::string sql(std::string_view statement, std::string_view padding = {}) {
    const std::string body = fmt::format(R"({{"sql":"{}","padding":"{}"}})", statement, padding);
    return fmt::format(
        "POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
        "Content-Length: {}\r\n\r\n{}",
        body.size(), body);
  }
  std::string exchange(std::string_view request) {
    Client client(port());
    client.send(request);
    return client.read_to_end();
  }
  static bool eventually(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 60s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }

  EngineWithViews engine_;
  MetricsRegistry metrics_;
  HttpServerOptions options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersRequestsOneAfterTheOther) {
  const std::string answers = exchange(get("/livez", "") + get("/nothing", "") + sql("select"));
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answers, HasSubstr("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(answers, HasSubstr(R"("rows":[["a",1]])"));
}

TEST_F(HttpServerTest, TooManyConnectionsAreToldSo) {
  options_.connections_max = 1;
  Client client(port());
  client.send(get("/livez", ""));
  EXPECT_THAT(client.read_some(15), StartsWith("HTTP/1.1 200 OK"));
  const std::string answer = exchange(get("/livez"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(answer, HasSubstr(R"("message":"too many connections")"));
}

TEST_F(HttpServerTest, ARequestHasATimeLimitHoweverSlowlyItComes) {
  options_.read_timeout = 50ms;
  Client silent(port());
  Client slow(port());
  Client body(port());
  body.send("POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n");
  for (const char byte : get("/livez", std::string(10'000, 'x'))) {
    if (!slow.send({&byte, 1})) break;  // cut off in the middle
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(slow.read_to_end(), "");
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(body.read_to_end(), "");
}

TEST_F(HttpServerTest, AConnectionMayBeIdleForAWhile) {
  options_.idle_timeout = 50ms;
  Client client(port());
  client.send(get("/livez", ""));
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 200 OK\r\n")) << "and is closed in the end";
}

TEST_F(HttpServerTest, AReaderThatTakesNothingIsLetGo) {
  options_.write_timeout = 50ms;
  engine_.canned("large", std::vector<std::string>(1000, rows_text(1000, 1)));
  Client client(port(), 4096);
  client.send(sql("large"));
  EXPECT_THAT(client.read_some(100), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(eventually([&] { return metrics_.gauge("penstock_http_connections", "").value() == 0; }));
}

TEST_F(HttpServerTest, LargeBodiesOfAllConnectionsAreBounded) {
  options_.bodies_bytes_max = 1 << 20;
  const std::string large(700 << 10, 'x');
  Client first(port());
  const std::string request = sql("endless", large);
  first.send(request);
  ASSERT_TRUE(eventually([&] { return engine_.sessions == 1; })) << "its body is held while it is worked on";
  EXPECT_THAT(exchange(sql("select", large)), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(exchange(sql("select")), StartsWith("HTTP/1.1 200 ")) << "small ones always go";
  first.close();
  ASSERT_TRUE(eventually([&] { return engine_.sessions == 0; }));
  EXPECT_TRUE(eventually([&] { return exchange(sql("select", large)).starts_with("HTTP/1.1 200 "); }));
}

TEST_F(HttpServerTest, WhoIsRefusedCanReadWhyAlthoughItGoesOnSending) {
  options_.body_bytes_max = 1000;
  Client client(port());
  client.send(sql("select", std::string(5 << 20, 'x')));
  EXPECT_THAT(client.read_to_end(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, WhatAProxyCouldTakeForSomethingElseIsRefused) {
  EXPECT_THAT(exchange("GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n" + get("/livez")),
              StartsWith("HTTP/1.1 501 "));
  const std::string two =
      exchange("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n" + get("/livez"));
  EXPECT_THAT(two, StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(two.find("HTTP/1.1", 1), std::string::npos) << "what follows is not answered";
}

TEST_F(HttpServerTest, AStatementEndsWithItsClient) {
  for (const std::string_view sent_before_it_left : {"", "GET / HTTP/1.1\r\n"}) {
    Client client(port());
    client.send(sql("endless") + std::string(sent_before_it_left));
    ASSERT_TRUE(eventually([&] { return engine_.sessions == 1; }));
    client.close();
    EXPECT_TRUE(eventually([&] { return engine_.sessions == 0; })) << sent_before_it_left;
  }
}

TEST_F(HttpServerTest, StatementsThatDoNotEndHoldUpNothingElse) {
  options_.statements_max = 1;
  options_.blocking_threads = 1;
  engine_.add_view("words");
  Client endless(port());
  endless.send(sql("endless"));
  ASSERT_TRUE(eventually([&] { return engine_.sessions == 1; }));
  const std::string refused = exchange(sql("select"));
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("1 statements run over HTTP already"));
  for (const std::string_view path : {"/livez", "/readyz", "/metrics", "/", "/api/v1/status", "/api/v1/views/words"}) {
    EXPECT_THAT(exchange(get(path)), StartsWith("HTTP/1.1 200 ")) << path;
  }
  endless.close();
  EXPECT_TRUE(eventually([&] { return exchange(sql("select")).starts_with("HTTP/1.1 200 "); }));
}

TEST_F(HttpServerTest, AStatementHasATimeLimit) {
  options_.sql_timeout = 20ms;
  EXPECT_THAT(exchange(sql("endless")), StartsWith("HTTP/1.1 499 "));
}

TEST_F(HttpServerTest, ConnectionsAreBounded) {
  options_.connections_max = 2;
  Client one(port());
  Client two(port());
  for (Client* client : {&one, &two}) {
    client->send(get("/livez", ""));
    EXPECT_THAT(client->read_some(15), StartsWith("HTTP/1.1 200 OK"));
  }
  // The answer is lost when the request comes behind the end of the connection.
  EXPECT_THAT(exchange(get("/livez")), AnyOf(StartsWith("HTTP/1.1 503 "), ""));
  one.close();
  EXPECT_TRUE(eventually([&] { return exchange(get("/livez")).starts_with("HTTP/1.1 200 OK"); }));
}

std::string websocket_upgrade() {
  return "GET /api/v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

TEST_F(HttpServerTest, AShutdownEndsIdleConnectionsStatementsAndWebSockets) {
  Client idle(port());
  Client running(port());
  Client socket(port());
  running.send(sql("endless"));
  socket.send(websocket_upgrade());
  EXPECT_THAT(socket.read_some(12), StartsWith("HTTP/1.1 101"));
  ASSERT_TRUE(eventually([&] { return engine_.sessions == 1; }));
  server_->shutdown(1ms);
  server_.reset();
  EXPECT_EQ(engine_.sessions, 0);
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_EQ(running.read_to_end(), "");
  socket.read_to_end();
}

// A text frame of a client, masked with zeros.
std::string frame(std::string_view text) {
  std::string out{'\x81', static_cast<char>(0x80 | text.size()), 0, 0, 0, 0};
  return out + std::string(text);
}

TEST_F(HttpServerTest, AWebSocketIsSentWhatItHasSubscribedTo) {
  engine_.add_view("words");
  engine_.change("words", "+ a 1");
  Client client(port());
  client.send(websocket_upgrade());
  std::string received;
  while (!received.ends_with("\r\n\r\n")) received += client.read_some(1);
  client.send(frame(R"({"type":"subscribe","id":1,"view":"words"})"));
  while (!received.contains(R"("rows":[["a",1]])")) {
    const std::string more = client.read_some(1);
    ASSERT_NE(more, "");
    received += more;
  }
  engine_.change("words", "+ b 2");
  while (!received.contains(R"("rows":[[1,"b",2]])")) {
    const std::string more = client.read_some(1);
    ASSERT_NE(more, "");
    received += more;
  }
}

TEST_F(HttpServerTest, AnAddressInUseIsAnError) {
  options_.listen = fmt::format("127.0.0.1:{}", port());
  const auto second = HttpServer::start(options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace penstock::http
