// A blocking client of the PostgreSQL protocol, as much of it as a shell needs: simple queries, cancel.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pgwire/backend.h"
#include "pgwire/frame.h"

namespace penstock::app {

struct PgAddress {
  std::string host = "127.0.0.1";
  uint16_t port = 7432;
  std::string user = "penstock";
  std::string database = "penstock";
};

// Reads "postgres://[user@]host[:port][/database]".
Result<PgAddress> parse_pg_url(std::string_view url);

using ResultRow = std::vector<std::optional<std::string_view>>;

struct ResultColumn {
  std::string name;
  uint32_t type_oid = 0;
};

// Takes what a query gives, in this order for each statement: columns and rows where it has some, then its end.
class ResultSink {
 public:
  virtual ~ResultSink() = default;
  virtual void on_columns(const std::vector<ResultColumn>& columns) = 0;
  // The views are valid until it returns.
  virtual void on_row(const ResultRow& row) = 0;
  virtual void on_complete(std::string_view tag) = 0;
  virtual void on_error(const pgwire::Diagnostic& error) = 0;
  virtual void on_notice(const pgwire::Diagnostic& notice) = 0;
  // Nothing more has arrived. Returns after how many milliseconds of silence it wants to be called again; -1: never.
  virtual int on_idle() { return -1; }
};

// Not thread-safe.
class PgClient {
 public:
  // Connects and starts a session; kUnavailable, with the address, when there is no server.
  static Result<std::unique_ptr<PgClient>> connect(const PgAddress& address);
  ~PgClient();
  PgClient(const PgClient&) = delete;
  PgClient& operator=(const PgClient&) = delete;

  // While a query runs, every byte that can be read from `fd` asks the server to cancel it.
  void cancel_when_readable(int fd) { interrupt_fd_ = fd; }

  // Runs a script to its end. Errors of statements go to the sink; the status is that of the connection.
  Status query(std::string_view sql, ResultSink& sink);

  const PgAddress& address() const { return address_; }
  const std::string& server_version() const { return server_version_; }

 private:
  PgClient(PgAddress address, int socket);
  Status start_session();
  Status send(std::string_view bytes) const;
  // The next message; calls the sink's on_idle() whenever it has to wait.
  Result<pgwire::BackendMessage> receive(ResultSink* sink);
  Status wait_for_bytes(ResultSink* sink);
  void cancel() const;

  const PgAddress address_;
  const int socket_;
  int interrupt_fd_ = -1;
  pgwire::FrameReader reader_;
  int32_t process_id_ = 0;
  std::string secret_key_;
  std::string server_version_;
};

}  // namespace penstock::app
