#include "expr/json_path.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "base/json_text.h"
#include "expr/json_filter.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

// The value of a JSON number.
std::optional<double> number_of(const JsonView& value) {
  if (value.kind() != JsonView::Kind::kNumber) return std::nullopt;
  Result<double> number = types::double_from_text(value.text());
  return number ? std::optional(*number) : std::nullopt;
}

std::string double_text(double value) {
  std::string text;
  types::append_double(text, value, false);
  return text;
}

// Where an index that may count from the end stands; nothing for one before the beginning.
std::optional<size_t> place_of(int64_t index, const JsonView& array) {
  if (index < 0) index += static_cast<int64_t>(array.size());
  return index < 0 ? std::nullopt : std::optional(static_cast<size_t>(index));
}

std::string object_of_fields(const JsonView& object, std::span<const std::string> names) {
  std::string json = "{";
  for (const std::string& name : names) {
    JsonView field;
    if (!object.find_field(name, field)) continue;
    if (json.size() > 1) json += ',';
    append_json_string(json, name);
    json += ':';
    json += field.text();
  }
  return json + '}';
}

std::string names_of(const JsonView& object) {
  std::string json = "[";
  object.for_each_field([&](const JsonView& name, const JsonView&) {
    if (json.size() > 1) json += ',';
    json += name.text();
  });
  return json + ']';
}

std::string list_of(std::span<const JsonView> values) {
  std::string json = "[";
  for (const JsonView& value : values) {
    if (json.size() > 1) json += ',';
    json += value.text();
  }
  return json + ']';
}

}  // namespace

void JsonPath::finish() {
  using enum Step::Kind;
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Step::Kind kind = steps_[i].kind;
    steps_[i].behind_many = !definite_;
    const bool last = i + 1 == steps_.size();
    const bool one = kind == kName || kind == kElement || kind == kFunction || (kind == kNames && last);
    definite_ = definite_ && one;
  }
  // A function behind a scan is one of all that is found.
  const bool of_all = !steps_.empty() && steps_.front().kind == kScan && steps_.back().kind == kFunction;
  definite_ = definite_ || of_all;
}

bool JsonPath::find(const JsonView& from, Search search) const {
  const size_t before = search.matches.values.size();
  search.end = steps_.size();
  if (!walk(from_document_ ? search.document : from, 0, search)) return false;
  return !definite_ || search.matches.values.size() > before;
}

bool JsonPath::walk(const JsonView& value, size_t at, Search& search) const {
  using enum Step::Kind;
  if (!search.may_look_at(value)) return false;
  if (at == search.end) {
    search.matches.values.push_back(value);
    return true;
  }
  const Step& step = steps_[at];
  switch (step.kind) {
    case kName:
    case kNames: return value.is_object() ? walk_fields(value, step, at + 1, search) : step.behind_many;
    case kElement:
    case kElements:
    case kSlice: return value.is_array() ? walk_elements(value, step, at + 1, search) : step.behind_many;
    case kAll: {
      bool ok = true;
      if (value.is_array()) {
        value.for_each_element([&](const JsonView& element) { ok = ok && walk(element, at + 1, search); });
      } else if (value.is_object()) {
        value.for_each_field([&](const JsonView&, const JsonView& field) { ok = ok && walk(field, at + 1, search); });
      }
      return ok;
    }
    case kFilter: {
      if (value.is_object()) return !step.filter->matches(value, search) || walk(value, at + 1, search);
      if (!value.is_array()) return step.behind_many;
      bool ok = true;
      value.for_each_element([&](const JsonView& element) {
        if (ok && step.filter->matches(element, search)) ok = walk(element, at + 1, search);
      });
      return ok;
    }
    case kScan: {
      if (at > 0 || steps_[search.end - 1].kind != kFunction) return scan(value, at + 1, search);
      // A function is one of all that is found.
      JsonMatches matches;
      Search inner{
          .document = search.document, .matches = matches, .work_left = search.work_left, .end = search.end - 1};
      const bool ok = scan(value, 1, inner);
      const std::string list = list_of(matches.values);
      return ok && walk(JsonView(list), search.end - 1, search);
    }
    case kFunction: {
      std::optional<std::string> made = value_of(step, value);
      if (!made) return false;
      search.matches.add_made(*std::move(made));
      return true;
    }
  }
  return false;
}

bool JsonPath::walk_fields(const JsonView& value, const Step& step, size_t next, Search& search) const {
  if (!search.may_look_at(value, step.names.size() - 1)) return false;
  if (step.kind == Step::Kind::kNames && next == search.end) {
    search.matches.add_made(object_of_fields(value, step.names));
    return true;
  }
  for (const std::string& name : step.names) {
    JsonView field;
    if (!value.find_field(name, field)) {
      if (step.kind == Step::Kind::kName && !step.behind_many) return false;
    } else if (!walk(field, next, search)) {
      return false;
    }
  }
  return true;
}

bool JsonPath::walk_elements(const JsonView& value, const Step& step, size_t next, Search& search) const {
  if (step.kind != Step::Kind::kSlice) {
    if (!search.may_look_at(value, step.indexes.size() - 1)) return false;
    for (int64_t index : step.indexes) {
      const std::optional<size_t> place = place_of(index, value);
      JsonView element;
      if (place && value.find_element(*place, element) && !walk(element, next, search)) return false;
    }
    return true;
  }
  std::vector<JsonView> elements;
  value.for_each_element([&](const JsonView& element) { elements.push_back(element); });
  // A beginning counts from the end only without an end, and the other way round; of both, each place does that is
  // negative.
  const auto size = static_cast<int64_t>(elements.size());
  int64_t from = step.from_start ? 0 : std::max(step.indexes[0], -size);
  int64_t to = step.to_end ? size : std::min(step.indexes[1], size);
  if (step.to_end && from < 0) from += size;
  if (step.from_start && to < 0) to += size;
  for (int64_t index = from; index < to; ++index) {
    if (!walk(elements[static_cast<size_t>(index < 0 ? index + size : index)], next, search)) return false;
  }
  return true;
}

// Takes the next step from a value and from all that are inside of it, the outer ones first.
bool JsonPath::scan(const JsonView& value, size_t next, Search& search) const {
  using enum Step::Kind;
  if (value.is_scalar()) return true;
  if (!search.may_look_at(value)) return false;
  const Step& step = steps_[next];
  bool takes = value.is_array();
  if (step.kind == kAll) takes = true;
  if (step.kind == kFilter) takes = step.filter->matches(value, search);
  if (step.kind == kName || step.kind == kNames) {
    if (!search.may_look_at(value, step.names.size())) return false;
    const bool all_needed = step.kind == kName || next + 1 == search.end;
    JsonView field;
    takes = value.is_object() && (!all_needed || std::ranges::all_of(step.names, [&](const std::string& name) {
              return value.find_field(name, field);
            }));
  }
  bool ok = !takes || walk(value, next, search);
  const auto scan_inner = [&](const JsonView& inner) { ok = ok && scan(inner, next, search); };
  if (value.is_array()) {
    value.for_each_element(scan_inner);
  } else {
    value.for_each_field([&](const JsonView&, const JsonView& field) { scan_inner(field); });
  }
  return ok;
}

std::optional<std::string> JsonPath::value_of(const Step& step, const JsonView& value) {
  using enum Function;
  if (step.function == kLength) return value.is_scalar() ? "null" : std::to_string(value.size());
  if (step.function == kKeys) return value.is_object() ? names_of(value) : "null";
  if (!value.is_array()) return std::nullopt;
  if (step.function == kFirst || step.function == kLast || step.function == kIndex) {
    const int64_t index = step.function == kFirst ? 0 : step.function == kLast ? -1 : step.indexes[0];
    const std::optional<size_t> place = place_of(index, value);
    JsonView element;
    if (!place || !value.find_element(*place, element)) return std::nullopt;
    return std::string(element.text());
  }
  if (step.function == kConcat) {
    std::string text;
    std::string buffer;
    value.for_each_element([&](const JsonView& element) {
      if (element.kind() == JsonView::Kind::kString) text += element.string(buffer);
    });
    return json_string(text);
  }
  std::vector<double> numbers;
  value.for_each_element([&](const JsonView& element) {
    if (const std::optional<double> number = number_of(element)) numbers.push_back(*number);
  });
  if (numbers.empty()) return std::nullopt;
  double sum = 0;
  double sum_of_squares = 0;
  for (double number : numbers) {
    sum += number;
    sum_of_squares += number * number;
  }
  const auto count = static_cast<double>(numbers.size());
  switch (step.function) {
    case kMin: return double_text(std::ranges::min(numbers));
    case kMax: return double_text(std::ranges::max(numbers));
    case kAvg: return double_text(sum / count);
    case kSum: return double_text(sum);
    default: return double_text(std::sqrt(sum_of_squares / count - sum * sum / count / count));
  }
}

JsonPathReader::Outcome JsonPathReader::fail(std::string_view error, bool lax) {
  error_ = error;
  return lax ? Outcome::kEmpty : Outcome::kError;
}

JsonPathReader::Outcome JsonPathReader::read(size_t row) {
  matches_.clear();
  error_.clear();
  path_ = cache_.get(paths_[row].view(), error_);
  if (path_ == nullptr) return Outcome::kError;
  const JsonPath& path = *path_;
  const std::string_view text = texts_[row].view();
  simdjson::dom::element root;
  if (parser_.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) {
    return fail("the text is not JSON", path.is_lax());
  }
  if (root.is_null()) return fail("there are no paths into null", false);
  const bool found = path.find(JsonView(text), matches_);
  if (matches_.gave_up) return fail("the path leads through too many values of the JSON text", false);
  if (!found) {
    matches_.clear();
    // Several values that are not there are no values.
    if (path.is_definite() || !path.is_lax()) return fail("nothing stands at the path of the JSON text", path.is_lax());
  }
  // Null is nothing.
  if (path.is_definite() && matches_.values.back().is_null())
    return fail("null stands at the path of the JSON text", true);
  return Outcome::kFound;
}

}  // namespace penstock::expr
