#include "pgwire/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

#include "engine/fake_engine_test.h"
#include "net/asio.h"
#include "pgwire/backend.h"
#include "pgwire/frame.h"
#include "pgwire/frontend.h"

namespace penstock::pgwire {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

// A blocking client that knows just enough of the protocol.
class Client {
 public:
  explicit Client(int port) { socket_.connect({asio::ip::address_v4::loopback(), static_cast<uint16_t>(port)}); }

  template <class Message>
  void send(const Message& message) {
    std::string bytes;
    encode(bytes, message);
    asio::write(socket_, asio::buffer(bytes));
  }
  void send_bytes(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes)); }

  void start() {
    send(StartupMessage{.protocol = kProtocolOldest, .parameters = {{"user", "me"}}});
    EXPECT_EQ(receive_until('Z').back(), 'Z');
  }

  // The types of the messages up to one of type `last`, or to the end of the stream.
  std::string receive_until(char last) {
    std::string types;
    for (;;) {
      const auto frame = reader_.next();
      if (frame && *frame) {
        types += (*frame)->type;
        const auto message = decode_backend(**frame);
        if (const auto* key = std::get_if<BackendKeyData>(&*message)) {
          process_id = key->process_id;
          secret_key = key->secret_key;
        }
        if (const auto* error = std::get_if<ErrorResponse>(&*message)) {
          sql_state = error->error.sql_state;
          error_message = error->error.message;
        }
        if ((*frame)->type == last) return types;
        continue;
      }
      std::array<char, 4096> bytes{};
      boost::system::error_code error;
      const size_t n = socket_.read_some(asio::buffer(bytes), error);
      if (error) return types;
      reader_.feed({bytes.data(), n});
    }
  }
  bool at_end() { return receive_until('\0').empty(); }
  void close() { socket_.close(); }

  int32_t process_id = 0;
  std::string secret_key;
  std::string sql_state;
  std::string error_message;

 private:
  asio::io_context context_;
  asio::ip::tcp::socket socket_{context_};
  FrameReader reader_{1 << 20};
};

class PgServerTest : public testing::Test {
 protected:
  PgServerTest() {
    const types::Schema numbers{{.name = "n", .type = types::TypeKind::kBigInt}};
    engine_.statements["select 1"] = {
        .parameters = {}, .schema = numbers, .batches = {"+ 1"}, .tag = "SELECT 1", .endless = false, .error = {}};
    engine_.statements["subscribe v"] = {
        .parameters = {}, .schema = numbers, .batches = {"+ 1"}, .tag = "", .endless = true, .error = {}};
    start({});
  }

  void start(PgServerOptions options) {
    options.listen.port = 0;
    options.metrics = &metrics_;
    server_.reset();
    server_ = *PgServer::start(engine_, options);
  }

  MetricsRegistry metrics_;
  engine::FakeEngine engine_;
  std::unique_ptr<PgServer> server_;
};

TEST_F(PgServerTest, AnswersQueries) {
  Client client(server_->port());
  client.start();
  client.send(QueryMessage{.sql = "select 1"});
  EXPECT_EQ(client.receive_until('Z'), "TDCZ");
  client.send(TerminateMessage{});
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(metrics_.counter("penstock_pgwire_statements_total", "").value(), 1U);
}

TEST_F(PgServerTest, TooManyClientsAreToldSo) {
  start({.connections_max = 1});
  Client client(server_->port());
  client.start();
  Client other(server_->port());
  EXPECT_EQ(other.receive_until('\0'), "E");
  EXPECT_EQ(other.sql_state, "53300");
  EXPECT_EQ(other.error_message, "too many clients");
}

TEST_F(PgServerTest, CancelsARunningStatement) {
  Client client(server_->port());
  client.start();
  client.send(QueryMessage{.sql = "subscribe v"});
  EXPECT_EQ(client.receive_until('D'), "TD");
  Client other(server_->port());
  other.send(CancelRequest{.process_id = client.process_id, .secret_key = client.secret_key});
  EXPECT_TRUE(other.at_end());
  EXPECT_EQ(client.receive_until('Z'), "EZ");
  EXPECT_EQ(client.sql_state, "57014");
  client.send(QueryMessage{.sql = "select 1"});
  EXPECT_EQ(client.receive_until('Z'), "TDCZ");
}

TEST_F(PgServerTest, AStatementTimesOut) {
  Client client(server_->port());
  client.start();
  client.send(QueryMessage{.sql = "set statement_timeout = 20; subscribe v"});
  EXPECT_EQ(client.receive_until('Z'), "CTDEZ");
  EXPECT_EQ(client.sql_state, "57014");
  EXPECT_EQ(client.error_message, "canceling statement due to statement timeout");
}

TEST_F(PgServerTest, AClientThatGoesEndsItsStatement) {
  for (const bool politely : {false, true}) {
    Client client(server_->port());
    client.start();
    client.send(QueryMessage{.sql = "subscribe v"});
    EXPECT_EQ(client.receive_until('D'), "TD");
    if (politely) client.send(TerminateMessage{});
    client.close();
    while (engine_.sessions > 0) std::this_thread::yield();
  }
  EXPECT_GE(engine_.cancels, 2);
}

TEST_F(PgServerTest, AWaitingStatementHoldsUpNobody) {
  std::vector<std::unique_ptr<Client>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(std::make_unique<Client>(server_->port()));
    waiting.back()->start();
    waiting.back()->send(QueryMessage{.sql = "subscribe v"});
    EXPECT_EQ(waiting.back()->receive_until('D'), "TD");
  }
  Client client(server_->port());
  client.start();
  client.send(QueryMessage{.sql = "select 1"});
  EXPECT_EQ(client.receive_until('Z'), "TDCZ");
}

TEST_F(PgServerTest, MalformedBytesEndOnlyTheirConnection) {
  Client garbage(server_->port());
  garbage.send_bytes("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(garbage.receive_until('\0'), "E");
  Client client(server_->port());
  client.start();
}

TEST_F(PgServerTest, ASilentClientIsClosed) {
  start({.startup_timeout = 20ms});
  Client silent(server_->port());
  EXPECT_TRUE(silent.at_end());
}

TEST_F(PgServerTest, ShutdownEndsIdleClientsPolitely) {
  Client client(server_->port());
  client.start();
  auto done = std::async(std::launch::async, [&] { return server_->shutdown(10s); });
  EXPECT_EQ(client.receive_until('\0'), "E");
  EXPECT_EQ(client.sql_state, "57P01");
  EXPECT_TRUE(done.get());
}

TEST_F(PgServerTest, ShutdownDoesNotWaitForWhatNeverEnds) {
  Client client(server_->port());
  client.start();
  client.send(QueryMessage{.sql = "subscribe v"});
  EXPECT_EQ(client.receive_until('D'), "TD");
  auto done = std::async(std::launch::async, [&] { return server_->shutdown(std::chrono::hours(1)); });
  EXPECT_THAT(client.receive_until('\0'), testing::StartsWith("E"));
  EXPECT_TRUE(done.get());
}

TEST_F(PgServerTest, AMessageThatStopsInItsMiddleEndsItsConnection) {
  start({.message_timeout = 50ms});
  Client client(server_->port());
  client.start();
  client.send_bytes(std::string_view("Q\0\0\0\x20sel", 8));
  EXPECT_TRUE(client.at_end());
  Client idle(server_->port());
  idle.start();
  std::this_thread::sleep_for(100ms);  // between messages there is no limit
  idle.send(QueryMessage{.sql = "select 1"});
  EXPECT_EQ(idle.receive_until('Z'), "TDCZ");
}

TEST_F(PgServerTest, ALargeMessageWaitsForMemory) {
  constexpr size_t kLarge = 900'000;
  start({.message_bytes_max = 1 << 20, .messages_bytes_max = 0, .message_timeout = 200ms});  // two of them fit
  std::string part;
  encode(part, QueryMessage{.sql = std::string(kLarge, ' ')});
  part.resize(100'000);
  std::vector<std::unique_ptr<Client>> liars;
  for (int i = 0; i < 8; ++i) {
    liars.push_back(std::make_unique<Client>(server_->port()));
    liars.back()->start();
    liars.back()->send_bytes(part);
  }
  std::string told;
  for (auto& liar : liars) told += liar->receive_until('\0');
  EXPECT_THAT(told, testing::MatchesRegex("E+")) << "some waited, and were told that it was for nothing";
  Client client(server_->port());
  client.start();
  client.send(QueryMessage{.sql = std::string(kLarge, ' ') + "select 1"});
  EXPECT_EQ(client.receive_until('Z').back(), 'Z');
}

TEST_F(PgServerTest, ShutdownCancelsWhatDoesNotEnd) {
  engine_.statements["select forever"] = engine_.statements["subscribe v"];
  Client client(server_->port());
  client.start();
  client.send(QueryMessage{.sql = "select forever"});
  while (metrics_.counter("penstock_pgwire_statements_total", "").value() == 0) std::this_thread::yield();
  auto done = std::async(std::launch::async, [&] { return server_->shutdown(100ms); });
  EXPECT_THAT(client.receive_until('\0'), testing::StartsWith("TDE"));
  EXPECT_TRUE(done.get());
  EXPECT_EQ(engine_.sessions, 0);
}

TEST_F(PgServerTest, APortInUseIsAnError) {
  PgServerOptions options;
  options.listen.port = static_cast<uint16_t>(server_->port());
  EXPECT_EQ(PgServer::start(engine_, options).error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace penstock::pgwire
