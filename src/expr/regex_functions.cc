// Functions of regular expressions, of Flink and of PostgreSQL.
#include <algorithm>
#include <array>
#include <cstring>

#include "expr/binding.h"
#include "expr/regex.h"
#include "expr/regex_matches.h"
#include "expr/required_text.h"
#include "expr/slots.h"
#include "expr/utf8.h"

namespace penstock::expr {

Regex::Regex(std::string_view pattern, const RE2::Options& options)
    : re2_(piece(pattern), options), required_(options.case_sensitive() ? required_text(pattern) : std::string()) {}

Result<RegexPtr> Regex::compile(std::string_view pattern, RegexOptions given) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!given.ignore_case);
  constexpr int64_t kRegexBytesMax = 8 << 20;
  options.set_max_mem(kRegexBytesMax);
  auto regex = std::make_shared<const Regex>(pattern, options);
  if (!regex->re2().ok()) return invalid_argument("the pattern '{}' is wrong: {}", pattern, regex->re2().error());
  return regex;
}

bool Regex::may_match(std::string_view text) const {
  return required_.empty() || memmem(text.data(), text.size(), required_.data(), required_.size()) != nullptr;
}

namespace {

template <bool ignore_case, bool negated>
void matches(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1, {.ignore_case = ignore_case});
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    const Regex* regex = regexes.at(row);
    return regex != nullptr && regex->matches_part_of(texts[row].view()) != negated ? 1 : 0;
  });
}

// Flink's REGEXP, in which an empty pattern is nowhere.
void regexp(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto patterns = call.argument<StringCell>(1);
  RegexArgument regexes(call, 1);
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    const Regex* regex = regexes.at(row);
    return regex != nullptr && !patterns[row].view().empty() && regex->matches_part_of(texts[row].view()) ? 1 : 0;
  });
}

// --- replacing ---

// A replacement that stands for itself, as RE2 reads it.
std::string literal_rewrite(std::string_view replacement) {
  std::string rewrite;
  for (char c : replacement) {
    if (c == '\\') rewrite += '\\';
    rewrite += c;
  }
  return rewrite;
}

void replace_all(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto replacements = call.argument<StringCell>(2);
  RegexArgument regexes(call, 1);
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return;
    const std::string rewrite = literal_rewrite(replacements[row].view());
    if (!regex->may_match(texts[row].view())) return out.set_part_of(0, row, texts[row].view());
    text = texts[row].view();
    RE2::GlobalReplace(&text, regex->re2(), rewrite);
    out.set(row, text);
  });
  out.finish();
}

// --- finding ---

// The first match, or one of its groups; NULL when nothing matches.
void extract(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  static constexpr int64_t kWholeMatch = 0;
  ArgumentView<int64_t> groups =
      call.argument_count() > 2 ? call.argument<int64_t>(2) : ArgumentView<int64_t>(&kWholeMatch, 0);
  RegexArgument regexes(call, 1);
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return;
    const int64_t group = groups[row];
    if (group < 0 || group > regex->re2().NumberOfCapturingGroups()) return call.set_null(row);
    std::string_view found;
    for_each_match(*regex, texts[row].view(), [&](const auto& match) {
      found = view(match[static_cast<size_t>(group)]);
      return false;
    });
    if (found.data() == nullptr) return call.set_null(row);
    out.set_part_of(0, row, found);
  });
  out.finish();
}

// Of each match the first group, or that which is asked for; NULL where there is no such group.
void extract_all(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  const bool has_group = call.argument_count() > 2;
  RegexArgument regexes(call, 1);
  write_rows(call, [&](std::string& out, size_t row) {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return;
    const int64_t groups = regex->re2().NumberOfCapturingGroups();
    const int64_t group = has_group ? call.argument<int64_t>(2)[row] : 1;
    if (group < 0 || group > groups) return call.set_null(row);
    types::SlotWriter slot(out, TypeKind::kString);
    for_each_match(*regex, texts[row].view(), [&](const auto& match) {
      const re2::StringPiece& found = match[static_cast<size_t>(group)];
      found.data() == nullptr ? slot.append_null() : slot.append_string(view(found));
      return true;
    });
    out += types::kSlotEnd;
  });
}

// The groups of a match, or all of it when there are none.
void append_groups(std::string& out, const std::vector<re2::StringPiece>& match) {
  types::SlotWriter slot(out, TypeKind::kString);
  for (size_t i = match.size() == 1 ? 0 : 1; i < match.size(); ++i) {
    match[i].data() == nullptr ? slot.append_null() : slot.append_string(view(match[i]));
  }
}

// PostgreSQL's regexp_match: the groups of the first match.
void match_groups(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1, regex_flags(call, 2).options);
  write_rows(call, [&](std::string& out, size_t row) {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return;
    for_each_match(*regex, texts[row].view(), [&](const auto& match) {
      append_groups(out, match);
      return false;
    });
    if (out.empty()) return call.set_null(row);
    out += types::kSlotEnd;
  });
}

// PostgreSQL's regexp_matches: those of the first match, or with the flag g of each.
void all_match_groups(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  const RegexFlags flags = regex_flags(call, 2);
  RegexArgument regexes(call, 1, flags.options);
  write_rows(call, [&](std::string& out, size_t row) {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return;
    types::SlotWriter slot(out, call.result_type().part(0));
    for_each_match(*regex, texts[row].view(), [&](const auto& match) {
      std::string groups;
      append_groups(groups, match);
      groups += types::kSlotEnd;
      slot.append_string(groups);
      return flags.all;
    });
    out += types::kSlotEnd;
  });
}
bool bind_all_match_groups(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 2) || !accept_regex_flags(call, 2)) return false;
  call.result = DataType::array(DataType::array(TypeKind::kString).with_nullable(false));
  call.kernel = all_match_groups;
  return true;
}

// REGEXP_LIKE(text, pattern, flags)
void matches_with_flags(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1, regex_flags(call, 2).options);
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    const Regex* regex = regexes.at(row);
    return regex != nullptr && regex->matches_part_of(texts[row].view()) ? 1 : 0;
  });
}
bool bind_matches_with_flags(CallSignature& call) {
  return bind_fixed<matches_with_flags, TypeKind::kBoolean, Takes::kText, Takes::kText, Takes::kText>(call) &&
         accept_regex_flags(call, 2);
}

void count_matches(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return 0;
    int64_t count = 0;
    for_each_match(*regex, texts[row].view(), [&](const auto&) { return ++count > 0; });
    return count;
  });
}

// Where the first match begins, from 1; 0 when nothing matches.
void first_position(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1);
  map_valid<int64_t>(call, [&](size_t row) -> int64_t {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return 0;
    int64_t position = 0;
    const std::string_view text = texts[row].view();
    for_each_match(*regex, text, [&](const auto& match) {
      const auto bytes = static_cast<size_t>(match[0].data() - text.data());
      position = static_cast<int64_t>(character_count(text.substr(0, bytes))) + 1;
      return false;
    });
    return position;
  });
}

// The text between the matches. An empty match at either end, or behind another match, parts nothing.
void split(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  RegexArgument regexes(call, 1, regex_flags(call, 2).options);
  write_rows(call, [&](std::string& out, size_t row) {
    const Regex* regex = regexes.at(row);
    if (regex == nullptr) return;
    types::SlotWriter slot(out, TypeKind::kString);
    const std::string_view text = texts[row].view();
    size_t begin = 0;
    for_each_match(*regex, text, [&](const auto& match) {
      const auto at = static_cast<size_t>(match[0].data() - text.data());
      if (match[0].empty() && (at == begin || at >= text.size())) return true;
      slot.append_string(text.substr(begin, at - begin));
      begin = at + match[0].size();
      return true;
    });
    slot.append_string(text.substr(begin));
    out += types::kSlotEnd;
  });
}

template <Kernel kernel, size_t required, Takes... takes>
bool bind_texts(CallSignature& call) {
  static constexpr std::array kTakes{takes...};
  if (!accept_arguments(call, kTakes, required)) return false;
  call.result = DataType::array(TypeKind::kString);
  call.kernel = kernel;
  return true;
}
// The same with flags as the third argument.
template <Kernel kernel>
bool bind_texts_with_flags(CallSignature& call) {
  return bind_texts<kernel, 2, Takes::kText, Takes::kText, Takes::kText>(call) && accept_regex_flags(call, 2);
}

constexpr FunctionCategory kCategory = FunctionCategory::kPattern;
constexpr NullRule kMakes = NullRule::kMakes;
using enum Takes;
constexpr TypeKind kTruth = TypeKind::kBoolean;
constexpr TypeKind kString = TypeKind::kString;

template <bool ignore_case, bool negated>
constexpr auto kMatches = bind_fixed<matches<ignore_case, negated>, kTruth, kText, kText>;

constexpr ScalarFunction kFunctions[] = {
    {"~", kCategory, "text ~ pattern", "Whether a regular expression (RE2) is found in the text.",
     "'penstock' ~ '^pen' => TRUE", kMatches<false, false>},
    {"~*", kCategory, "text ~* pattern", "The same in any case of letters.", "'penstock' ~* '^PEN' => TRUE",
     kMatches<true, false>},
    {"!~", kCategory, "text !~ pattern", "Whether it is not found.", "'penstock' !~ '^stock' => TRUE",
     kMatches<false, true>},
    {"!~*", kCategory, "text !~* pattern", "The same in any case of letters.", "'penstock' !~* '^PEN' => FALSE",
     kMatches<true, true>},
    {"REGEXP", kCategory, "REGEXP(text, pattern)",
     "Whether a regular expression (RE2) is found in the text; an empty one is not.",
     "REGEXP('penstock', 'n.t') => TRUE\nREGEXP('penstock', '') => FALSE", bind_fixed<regexp, kTruth, kText, kText>},
    {"REGEXP_LIKE", kCategory, "REGEXP_LIKE(text, pattern)", "The same as REGEXP.", "REGEXP_LIKE('abc', 'b') => TRUE",
     kMatches<false, false>},
    {"REGEXP_LIKE", kCategory, "REGEXP_LIKE(text, pattern, flags)", "The same, with the flag i in any case.",
     "REGEXP_LIKE('Hello', 'hello', 'i') => TRUE", bind_matches_with_flags},
    {"REGEXP_REPLACE", kCategory, "REGEXP_REPLACE(text, pattern, replacement)",
     "Every match replaced; the replacement stands for itself, $1 in it too.",
     "REGEXP_REPLACE('foobar', 'oo|ar', '') => fb\nREGEXP_REPLACE('a1b22', '[0-9]+', '$1') => a$1b$1",
     bind_fixed<replace_all, kString, kText, kText, kText>},
    {"REGEXP_EXTRACT", kCategory, "REGEXP_EXTRACT(text, pattern [, group])",
     "The first match, or one of its groups; NULL when nothing matches.",
     "REGEXP_EXTRACT('a12', '[a-z]([0-9])', 1) => 1", bind_optional<extract, kString, 2, kText, kText, kInteger>,
     kMakes},
    {"REGEXP_SUBSTR", kCategory, "REGEXP_SUBSTR(text, pattern)", "The first match; NULL when nothing matches.",
     "REGEXP_SUBSTR('a12', '[0-9]+') => 12", bind_fixed<extract, kString, kText, kText>, kMakes},
    {"REGEXP_EXTRACT_ALL", kCategory, "REGEXP_EXTRACT_ALL(text, pattern [, group])",
     "The first group of every match, or another one; NULL where there is no such group. 0 is all of the match.",
     "REGEXP_EXTRACT_ALL('a1b22', '([0-9]+)') => [1, 22]\nREGEXP_EXTRACT_ALL('a1b22', '[0-9]+', 0) => [1, 22]",
     bind_texts<extract_all, 2, kText, kText, kInteger>, kMakes},
    {"REGEXP_MATCH", kCategory, "REGEXP_MATCH(text, pattern [, flags])",
     "The groups of the first match, or all of it where there are none; NULL when nothing matches. With the flag i in "
     "any case.",
     "REGEXP_MATCH('k=v', '(.)=(.)') => [k, v]", bind_texts_with_flags<match_groups>, kMakes},
    {"REGEXP_MATCHES", kCategory, "REGEXP_MATCHES(text, pattern [, flags])",
     "The same of the first match, or with the flag g of each; as a table one row each.",
     "REGEXP_MATCHES('a1b2', '([a-z])([0-9])', 'g') => [[a, 1], [b, 2]]", bind_all_match_groups},
    {"REGEXP_COUNT", kCategory, "REGEXP_COUNT(text, pattern)", "How often the expression is found.",
     "REGEXP_COUNT('a1b22', '[0-9]') => 3", bind_fixed<count_matches, TypeKind::kInt, kText, kText>},
    {"REGEXP_INSTR", kCategory, "REGEXP_INSTR(text, pattern)",
     "Where the first match begins, from 1; 0 when nothing matches.", "REGEXP_INSTR('ab12', '[0-9]') => 3",
     bind_fixed<first_position, TypeKind::kInt, kText, kText>},
    {"REGEXP_SPLIT_TO_ARRAY", kCategory, "REGEXP_SPLIT_TO_ARRAY(text, pattern [, flags])",
     "The texts between the matches; with the flag i in any case.",
     "REGEXP_SPLIT_TO_ARRAY('a, b;c', '[,;] *') => [a, b, c]", bind_texts_with_flags<split>},
    {"REGEXP_SPLIT_TO_TABLE", kCategory, "REGEXP_SPLIT_TO_TABLE(text, pattern [, flags])",
     "The same; as a table one row each.", "REGEXP_SPLIT_TO_TABLE('a1b', '[0-9]') => [a, b]",
     bind_texts_with_flags<split>},
};

}  // namespace

std::span<const ScalarFunction> regex_functions() { return kFunctions; }

}  // namespace penstock::expr
