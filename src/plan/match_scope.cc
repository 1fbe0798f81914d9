#include "plan/match_scope.h"

#include <algorithm>

#include "base/suggest.h"
#include "sql/keywords.h"

namespace penstock::plan {

using sql::equal_ignoring_case;
using types::VariableSet;

std::optional<int> PatternVariables::find(std::string_view name) const {
  auto found = std::ranges::find_if(names_, [&](const std::string& known) { return equal_ignoring_case(known, name); });
  if (found == names_.end()) return std::nullopt;
  return static_cast<int>(found - names_.begin());
}

std::optional<VariableSet> PatternVariables::find_set(std::string_view name) const {
  if (std::optional<int> variable = find(name)) return VariableSet{1} << *variable;
  for (const auto& [known, set] : subsets_) {
    if (equal_ignoring_case(known, name)) return set;
  }
  return std::nullopt;
}

Result<int> PatternVariables::add(const sql::Identifier& name) {
  if (std::optional<int> known = find(name.text)) return *known;
  if (names_.size() == types::kPatternVariablesMax) {
    return make_error(ErrorCode::kResourceExhausted, "a pattern has at most {} variables", types::kPatternVariablesMax)
        .at(name.position.offset);
  }
  names_.push_back(name.text);
  return static_cast<int>(names_.size()) - 1;
}

Status PatternVariables::add_subset(const sql::PatternSubset& subset) {
  if (find_set(subset.name.text)) {
    return invalid_argument("{} is a pattern variable already", subset.name.text).at(subset.name.position.offset);
  }
  VariableSet set = 0;
  for (const sql::Identifier& name : subset.variables) {
    std::optional<int> variable = find(name.text);
    if (!variable) return unknown(name);
    set |= VariableSet{1} << *variable;
  }
  subsets_.emplace_back(subset.name.text, set);
  return {};
}

Error PatternVariables::unknown(const sql::Identifier& name) const {
  std::vector<std::string> known = names_;
  for (const auto& [subset, set] : subsets_) known.push_back(subset);
  return not_found("there is no pattern variable {}", name.text)
      .at(name.position.offset)
      .hint(did_you_mean(name.text, known));
}

expr::ExprPtr MatchScope::refer(expr::MatchReference reference, std::string text) const {
  auto known = std::ranges::find(*references, reference);
  auto index = static_cast<size_t>(known - references->begin());
  types::DataType type = reference.type;
  if (known == references->end()) references->push_back(std::move(reference));
  return expr::Expr::column(index, type, std::move(text));
}

}  // namespace penstock::plan
