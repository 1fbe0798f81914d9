// Regular expressions of kernels.
#pragma once

#include <re2/re2.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "expr/kernel.h"

namespace penstock::expr {

struct RegexOptions {
  bool ignore_case = false;
};

inline re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(re2::StringPiece text) { return {text.data(), text.size()}; }

// A compiled expression: RE2, which is bounded in time and, by its budget, in memory, whatever the pattern.
class Regex {
 public:
  static Result<std::shared_ptr<const Regex>> compile(std::string_view pattern, RegexOptions options = {});

  Regex(std::string_view pattern, const RE2::Options& options);

  const RE2& re2() const { return re2_; }
  // False when it is cheap to see that nothing in the text matches.
  bool may_match(std::string_view text) const;
  bool matches_part_of(std::string_view text) const { return may_match(text) && RE2::PartialMatch(piece(text), re2_); }

 private:
  RE2 re2_;
  std::string required_;  // is in all that matches
};
using RegexPtr = std::shared_ptr<const Regex>;

// Compiles a pattern when its text changes: once per batch for a constant.
template <class Compiled>
class PatternCache {
 public:
  using Compile = std::function<Result<Compiled>(std::string_view)>;
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

// The pattern argument of a call.
class RegexArgument {
 public:
  RegexArgument(KernelCall& call, size_t argument, RegexOptions options = {})
      : call_(call),
        patterns_(call.argument<StringCell>(argument)),
        cache_([options](std::string_view text) { return Regex::compile(text, options); }) {}
  // nullptr fails the row: its pattern is wrong.
  const Regex* at(size_t row) {
    std::string error;
    const RegexPtr* regex = cache_.get(patterns_[row].view(), error);
    if (regex != nullptr) return regex->get();
    call_.fail(row, std::move(error));
    return nullptr;
  }

 private:
  KernelCall& call_;
  ArgumentView<StringCell> patterns_;
  PatternCache<RegexPtr> cache_;
};

}  // namespace penstock::expr
