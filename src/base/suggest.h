// "Did you mean ...?": the nearest of a list of names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

// Edit distance (insert, delete, replace, swap neighbours), ignoring the case of ASCII letters.
size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `name`, or nullopt when none is near enough to be meant (more than a third of it differs).
std::optional<std::string> nearest_name(std::string_view name, const std::vector<std::string>& candidates);

// `did you mean "x"?` for Error::hint, or the empty string.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace penstock
