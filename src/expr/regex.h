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

// RE2 is bounded in time and, by its budget, in memory, whatever the pattern.
using Regex = std::shared_ptr<const RE2>;

struct RegexOptions {
  bool ignore_case = false;
};
Result<Regex> compile_regex(std::string_view text, RegexOptions options = {});

inline re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view view(re2::StringPiece text) { return {text.data(), text.size()}; }

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
        cache_([options](std::string_view text) { return compile_regex(text, options); }) {}
  // nullptr fails the row: its pattern is wrong.
  const RE2* at(size_t row) {
    std::string error;
    const Regex* regex = cache_.get(patterns_[row].view(), error);
    if (regex != nullptr) return regex->get();
    call_.fail(row, std::move(error));
    return nullptr;
  }

 private:
  KernelCall& call_;
  ArgumentView<StringCell> patterns_;
  PatternCache<Regex> cache_;
};

}  // namespace penstock::expr
