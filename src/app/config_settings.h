// The table of settings, and the text form of their values; used by config*.cc only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.h"
#include "base/result.h"

namespace penstock::app {

// Where a setting lives in a Config; the type decides the text form. size_t is a number of bytes, a vector is written
// with commas, or as an array in the file.
using SettingValue = std::variant<bool*, int64_t*, size_t*, std::string*, std::vector<std::string>*, net::Endpoint*,
                                  logging::Level*, logging::Format*>;

struct Setting {
  std::string_view name;  // as in TOML: "kafka.listen"
  SettingValue (*value)(Config&);
  std::string_view help;
  int64_t min = 0;  // of integers and bytes
  int64_t max = INT64_MAX;

  std::string flag() const;         // "--kafka-listen"
  std::string environment() const;  // "PENSTOCK_KAFKA_LISTEN"
};

std::span<const Setting> settings();

// A value as it was written, and where: "flag --workers", "penstock.toml:3".
struct WrittenValue {
  enum class Kind : uint8_t { kText, kInteger, kBoolean, kList };  // kText also for all that has no types of its own
  std::string text;
  std::string origin;
  Kind kind = Kind::kText;
  bool typed = false;  // the kind was written down, so "4" is no integer
};

// Reads `written` into the setting's place in `config`, or says what is wrong with it.
Status assign(const Setting& setting, const WrittenValue& written, Config& config);

// What its value is called in help: INTEGER, BYTES, HOST:PORT, debug|info|...
std::string value_name(const SettingValue& value);
// The value as it would be written in TOML.
std::string toml_text(const SettingValue& value);

// What one source gives: a name as that source spells it, and the value.
struct WrittenSetting {
  std::string name;
  WrittenValue value;
};

// The keys of a TOML file, sections and keys joined by dots. Whether they are settings is not looked at.
Result<std::vector<WrittenSetting>> read_config_file(const std::string& path);

struct ParsedFlags {
  std::vector<WrittenSetting> settings;  // by the settings' names
  std::string config_file;               // of --config
  std::string help;                      // not empty: --help was given
};

// Reads a subcommand's line; its own flags and arguments are stored where `command` says.
Result<ParsedFlags> parse_flags(const Command& command, std::span<const std::string> arguments);

}  // namespace penstock::app
