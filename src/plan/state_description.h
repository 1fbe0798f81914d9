// What operators keep from one row to the next, for EXPLAIN. Private to the module.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "plan/physical.h"

namespace penstock::plan {

// What keeps the state of an operator from growing for ever.
enum class StateBound : uint8_t {
  kConstant,  // it does not grow
  kKeys,      // there is so much for each key, and as many keys as come
  kWindows,   // it goes when windows close
  kTime,      // it goes when the watermark is far enough ahead
  kTtl,       // it goes when nothing has updated it for a time
  kInput,     // the input has an end, or is itself no larger than a table
  kNone,      // nothing: it grows with each row
};

struct StateDescription {
  std::string keeps;  // "a group for each key"
  StateBound bound = StateBound::kNone;
};

// Nullopt for operators that keep nothing.
std::optional<StateDescription> describe_state(const PhysicalNode& node);

// "windows", as it stands in JSON.
std::string_view name_of(StateBound bound);

}  // namespace penstock::plan
