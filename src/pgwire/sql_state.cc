#include "pgwire/sql_state.h"

#include <algorithm>
#include <optional>
#include <span>

namespace penstock::pgwire {
namespace {

// What a message speaks of, where PostgreSQL has a SQLSTATE of its own for it. The first that fits counts.
struct Topic {
  std::string_view words;
  std::string_view sql_state;
};
constexpr Topic kTopics[] = {
    {"no column", "42703"},          {"column ", "42703"}, {"no function", "42883"},
    {"function ", "42883"},          {"no type", "42704"}, {"setting ", sql_state::kUndefinedObject},
    {"prepared statement", "26000"},
};
constexpr Topic kBadValues[] = {
    {"division by zero", "22012"},
    {"cannot read '", sql_state::kInvalidTextRepresentation},
    {"out of the range", "22003"},
    {"out of range", "22003"},
    {"overflow", "22003"},
    {"is ambiguous", "42702"},
    {"more than one row", "21000"},
    {"a row a second time", "21000"},
    {"is NOT NULL", "23502"},
    {"NOT NULL constraint", "23502"},
    {"in GROUP BY", "42803"},
    {"is used by", "2BP01"},
    {"is not empty", "2BP01"},
    {"does not fit", "22003"},
    {"aggregate function ", "42803"},
    {" does not take (", "42883"},
    {"no common type", "42804"},
};

std::optional<std::string_view> find(std::span<const Topic> topics, std::string_view message) {
  for (const auto& [words, state] : topics) {
    if (message.find(words) != std::string_view::npos) return state;
  }
  return std::nullopt;
}

std::string_view missing_object(std::string_view message) {
  return find(kTopics, message).value_or("42P01");  // undefined_table
}

std::string_view invalid_argument_state(const Error& error) {
  const std::string_view message = error.message();
  if (const auto state = find(kBadValues, message)) return *state;
  if (message.find("does not exist") != std::string_view::npos || message.starts_with("there is no ")) {
    return missing_object(message);
  }
  return error.position() ? sql_state::kSyntaxError : sql_state::kInvalidParameterValue;
}

}  // namespace

std::string_view sql_state_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument: return invalid_argument_state(error);
    case ErrorCode::kNotFound: return missing_object(error.message());
    case ErrorCode::kAlreadyExists:
      return error.message().find("primary key") != std::string::npos ? "23505"   // unique_violation
                                                                      : "42P07";  // duplicate_table
    case ErrorCode::kUnsupported: return sql_state::kFeatureNotSupported;
    case ErrorCode::kPermissionDenied: return "42501";
    case ErrorCode::kCorruption: return "XX001";
    case ErrorCode::kIoError: return "58030";
    case ErrorCode::kResourceExhausted: return "53000";
    case ErrorCode::kOutOfMemory: return sql_state::kOutOfMemory;
    case ErrorCode::kUnavailable: return "57P03";
    case ErrorCode::kCancelled:
    case ErrorCode::kTimeout: return sql_state::kQueryCancelled;
    case ErrorCode::kInternal: return "XX000";
  }
  return "XX000";
}

uint32_t character_position(std::string_view sql, uint32_t byte_offset) {
  const std::string_view before = sql.substr(0, byte_offset);
  // Every byte but UTF-8's continuation bytes begins a character.
  return 1 + static_cast<uint32_t>(std::count_if(before.begin(), before.end(),
                                                 [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}

}  // namespace penstock::pgwire
