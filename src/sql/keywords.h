// What the words of the language are, and which names need quotes.
#pragma once

#include <string>
#include <string_view>

#include "base/ascii.h"

namespace penstock::sql {

// Compare and fold ASCII letters only; other bytes stand for themselves.
using penstock::equal_ignoring_case;
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);

// Whether a word cannot be a name without quotes, in any case.
bool is_reserved(std::string_view word);

// The functions that are called without parentheses, such as CURRENT_TIMESTAMP.
bool is_bare_function(std::string_view word);

// `name` as SQL: bare where that reads back as the same name, else in backquotes.
std::string quote_identifier(std::string_view name);

// The same for the name of a function before its parenthesis, and for the canonical name of a type.
std::string quote_function_name(std::string_view name);
std::string quote_type_name(std::string_view name);

// `text` as a string literal.
std::string quote_string(std::string_view text);

}  // namespace penstock::sql
