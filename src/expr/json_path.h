// Paths into JSON text: what JSON_VALUE, JSON_QUERY and JSON_EXISTS look for.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/kernel.h"

namespace penstock::expr {

// "lax " or "strict " (without either it is strict, as in Flink), then "$" and steps: .name, ."name", ['name'],
// ["name"] (also with a point before), [index], [*] and .*. In quotes, a backslash takes the meaning from what follows.
class JsonPath {
 public:
  static Result<JsonPath> compile(std::string_view text);

  // Whether what is not there is nothing, and no error.
  bool is_lax() const { return lax_; }
  // Whether it may lead to several values.
  bool has_wildcard() const;
  // Adds what stands at the path, each in its turn. False where a step before the first wildcard leads nowhere; behind
  // one, what does not fit is left out.
  bool find(simdjson::dom::element root, std::vector<simdjson::dom::element>& found) const;

 private:
  struct Step {
    enum class Kind : uint8_t { kName, kIndex, kAll };
    Kind kind;
    std::string name;
    size_t index = 0;

    // Where a step to one value leads.
    std::optional<simdjson::dom::element> from(simdjson::dom::element element) const;
  };

  void collect(simdjson::dom::element element, size_t step, std::vector<simdjson::dom::element>& found) const;
  // Takes one step from the front of `rest`; false when it is none.
  bool add_step(std::string_view& rest);
  // The same of what stands in brackets, from behind the opening one.
  bool add_bracket(std::string_view& rest);

  bool lax_ = false;
  std::vector<Step> steps_;
};

// Parses the JSON of rows and finds what stands at paths in it; what is constant is prepared once. Lives in a kernel.
class JsonPathReader {
 public:
  // Argument 0 is the text, argument 1 the path.
  explicit JsonPathReader(KernelCall& call)
      : call_(call), texts_(call.argument<StringCell>(0)), paths_(call.argument<StringCell>(1)) {}

  enum class Outcome : uint8_t { kFound, kMissing, kNoJson, kBadPath };
  // kBadPath fails the row.
  Outcome read(size_t row);
  const std::vector<simdjson::dom::element>& found() const { return found_; }
  // Of the path of the last row.
  bool is_lax() const { return (*path_)->is_lax(); }
  // Whether the path of the last row may lead to several values.
  bool has_wildcard() const { return (*path_)->has_wildcard(); }

 private:
  KernelCall& call_;
  ArgumentView<StringCell> texts_;
  ArgumentView<StringCell> paths_;
  simdjson::dom::parser parser_;
  std::string path_text_;
  std::optional<Result<JsonPath>> path_;
  std::vector<simdjson::dom::element> found_;
};

// What an element is known to be, as a value: a range-for over `get_array().value_unsafe()` would keep a reference into
// a result that is gone.
inline simdjson::dom::array array_of(simdjson::dom::element element) { return element.get_array().value_unsafe(); }
inline simdjson::dom::object object_of(simdjson::dom::element element) { return element.get_object().value_unsafe(); }

// The text of a JSON number, string or boolean; false for null, objects and arrays.
bool json_scalar_text(simdjson::dom::element element, std::string& out);

}  // namespace penstock::expr
