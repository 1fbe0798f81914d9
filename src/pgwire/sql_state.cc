#include "pgwire/sql_state.h"

#include <algorithm>

namespace penstock::pgwire {
namespace {

struct FirstWord {
  std::string_view word;
  std::string_view missing;  // it does not exist
};
constexpr FirstWord kFirstWords[] = {
    {"column ", "42703"}, {"function ", "42883"}, {"type ", "42704"}, {"setting ", "42704"}, {"parameter ", "42P02"},
};

std::string_view missing_object(std::string_view message) {
  for (const auto& [word, state] : kFirstWords) {
    if (message.starts_with(word)) return state;
  }
  return "42P01";  // undefined_table
}

}  // namespace

std::string_view sql_state_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
      if (error.message().find("does not exist") != std::string::npos) return missing_object(error.message());
      return error.position() ? sql_state::kSyntaxError : sql_state::kInvalidParameterValue;
    case ErrorCode::kNotFound: return missing_object(error.message());
    case ErrorCode::kAlreadyExists: return "42P07";  // duplicate_table
    case ErrorCode::kUnsupported: return sql_state::kFeatureNotSupported;
    case ErrorCode::kPermissionDenied: return "42501";
    case ErrorCode::kCorruption: return "XX001";
    case ErrorCode::kIoError: return "58030";
    case ErrorCode::kResourceExhausted: return "53000";
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
