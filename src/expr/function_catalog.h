// Every function with its documentation, from the tables: what SHOW FUNCTIONS, DESCRIBE FUNCTION and the reference page
// are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "expr/function.h"

namespace penstock::expr {

struct FunctionDoc {
  std::string_view name;
  FunctionCategory category = FunctionCategory::kInternal;
  std::string_view signature;
  std::string_view description;
  std::string_view examples;  // as ScalarFunction::examples
};

// By category, and within one as the tables have them.
std::vector<FunctionDoc> function_docs();

// An example taken apart.
struct FunctionExample {
  std::string_view call;
  std::string_view result;
};
std::vector<FunctionExample> function_examples(std::string_view examples);

// The reference, in Markdown.
std::string functions_markdown();

}  // namespace penstock::expr
