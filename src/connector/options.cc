#include "connector/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/quantity.h"
#include "base/suggest.h"

namespace penstock::connector {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// Whether `key` is what `pattern` stands for: a wildcard ('#' or '*') stands for any text but none.
bool matches(std::string_view pattern, std::string_view key) {
  const size_t wildcard = pattern.find_first_of("#*");
  if (wildcard == std::string_view::npos) return key == pattern;
  const std::string_view suffix = pattern.substr(wildcard + 1);
  return key.size() >= pattern.size() && key.starts_with(pattern.substr(0, wildcard)) && key.ends_with(suffix);
}

}  // namespace

Error TableOptions::bad_value(std::string_view key, std::string_view value, std::string_view expected) const {
  return invalid_argument("table \"{}\": option '{}' = '{}': expected {}", table_, key, value, expected);
}

bool TableOptions::is_documented(std::string_view key) const {
  return key == "connector" || std::ranges::any_of(docs_, [&](const OptionDoc& doc) { return matches(doc.key, key); });
}

std::optional<std::string> TableOptions::find(std::string_view key) {
  PENSTOCK_DCHECK(is_documented(key), "an option without documentation");
  known_.emplace(key);
  const auto it = options_.find(std::string(key));
  if (it == options_.end()) return std::nullopt;
  return it->second;
}

bool TableOptions::has(std::string_view key) { return find(key).has_value(); }

std::string TableOptions::get(std::string_view key, std::string_view default_value) {
  return find(key).value_or(std::string(default_value));
}

Result<std::string> TableOptions::require(std::string_view key) {
  std::optional<std::string> value = find(key);
  if (!value) return invalid_argument("table \"{}\": option '{}' is required", table_, key);
  return *std::move(value);
}

Result<std::string> TableOptions::get_choice(std::string_view key, std::string_view default_value,
                                             const std::vector<std::string>& allowed) {
  std::string value = lower(get(key, default_value));
  if (std::ranges::find(allowed, value) != allowed.end()) return value;
  std::string list;
  for (const std::string& choice : allowed) list += (list.empty() ? "" : ", ") + choice;
  return bad_value(key, value, "one of " + list).hint(did_you_mean(value, allowed));
}

Result<bool> TableOptions::get_bool(std::string_view key, bool default_value) {
  return PENSTOCK_TRY(get_choice(key, default_value ? "true" : "false", {"true", "false"})) == "true";
}

Result<int64_t> TableOptions::get_int(std::string_view key, int64_t default_value, int64_t min, int64_t max) {
  const std::optional<std::string> text = find(key);
  if (!text) return default_value;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < min || value > max) {
    return bad_value(key, *text, fmt::format("a whole number from {} to {}", min, max));
  }
  return value;
}

Result<double> TableOptions::get_double(std::string_view key, double default_value) {
  const std::optional<std::string> text = find(key);
  if (!text) return default_value;
  double value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || !std::isfinite(value)) {
    return bad_value(key, *text, "a number");
  }
  return value;
}

Result<int64_t> TableOptions::get_duration_us(std::string_view key, int64_t default_us) {
  const std::optional<std::string> text = find(key);
  if (!text) return default_us;
  const std::optional<int64_t> value = parse_duration_us(*text);
  if (!value) return bad_value(key, *text, "a duration such as '500 ms', '10 s' or '5 min'");
  return *value;
}

Result<int64_t> TableOptions::get_size_bytes(std::string_view key, int64_t default_bytes) {
  const std::optional<std::string> text = find(key);
  if (!text) return default_bytes;
  const std::optional<int64_t> value = parse_size_bytes(*text);
  if (!value) return bad_value(key, *text, "a size such as '64 kb' or '128 MB'");
  return *value;
}

OptionMap TableOptions::with_prefix(std::string_view prefix) {
  OptionMap found;
  for (const auto& [key, value] : options_) {
    if (!key.starts_with(prefix)) continue;
    known_.insert(key);
    found.emplace(key.substr(prefix.size()), value);
  }
  return found;
}

Status TableOptions::finish() const {
  for (const auto& [key, value] : options_) {
    if (known_.contains(key)) continue;
    return invalid_argument("table \"{}\": unknown option '{}'", table_, key)
        .hint(did_you_mean(key, {known_.begin(), known_.end()}));
  }
  return {};
}

}  // namespace penstock::connector
