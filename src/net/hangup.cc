#include "net/hangup.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstring>

namespace penstock::net {
namespace {

// Where the kernel's tcp_info has tcpi_bytes_acked: glibc's ends before it, and <linux/tcp.h> cannot stand beside
// <netinet/tcp.h>, which Asio includes.
constexpr size_t kBytesAckedAt = 120;

}  // namespace

bool peer_has_closed(int socket) {
  pollfd entry{.fd = socket, .events = POLLRDHUP, .revents = 0};
  return ::poll(&entry, 1, 0) != 0;
}

std::optional<SendProgress> send_progress(int socket) {
  std::array<char, kBytesAckedAt + sizeof(uint64_t)> info{};
  socklen_t size = info.size();
  int waiting_bytes = 0;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, info.data(), &size) != 0) return std::nullopt;
  if (size < info.size() || ::ioctl(socket, TIOCOUTQ, &waiting_bytes) != 0) return std::nullopt;
  SendProgress progress{.waiting_bytes = static_cast<uint64_t>(waiting_bytes)};
  std::memcpy(&progress.taken_bytes, info.data() + kBytesAckedAt, sizeof progress.taken_bytes);
  return progress;
}

}  // namespace penstock::net
