// LIKE and SIMILAR TO.
#include <optional>

#include "expr/binding.h"
#include "expr/like_pattern.h"
#include "expr/regex.h"

namespace penstock::expr {

namespace {

// --- LIKE ---

template <bool negated>
void like(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto patterns = call.argument<StringCell>(1);
  char escape = 0;
  if (call.argument_count() > 2) escape = call.constant_text(2)[0];
  PatternCache<LikePattern> cache([escape](std::string_view text) { return LikePattern::compile(text, escape); });
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    std::string error;
    const LikePattern* pattern = cache.get(patterns[row].view(), error);
    if (pattern == nullptr) {
      call.fail(row, std::move(error));
      return 0;
    }
    return pattern->matches(texts[row].view()) != negated ? 1 : 0;
  });
}

template <Kernel kernel>
bool bind_pattern(CallSignature& call) {
  static constexpr Takes kTakes[] = {Takes::kText, Takes::kText, Takes::kText};
  if (!accept_arguments(call, kTakes, 2)) return false;
  if (call.arguments.size() == 3) {
    const Expr& escape = *call.arguments[2];
    if (!escape.is_literal() || escape.is_null_literal() || escape.value().as_string().size() != 1) return false;
  }
  call.result = TypeKind::kBoolean;
  call.kernel = kernel;
  return true;
}

// --- RE2 ---

// A SIMILAR TO pattern as a regular expression for the whole text.
std::string similar_to_regex(std::string_view pattern, char escape) {
  std::string regex = "(?s)\\A(?:";
  bool in_class = false;
  for (size_t at = 0; at < pattern.size(); ++at) {
    char c = pattern[at];
    if (escape != 0 && c == escape && at + 1 < pattern.size()) {
      regex += RE2::QuoteMeta(re2::StringPiece(&pattern[++at], 1));
    } else if (in_class) {
      in_class = c != ']';
      regex += c;
    } else if (c == '%') {
      regex += ".*";
    } else if (c == '_') {
      regex += '.';
    } else if (c == '[') {
      in_class = true;
      regex += c;
    } else if (c == '.' || c == '^' || c == '$' || c == '\\') {
      regex += '\\';
      regex += c;
    } else {
      regex += c;
    }
  }
  return regex + ")\\z";
}

template <bool negated>
void similar_to(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto patterns = call.argument<StringCell>(1);
  char escape = 0;
  if (call.argument_count() > 2) escape = call.constant_text(2)[0];
  PatternCache<RegexPtr> cache(
      [escape](std::string_view text) { return Regex::compile(similar_to_regex(text, escape)); });
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    std::string error;
    const RegexPtr* regex = cache.get(patterns[row].view(), error);
    if (regex == nullptr) {
      call.fail(row, std::move(error));
      return 0;
    }
    return (*regex)->matches_part_of(texts[row].view()) != negated ? 1 : 0;
  });
}

constexpr FunctionCategory kCategory = FunctionCategory::kPattern;
using enum Takes;

constexpr ScalarFunction kFunctions[] = {
    {"LIKE", kCategory, "text LIKE pattern [ESCAPE character]",
     "Whether the whole text follows a pattern: % is any text, _ one character.", "'penstock' LIKE 'pen%' => TRUE",
     bind_pattern<like<false>>},
    {"NOT LIKE", kCategory, "text NOT LIKE pattern [ESCAPE character]", "The opposite of LIKE.",
     "'penstock' NOT LIKE '_en' => TRUE", bind_pattern<like<true>>},
    {"SIMILAR TO", kCategory, "text SIMILAR TO pattern [ESCAPE character]",
     "Whether the whole text follows a SQL regular expression.", "'abab' SIMILAR TO '(ab)+' => TRUE",
     bind_pattern<similar_to<false>>},
    {"NOT SIMILAR TO", kCategory, "text NOT SIMILAR TO pattern [ESCAPE character]", "The opposite of SIMILAR TO.",
     "'ab' NOT SIMILAR TO 'a|b' => TRUE", bind_pattern<similar_to<true>>},
};

}  // namespace

std::span<const ScalarFunction> pattern_functions() { return kFunctions; }

}  // namespace penstock::expr
