// The settings of a session: SET and SHOW.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::engine {

// The setting of how much state a statement may keep.
inline constexpr std::string_view kStateSetting = "job_state_bytes_max";
// Likewise, for how long it keeps what nothing updates. The catalog keeps it for what goes on.
inline constexpr std::string_view kStateTtlSetting = "table.exec.state.ttl";
// After how long a split that gives nothing does not hold the watermark back, where a table does not say it. The
// catalog keeps what it means for the tables of what goes on.
inline constexpr std::string_view kIdleTimeoutSetting = "table.exec.source.idle-timeout";
// What becomes of rows with a NULL in a column of their table that is NOT NULL: "error" or "drop". Kept, likewise.
inline constexpr std::string_view kNotNullSetting = "table.exec.sink.not-null-enforcer";
inline constexpr std::string_view kNotNullDrop = "drop";
// What becomes of rows that cannot be computed and events that cannot be read.
inline constexpr std::string_view kRowErrorsSetting = "row_errors";
inline constexpr std::string_view kRowErrorsFail = "fail";

// Where the changes of a native table are kept since ALTER TABLE has written its rows anew. No setting of a session.
inline constexpr std::string_view kTopicSetting = "topic";

// Not thread-safe; belongs to one session.
class SessionSettings {
 public:
  SessionSettings();

  // In any case of letters; nullopt for an unknown one.
  std::optional<std::string> get(std::string_view name) const;
  // kInvalidArgument for an unknown one, with the nearest as hint, and for values that it cannot have.
  Status set(std::string_view name, std::string_view value);
  // One, or all.
  Status reset(std::optional<std::string_view> name);

  struct Row {
    std::string name;
    std::string value;
    std::string description;
  };
  std::vector<Row> all() const;

 private:
  std::map<std::string, std::string> values_;  // by lower-case name
};

}  // namespace penstock::engine
