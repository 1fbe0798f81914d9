#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "app/config_settings.h"
#include "base/suggest.h"

namespace penstock::app {
namespace {

constexpr const char* kHelpFooter =
    "A setting is taken from its flag, else from the environment (PENSTOCK_KAFKA_LISTEN), else from the TOML file "
    "that\n"
    "--config or PENSTOCK_CONFIG names (kafka.listen), else it has its default. BYTES take a unit: 64M, 1GiB.";

std::string section_of(const Setting& setting) {
  const size_t dot = setting.name.find('.');
  return dot == std::string_view::npos ? "Settings" : fmt::format("Settings of {}", setting.name.substr(0, dot));
}

// Options are kept as the text that was written: this program's own rules read it, as for all other sources.
CLI::Option* add_text_option(CLI::App& app, const std::string& flag, bool boolean, const std::string& help) {
  if (boolean) return app.add_flag(flag, help);
  return app.add_option(flag)->description(help)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

std::map<const Setting*, CLI::Option*> add_settings(CLI::App& app) {
  std::map<const Setting*, CLI::Option*> options;
  Config defaults;
  for (const Setting& setting : settings()) {
    const SettingValue value = setting.value(defaults);
    const bool boolean = std::holds_alternative<bool*>(value);
    const bool computed = setting.help.find("(default") != std::string_view::npos;
    const std::string help =
        computed ? std::string(setting.help) : fmt::format("{} (default: {})", setting.help, toml_text(value));
    CLI::Option* option = add_text_option(app, setting.flag(), boolean, help);
    if (!boolean) option->type_name(value_name(value));
    options[&setting] = option->group(section_of(setting));
  }
  return options;
}

template <class T>
std::string default_text(const T& value) {
  return fmt::format("{}", value);
}

void add_own_flag(CLI::App& app, const CommandFlag& flag) {
  const std::string name = "--" + flag.name;
  std::visit(
      [&](auto* value) {
        using Value = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, bool>) {
          app.add_flag(name, *value, flag.help);
        } else {
          const std::string text = default_text(*value);
          const std::string help = text.empty() ? flag.help : fmt::format("{} (default: {})", flag.help, text);
          app.add_option(name, *value, help)
              ->type_name(std::is_same_v<Value, std::string> ? "TEXT" : "NUMBER")
              ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
        }
      },
      flag.value);
}

Error unknown_argument(const Command& command, const std::string& argument) {
  if (!argument.starts_with('-')) {
    return invalid_argument("penstock {} takes no argument \"{}\"", command.name, argument);
  }
  std::vector<std::string> known{"--help"};
  for (const CommandFlag& flag : command.flags) known.push_back("--" + flag.name);
  if (command.takes_settings) {
    known.push_back("--config");
    for (const Setting& setting : settings()) known.push_back(setting.flag());
  }
  const std::string name = argument.substr(0, argument.find('='));
  return invalid_argument("penstock {} has no flag {}", command.name, name).hint(did_you_mean(name, known));
}

}  // namespace

Result<ParsedFlags> parse_flags(const Command& command, std::span<const std::string> arguments) {
  CLI::App app(command.summary, "penstock " + command.name);
  app.set_help_flag("--help,-h", "print this");
  app.allow_extras();
  app.get_formatter()->column_width(40);
  ParsedFlags parsed;
  std::map<const Setting*, CLI::Option*> options;
  for (const CommandFlag& flag : command.flags) add_own_flag(app, flag);
  if (command.takes_settings) {
    app.add_option("--config", parsed.config_file, "a TOML file of settings")->type_name("FILE");
    options = add_settings(app);
    app.footer(kHelpFooter);
  }
  if (command.arguments != nullptr) app.add_option(command.arguments_name, *command.arguments);

  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    parsed.help = app.help();
    return parsed;
  } catch (const CLI::ParseError& error) {
    return invalid_argument("penstock {}: {}", command.name, error.what());
  }
  for (const std::string& rest : app.remaining()) {
    if (rest != "--") return unknown_argument(command, rest);
  }
  for (const Setting& setting : settings()) {
    const auto option = options.find(&setting);
    if (option == options.end() || option->second->empty()) continue;
    parsed.settings.push_back(
        {std::string(setting.name), {.text = option->second->results().back(), .origin = "flag " + setting.flag()}});
  }
  return parsed;
}

}  // namespace penstock::app
