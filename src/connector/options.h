// The WITH ('key' = 'value', ...) options of a table, read one by one and checked for leftovers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::connector {

using OptionMap = std::map<std::string, std::string>;

// Readers remember which keys were asked for; finish() makes every other key an error that suggests the nearest.
class TableOptions {
 public:
  // `table` names the table in errors.
  TableOptions(std::string table, const OptionMap& options) : table_(std::move(table)), options_(options) {}

  const std::string& table() const { return table_; }
  bool has(std::string_view key);

  std::optional<std::string> find(std::string_view key);
  std::string get(std::string_view key, std::string_view default_value);
  Result<std::string> require(std::string_view key);
  // One of `allowed` (in any case, given back in lower case).
  Result<std::string> get_choice(std::string_view key, std::string_view default_value,
                                 const std::vector<std::string>& allowed);
  Result<bool> get_bool(std::string_view key, bool default_value);
  Result<int64_t> get_int(std::string_view key, int64_t default_value, int64_t min, int64_t max);
  Result<double> get_double(std::string_view key, double default_value);
  // Flink's durations: "500 ms", "10s", "5 min", "1 h", "1 d"; a bare number is milliseconds. In microseconds.
  Result<int64_t> get_duration_us(std::string_view key, int64_t default_us);

  // Every option that starts with `prefix`, by the rest of its key; all count as read.
  OptionMap with_prefix(std::string_view prefix);

  Status finish() const;

 private:
  Error bad_value(std::string_view key, std::string_view value, std::string_view expected) const;

  std::string table_;
  const OptionMap& options_;
  std::set<std::string, std::less<>> known_;
};

// "10 s" and the like; nullopt when it is no duration.
std::optional<int64_t> parse_duration_us(std::string_view text);

}  // namespace penstock::connector
