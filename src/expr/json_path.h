// Paths into JSON text: what JSON_VALUE, JSON_QUERY and JSON_EXISTS look for.
#pragma once

#include <simdjson.h>

#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "expr/json_view.h"
#include "expr/kernel.h"
#include "expr/regex.h"

namespace penstock::expr {

class JsonFilter;

// What a path leads to. Values that stand nowhere in the document, such as a length, are kept here.
struct JsonMatches {
  std::vector<JsonView> values;
  std::forward_list<std::string> made;
  bool gave_up = false;  // there was too much to look at, and these are not all

  void clear() {
    values.clear();
    made.clear();
    gave_up = false;
  }
  void add_made(std::string json) { values.emplace_back(made.emplace_front(std::move(json))); }
};

// A path as Flink has it, which are those of Jayway's JsonPath behind "lax " or "strict " (strict without either): "$",
// then steps:
//   .name  ."name"  ['name']  ["name"]   a field; in quotes, a backslash takes the meaning from what follows
//   ['a', 'b']                           several; at the end an object of them
//   [0]  [-1]  [0, 2]  [1:3]  [-2:]      elements
//   [*]  .*                              all of them, or all fields
//   ..                                   the steps behind it, from every value that is inside
//   [?(@.price < 10 && @.name)]          those for which a condition holds, see json_filter.h
//   .length()                            a function of what stands there, at the end
// A path that begins with neither "$" nor "@" is one behind "$.".
class JsonPath {
 public:
  // Steps, names and places in brackets of a path and what its filters compare, with those of the paths in them.
  static constexpr int kPartsMax = 1'000;

  static Result<JsonPath> compile(std::string_view text);

  // Whether what is not there is nothing, and no error.
  bool is_lax() const { return lax_; }
  // Whether it says that it is lax or strict.
  bool has_mode() const { return has_mode_; }
  // Whether it leads to one value at most.
  bool is_definite() const { return definite_; }
  // Adds what stands at the path, each in its turn. False where a step leads nowhere that is before all those that may
  // lead to several values, and where it gives up; behind such a step, what does not fit is left out.
  bool find(const JsonView& document, JsonMatches& matches) const {
    int64_t work_left = kWorkMax;
    const bool found = find(document, {.document = document, .matches = matches, .work_left = work_left});
    matches.gave_up = work_left <= 0;
    return found && !matches.gave_up;
  }

 private:
  friend class JsonPathParser;
  friend class JsonFilter;

  enum class Function : uint8_t { kLength, kMin, kMax, kAvg, kSum, kStddev, kKeys, kFirst, kLast, kIndex, kConcat };
  struct Step {
    enum class Kind : uint8_t { kName, kNames, kElement, kElements, kSlice, kAll, kFilter, kScan, kFunction };
    Kind kind = Kind::kAll;
    std::vector<std::string> names;
    std::vector<int64_t> indexes;  // of kSlice: from and to; of Function::kIndex: which one
    bool from_start = false;       // of kSlice: no beginning is given
    bool to_end = false;           // no end is given
    std::shared_ptr<const JsonFilter> filter;
    Function function = Function::kLength;
    bool behind_many = false;  // a step before it may lead to several values
  };
  // What a search, with those of the filters in it, may look at: so many values, of which one of 64 bytes of text
  // counts once more.
  static constexpr int64_t kWorkMax = 2'000'000;
  static constexpr size_t kBytesOfWork = 64;
  // A search, which is given up when it has looked at too much.
  struct Search {
    JsonView document;  // which paths with "$" inside of filters start from
    JsonMatches& matches;
    int64_t& work_left;  // one count for a search and those of the filters in it
    size_t end = 0;      // the step that it does not take any more

    bool may_look_at(const JsonView& value, size_t times = 1) {
      work_left -= static_cast<int64_t>(times * (1 + value.text().size() / kBytesOfWork));
      return work_left > 0;
    }
  };

  bool find(const JsonView& from, Search search) const;
  bool walk(const JsonView& value, size_t step, Search& search) const;
  bool walk_fields(const JsonView& value, const Step& step, size_t next, Search& search) const;
  bool walk_elements(const JsonView& value, const Step& step, size_t next, Search& search) const;
  bool scan(const JsonView& value, size_t next, Search& search) const;
  // What a function gives, as JSON; nothing where it has no value.
  static std::optional<std::string> value_of(const Step& step, const JsonView& value);
  // Sets what marks the steps, when all are there.
  void finish();

  bool lax_ = false;
  bool has_mode_ = false;
  bool definite_ = true;
  bool from_document_ = true;  // begins with "$", and not with "@"
  std::vector<Step> steps_;
};

// Parses the JSON of rows and finds what stands at paths in it; what is constant is prepared once. Lives in a kernel.
class JsonPathReader {
 public:
  // Argument 0 is the text, argument 1 the path.
  explicit JsonPathReader(KernelCall& call)
      : texts_(call.argument<StringCell>(0)), paths_(call.argument<StringCell>(1)) {}

  // kEmpty and kError are what the clauses ON EMPTY and ON ERROR are of.
  enum class Outcome : uint8_t { kFound, kEmpty, kError };
  Outcome read(size_t row);
  // What has been found, and why nothing has.
  const std::vector<JsonView>& found() const { return matches_.values; }
  const std::string& error() const { return error_; }
  // Of the path of the last row.
  bool is_lax() const { return path_->is_lax(); }
  bool is_definite() const { return path_->is_definite(); }

 private:
  Outcome fail(std::string_view error, bool lax);

  ArgumentView<StringCell> texts_;
  ArgumentView<StringCell> paths_;
  simdjson::dom::parser parser_;
  PatternCache<JsonPath> cache_{JsonPath::compile};
  const JsonPath* path_ = nullptr;  // of the last row; nullptr when it is wrong
  JsonMatches matches_;
  std::string error_;
};

}  // namespace penstock::expr
