#include "net/endpoint.h"

#include <charconv>

namespace penstock::net {

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return invalid_argument("bad address \"{}\": {}", text, why).hint("write HOST:PORT, for example 127.0.0.1:9092");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("the port is missing");

  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.size() < 3) return bad("the bracket around the IPv6 address is not closed");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad("an IPv6 address stands in brackets");
  }
  if (host == "*") host = {};

  const std::string_view port_text = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || end != port_text.data() + port_text.size()) return bad("the port is not 0 to 65535");
  return Endpoint{.host = std::string(host), .port = port};
}

std::string to_string(const Endpoint& endpoint) {
  if (endpoint.host.empty()) return fmt::format("*:{}", endpoint.port);
  if (endpoint.host.find(':') != std::string::npos) return fmt::format("[{}]:{}", endpoint.host, endpoint.port);
  return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

}  // namespace penstock::net
