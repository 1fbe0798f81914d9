#include "kafka/broker/topic_name.h"

#include <fmt/format.h>

#include <algorithm>

#include "log/log.h"

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

std::optional<std::string> reserved_topic(std::string_view name) {
  if (!log::is_reserved_name(name)) return std::nullopt;
  return fmt::format(
      "{} is reserved for Penstock itself, as all names with \"penstock.\" in front: it can only be read", name);
}

}  // namespace penstock::kafka
