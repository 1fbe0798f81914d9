#include "sqltest/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "sqltest/file_run.h"
#include "sqltest/files.h"
#include "sqltest/test_file.h"

namespace penstock::sqltest {

namespace {

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

std::string describe(const Way& way, const std::string& variant) {
  std::string text = "--way " + way.name;
  if (way.seeded) text += fmt::format(" --seed {}", way.seed);
  if (!variant.empty()) text += " (" + variant + ")";
  return text;
}

void print_failures(const TestFile& file, const std::string& description, const std::vector<Failure>& failures) {
  for (const Failure& failure : failures) {
    print(fmt::format("{}:{}: {}\n", file.path, failure.line, failure.what));
  }
  print(fmt::format("  # {}\n  run again: build/asan/sql_test_runner {} {}\n", file.title, description, file.path));
}

// A file that is known to be unsupported passes nothing: it must fail, and with that error.
Counts run_unsupported(const TestFile& file, const Way& way, const std::string& description, const std::string& text) {
  const Outcome outcome = run_file(file, way);
  if (outcome.failures.empty()) {
    print(fmt::format("{}: passes now: take it from the list of what is not supported\n", file.path));
    return {.failed = 1};
  }
  if (outcome.failures.front().what.find(text) != std::string::npos) return {.unsupported = 1};
  print(fmt::format("{}: is listed as not supported, but fails with another error than \"{}\"\n", file.path, text));
  print_failures(file, description, outcome.failures);
  return {.failed = 1};
}

Result<Counts> run_variant(const std::string& path, const RunOptions& options,
                           const std::map<std::string, std::string>& substitute, const std::string& variant) {
  TestFile file = PENSTOCK_TRY(read_test_file(path, substitute));
  Counts counts;
  bool rewrite = options.rewrite;
  const auto unsupported = options.unsupported.find(path);
  for (const Way& way : ways_of(file, options.ways)) {
    const std::string description = describe(way, variant);
    print("@ " + description + "\n");
    if (unsupported != options.unsupported.end()) return run_unsupported(file, way, description, unsupported->second);
    Outcome outcome = run_file(file, way);
    if (std::exchange(rewrite, false)) {
      const Lines lines = PENSTOCK_TRY(read_lines(path));
      std::string text;
      for (const std::string& line : rewritten(file, lines, outcome.actual)) text += line + "\n";
      PENSTOCK_TRY(write_file(path, text));
      file = PENSTOCK_TRY(read_test_file(path, substitute));
      outcome = run_file(file, way);
    }
    if (outcome.failures.empty()) {
      ++counts.passed;
    } else {
      ++counts.failed;
      print_failures(file, description, outcome.failures);
    }
  }
  return counts;
}

}  // namespace

Counts run_all_ways(const std::string& path, const RunOptions& options) {
  Counts counts;
  const auto fail = [&](const Error& error) {
    print(error.to_string() + "\n");
    ++counts.failed;
    return counts;
  };
  // Once without a value, for what the file says about its loop.
  const Result<TestFile> file = read_test_file(path, {});
  if (!file) return fail(file.error());
  const Lines values = file->loop_variable ? file->loop_values : Lines{""};
  for (const std::string& value : values) {
    std::map<std::string, std::string> substitute;
    if (file->loop_variable) substitute[*file->loop_variable] = value;
    const Result<Counts> more = run_variant(path, options, substitute, value);
    if (!more) return fail(more.error());
    counts.passed += more->passed;
    counts.failed += more->failed;
    counts.unsupported += more->unsupported;
  }
  return counts;
}

Result<std::map<std::string, std::string>> read_unsupported(const std::string& path) {
  std::map<std::string, std::string> unsupported;
  const Lines lines = PENSTOCK_TRY(read_lines(path));
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i].starts_with('#')) continue;
    const size_t colon = lines[i].find(": ");
    if (colon == std::string::npos) return invalid_argument("{}:{}: expected 'FILE: the error'", path, i + 1);
    const std::filesystem::path file = std::filesystem::path(path).parent_path() / lines[i].substr(0, colon);
    if (!std::filesystem::exists(file)) return not_found("{}:{}: there is no file {}", path, i + 1, file.string());
    unsupported[file.lexically_normal().string()] = lines[i].substr(colon + 2);
  }
  return unsupported;
}

std::vector<std::string> find_test_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path().lexically_normal().string());
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace penstock::sqltest
