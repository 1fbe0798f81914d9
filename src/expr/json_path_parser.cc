// Reading paths into JSON text and the conditions in them.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/ascii.h"
#include "base/json_text.h"
#include "expr/json_filter.h"
#include "expr/json_path.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

constexpr std::string_view kSpaces = " \t\r\n";

// Takes a word in any case, and the space that must follow it.
bool take_mode(std::string_view& rest, std::string_view word) {
  if (rest.size() <= word.size() || kSpaces.find(rest[word.size()]) == kSpaces.npos) return false;
  if (!equal_ignoring_case(rest.substr(0, word.size()), word)) return false;
  rest.remove_prefix(word.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size()));
  return true;
}

}  // namespace

class JsonPathParser {
 public:
  explicit JsonPathParser(std::string_view text) : rest_(text) {}

  bool parse(JsonPath& path) {
    skip_spaces();
    path.lax_ = take_mode(rest_, "lax");
    path.has_mode_ = path.lax_ || take_mode(rest_, "strict");
    rest_ = rest_.substr(0, rest_.find_last_not_of(kSpaces) + 1);
    const bool rooted = rest_.starts_with('$') || rest_.starts_with('@');
    if (rooted) return parse_steps(path, false) && rest_.empty();
    if (rest_.empty() || rest_.ends_with('.')) return false;
    // A path without its root.
    return parse_step(path, !rest_.starts_with('[')) && parse_more_steps(path, false) && rest_.empty();
  }

  std::string_view rest() const { return rest_; }
  bool too_many_parts() const { return parts_ > JsonPath::kPartsMax; }

 private:
  using Step = JsonPath::Step;
  using Operator = JsonFilter::Operator;
  using Operand = JsonFilter::Operand;
  using Node = JsonFilter::Node;

  static constexpr int kDepthMax = 64;

  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size())); }
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  bool take_after_spaces(std::string_view text) {
    skip_spaces();
    return take(text);
  }

  bool count_part() {
    ++parts_;
    return !too_many_parts();
  }
  bool add(JsonPath& path, Step step) {
    path.steps_.push_back(std::move(step));
    return count_part();
  }

  // From the "$" or "@" on. In a filter, a path ends where an operator or a parenthesis stands.
  bool parse_steps(JsonPath& path, bool in_filter) {
    path.from_document_ = rest_[0] == '$';
    rest_.remove_prefix(1);
    return parse_more_steps(path, in_filter);
  }

  bool parse_more_steps(JsonPath& path, bool in_filter) {
    while (rest_.starts_with('.') || rest_.starts_with('[')) {
      if (!path.steps_.empty() && path.steps_.back().kind == Step::Kind::kFunction) return false;
      bool point = take(".");
      if (point && take(".")) {
        if (!add(path, {.kind = Step::Kind::kScan})) return false;
        point = !rest_.starts_with('[');
      }
      if (!parse_step(path, point, in_filter)) return false;
    }
    if (!path.steps_.empty() && path.steps_.back().kind == Step::Kind::kScan) return false;
    path.finish();
    return true;
  }

  // One step, behind its point if it has one.
  bool parse_step(JsonPath& path, bool point, bool in_filter = false) {
    if (take("[")) return parse_brackets(path);
    if (!point) return false;
    if (take("*")) {
      return add(path, {.kind = Step::Kind::kAll});
    }
    std::string name;
    if (rest_.starts_with('"') || rest_.starts_with('\'')) {
      if (!parse_quoted(name)) return false;
      return add(path, {.kind = Step::Kind::kName, .names = {std::move(name)}});
    }
    const size_t size = std::min(rest_.find_first_of(in_filter ? ".[( \t\r\n)<>=~!&|," : ".[( \t\r\n"), rest_.size());
    name = rest_.substr(0, size);
    rest_.remove_prefix(size);
    if (name.empty()) return false;
    if (take("(")) return parse_function(path, name);
    return add(path, {.kind = Step::Kind::kName, .names = {std::move(name)}});
  }

  bool parse_quoted(std::string& name) {
    const char quote = rest_[0];
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == quote) {
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      name += rest_[i];
    }
    return false;
  }

  bool parse_integer(int64_t& value) {
    skip_spaces();
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) return false;
    rest_.remove_prefix(static_cast<size_t>(end - rest_.data()));
    constexpr int64_t kIndexMax = INT32_MAX;
    return value >= -kIndexMax && value <= kIndexMax;
  }

  bool parse_function(JsonPath& path, std::string_view name) {
    using enum JsonPath::Function;
    static constexpr std::pair<std::string_view, JsonPath::Function> kFunctions[] = {
        {"length", kLength}, {"size", kLength}, {"min", kMin},       {"max", kMax},
        {"avg", kAvg},       {"sum", kSum},     {"stddev", kStddev}, {"keys", kKeys},
        {"first", kFirst},   {"last", kLast},   {"index", kIndex},   {"concat", kConcat}};
    const auto* found = std::ranges::find(kFunctions, name, &std::pair<std::string_view, JsonPath::Function>::first);
    if (found == std::end(kFunctions)) return false;
    // There is nothing between them that could be found.
    if (!path.steps_.empty() && path.steps_.back().kind == Step::Kind::kScan) return false;
    Step step{.kind = Step::Kind::kFunction, .function = found->second};
    if (found->second == kIndex && !parse_integer(step.indexes.emplace_back())) return false;
    return add(path, std::move(step)) && take_after_spaces(")");
  }

  // What stands in brackets, from behind the opening one.
  bool parse_brackets(JsonPath& path) {
    skip_spaces();
    Step step;
    if (rest_.starts_with('\'') || rest_.starts_with('"')) {
      do {
        skip_spaces();
        std::string name;
        if (!rest_.starts_with('\'') && !rest_.starts_with('"')) return false;
        if (!parse_quoted(name)) return false;
        // A field that is named twice is there once.
        if (std::ranges::find(step.names, name) == step.names.end()) step.names.push_back(std::move(name));
        if (!count_part()) return false;
      } while (take_after_spaces(","));
      step.kind = step.names.size() == 1 ? Step::Kind::kName : Step::Kind::kNames;
    } else if (take("*")) {
      step.kind = Step::Kind::kAll;
    } else if (take("?")) {
      step.kind = Step::Kind::kFilter;
      if (!take_after_spaces("(")) return false;
      auto filter = std::make_shared<JsonFilter>();
      if (!parse_or(filter->root_) || !take_after_spaces(")")) return false;
      step.filter = std::move(filter);
    } else if (!parse_indexes(step)) {
      return false;
    }
    return add(path, std::move(step)) && take_after_spaces("]");
  }

  // "0", "0, -1", "1:3", "1:", ":3".
  bool parse_indexes(Step& step) {
    step.from_start = rest_.starts_with(':');
    if (!step.from_start && !parse_integer(step.indexes.emplace_back())) return false;
    if (take_after_spaces(":")) {
      step.kind = Step::Kind::kSlice;
      step.indexes.resize(2);
      skip_spaces();
      step.to_end = rest_.starts_with(']');
      if (step.from_start && step.to_end) return false;
      return step.to_end || parse_integer(step.indexes[1]);
    }
    while (take_after_spaces(",")) {
      if (!count_part() || !parse_integer(step.indexes.emplace_back())) return false;
    }
    step.kind = step.indexes.size() == 1 ? Step::Kind::kElement : Step::Kind::kElements;
    return true;
  }

  // --- conditions ---

  bool parse_or(Node& node) { return parse_joined(node, "||", Node::Kind::kOr); }
  bool parse_and(Node& node) { return parse_joined(node, "&&", Node::Kind::kAnd); }

  bool parse_joined(Node& node, std::string_view word, Node::Kind kind) {
    const auto parse_part = [&](Node& part) { return kind == Node::Kind::kOr ? parse_and(part) : parse_not(part); };
    if (!parse_part(node)) return false;
    while (take_after_spaces(word)) {
      if (node.kind != kind || node.children.empty()) {
        Node joined{.kind = kind};
        joined.children.push_back(std::move(node));
        node = std::move(joined);
      }
      if (!parse_part(node.children.emplace_back())) return false;
    }
    return true;
  }

  bool parse_not(Node& node) {
    skip_spaces();
    if (rest_.starts_with('!')) {
      const size_t next = rest_.find_first_not_of(kSpaces, 1);
      const bool of_path = next != rest_.npos && (rest_[next] == '@' || rest_[next] == '$');
      if (!of_path) {
        if (++depth_ > kDepthMax) return false;
        take("!");
        node.kind = Node::Kind::kNot;
        const bool ok = parse_not(node.children.emplace_back());
        --depth_;
        return ok;
      }
    }
    if (!rest_.starts_with('(')) return parse_comparison(node);
    if (++depth_ > kDepthMax) return false;
    take("(");
    const bool ok = parse_or(node) && take_after_spaces(")");
    --depth_;
    return ok;
  }

  bool parse_comparison(Node& node) {
    JsonFilter::Comparison& comparison = node.comparison;
    if (!count_part()) return false;
    const bool negated = take_after_spaces("!");
    if (!parse_operand(comparison.left)) return false;
    skip_spaces();
    const bool ends = rest_.empty() || rest_[0] == ')' || rest_[0] == '&' || rest_[0] == '|';
    if (ends || negated) {
      comparison.op = negated ? Operator::kMissing : Operator::kExists;
      return ends && comparison.left.path != nullptr;
    }
    return parse_operator(comparison.op) && parse_operand(comparison.right);
  }

  bool parse_operator(Operator& op) {
    using enum Operator;
    // Longer ones before those that they begin with.
    static constexpr std::pair<std::string_view, Operator> kSigns[] = {
        {"===", kSameTypeEqual}, {"!==", kSameTypeNotEqual}, {"==", kEqual}, {"!=", kNotEqual}, {"=~", kMatches},
        {"<=", kLessEqual},      {">=", kGreaterEqual},      {"<", kLess},   {">", kGreater}};
    static constexpr std::pair<std::string_view, Operator> kWords[] = {
        {"in", kIn},         {"nin", kNotIn},         {"subsetof", kSubsetOf}, {"anyof", kAnyOf},
        {"noneof", kNoneOf}, {"contains", kContains}, {"size", kSize},         {"empty", kEmpty}};
    for (const auto& [sign, meaning] : kSigns) {
      if (!take(sign)) continue;
      op = meaning;
      return true;
    }
    const std::string_view word = rest_.substr(0, rest_.find_first_of(kSpaces));
    for (const auto& [known, meaning] : kWords) {
      if (!equal_ignoring_case(word, known)) continue;
      rest_.remove_prefix(word.size());
      op = meaning;
      return true;
    }
    return false;
  }

  bool parse_operand(Operand& operand) {
    skip_spaces();
    if (rest_.empty()) return false;
    if (rest_[0] == '@' || rest_[0] == '$') {
      if (++depth_ > kDepthMax) return false;
      auto path = std::make_shared<JsonPath>();
      const bool ok = parse_steps(*path, true);
      operand.path = std::move(path);
      --depth_;
      return ok;
    }
    if (rest_[0] == '/') return parse_pattern(operand);
    return parse_literal(operand.json);
  }

  // A text, number, true, false, null or a list of them, as JSON.
  bool parse_literal(std::string& json) {
    skip_spaces();
    if (rest_.empty()) return false;
    if (rest_[0] == '\'' || rest_[0] == '"') {
      std::string text;
      if (!parse_quoted(text)) return false;
      append_json_string(json, text);
      return true;
    }
    for (std::string_view word : {"true", "false", "null"}) {
      if (!take(word)) continue;
      json += word;
      return true;
    }
    if (!take("[")) return parse_number(json);
    if (++depth_ > kDepthMax) return false;
    json += '[';
    if (!take_after_spaces("]")) {
      bool first = true;
      do {
        if (!std::exchange(first, false)) json += ',';
        if (!count_part() || !parse_literal(json)) return false;
      } while (take_after_spaces(","));
      if (!take_after_spaces("]")) return false;
    }
    json += ']';
    --depth_;
    return true;
  }

  bool parse_number(std::string& json) {
    size_t size = rest_.starts_with('-') ? 1 : 0;
    const size_t first = size;
    while (size < rest_.size()) {
      const char c = rest_[size];
      const bool signs = (c == '-' || c == '+') && to_lower(rest_[size - 1]) == 'e';
      if (!is_digit(c) && c != '.' && to_lower(c) != 'e' && !(size > first && signs)) break;
      ++size;
    }
    if (size == first || !is_digit(rest_[first]) || !types::double_from_text(rest_.substr(0, size))) return false;
    json += rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  // "/pattern/" and "/pattern/i".
  bool parse_pattern(Operand& operand) {
    std::string pattern;
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '/') {
        rest_.remove_prefix(i + 1);
        Result<RegexPtr> compiled = Regex::compile(pattern, {.ignore_case = take("i")});
        if (!compiled) return false;
        operand.pattern = *std::move(compiled);
        operand.json = "null";
        return true;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) {
        if (rest_[i + 1] != '/') pattern += '\\';
        ++i;
      }
      pattern += rest_[i];
    }
    return false;
  }

  std::string_view rest_;
  int depth_ = 0;
  int parts_ = 0;
};

Result<JsonPath> JsonPath::compile(std::string_view text) {
  JsonPath path;
  JsonPathParser parser(text);
  if (parser.parse(path)) return path;
  if (parser.too_many_parts()) return invalid_argument("a JSON path has at most {} parts", kPartsMax);
  const size_t at = static_cast<size_t>(parser.rest().data() - text.data());
  return invalid_argument("'{}' is not a JSON path such as $.a.b[0]: it cannot be read at character {}", text, at + 1);
}

}  // namespace penstock::expr
