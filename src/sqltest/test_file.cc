#include "sqltest/test_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <utility>

#include "base/quantity.h"
#include "sqltest/files.h"

namespace penstock::sqltest {

namespace {

constexpr std::string_view kSeparator = "----";
// Files that include each other without end stop here.
constexpr int kIncludeDepthMax = 8;

bool is_blank(std::string_view line) { return line.find_first_not_of(' ') == std::string_view::npos; }

std::string join(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

Lines words_of(std::string_view line) {
  Lines words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

// Replaces $NAME by its value.
std::string substituted(std::string line, const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values) {
    const std::string pattern = "$" + name;
    for (size_t at = line.find(pattern); at != std::string::npos; at = line.find(pattern, at + value.size())) {
      line.replace(at, pattern.size(), value);
    }
  }
  return line;
}

class Parser {
 public:
  Parser(TestFile& file, std::string path, Lines lines, const std::map<std::string, std::string>& substitute, int depth)
      : file_(file), path_(std::move(path)), lines_(std::move(lines)), substitute_(substitute), depth_(depth) {
    for (std::string& line : lines_) line = substituted(std::move(line), substitute_);
  }

  Status parse() {
    if (depth_ == 0) PENSTOCK_TRY(parse_title());
    while (next_ < lines_.size()) {
      if (is_blank(lines_[next_]) || lines_[next_].starts_with('#')) {
        ++next_;
        continue;
      }
      block_ = next_;
      const std::string line = lines_[next_++];
      Status parsed = parse_block(line, words_of(line));
      if (!parsed) return parsed;
    }
    return {};
  }

 private:
  Error wrong(std::string_view what) const { return invalid_argument("{}:{}: {}", path_, block_ + 1, what); }

  Status parse_title() {
    if (lines_.empty() || !lines_[0].starts_with("# ")) return wrong("a test begins with the line '# the rule'");
    file_.title = lines_[0].substr(2);
    return {};
  }

  // Lines up to an empty one, or to the separator, which is taken.
  Lines take_lines(bool* separated) {
    Lines lines;
    *separated = false;
    while (next_ < lines_.size() && !is_blank(lines_[next_])) {
      if (lines_[next_] == kSeparator) {
        *separated = true;
        ++next_;
        break;
      }
      lines.push_back(lines_[next_++]);
    }
    return lines;
  }

  // Expected lines may themselves be empty where text is, so only an empty line ends them.
  Expected take_expected() {
    Expected expected;
    expected.begin = next_ + 1;
    while (next_ < lines_.size() && !is_blank(lines_[next_])) expected.lines.push_back(lines_[next_++]);
    expected.end = next_ + 1;
    return expected;
  }

  Result<std::string> take_sql(bool* separated) {
    Lines lines = take_lines(separated);
    if (lines.empty()) return wrong("there is no SQL below it");
    return join(lines);
  }

  void add(auto what) { file_.steps.push_back({.line = block_ + 1, .what = std::move(what)}); }

  Status parse_block(const std::string& line, const Lines& words) {
    const std::string& kind = words[0];
    if (kind == "statement") return parse_statement(words);
    if (kind == "query") return parse_query(words);
    if (kind == "stream") return parse_stream(words);
    if (kind == "input") return parse_input(words);
    if (kind == "file") return parse_file_input(words);
    if (kind == "result") return parse_result(words);
    if (kind == "changes") return parse_changes(words);
    if (kind == "advance") return parse_advance(line.substr(kind.size()));
    if (kind == "end" && words.size() == 1) {
      add(End());
      return {};
    }
    if (kind == "large-input" && words.size() == 1) {
      file_.large_input = true;
      return {};
    }
    if (kind == "topic") return parse_topic(words);
    if (kind == "include" && words.size() == 2) return include(words[1]);
    if (kind == "for") return parse_for(words);
    if (kind == "skip-way" || kind == "steps-only:") return parse_skip(line, kind);
    return wrong("there is no directive '" + kind + "'");
  }

  Status parse_statement(const Lines& words) {
    const bool error = words.size() == 2 && words[1] == "error";
    if (words.size() > 1 && !error) return wrong("expected 'statement' or 'statement error'");
    bool separated = false;
    Statement statement{.sql = PENSTOCK_TRY(take_sql(&separated)), .error = {}};
    if (separated != error) return wrong("'----' and the error's text follow the SQL of 'statement error'");
    if (error) statement.error = take_expected();
    add(std::move(statement));
    return {};
  }

  Status parse_query(const Lines& words) {
    Query query;
    for (size_t i = 1; i < words.size(); ++i) {
      if (words[i] == "sorted") {
        query.sorted = true;
      } else if (words[i] == "columns") {
        query.with_columns = true;
      } else {
        return wrong("expected 'query [sorted] [columns]'");
      }
    }
    bool separated = false;
    query.sql = PENSTOCK_TRY(take_sql(&separated));
    if (!separated) return wrong("'----' and the rows follow the SQL");
    query.rows = take_expected();
    add(std::move(query));
    return {};
  }

  Status parse_stream(const Lines& words) {
    const bool from_file = words.size() == 4 && words[2] == "from";
    if (words.size() != 2 && !from_file) return wrong("expected 'stream NAME [from FILE]'");
    bool separated = false;
    Stream stream{.name = words[1],
                  .sql = from_file ? PENSTOCK_TRY(read_file(beside(words[3]))) : PENSTOCK_TRY(take_sql(&separated))};
    if (stream.sql.ends_with(';')) stream.sql.pop_back();
    if (separated) return wrong("a stream has no '----': 'result' follows its input");
    add(std::move(stream));
    return {};
  }

  Status parse_input(const Lines& words) {
    constexpr std::string_view kUsage =
        "expected 'input TOPIC [partition N] [timestamp MILLISECONDS] [keyed] [from FILE]'";
    if (words.size() < 2) return wrong(kUsage);
    Input input;
    input.topic = words[1];
    for (size_t i = 2; i < words.size(); ++i) {
      const bool has_value = i + 1 < words.size();
      if (words[i] == "keyed") {
        input.keyed = true;
      } else if (words[i] == "partition" && has_value) {
        input.partition = PENSTOCK_TRY(number<int32_t>(words[++i], 0, 1000));
        input.partition_given = true;
      } else if (words[i] == "timestamp" && has_value) {
        input.timestamp_ms = PENSTOCK_TRY(number<int64_t>(words[++i], 0, INT64_MAX));
      } else if (words[i] == "from" && has_value) {
        input.file = beside(words[++i]);
      } else {
        return wrong(kUsage);
      }
    }
    input.lines = take_expected().lines;
    if (input.lines.empty() == input.file.empty()) return wrong("an input has lines below it, or is 'from FILE'");
    add(std::move(input));
    return {};
  }

  Status parse_file_input(const Lines& words) {
    if (words.size() != 2) return wrong("expected 'file NAME'");
    add(FileInput{.name = words[1], .lines = take_expected().lines});
    return {};
  }

  Status parse_result(const Lines& words) {
    StreamResult result;
    if (words.size() < 2 || words.size() == 3 || words.size() > 4)
      return wrong("expected 'result STREAM [golden PATH]'");
    result.stream = words[1];
    if (words.size() == 4) {
      if (words[2] != "golden") return wrong("expected 'result STREAM [golden PATH]'");
      result.golden = beside(words[3]);
    }
    result.rows = take_expected();
    add(std::move(result));
    return {};
  }

  Status parse_changes(const Lines& words) {
    if (words.size() != 2) return wrong("expected 'changes STREAM'");
    add(StreamChanges{.stream = words[1], .changes = take_expected()});
    return {};
  }

  Status parse_advance(std::string_view rest) {
    const std::optional<int64_t> us = parse_duration_us(rest);
    if (!us || is_blank(rest)) return wrong("expected 'advance DURATION', such as 'advance 10 s'");
    add(Advance{.us = *us});
    return {};
  }

  Status parse_topic(const Lines& words) {
    if (words.size() != 4 || words[2] != "partitions") return wrong("expected 'topic NAME partitions N'");
    file_.topics[words[1]] = PENSTOCK_TRY(number<int32_t>(words[3], 1, 1000));
    return {};
  }

  Status parse_for(const Lines& words) {
    if (words.size() < 4 || words[2] != "in" || file_.loop_variable)
      return wrong("expected one 'for NAME in VALUE...'");
    file_.loop_variable = words[1];
    file_.loop_values.assign(words.begin() + 3, words.end());
    return {};
  }

  // "skip-way bounded, restarted: why", "steps-only: why".
  Status parse_skip(const std::string& line, const std::string& kind) {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) return wrong("expected ': ' and the reason");
    const std::string reason = line.substr(colon + 2);
    if (kind == "steps-only:") {
      file_.steps_only = reason;
      return {};
    }
    Lines ways = words_of(std::string_view(line).substr(kind.size(), colon - kind.size()));
    for (std::string& way : ways) {
      if (way.ends_with(',')) way.pop_back();
      file_.skipped_ways[way] = reason;
    }
    if (ways.empty()) return wrong("expected 'skip-way WAY, WAY: REASON'");
    return {};
  }

  Status include(const std::string& name) {
    if (depth_ >= kIncludeDepthMax) return wrong("files include each other without end");
    const std::string path = beside(name);
    Parser parser(file_, path, PENSTOCK_TRY(read_lines(path)), substitute_, depth_ + 1);
    const size_t first = file_.steps.size();
    PENSTOCK_TRY(parser.parse());
    for (size_t i = first; i < file_.steps.size(); ++i) {
      const auto* statement = std::get_if<Statement>(&file_.steps[i].what);
      const bool plain = std::holds_alternative<Input>(file_.steps[i].what) ||
                         std::holds_alternative<FileInput>(file_.steps[i].what) ||
                         (statement != nullptr && !statement->error);
      if (!plain) return wrong(name + " is included, so it may hold only statements and inputs");
      file_.steps[i].line = block_ + 1;
    }
    return {};
  }

  template <class Int>
  Result<Int> number(const std::string& text, Int min, Int max) const {
    Int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
      return wrong("'" + text + "' is no number from " + std::to_string(min) + " to " + std::to_string(max));
    }
    return value;
  }

  std::string beside(const std::string& name) const {
    return (std::filesystem::path(path_).parent_path() / name).lexically_normal().string();
  }

  TestFile& file_;
  const std::string path_;
  Lines lines_;
  const std::map<std::string, std::string>& substitute_;
  const int depth_;
  size_t next_ = 0;
  size_t block_ = 0;  // the line of the directive at hand, from 0
};

Status check(const TestFile& file) {
  bool ended = false;
  for (const Step& step : file.steps) {
    const bool input = std::holds_alternative<Input>(step.what) || std::holds_alternative<FileInput>(step.what) ||
                       std::holds_alternative<End>(step.what);
    if (ended && input) return invalid_argument("{}:{}: nothing comes in after 'end'", file.path, step.line);
    ended = ended || std::holds_alternative<End>(step.what);
  }
  return {};
}

Result<TestFile> parse_lines(const std::string& path, Lines lines,
                             const std::map<std::string, std::string>& substitute) {
  TestFile file;
  file.path = path;
  PENSTOCK_TRY(Parser(file, path, std::move(lines), substitute, 0).parse());
  PENSTOCK_TRY(check(file));
  return file;
}

}  // namespace

bool TestFile::has_end() const {
  return std::ranges::any_of(steps, [](const Step& step) { return std::holds_alternative<End>(step.what); });
}

size_t TestFile::first_final_step() const {
  size_t first = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto& what = steps[i].what;
    if (std::holds_alternative<Input>(what) || std::holds_alternative<FileInput>(what) ||
        std::holds_alternative<End>(what) || std::holds_alternative<Advance>(what)) {
      first = i + 1;
    }
  }
  return first;
}

std::map<std::string, int32_t> TestFile::partitions() const {
  std::map<std::string, int32_t> all = topics;
  for (const Step& step : steps) {
    const auto* input = std::get_if<Input>(&step.what);
    if (input != nullptr) all[input->topic] = std::max(all[input->topic], input->partition + 1);
  }
  return all;
}

Result<TestFile> read_test_file(const std::string& path, const std::map<std::string, std::string>& substitute) {
  return parse_lines(path, PENSTOCK_TRY(read_lines(path)), substitute);
}

Result<TestFile> parse_test_file(const std::string& path, std::string_view text,
                                 const std::map<std::string, std::string>& substitute) {
  return parse_lines(path, split_lines(text), substitute);
}

}  // namespace penstock::sqltest
