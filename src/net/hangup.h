// Whether somebody still waits for an answer, and takes it.
#pragma once

#include <cstdint>
#include <optional>

namespace penstock::net {

// True when the peer has closed its side or the connection is broken, also when bytes came before that nobody has read.
// A call of the system, without waiting.
bool peer_has_closed(int socket);

struct SendProgress {
  uint64_t taken_bytes = 0;    // over the life of the connection, by the peer's system
  uint64_t waiting_bytes = 0;  // given to ours, and not taken yet
};
// Nothing when the socket is no connection any more. Calls of the system, without waiting.
std::optional<SendProgress> send_progress(int socket);

}  // namespace penstock::net
