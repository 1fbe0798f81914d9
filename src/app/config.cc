#include "app/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <thread>

#include "app/config_settings.h"
#include "base/memory.h"
#include "base/suggest.h"

namespace penstock::app {
namespace {

constexpr std::string_view kDefaultOrigin = "default";
constexpr std::string_view kEnvironmentPrefix = "PENSTOCK_";
constexpr std::string_view kFileVariable = "PENSTOCK_CONFIG";
constexpr size_t kMemoryPercent = 60;

std::optional<size_t> index_of(std::string_view name) {
  const auto all = settings();
  const auto at = std::ranges::find(all, name, &Setting::name);
  if (at == all.end()) return std::nullopt;
  return static_cast<size_t>(at - all.begin());
}

template <class Spell>
std::vector<std::string> all_names(Spell spell) {
  std::vector<std::string> names;
  for (const Setting& setting : settings()) names.push_back(spell(setting));
  return names;
}

Status store(size_t index, const WrittenValue& value, LoadedConfig& loaded) {
  PENSTOCK_TRY(assign(settings()[index], value, loaded.config));
  loaded.origins[index] = value.origin;
  return {};
}

Status take_file(const std::string& path, LoadedConfig& loaded) {
  for (const WrittenSetting& written : PENSTOCK_TRY(read_config_file(path))) {
    const auto index = index_of(written.name);
    if (!index) {
      const auto names = all_names([](const Setting& setting) { return std::string(setting.name); });
      return invalid_argument("{}: there is no setting {}", written.value.origin, written.name)
          .hint(did_you_mean(written.name, names));
    }
    PENSTOCK_TRY(store(*index, written.value, loaded));
  }
  return {};
}

// Whether a variable is named as the settings of a section are: PENSTOCK_KAFKA_...
bool begins_like_a_section(std::string_view variable) {
  return std::ranges::any_of(settings(), [&](const Setting& setting) {
    const size_t dot = setting.name.find('.');
    return dot != std::string_view::npos &&
           variable.starts_with(setting.environment().substr(0, kEnvironmentPrefix.size() + dot + 1));
  });
}

// The setting of which a variable is a slip of the pen, if any. The prefix that all have in common does not count for
// how alike they are.
std::optional<std::string> misspelled(std::string_view variable) {
  constexpr size_t kPrefix = kEnvironmentPrefix.size();
  const auto names = all_names([](const Setting& setting) { return setting.environment().substr(kPrefix); });
  const std::optional<std::string> meant = nearest_name(variable.substr(kPrefix), names);
  return meant ? std::optional(std::string(kEnvironmentPrefix) + *meant) : std::nullopt;
}

// A variable that is all but a setting is an error, as an unknown flag is. One that only begins as settings do may be
// somebody else's, and is told: container platforms set PENSTOCK_KAFKA_PORT and the like for a service of that name.
// Of others nothing is said: whoever runs the program has variables of his own.
Status take_environment(std::span<const std::string> environment, LoadedConfig& loaded) {
  const auto names = all_names([](const Setting& setting) { return setting.environment(); });
  for (const std::string& variable : environment) {
    if (!variable.starts_with(kEnvironmentPrefix)) continue;
    const size_t equals = variable.find('=');
    const std::string name = variable.substr(0, equals);
    if (name == kFileVariable) continue;
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) {
      if (const auto meant = misspelled(name)) {
        return invalid_argument("environment: there is no setting {}", name).hint("did you mean " + *meant + "?");
      }
      const std::string hint = did_you_mean(name, names);
      if (!hint.empty() || begins_like_a_section(name)) {
        loaded.warnings.push_back(fmt::format("{} is no setting{}{}", name, hint.empty() ? "" : "; ", hint));
      }
      continue;
    }
    const std::string text = equals == std::string::npos ? "" : variable.substr(equals + 1);
    PENSTOCK_TRY(
        store(static_cast<size_t>(at - names.begin()), {.text = text, .origin = "environment " + name}, loaded));
  }
  return {};
}

std::string file_of(const ParsedFlags& flags, std::span<const std::string> environment) {
  if (!flags.config_file.empty()) return flags.config_file;
  const std::string prefix = fmt::format("{}=", kFileVariable);
  const auto variable = std::ranges::find_if(environment, [&](const auto& v) { return v.starts_with(prefix); });
  return variable == environment.end() ? "" : variable->substr(prefix.size());
}

// A Host header is compared with the name as it is, so anything else would silently never match.
Status check_host_names(const std::vector<std::string>& names) {
  constexpr std::string_view kOther = "-._";
  for (const std::string& name : names) {
    const bool good = std::ranges::all_of(name, [&](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOther.contains(c);
    });
    if (good) continue;
    return invalid_argument("http.allowed_hosts: \"{}\" is no host name", name)
        .hint("write names without a scheme, port or wildcard, as in penstock.example.com");
  }
  return {};
}

// What clients and jobs may take of the program's memory: shares of it, so that all go on whatever one of them does.
void share_memory(Config& config) {
  constexpr size_t kMiB = 1 << 20;
  const auto share = [&](size_t& bytes, size_t divisor, size_t most) {
    if (bytes == 0) bytes = std::min(config.memory_limit / divisor, most);
  };
  share(config.kafka.requests_bytes_max, 4, 512 * kMiB);
  share(config.kafka.responses_bytes_max, 8, 256 * kMiB);
  share(config.pg.messages_bytes_max, 8, 256 * kMiB);
  config.kafka.requests_bytes_max = std::max(config.kafka.requests_bytes_max, config.kafka.request_bytes_max);
  // One job that grows without bound leaves room for the others.
  if (config.sql.state_bytes_max == 0) config.sql.state_bytes_max = config.memory_limit / 4 * 3;
  if (config.sql.job_state_bytes_max == 0) config.sql.job_state_bytes_max = config.memory_limit / 2;
}

// Puts in what depends on the machine or on another setting.
Status complete(Config& config) {
  PENSTOCK_TRY(check_host_names(config.http.allowed_hosts));
  if (config.files_dir.empty()) config.files_dir = config.data_dir + "/files";
  if (config.workers == 0) config.workers = std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, 256);
  if (config.memory_limit == 0) config.memory_limit = MemoryBudget::detect_limit_bytes() / 100 * kMemoryPercent;
  share_memory(config);
  Config::Kafka& kafka = config.kafka;
  if (kafka.advertise.host.empty()) kafka.advertise.host = kafka.listen.host;
  if (kafka.advertise.port == 0) kafka.advertise.port = kafka.listen.port;
  const std::string& host = kafka.advertise.host;
  if (host.empty() || host == "0.0.0.0" || host == "::") {
    return invalid_argument("kafka.advertise must be an address that clients can reach, not {}",
                            to_string(kafka.advertise))
        .hint(
            "kafka.listen is every interface, so say which name or address clients shall use, as in "
            "--kafka-advertise=myhost:9092");
  }
  return {};
}

}  // namespace

std::vector<std::string> process_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  return variables;
}

Result<LoadedConfig> load_config(const Command& command, std::span<const std::string> arguments,
                                 std::span<const std::string> environment) {
  LoadedConfig loaded;
  loaded.origins.assign(settings().size(), std::string(kDefaultOrigin));
  ParsedFlags flags = PENSTOCK_TRY(parse_flags(command, arguments));
  loaded.help = std::move(flags.help);
  if (!loaded.help.empty() || !command.takes_settings) return loaded;

  if (const std::string file = file_of(flags, environment); !file.empty()) PENSTOCK_TRY(take_file(file, loaded));
  PENSTOCK_TRY(take_environment(environment, loaded));
  for (const WrittenSetting& written : flags.settings) {
    PENSTOCK_TRY(store(*index_of(written.name), written.value, loaded));
  }
  PENSTOCK_TRY(complete(loaded.config));
  return loaded;
}

std::string describe_config(const LoadedConfig& loaded) {
  Config config = loaded.config;
  std::string out;
  std::string_view section;
  for (size_t i = 0; i < settings().size(); ++i) {
    const Setting& setting = settings()[i];
    const size_t dot = setting.name.find('.');
    const std::string_view own_section = dot == std::string_view::npos ? "" : setting.name.substr(0, dot);
    if (own_section != section) fmt::format_to(std::back_inserter(out), "\n[{}]\n", own_section);
    section = own_section;
    const std::string_view key = dot == std::string_view::npos ? setting.name : setting.name.substr(dot + 1);
    const std::string line = fmt::format("{} = {}", key, toml_text(setting.value(config)));
    fmt::format_to(std::back_inserter(out), "{:<48} # {}\n", line, loaded.origins[i]);
  }
  return out;
}

}  // namespace penstock::app
