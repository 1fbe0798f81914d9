// The WITH ('key' = 'value', ...) options of a table, read one by one and checked for leftovers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::connector {

using OptionMap = std::map<std::string, std::string>;

// One option as the documentation lists it. In a key, '#' stands for the name of a column and '*' for anything.
struct OptionDoc {
  std::string_view key;
  std::string_view default_value;  // empty: none
  std::string_view description;
};

// Readers remember which keys were asked for; finish() makes every other key an error that suggests the nearest. What
// is asked for must be among `docs`, so that no option goes undocumented.
class TableOptions {
 public:
  // `table` names the table in errors. `options` and `docs` must outlive the reader.
  TableOptions(std::string table, const OptionMap& options, std::span<const OptionDoc> docs)
      : table_(std::move(table)), options_(options), docs_(docs) {}

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

  // Flink's sizes: "128 MB", "1g", "64 kb"; a bare number is bytes.
  Result<int64_t> get_size_bytes(std::string_view key, int64_t default_bytes);

  // Every option that starts with `prefix`, by the rest of its key; all count as read.
  OptionMap with_prefix(std::string_view prefix);

  // "table "t": option 'k' = 'v': expected ..."
  Error bad_value(std::string_view key, std::string_view value, std::string_view expected) const;

  Status finish() const;

 private:
  bool is_documented(std::string_view key) const;

  std::string table_;
  const OptionMap& options_;
  std::span<const OptionDoc> docs_;
  std::set<std::string, std::less<>> known_{"connector"};
};

}  // namespace penstock::connector
