// Whether somebody still waits for an answer.
#pragma once

namespace penstock::net {

// True when the peer has closed its side or the connection is broken, also when bytes came before that nobody has read.
// A call of the system, without waiting.
bool peer_has_closed(int socket);

}  // namespace penstock::net
