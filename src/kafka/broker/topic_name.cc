#include "kafka/broker/topic_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::kafka {

std::optional<std::string> bad_topic_name(std::string_view name) {
  constexpr size_t kNameBytesMax = 249;
  if (name.empty()) return "the topic name is empty";
  if (name == "." || name == "..") return "a topic cannot be named \".\" or \"..\"";
  if (name.size() > kNameBytesMax) return fmt::format("the topic name is longer than {} characters", kNameBytesMax);
  const bool legal = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  if (!legal) return "a topic name consists of letters, digits, '.', '_' and '-'";
  return std::nullopt;
}

}  // namespace penstock::kafka
