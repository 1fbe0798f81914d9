// Our errors in PostgreSQL's terms.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock::pgwire {

// The five-character SQLSTATE of an error. Error codes are coarser than SQLSTATEs; where drivers make a difference
// (a missing table or column, a division by zero) the words of the message decide.
std::string_view sql_state_of(const Error& error);

// PostgreSQL counts an error's position in characters from 1; ours is in bytes from 0.
uint32_t character_position(std::string_view sql, uint32_t byte_offset);

namespace sql_state {
inline constexpr std::string_view kWarning = "01000";
inline constexpr std::string_view kFeatureNotSupported = "0A000";
inline constexpr std::string_view kProtocolViolation = "08P01";
inline constexpr std::string_view kInvalidParameterValue = "22023";
inline constexpr std::string_view kInvalidTextRepresentation = "22P02";
inline constexpr std::string_view kInvalidBinaryRepresentation = "22P03";
inline constexpr std::string_view kNoActiveTransaction = "25P01";
inline constexpr std::string_view kActiveTransaction = "25001";
inline constexpr std::string_view kFailedTransaction = "25P02";
inline constexpr std::string_view kInvalidStatementName = "26000";
inline constexpr std::string_view kInvalidCursorName = "34000";
inline constexpr std::string_view kSyntaxError = "42601";
inline constexpr std::string_view kDuplicateStatement = "42P05";
inline constexpr std::string_view kDuplicateCursor = "42P03";
inline constexpr std::string_view kUndefinedObject = "42704";
inline constexpr std::string_view kOutOfMemory = "53200";
inline constexpr std::string_view kTooManyConnections = "53300";
inline constexpr std::string_view kTooMany = "54000";
inline constexpr std::string_view kQueryCancelled = "57014";
inline constexpr std::string_view kAdminShutdown = "57P01";
}  // namespace sql_state

}  // namespace penstock::pgwire
