#include "app/shell/pg_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>
#include <variant>

#include "pgwire/frontend.h"

namespace penstock::app {
namespace {

using pgwire::BackendMessage;

// A row may be as large as the server's largest value.
constexpr size_t kMessageBytesMax = size_t{256} << 20;

Error unavailable(const PgAddress& address, std::string_view what) {
  return make_error(ErrorCode::kUnavailable, "{}:{}: {}", address.host, address.port, what);
}

Result<int> open_socket(const PgAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
      error != 0) {
    return unavailable(address, gai_strerror(error));
  }
  int last_error = 0;
  int socket = -1;
  for (const addrinfo* i = found; i != nullptr && socket < 0; i = i->ai_next) {
    socket = ::socket(i->ai_family, i->ai_socktype | SOCK_CLOEXEC, i->ai_protocol);
    if (socket >= 0 && ::connect(socket, i->ai_addr, i->ai_addrlen) == 0) break;
    last_error = errno;
    if (socket >= 0) ::close(socket);
    socket = -1;
  }
  freeaddrinfo(found);
  if (socket < 0) {
    return unavailable(address, std::strerror(last_error)).hint("is the server running? `penstock serve` starts one");
  }
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::vector<ResultColumn> columns_of(const pgwire::RowDescription& description) {
  std::vector<ResultColumn> columns;
  for (const auto& column : description.columns) {
    columns.push_back({.name = std::string(column.name), .type_oid = column.oid});
  }
  return columns;
}

}  // namespace

Result<PgAddress> parse_pg_url(std::string_view url) {
  const auto bad = [&] {
    return invalid_argument("cannot read \"{}\" as an address (expected postgres://[user@]host[:port][/database])",
                            url);
  };
  std::string_view rest = url;
  for (const std::string_view scheme : {"postgres://", "postgresql://"}) {
    if (rest.starts_with(scheme)) rest.remove_prefix(scheme.size());
  }
  if (rest.size() == url.size()) return bad();
  PgAddress address;
  rest = rest.substr(0, rest.find('?'));
  if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
    if (slash + 1 < rest.size()) address.database = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos) {
    const std::string_view user = rest.substr(0, at);
    address.user = user.substr(0, user.find(':'));
    rest.remove_prefix(at + 1);
  }
  const size_t host_end = rest.starts_with('[') ? rest.find(']') : 0;
  if (host_end == std::string_view::npos) return bad();
  const size_t colon = rest.find(':', host_end);
  std::string_view host = rest.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (!host.empty()) address.host = host;
  if (colon != std::string_view::npos) {
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size()) return bad();
  }
  return address;
}

PgClient::PgClient(PgAddress address, int socket)
    : address_(std::move(address)), socket_(socket), reader_(kMessageBytesMax) {}

PgClient::~PgClient() {
  std::string bytes;
  encode(bytes, pgwire::TerminateMessage{});
  static_cast<void>(send(bytes));
  ::close(socket_);
}

Result<std::unique_ptr<PgClient>> PgClient::connect(const PgAddress& address) {
  const int socket = PENSTOCK_TRY(open_socket(address));
  std::unique_ptr<PgClient> client(new PgClient(address, socket));
  PENSTOCK_TRY(client->start_session());
  return client;
}

Status PgClient::start_session() {
  std::string bytes;
  encode(bytes, pgwire::StartupMessage{.protocol = pgwire::kProtocolOldest,
                                       .parameters = {{"user", address_.user},
                                                      {"database", address_.database},
                                                      {"application_name", "penstock sql"}}});
  PENSTOCK_TRY(send(bytes));
  for (;;) {
    const BackendMessage message = PENSTOCK_TRY(receive(nullptr));
    if (std::holds_alternative<pgwire::ReadyForQuery>(message)) return {};
    if (const auto* request = std::get_if<pgwire::AuthenticationRequest>(&message)) {
      if (request->method != 0) return unavailable(address_, "the server wants a password, which is not supported");
    } else if (const auto* key = std::get_if<pgwire::BackendKeyData>(&message)) {
      process_id_ = key->process_id;
      secret_key_ = key->secret_key;
    } else if (const auto* status = std::get_if<pgwire::ParameterStatus>(&message)) {
      if (status->name == "server_version") server_version_ = status->value;
    } else if (const auto* error = std::get_if<pgwire::ErrorResponse>(&message)) {
      return unavailable(address_, error->error.message);
    }
  }
}

Status PgClient::send(std::string_view bytes) const {
  if (!send_all(socket_, bytes)) return unavailable(address_, std::strerror(errno));
  return {};
}

Status PgClient::query(std::string_view sql, ResultSink& sink) {
  std::string bytes;
  encode(bytes, pgwire::QueryMessage{.sql = sql});
  PENSTOCK_TRY(send(bytes));
  for (;;) {
    const BackendMessage message = PENSTOCK_TRY(receive(&sink));
    if (std::holds_alternative<pgwire::ReadyForQuery>(message)) return {};
    if (const auto* row = std::get_if<pgwire::DataRow>(&message)) {
      sink.on_row(row->values);
    } else if (const auto* description = std::get_if<pgwire::RowDescription>(&message)) {
      sink.on_columns(columns_of(*description));
    } else if (const auto* complete = std::get_if<pgwire::CommandComplete>(&message)) {
      sink.on_complete(complete->tag);
    } else if (const auto* error = std::get_if<pgwire::ErrorResponse>(&message)) {
      sink.on_error(error->error);
    } else if (const auto* notice = std::get_if<pgwire::NoticeResponse>(&message)) {
      sink.on_notice(notice->notice);
    }
  }
}

Result<BackendMessage> PgClient::receive(ResultSink* sink) {
  for (;;) {
    const std::optional<pgwire::Frame> frame = PENSTOCK_TRY(reader_.next());
    if (frame) return decode_backend(*frame);
    PENSTOCK_TRY(wait_for_bytes(sink));
    std::array<char, 64 * 1024> bytes{};
    const ssize_t n = ::recv(socket_, bytes.data(), bytes.size(), 0);
    if (n == 0) return unavailable(address_, "the server closed the connection");
    if (n < 0 && errno != EINTR) return unavailable(address_, std::strerror(errno));
    if (n > 0) reader_.feed({bytes.data(), static_cast<size_t>(n)});
  }
}

Status PgClient::wait_for_bytes(ResultSink* sink) {
  std::array<pollfd, 2> waiting{
      {{.fd = socket_, .events = POLLIN, .revents = 0}, {.fd = interrupt_fd_, .events = POLLIN, .revents = 0}}};
  int timeout_ms = 0;  // only look, first
  for (;;) {
    const int ready = ::poll(waiting.data(), waiting.size(), timeout_ms);
    if (ready < 0 && errno != EINTR) return unavailable(address_, std::strerror(errno));
    if (ready > 0 && (waiting[1].revents & POLLIN) != 0) {
      char byte = 0;
      if (::read(interrupt_fd_, &byte, 1) == 1) cancel();
    }
    if (ready > 0 && waiting[0].revents != 0) return {};
    if (ready == 0) timeout_ms = sink == nullptr ? -1 : sink->on_idle();
  }
}

// On a connection of its own, as the protocol wants it. When it does not get through, the query goes on.
void PgClient::cancel() const {
  const Result<int> socket = open_socket(address_);
  if (!socket) return;
  std::string bytes;
  encode(bytes, pgwire::CancelRequest{.process_id = process_id_, .secret_key = secret_key_});
  static_cast<void>(send_all(*socket, bytes));
  ::close(*socket);
}

}  // namespace penstock::app
