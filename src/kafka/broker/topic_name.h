// Which names a topic may have.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::kafka {

// What is wrong with the name, by Kafka's rules; nullopt when nothing is.
std::optional<std::string> bad_topic_name(std::string_view name);

}  // namespace penstock::kafka
