// PostgreSQL's functions of regular expressions that say where to look, for which match, and what to put there.
#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "expr/binding.h"
#include "expr/regex.h"
#include "expr/regex_matches.h"
#include "expr/slots.h"
#include "expr/utf8.h"

namespace penstock::expr {

namespace {

// An integer argument that may be left out.
int64_t integer_at(const KernelCall& call, size_t argument, size_t row, int64_t otherwise) {
  return argument < call.argument_count() ? call.argument<int64_t>(argument)[row] : otherwise;
}

// Fails the row unless the argument is at least so much.
bool check_least(KernelCall& call, size_t row, std::string_view name, int64_t value, int64_t least) {
  if (value >= least) return true;
  call.fail(row, fmt::format("the {} of a regular expression is {} or more, not {}", name, least, value));
  return false;
}

// Where the character with that number, from 1, begins; behind the text where there are fewer.
size_t byte_of(std::string_view text, int64_t character) {
  const auto characters = static_cast<int64_t>(character_count(text));
  if (character > characters) return text.size() + (character > characters + 1 ? 1 : 0);
  return character_offset(text, static_cast<size_t>(character - 1));
}

// A part of the text: a match, or a group of one.
struct Part {
  size_t begin = 0;
  size_t end = 0;
};

// The n-th match from a character on, or a group of it.
std::optional<Part> find_nth(const Regex& regex, std::string_view text, int64_t start, int64_t nth, size_t group) {
  std::optional<Part> part;
  if (group > static_cast<size_t>(regex.re2().NumberOfCapturingGroups())) return part;
  int64_t count = 0;
  for_each_match(
      regex, text,
      [&](const auto& match) {
        if (++count < nth) return true;
        const std::string_view found = view(match[group]);
        if (found.data() != nullptr) {
          const auto begin = static_cast<size_t>(found.data() - text.data());
          part = Part{.begin = begin, .end = begin + found.size()};
        }
        return false;
      },
      byte_of(text, start));
  return part;
}

// What the arguments from `start` on say, at those places.
struct Wanted {
  int64_t start = 1;
  int64_t nth = 1;
  size_t group = 0;
};
std::optional<Wanted> wanted_at(KernelCall& call, size_t row, size_t group_argument) {
  const int64_t start = integer_at(call, 2, row, 1);
  const int64_t nth = integer_at(call, 3, row, 1);
  const int64_t group = integer_at(call, group_argument, row, 0);
  if (!check_least(call, row, "start", start, 1) || !check_least(call, row, "number of a match", nth, 1) ||
      !check_least(call, row, "group", group, 0)) {
    return std::nullopt;
  }
  return Wanted{start, nth, static_cast<size_t>(group)};
}

// REGEXP_COUNT(text, pattern, start [, flags])
void count_from(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1, regex_flags(call, 3).options);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const Regex* regex = regexes.at(row);
    const int64_t start = integer_at(call, 2, row, 1);
    if (regex == nullptr || !check_least(call, row, "start", start, 1)) return 0;
    int64_t count = 0;
    const std::string_view text = texts[row].view();
    for_each_match(*regex, text, [&](const auto&) { return ++count > 0; }, byte_of(text, start));
    return count;
  });
}

// REGEXP_INSTR(text, pattern, start [, n [, behind [, flags [, group]]]])
void position_from(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1, regex_flags(call, 5).options);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return 0;
    const std::optional<Wanted> wanted = wanted_at(call, row, 6);
    const int64_t behind = integer_at(call, 4, row, 0);
    if (wanted && behind != 0 && behind != 1) {
      call.fail(row,
                fmt::format("REGEXP_INSTR is asked for the place of a match by 0, or behind it by 1, not {}", behind));
    }
    if (!wanted || call.is_null(row)) return 0;
    const std::string_view text = texts[row].view();
    const std::optional<Part> part = find_nth(*regex, text, wanted->start, wanted->nth, wanted->group);
    if (!part) return 0;
    const size_t bytes = behind == 0 ? part->begin : part->end;
    return static_cast<int64_t>(character_count(text.substr(0, bytes))) + 1;
  });
}

// REGEXP_SUBSTR(text, pattern, start [, n [, flags [, group]]])
void substring_from(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1, regex_flags(call, 4).options);
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return;
    const std::optional<Wanted> wanted = wanted_at(call, row, 5);
    if (!wanted) return;
    const std::string_view text = texts[row].view();
    const std::optional<Part> part = find_nth(*regex, text, wanted->start, wanted->nth, wanted->group);
    if (!part) return call.set_null(row);
    out.set_part_of(0, row, text.substr(part->begin, part->end - part->begin));
  });
  out.finish();
}

// --- replacing ---

// RE2's form of PostgreSQL's replacement, in which "\1" to "\9" are groups, of which those that the pattern has not are
// empty, and "\&" is the match. Before all else a backslash is one.
std::string postgres_rewrite(std::string_view replacement, int groups) {
  std::string rewrite;
  for (size_t at = 0; at < replacement.size(); ++at) {
    const char c = replacement[at];
    const char next = c == '\\' && at + 1 < replacement.size() ? replacement[at + 1] : '\0';
    if (c != '\\') {
      rewrite += c;
    } else if (next >= '1' && next <= '9') {
      if (next - '0' <= groups) rewrite += {c, next};
      ++at;
    } else if (next == '&') {
      rewrite += "\\0";
      ++at;
    } else {
      rewrite += "\\\\";
      if (next == '\\') ++at;
    }
  }
  return rewrite;
}

// Appends the text with its n-th match from a byte on replaced, of n = 0 each one.
void append_replaced(std::string& out, const Regex& regex, std::string_view text, std::string_view replacement,
                     size_t from, int64_t nth) {
  const std::string rewrite = postgres_rewrite(replacement, regex.re2().NumberOfCapturingGroups());
  size_t copied = 0;
  int64_t count = 0;
  for_each_match(
      regex, text,
      [&](const auto& match) {
        if (++count < nth) return true;
        const auto begin = static_cast<size_t>(match[0].data() - text.data());
        out += text.substr(copied, begin - copied);
        regex.re2().Rewrite(&out, rewrite, match.data(), static_cast<int>(match.size()));
        copied = begin + match[0].size();
        return nth == 0;
      },
      from);
  out += text.substr(copied);
}

// REGEXP_REPLACE(text, pattern, replacement, flags)
void replace_with_flags(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto replacements = call.argument<StringCell>(2);
  const RegexFlags flags = regex_flags(call, 3);
  RegexArgument regexes(call, 1, flags.options);
  write_rows(call, [&](std::string& out, size_t row) {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return;
    append_replaced(out, *regex, texts[row].view(), replacements[row].view(), 0, flags.all ? 0 : 1);
  });
}

bool bind_replace_with_flags(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 4) || !accept_regex_flags(call, 3)) return false;
  call.result = TypeKind::kString;
  call.kernel = replace_with_flags;
  return true;
}

// REGEXP_REPLACE(text, pattern, replacement, start [, n [, flags]])
void replace_from(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto replacements = call.argument<StringCell>(2);
  RegexArgument regexes(call, 1, regex_flags(call, 5).options);
  write_rows(call, [&](std::string& out, size_t row) {
    const Regex* regex = regexes.at(row);
    const int64_t start = integer_at(call, 3, row, 1);
    const int64_t nth = integer_at(call, 4, row, 1);
    if (regex == nullptr || !check_least(call, row, "start", start, 1) ||
        !check_least(call, row, "number of a match", nth, 0)) {
      return;
    }
    const std::string_view text = texts[row].view();
    append_replaced(out, *regex, text, replacements[row].view(), byte_of(text, start), nth);
  });
}

template <Kernel kernel, TypeKind result, size_t flags, size_t required, Takes... takes>
bool bind_from(CallSignature& call) {
  return bind_optional<kernel, result, required, takes...>(call) && accept_regex_flags(call, flags);
}

constexpr FunctionCategory kCategory = FunctionCategory::kPattern;
constexpr TypeKind kString = TypeKind::kString;
using enum Takes;

constexpr ScalarFunction kFunctions[] = {
    {"REGEXP_REPLACE", kCategory, "REGEXP_REPLACE(text, pattern, replacement, flags)",
     "As PostgreSQL has it: the first match, or with the flag g all, with i in any case; \\1 is the first group.",
     "REGEXP_REPLACE('aAb', 'a', 'x', 'gi') => xxb", bind_replace_with_flags},
    {"REGEXP_REPLACE", kCategory, "REGEXP_REPLACE(text, pattern, replacement, start [, n [, flags]])",
     "The same of the first, or the n-th, match from a character on; of all with n = 0.",
     "REGEXP_REPLACE('abcabc', 'b', 'X', 3) => abcaXc\nREGEXP_REPLACE('abcabc', 'b', 'X', 1, 0) => aXcaXc",
     bind_from<replace_from, kString, 5, 4, kText, kText, kText, kInteger, kInteger, kText>},
    {"REGEXP_SUBSTR", kCategory, "REGEXP_SUBSTR(text, pattern, start [, n [, flags [, group]]])",
     "The first, or the n-th, match from a character on, or a group of it; NULL when there is none.",
     "REGEXP_SUBSTR('abcabd', 'ab.', 1, 2) => abd",
     bind_from<substring_from, kString, 4, 3, kText, kText, kInteger, kInteger, kText, kInteger>, NullRule::kMakes},
    {"REGEXP_COUNT", kCategory, "REGEXP_COUNT(text, pattern, start [, flags])",
     "How often the expression is found from a character on.", "REGEXP_COUNT('ABCABC', 'b', 3, 'i') => 1",
     bind_from<count_from, TypeKind::kInt, 3, 3, kText, kText, kInteger, kText>},
    {"REGEXP_INSTR", kCategory, "REGEXP_INSTR(text, pattern, start [, n [, behind [, flags [, group]]]])",
     "Where the first, or the n-th, match from a character on begins, or a group of it, or with behind = 1 what "
     "follows; "
     "0 when there is none.",
     "REGEXP_INSTR('abcabc', 'b', 1, 2) => 5\nREGEXP_INSTR('abcabc', 'b', 1, 2, 1) => 6",
     bind_from<position_from, TypeKind::kInt, 5, 3, kText, kText, kInteger, kInteger, kInteger, kText, kInteger>},
};

}  // namespace

std::span<const ScalarFunction> regex_place_functions() { return kFunctions; }

}  // namespace penstock::expr
