#include "expr/function_catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "expr/aggregate.h"
#include "expr/registry.h"
#include "expr/special_forms.h"
#include "expr/window_function.h"

namespace penstock::expr {

namespace {

// A bar would end the cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

// Code in a cell; what holds a backquote stands between two of them.
std::string code(std::string_view text) {
  return text.find('`') == text.npos ? fmt::format("`{}`", cell(text)) : fmt::format("`` {} ``", cell(text));
}

}  // namespace

std::string_view category_name(FunctionCategory category) {
  switch (category) {
    case FunctionCategory::kComparison: return "Comparison";
    case FunctionCategory::kLogic: return "Logic";
    case FunctionCategory::kConditional: return "Conditions";
    case FunctionCategory::kCast: return "Conversion";
    case FunctionCategory::kArithmetic: return "Arithmetic";
    case FunctionCategory::kBits: return "Bits";
    case FunctionCategory::kText: return "Text";
    case FunctionCategory::kPattern: return "Patterns";
    case FunctionCategory::kEncoding: return "Encodings";
    case FunctionCategory::kHash: return "Hashes";
    case FunctionCategory::kTemporal: return "Dates and times";
    case FunctionCategory::kJson: return "JSON";
    case FunctionCategory::kCollection: return "Arrays, maps and rows";
    case FunctionCategory::kGeography: return "Geography";
    case FunctionCategory::kSystem: return "System";
    case FunctionCategory::kAggregate: return "Aggregates";
    case FunctionCategory::kStatistics: return "Statistics";
    case FunctionCategory::kWindow: return "Window functions";
    case FunctionCategory::kInternal: break;
  }
  return "Internal";
}

std::vector<FunctionDoc> function_docs() {
  std::array<std::vector<FunctionDoc>, static_cast<size_t>(FunctionCategory::kInternal) + 1> by_category;
  const auto add = [&](const auto& function, FunctionCategory category) {
    by_category[static_cast<size_t>(category)].push_back({.name = function.name,
                                                          .category = category,
                                                          .signature = function.signature,
                                                          .description = function.description,
                                                          .examples = function.examples});
  };
  for (const ScalarFunction* function : scalar_functions()) add(*function, function->category);
  for (const SpecialFormEntry& form : special_forms()) add(form, form.category);
  for (const AggregateFunction& function : aggregate_functions()) add(function, function.category);
  for (const WindowFunction& function : window_functions()) add(function, FunctionCategory::kWindow);
  std::vector<FunctionDoc> docs;
  by_category.back().clear();
  for (const std::vector<FunctionDoc>& some : by_category) docs.insert(docs.end(), some.begin(), some.end());
  return docs;
}

std::vector<FunctionExample> function_examples(std::string_view examples) {
  constexpr std::string_view kArrow = " => ";
  std::vector<FunctionExample> all;
  while (!examples.empty()) {
    const std::string_view line = examples.substr(0, examples.find('\n'));
    examples.remove_prefix(std::min(line.size() + 1, examples.size()));
    const size_t arrow = line.rfind(kArrow);
    if (arrow == line.npos) continue;
    all.push_back({.call = line.substr(0, arrow), .result = line.substr(arrow + kArrow.size())});
  }
  return all;
}

std::string functions_markdown() {
  std::string page;
  FunctionCategory heading = FunctionCategory::kInternal;
  for (const FunctionDoc& doc : function_docs()) {
    if (doc.category != heading) {
      heading = doc.category;
      page +=
          fmt::format("\n## {}\n\n| function | what it gives | examples |\n|---|---|---|\n", category_name(heading));
    }
    std::string examples;
    for (const FunctionExample& example : function_examples(doc.examples)) {
      if (!examples.empty()) examples += "<br>";
      examples += fmt::format("{} → {}", code(example.call), code(example.result));
    }
    page += fmt::format("| {} | {} | {} |\n", code(doc.signature), cell(doc.description), examples);
  }
  return page;
}

}  // namespace penstock::expr
