// LIKE, SIMILAR TO and regular expressions.
#include <re2/re2.h>

#include <optional>

#include "expr/binding.h"
#include "expr/like_pattern.h"

namespace penstock::expr {

namespace {

// Compiles a pattern when its text changes: once per batch for a constant.
template <class Compiled, class Compile>
class PatternCache {
 public:
  explicit PatternCache(Compile compile) : compile_(std::move(compile)) {}
  // nullptr when the pattern is wrong; `error` then says why.
  const Compiled* get(std::string_view text, std::string& error) {
    if (!compiled_ || text != text_) {
      text_ = text;
      compiled_.emplace(compile_(text));
    }
    if (*compiled_) return &**compiled_;
    error = compiled_->error().message();
    return nullptr;
  }

 private:
  Compile compile_;
  std::string text_;
  std::optional<Result<Compiled>> compiled_;
};

// --- LIKE ---

template <bool negated>
void like(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto patterns = call.argument<StringCell>(1);
  char escape = 0;
  if (call.argument_count() > 2) escape = call.constant_text(2)[0];
  PatternCache<LikePattern, std::function<Result<LikePattern>(std::string_view)>> cache(
      [escape](std::string_view text) { return LikePattern::compile(text, escape); });
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

// RE2 is bounded in time and, by its budget, in memory, whatever the pattern.
using Regex = std::shared_ptr<const RE2>;

Result<Regex> compile_regex(std::string_view text) {
  RE2::Options options;
  options.set_log_errors(false);
  constexpr int64_t kRegexBytesMax = 8 << 20;
  options.set_max_mem(kRegexBytesMax);
  auto regex = std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (!regex->ok()) return invalid_argument("the pattern '{}' is wrong: {}", text, regex->error());
  return regex;
}

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

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(re2::StringPiece text) { return {text.data(), text.size()}; }

using RegexCache = PatternCache<Regex, std::function<Result<Regex>(std::string_view)>>;

template <bool negated>
void similar_to(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto patterns = call.argument<StringCell>(1);
  char escape = 0;
  if (call.argument_count() > 2) escape = call.constant_text(2)[0];
  RegexCache cache([escape](std::string_view text) { return compile_regex(similar_to_regex(text, escape)); });
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    std::string error;
    const Regex* regex = cache.get(patterns[row].view(), error);
    if (regex == nullptr) {
      call.fail(row, std::move(error));
      return 0;
    }
    return RE2::PartialMatch(piece(texts[row].view()), **regex) != negated ? 1 : 0;
  });
}

void regexp(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto patterns = call.argument<StringCell>(1);
  RegexCache cache(compile_regex);
  map_valid<uint8_t>(call, [&](size_t row) -> uint8_t {
    std::string error;
    const Regex* regex = cache.get(patterns[row].view(), error);
    if (regex == nullptr) {
      call.fail(row, std::move(error));
      return 0;
    }
    return RE2::PartialMatch(piece(texts[row].view()), **regex) ? 1 : 0;
  });
}

// Java's "$1" for groups as RE2's "\1".
std::string rewrite_of(std::string_view replacement) {
  std::string rewrite;
  for (size_t at = 0; at < replacement.size(); ++at) {
    char c = replacement[at];
    char next = at + 1 < replacement.size() ? replacement[at + 1] : '\0';
    if (c == '$' && next >= '0' && next <= '9') {
      rewrite += '\\';
    } else if (c == '\\') {
      if (next != 0) {  // an escaped character stands for itself
        ++at;
        c = next;
      }
      if (c == '\\') rewrite += '\\';
      rewrite += c;
    } else {
      rewrite += c;
    }
  }
  return rewrite;
}

void regexp_replace(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto patterns = call.argument<StringCell>(1);
  auto replacements = call.argument<StringCell>(2);
  RegexCache cache(compile_regex);
  TextOutput out(call);
  std::string text;
  for_valid_rows(call, [&](size_t row) {
    std::string error;
    const Regex* regex = cache.get(patterns[row].view(), error);
    if (regex == nullptr) return call.fail(row, std::move(error));
    std::string rewrite = rewrite_of(replacements[row].view());
    if (!(*regex)->CheckRewriteString(rewrite, &error)) return call.fail(row, std::move(error));
    text = texts[row].view();
    RE2::GlobalReplace(&text, **regex, rewrite);
    out.set(row, text);
  });
  out.finish();
}

// REGEXP_EXTRACT(text, pattern [, group]); NULL when nothing matches.
void regexp_extract(KernelCall& call) {
  auto texts = call.argument<StringCell>(0);
  auto patterns = call.argument<StringCell>(1);
  static constexpr int64_t kWholeMatch = 0;
  ArgumentView<int64_t> groups =
      call.argument_count() > 2 ? call.argument<int64_t>(2) : ArgumentView<int64_t>(&kWholeMatch, 0);
  RegexCache cache(compile_regex);
  TextOutput out(call);
  for_valid_rows(call, [&](size_t row) {
    std::string error;
    const Regex* regex = cache.get(patterns[row].view(), error);
    if (regex == nullptr) return call.fail(row, std::move(error));
    int64_t group = groups[row];
    if (group < 0 || group > (*regex)->NumberOfCapturingGroups()) return call.set_null(row);
    std::vector<re2::StringPiece> matches(static_cast<size_t>(group) + 1);
    std::string_view text = texts[row].view();
    if (!(*regex)->Match(piece(text), 0, text.size(), RE2::UNANCHORED, matches.data(),
                         static_cast<int>(matches.size())) ||
        matches.back().data() == nullptr) {
      return call.set_null(row);
    }
    out.set_part_of(0, row, view(matches.back()));
  });
  out.finish();
}

constexpr FunctionCategory kCategory = FunctionCategory::kText;
using enum Takes;

constexpr ScalarFunction kFunctions[] = {
    {"LIKE", kCategory, "text LIKE pattern [ESCAPE character]",
     "Whether the whole text follows a pattern: % is any text, _ one character.", "'penstock' LIKE 'pen%' -> TRUE",
     bind_pattern<like<false>>},
    {"NOT LIKE", kCategory, "text NOT LIKE pattern [ESCAPE character]", "The opposite of LIKE.",
     "'penstock' NOT LIKE '_en' -> TRUE", bind_pattern<like<true>>},
    {"SIMILAR TO", kCategory, "text SIMILAR TO pattern [ESCAPE character]",
     "Whether the whole text follows a SQL regular expression.", "'abab' SIMILAR TO '(ab)+' -> TRUE",
     bind_pattern<similar_to<false>>},
    {"NOT SIMILAR TO", kCategory, "text NOT SIMILAR TO pattern [ESCAPE character]", "The opposite of SIMILAR TO.",
     "'ab' NOT SIMILAR TO 'a|b' -> TRUE", bind_pattern<similar_to<true>>},
    {"REGEXP", kCategory, "REGEXP(text, pattern)", "Whether a regular expression (RE2) is found in the text.",
     "REGEXP('penstock', 'n.t') -> TRUE", bind_fixed<regexp, TypeKind::kBoolean, kText, kText>},
    {"REGEXP_REPLACE", kCategory, "REGEXP_REPLACE(text, pattern, replacement)",
     "Every match replaced; $1 in the replacement is the first group.",
     "REGEXP_REPLACE('a1b22', '([0-9]+)', '<$1>') -> a<1>b<22>",
     bind_fixed<regexp_replace, TypeKind::kString, kText, kText, kText>},
    {"REGEXP_EXTRACT", kCategory, "REGEXP_EXTRACT(text, pattern [, group])",
     "The first match, or one of its groups; NULL when nothing matches.",
     "REGEXP_EXTRACT('a12', '[a-z]([0-9])', 1) -> 1",
     bind_optional<regexp_extract, TypeKind::kString, 2, kText, kText, kInteger>, NullRule::kMakes},
};

}  // namespace

std::span<const ScalarFunction> pattern_functions() { return kFunctions; }

}  // namespace penstock::expr
