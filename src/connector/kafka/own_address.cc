#include "connector/kafka/own_address.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

namespace penstock::connector {

namespace {

struct Address {
  std::string host;  // in lower case, without brackets
  std::string port;
};

// "host:port", before which a protocol may stand.
Address parse(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (const size_t protocol = text.find("://"); protocol != std::string_view::npos) text.remove_prefix(protocol + 3);
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string host(text.substr(0, colon));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::ranges::transform(host, host.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return {.host = std::move(host), .port = std::string(text.substr(colon + 1))};
}

bool is_every_interface(std::string_view host) {
  return host.empty() || host == "*" || host == "0.0.0.0" || host == "::";
}

bool is_this_machine(std::string_view host) { return host == "localhost" || host == "::1" || host.starts_with("127."); }

bool is_same(const Address& server, const Address& own) {
  if (server.host.empty() || server.port != own.port) return false;
  const bool listens_here = is_every_interface(own.host) || is_this_machine(own.host);
  return server.host == own.host || (is_this_machine(server.host) && listens_here);
}

}  // namespace

bool is_own_address(std::string_view servers, std::span<const std::string> own) {
  std::vector<Address> listed;
  while (!servers.empty()) {
    const size_t comma = std::min(servers.find(','), servers.size());
    listed.push_back(parse(servers.substr(0, comma)));
    servers.remove_prefix(std::min(comma + 1, servers.size()));
  }
  return std::ranges::any_of(own, [&](const std::string& address) {
    return std::ranges::any_of(listed, [&](const Address& server) { return is_same(server, parse(address)); });
  });
}

}  // namespace penstock::connector
