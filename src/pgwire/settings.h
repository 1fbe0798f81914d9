// The run-time settings that PostgreSQL clients read and set: SHOW, SET, current_setting(), ParameterStatus.
//
// Few of them change what this server does; the others are kept and shown again, so that drivers that insist on them
// are content. A setting that would change results in a way that is not implemented is refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace penstock::pgwire {

// Of one session; not thread-safe. Names are found in any case.
class Settings {
 public:
  // `server_version` as in "15.0 (Penstock 0.1.0)".
  Settings(std::string server_version, std::string user);

  static bool known(std::string_view name);

  // Nothing when the name is not known.
  std::optional<std::string> get(std::string_view name) const;
  // Sets a value; returns the one it then has in its normal form ("UTF8" for 'utf-8'). The name must be known.
  Result<std::string> set(std::string_view name, std::string_view value);
  void reset(std::string_view name);
  void reset_all();

  // True for those whose value the client is told at the start and after every change.
  static bool reported(std::string_view name);
  // Names with their spelling ("DateStyle") and values, sorted.
  std::vector<std::pair<std::string, std::string>> all() const;
  static std::string_view canonical_name(std::string_view name);

  // 0: none.
  int64_t statement_timeout_ms() const { return statement_timeout_ms_; }

 private:
  std::map<std::string, std::string, std::less<>> start_values_;  // by lower-case name
  std::map<std::string, std::string, std::less<>> values_;
  int64_t statement_timeout_ms_ = 0;
};

}  // namespace penstock::pgwire
