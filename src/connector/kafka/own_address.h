// Whether 'properties.bootstrap.servers' of a table means this server.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace penstock::connector {

// `servers`: as Kafka's clients take them, "kafka:9092,[::1]:9093". `own`: where this server's clients connect,
// "*:9092" for every interface. One of the servers is enough, since those of a list are one cluster. The names of the
// machine itself, such as localhost, mean this server where it listens there.
bool is_own_address(std::string_view servers, std::span<const std::string> own);

}  // namespace penstock::connector
