// "HOST:PORT" as users write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::net {

// An address to listen on or to tell clients. An empty host means every interface, port 0 any free port.
struct Endpoint {
  std::string host;
  uint16_t port = 0;

  auto operator<=>(const Endpoint&) const = default;
};

// Reads "127.0.0.1:9092", "localhost:9092", "[::1]:9092", and ":9092" or "*:9092" for every interface.
Result<Endpoint> parse_endpoint(std::string_view text);

// The same text again; IPv6 addresses in brackets, an empty host as "*".
std::string to_string(const Endpoint& endpoint);

}  // namespace penstock::net
