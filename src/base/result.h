// The one error style of the program: a function that can fail returns Result<T> (Status when it has no value).
//
//   Result<File> open(std::string_view path);
//   Status copy(...) {
//     File file = PENSTOCK_TRY(open(path));   // returns the error to the caller
//     PENSTOCK_TRY(file.sync());
//     return {};
//   }
//
// No exceptions of our own; a library's exceptions are caught where the library is called.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace penstock {

enum class ErrorCode : uint8_t {
  kInvalidArgument,    // the caller's input is wrong; trying again gives the same answer
  kNotFound,           // a named thing does not exist
  kAlreadyExists,      // a named thing exists already
  kUnsupported,        // valid, but not something this program does
  kPermissionDenied,   // not allowed for this user
  kCorruption,         // stored bytes do not match their checksum or format
  kIoError,            // the operating system refused a read or write
  kResourceExhausted,  // a named limit is reached (disk, connections, a size)
  kOutOfMemory,        // a limit of memory is reached
  kUnavailable,        // not now: starting, stopping, or a peer is away; trying again may help
  kCancelled,          // the caller asked to stop
  kTimeout,            // a bound on time was reached
  kInternal,           // a bug in this program
};

// The stable lower-case name of a code, such as "not_found".
std::string_view error_code_name(ErrorCode code);

// What went wrong, where, and what to do about it.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  // Adds what the user can do about it.
  Error&& hint(std::string text) && {
    hint_ = std::move(text);
    return std::move(*this);
  }
  // Adds where in the input: a 0-based byte offset in the SQL text.
  Error&& at(uint32_t byte_offset) && {
    position_ = byte_offset;
    return std::move(*this);
  }
  // Puts "context: " before the message.
  Error&& context(std::string_view text) && {
    message_.insert(0, ": ").insert(0, text);
    return std::move(*this);
  }

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  std::optional<uint32_t> position() const { return position_; }

  // "message (hint: ...)", for logs and terminals.
  std::string to_string() const;

 private:
  ErrorCode code_;
  std::string message_;
  std::string hint_;
  std::optional<uint32_t> position_;
};

template <class... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error(code, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
Error invalid_argument(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
Error not_found(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorCode::kNotFound, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
Error unsupported(fmt::format_string<Args...> format, Args&&... args) {
  return Error(ErrorCode::kUnsupported, fmt::format(format, std::forward<Args>(args)...));
}

template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
  // An Error converts by itself: `return not_found("...")`.
  Result(Error error)
      : std::expected<T, Error>(std::unexpect, std::move(error)) {}  // NOLINT(google-explicit-constructor)
};

using Status = Result<void>;

namespace internal {
template <class T>
T take_value(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
}  // namespace internal

}  // namespace penstock

// Evaluates a Result expression; returns its error from the enclosing function, or yields its value.
#define PENSTOCK_TRY(expression)                                     \
  ({                                                                 \
    auto penstock_result = (expression);                             \
    if (!penstock_result) return std::move(penstock_result).error(); \
    ::penstock::internal::take_value(std::move(penstock_result));    \
  })
