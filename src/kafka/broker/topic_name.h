// Which names a topic may have, and which topics are not the clients' to change.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::kafka {

// What is wrong with the name, by Kafka's rules; nullopt when nothing is.
std::optional<std::string> bad_topic_name(std::string_view name);

// Why clients can only read this topic, and cannot make one of its name: it is the program's own. nullopt for others.
// Clients are told so with the error that Apache Kafka has for its own topics, INVALID_TOPIC_EXCEPTION.
std::optional<std::string> reserved_topic(std::string_view name);

}  // namespace penstock::kafka
