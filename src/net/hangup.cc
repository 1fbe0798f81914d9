#include "net/hangup.h"

#include <poll.h>

namespace penstock::net {

bool peer_has_closed(int socket) {
  pollfd entry{.fd = socket, .events = POLLRDHUP, .revents = 0};
  return ::poll(&entry, 1, 0) != 0;
}

}  // namespace penstock::net
