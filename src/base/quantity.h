// Durations and sizes as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock {

// "10 s" and the like, a number alone being milliseconds; nullopt when it is no duration.
std::optional<int64_t> parse_duration_us(std::string_view text);
// "128 MB" and the like, in units of 1024; nullopt when it is no size.
std::optional<int64_t> parse_size_bytes(std::string_view text);
// Whether it is a whole number from 1 on.
bool is_count(std::string_view text);

}  // namespace penstock
