// Writes syntax trees as canonical SQL on one line: upper-case keywords, quotes only where needed, as few parentheses
// as the tree allows. parse(print(tree)) == tree.
#pragma once

#include <string>

#include "sql/expression.h"
#include "sql/query.h"
#include "sql/statement.h"

namespace penstock::sql {

std::string print(const Statement& statement);
std::string print(const Query& query);
std::string print(const Insert& insert);
std::string print(const Expression& expression);
std::string print(const TypeName& type);
std::string print(const QualifiedName& name);
std::string print_pattern(const PatternTerm& pattern);

}  // namespace penstock::sql
