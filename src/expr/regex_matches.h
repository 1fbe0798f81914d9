// What kernels of regular expressions are written with.
#pragma once

#include <re2/re2.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/binding.h"
#include "expr/function.h"
#include "expr/kernel.h"
#include "expr/regex.h"
#include "expr/utf8.h"

namespace penstock::expr {

// Calls `found(match)` with each match from a byte on, where match[0] is the whole and match[i] group i, until it gives
// false. An empty match is followed by the next character.
template <class F>
void for_each_match(const Regex& regex, std::string_view text, F found, size_t from = 0) {
  if (!regex.may_match(text)) return;
  const RE2& re2 = regex.re2();
  std::vector<re2::StringPiece> match(static_cast<size_t>(re2.NumberOfCapturingGroups()) + 1);
  for (size_t at = from; at <= text.size();) {
    if (!re2.Match(piece(text), at, text.size(), RE2::UNANCHORED, match.data(), static_cast<int>(match.size()))) return;
    if (!found(match)) return;
    const size_t end = static_cast<size_t>(match[0].data() - text.data()) + match[0].size();
    at = match[0].empty() ? end + (end < text.size() ? character_bytes(text, end) : 1) : end;
  }
}

// PostgreSQL's flags, a constant text behind the other arguments: g all matches, i in any case, c not so.
struct RegexFlags {
  RegexOptions options;
  bool all = false;
};
inline RegexFlags regex_flags(const KernelCall& call, size_t argument) {
  RegexFlags flags;
  if (argument >= call.argument_count()) return flags;
  for (char c : call.constant_text(argument)) {
    if (c == 'g' || c == 'G') flags.all = true;
    if (c == 'i' || c == 'I') flags.options.ignore_case = true;
    if (c == 'c' || c == 'C') flags.options.ignore_case = false;
  }
  return flags;
}
// Whether flags stand there that are known, or none.
inline bool accept_regex_flags(const CallSignature& call, size_t argument) {
  if (argument >= call.arguments.size()) return true;
  const std::optional<std::string> flags = literal_text_upper(call, argument);
  return flags && flags->find_first_not_of("GIC") == std::string::npos;
}

}  // namespace penstock::expr
