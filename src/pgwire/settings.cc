#include "pgwire/settings.h"

#include <algorithm>
#include <charconv>

namespace penstock::pgwire {
namespace {

enum class Rule : uint8_t {
  kAny,       // kept and shown
  kReadOnly,  // what this server is
  kOnly,      // only the default value is implemented
  kEncoding,
  kDuration,
};

struct Definition {
  std::string_view name;
  std::string_view value;
  Rule rule = Rule::kAny;
  bool reported = false;
};

constexpr Definition kDefinitions[] = {
    {"application_name", "", Rule::kAny, true},
    {"bytea_output", "hex", Rule::kOnly},
    {"client_encoding", "UTF8", Rule::kEncoding, true},
    {"client_min_messages", "notice"},
    {"DateStyle", "ISO, MDY", Rule::kOnly, true},
    {"default_transaction_isolation", "read committed"},
    {"default_transaction_read_only", "off", Rule::kAny, true},
    {"extra_float_digits", "1"},
    {"idle_in_transaction_session_timeout", "0"},
    {"in_hot_standby", "off", Rule::kReadOnly, true},
    {"integer_datetimes", "on", Rule::kReadOnly, true},
    {"IntervalStyle", "postgres", Rule::kOnly, true},
    {"is_superuser", "off", Rule::kReadOnly, true},
    {"lock_timeout", "0"},
    {"max_identifier_length", "63", Rule::kReadOnly},
    {"max_index_keys", "32", Rule::kReadOnly},
    {"row_security", "on"},
    {"search_path", "public"},
    {"server_encoding", "UTF8", Rule::kReadOnly, true},
    {"server_version", "", Rule::kReadOnly, true},
    {"server_version_num", "150000", Rule::kReadOnly},
    {"session_authorization", "", Rule::kReadOnly, true},
    {"standard_conforming_strings", "on", Rule::kOnly, true},
    {"statement_timeout", "0", Rule::kDuration},
    {"synchronous_commit", "on"},
    {"TimeZone", "UTC", Rule::kAny, true},
    {"transaction_deferrable", "off"},
    {"transaction_isolation", "read committed"},
    {"transaction_read_only", "off"},
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

const Definition* find(std::string_view name) {
  const std::string key = lower(name);
  const auto* const found = std::find_if(std::begin(kDefinitions), std::end(kDefinitions),
                                         [&](const Definition& definition) { return lower(definition.name) == key; });
  return found == std::end(kDefinitions) ? nullptr : found;
}

// "ISO, DMY" is another spelling of the ISO style as far as output goes.
bool same_meaning(const Definition& definition, std::string_view value) {
  if (definition.name == "DateStyle") return lower(value).starts_with("iso");
  if (definition.value == "on") return lower(value) == "on" || lower(value) == "true" || value == "1";
  return lower(value) == lower(definition.value);
}

bool is_utf8(std::string_view name) {
  std::string letters = lower(name);
  std::erase_if(letters, [](char c) { return c == '-' || c == '_'; });
  return letters == "utf8" || letters == "unicode";
}

// "250", "250ms", "5s", "1min" as milliseconds.
std::optional<int64_t> duration_ms(std::string_view text) {
  struct Unit {
    std::string_view name;
    int64_t ms;
  };
  constexpr Unit kUnits[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr int64_t kNumberMax = INT32_MAX;
  if (error != std::errc() || number < 0 || number > kNumberMax) return std::nullopt;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, ms] : kUnits) {
    if (unit == name) return number * ms;
  }
  return std::nullopt;
}

}  // namespace

Settings::Settings(std::string server_version, std::string user) {
  for (const Definition& definition : kDefinitions) start_values_[lower(definition.name)] = definition.value;
  start_values_["server_version"] = std::move(server_version);
  start_values_["session_authorization"] = std::move(user);
  values_ = start_values_;
}

bool Settings::known(std::string_view name) { return find(name) != nullptr; }

bool Settings::reported(std::string_view name) {
  const Definition* definition = find(name);
  return definition != nullptr && definition->reported;
}

std::string_view Settings::canonical_name(std::string_view name) {
  const Definition* definition = find(name);
  return definition == nullptr ? name : definition->name;
}

std::optional<std::string> Settings::get(std::string_view name) const {
  const auto found = values_.find(lower(name));
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

Result<std::string> Settings::set(std::string_view name, std::string_view value) {
  const Definition* definition = find(name);
  if (definition == nullptr) return not_found("setting \"{}\" does not exist", name);
  std::string normal(value);
  switch (definition->rule) {
    case Rule::kAny: break;
    case Rule::kReadOnly: return invalid_argument("setting \"{}\" cannot be changed", definition->name);
    case Rule::kOnly:
      if (!same_meaning(*definition, value)) {
        return unsupported("setting \"{}\" can only be '{}' here, not '{}'", definition->name, definition->value,
                           value);
      }
      normal = definition->name == "DateStyle" ? std::string(value) : std::string(definition->value);
      break;
    case Rule::kEncoding:
      if (!is_utf8(value)) return unsupported("client_encoding can only be 'UTF8' here, not '{}'", value);
      normal = definition->value;
      break;
    case Rule::kDuration: {
      const std::optional<int64_t> ms = duration_ms(value);
      if (!ms) return invalid_argument("invalid value for \"{}\": '{}'", definition->name, value);
      statement_timeout_ms_ = *ms;
      break;
    }
  }
  values_[lower(name)] = normal;
  return normal;
}

void Settings::reset(std::string_view name) {
  const std::string key = lower(name);
  const auto start = start_values_.find(key);
  if (start == start_values_.end()) return;
  values_[key] = start->second;
  if (key == "statement_timeout") statement_timeout_ms_ = 0;
}

void Settings::reset_all() {
  values_ = start_values_;
  statement_timeout_ms_ = 0;
}

std::vector<std::pair<std::string, std::string>> Settings::all() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (const Definition& definition : kDefinitions) {
    all.emplace_back(definition.name, values_.find(lower(definition.name))->second);
  }
  return all;
}

}  // namespace penstock::pgwire
