// An HTTP server for tests that keeps what it is sent and answers as the test says.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace penstock::alert {

// Waits until `condition` holds; false when it does not come to that.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class Receiver {
 public:
  struct Request {
    std::string path;
    std::string head;
    std::string key;  // Idempotency-Key
    std::string body;
  };
  static constexpr int kHangUp = 0;    // in place of an HTTP status: the connection is closed without an answer
  static constexpr int kSilence = -1;  // nothing is answered until the receiver goes

  // The status that a request is answered with; `number` counts from 0.
  using Answer = std::function<int(const Request&, size_t number)>;

  explicit Receiver(
      Answer answer = [](const Request&, size_t) { return 200; }, uint16_t port = 0)
      : answer_(std::move(answer)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_, any, size), 0);
    EXPECT_EQ(::listen(socket_, 100), 0);
    ::getsockname(socket_, any, &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Receiver() {
    stopping_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
    for (const int connection : silent_) ::close(connection);
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/") const { return fmt::format("http://127.0.0.1:{}{}", port_, path); }
  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::vector<std::string> keys() const {
    std::vector<std::string> keys;
    for (const Request& request : requests()) keys.push_back(request.key);
    return keys;
  }

 private:
  // One connection after the other, and one request of each.
  void run() {
    while (!stopping_) {
      const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      if (serve(connection)) {
        ::close(connection);
      } else {
        silent_.push_back(connection);
      }
    }
  }

  bool serve(int connection) {
    std::string data;
    size_t head_end = std::string::npos;
    size_t body_bytes = 0;
    char bytes[4096];
    while (head_end == std::string::npos || data.size() < head_end + body_bytes) {
      const ssize_t n = ::recv(connection, bytes, sizeof(bytes), 0);
      if (n <= 0) return true;
      data.append(bytes, static_cast<size_t>(n));
      if (head_end != std::string::npos || data.find("\r\n\r\n") == std::string::npos) continue;
      head_end = data.find("\r\n\r\n") + 4;
      body_bytes = std::strtoull(header(data, "Content-Length").c_str(), nullptr, 10);
    }
    Request request{.path = data.substr(5, data.find(' ', 5) - 5),
                    .head = data.substr(0, head_end),
                    .key = header(data, "Idempotency-Key"),
                    .body = data.substr(head_end)};
    size_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = requests_.size();
      requests_.push_back(request);
    }
    const int status = answer_(request, number);
    if (status == kSilence) return false;
    if (status == kHangUp) return true;
    const std::string reply = fmt::format("HTTP/1.1 {} X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", status);
    ::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
    return true;
  }

  static std::string header(const std::string& data, const std::string& name) {
    const size_t at = data.find(name + ": ");
    if (at == std::string::npos) return "";
    const size_t begin = at + name.size() + 2;
    return data.substr(begin, data.find('\r', begin) - begin);
  }

  const Answer answer_;
  int socket_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::vector<int> silent_;
  mutable std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace penstock::alert
