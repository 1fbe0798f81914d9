// Operators against text: each case of testdata/*.txt says what goes in, and what comes out after each line.
//
//   # window_aggregate: k bigint, t timestamp(3)
//   in   + 1 '1970-01-01 00:00:01'
//   in   watermark '1970-01-01 00:00:10'
//   out  +I 1 1 ...
//
// An operator with two inputs has "left columns / right columns", and `in left` or `in right` in front of batches.
//
// `in` is a batch, "barrier N", "watermark <timestamp or max>" or "end"; `out` is left out where nothing comes; an
// error shows as "error <message>". Every case is run twice: as written, and with each batch cut into single rows,
// which must not change what is known at the next control message. PENSTOCK_REWRITE_GOLDENS=1 writes what came out into
// the file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "exec/operators/aggregate.h"
#include "exec/operators/expand.h"
#include "exec/operators/filter.h"
#include "exec/operators/join.h"
#include "exec/operators/project.h"
#include "exec/operators/rank.h"
#include "exec/operators/sort.h"
#include "exec/operators/text_output_test.h"
#include "exec/operators/window.h"
#include "exec/operators/window_aggregate.h"
#include "expr/registry.h"

namespace penstock::exec {
namespace {

using columnar::ChangeBatch;
using types::DataType;
using types::Schema;

DataType type_of(std::string_view name) { return *DataType::parse(name); }

expr::ExprPtr column(const Schema& schema, size_t i) { return expr::Expr::column(i, schema[i].type, schema[i].name); }
expr::ExprPtr bigint(int64_t v) { return expr::Expr::literal(types::Value(v), type_of("BIGINT")); }
expr::ExprPtr call(std::string_view name, std::vector<expr::ExprPtr> arguments) {
  Result<expr::ExprPtr> bound = expr::bind_call(name, std::move(arguments));
  EXPECT_TRUE(bound.has_value()) << name;
  return *bound;
}

AggregateCall aggregate_call(std::string_view name, const Schema& schema, int argument, bool retractable = true,
                             int filter = -1, bool distinct = false) {
  const DataType type = argument < 0 ? DataType() : schema[static_cast<size_t>(argument)].type;
  Result<expr::BoundAggregate> bound = expr::bind_aggregate(name, type, retractable);
  EXPECT_TRUE(bound.has_value()) << name;
  return {.function = *bound, .argument = argument, .filter = filter, .distinct = distinct};
}

std::unique_ptr<Operator> aggregate(const Schema& schema, std::vector<int> keys, std::vector<AggregateCall> calls) {
  AggregateOptions options{.keys = keys, .calls = std::move(calls)};
  for (int key : keys) options.key_types.push_back(schema[static_cast<size_t>(key)].type);
  return make_aggregate(std::move(options));
}

// Within column 0, by column 1 from the largest down.
std::unique_ptr<Operator> rank(const Schema& schema, RankFunction function, int64_t first, std::optional<int64_t> last,
                               bool append_only, bool with_rank = true) {
  return make_rank({.function = function,
                    .schema = schema,
                    .partition_by = {0},
                    .order_by = {{.column = 1, .descending = true, .nulls_first = false}},
                    .first = first,
                    .last = last,
                    .with_rank = with_rank,
                    .input_append_only = append_only});
}

constexpr int64_t kSecond = types::kMicrosPerSecond;

// The time is column 1.
std::unique_ptr<Operator> assign_window(types::Window window) {
  return make_assign_window({.window = window, .time_column = 1});
}
std::unique_ptr<Operator> session_window(const Schema& schema, std::vector<int> keys) {
  SessionWindowOptions options{.window = types::Window::session(10 * kSecond), .time_column = 1, .keys = keys};
  for (int key : keys) options.key_types.push_back(schema[static_cast<size_t>(key)].type);
  for (const types::Field& field : schema) options.column_types.push_back(field.type);
  return make_session_window(std::move(options));
}
std::unique_ptr<Operator> window_aggregate(const Schema& schema, types::Window window, std::vector<int> keys,
                                           std::vector<AggregateCall> calls) {
  WindowAggregateOptions options{.window = window,
                                 .time_column = 1,
                                 .time_type = schema[1].type,
                                 .keys = keys,
                                 .calls = std::move(calls),
                                 .properties = {WindowProperty::kStart, WindowProperty::kEnd, WindowProperty::kTime}};
  for (int key : keys) options.key_types.push_back(schema[static_cast<size_t>(key)].type);
  return window.kind == types::Window::Kind::kSession ? make_session_aggregate(std::move(options))
                                                      : make_window_aggregate(std::move(options));
}

// Of two columns and two columns, on the first of each; every column comes out.
std::unique_ptr<Operator> join(const Schema& schema, JoinKind kind, bool append_only, expr::ExprPtr condition = nullptr,
                               bool nulls_match = false) {
  JoinOptions options{.kind = kind, .nulls_match = {nulls_match}, .condition = std::move(condition), .output = {0, 1}};
  if (!left_only(kind)) options.output.insert(options.output.end(), {2, 3});
  for (size_t i = 0; i < schema.size(); ++i) options.inputs[i / 2].types.push_back(schema[i].type);
  for (JoinInput& input : options.inputs) {
    input.keys = {0};
    input.append_only = append_only;
  }
  return make_join(std::move(options));
}

expr::ExprPtr less(const Schema& schema) { return call("<", {column(schema, 1), column(schema, 3)}); }

// The operators that cases name in their first line.
using Factory = std::function<std::unique_ptr<Operator>(const Schema&)>;
const std::map<std::string, Factory>& factories() {
  static const std::map<std::string, Factory> all = {
      {"filter", [](const Schema& s) { return make_filter(call(">", {column(s, 1), bigint(10)}), {}); }},
      {"filter_division",
       [](const Schema& s) {
         return make_filter(call(">", {call("/", {bigint(100), column(s, 1)}), bigint(10)}), {});
       }},
      {"project",
       [](const Schema& s) { return make_project({call("+", {column(s, 0), column(s, 1)}), column(s, 0)}, {}); }},
      {"assign_window", [](const Schema&) { return assign_window(types::Window::tumble(10 * kSecond)); }},
      {"assign_window_offset",
       [](const Schema&) { return assign_window(types::Window::tumble(10 * kSecond, 3 * kSecond)); }},
      {"assign_window_hop", [](const Schema&) { return assign_window(types::Window::hop(10 * kSecond, 4 * kSecond)); }},
      {"assign_window_hop_gap",
       [](const Schema&) { return assign_window(types::Window::hop(2 * kSecond, 10 * kSecond)); }},
      {"assign_window_cumulate",
       [](const Schema&) { return assign_window(types::Window::cumulate(10 * kSecond, 5 * kSecond)); }},
      {"row_number", [](const Schema& s) { return rank(s, RankFunction::kRowNumber, 1, std::nullopt, false); }},
      {"row_number_top2", [](const Schema& s) { return rank(s, RankFunction::kRowNumber, 1, 2, true); }},
      {"row_number_top2_changing", [](const Schema& s) { return rank(s, RankFunction::kRowNumber, 1, 2, false); }},
      {"row_number_second", [](const Schema& s) { return rank(s, RankFunction::kRowNumber, 2, 2, true); }},
      {"rank_top2", [](const Schema& s) { return rank(s, RankFunction::kRank, 1, 2, true); }},
      {"dense_rank_top2", [](const Schema& s) { return rank(s, RankFunction::kDenseRank, 1, 2, true); }},
      {"deduplicate", [](const Schema& s) { return rank(s, RankFunction::kRowNumber, 1, 1, true, false); }},
      {"aggregate_sum", [](const Schema& s) { return aggregate(s, {0}, {aggregate_call("SUM", s, 1)}); }},
      {"aggregate_all",
       [](const Schema& s) {
         return aggregate(s, {0},
                          {aggregate_call("COUNT", s, -1), aggregate_call("COUNT", s, 1), aggregate_call("SUM", s, 1),
                           aggregate_call("AVG", s, 1), aggregate_call("MIN", s, 1), aggregate_call("MAX", s, 1)});
       }},
      {"aggregate_filter",
       [](const Schema& s) {
         return aggregate(s, {0}, {aggregate_call("SUM", s, 1, true, 2), aggregate_call("COUNT", s, -1, true, 2)});
       }},
      {"aggregate_distinct",
       [](const Schema& s) {
         return aggregate(s, {0},
                          {aggregate_call("COUNT", s, 1, true, -1, true), aggregate_call("SUM", s, 1, true, 2, true),
                           aggregate_call("COUNT", s, 1)});
       }},
      {"aggregate_global",
       [](const Schema& s) { return aggregate(s, {}, {aggregate_call("COUNT", s, -1), aggregate_call("SUM", s, 1)}); }},
      {"aggregate_distinct_rows", [](const Schema& s) { return aggregate(s, {0, 1}, {}); }},
      {"window_aggregate",
       [](const Schema& s) {
         return window_aggregate(s, types::Window::tumble(10 * kSecond), {0}, {aggregate_call("COUNT", s, -1, false)});
       }},
      {"window_aggregate_global",
       [](const Schema& s) {
         return window_aggregate(s, types::Window::tumble(10 * kSecond), {}, {aggregate_call("COUNT", s, -1, false)});
       }},
      {"window_aggregate_hop",
       [](const Schema& s) {
         return window_aggregate(s, types::Window::hop(10 * kSecond, 4 * kSecond), {0},
                                 {aggregate_call("COUNT", s, -1, false), aggregate_call("MAX", s, 2, false),
                                  aggregate_call("COUNT", s, 2, false, -1, true)});
       }},
      {"window_aggregate_cumulate",
       [](const Schema& s) {
         return window_aggregate(s, types::Window::cumulate(30 * kSecond, 10 * kSecond), {0},
                                 {aggregate_call("COUNT", s, -1, false), aggregate_call("MAX", s, 2, false),
                                  aggregate_call("COUNT", s, 2, false, -1, true)});
       }},
      {"session_aggregate",
       [](const Schema& s) {
         return window_aggregate(s, types::Window::session(10 * kSecond), {0},
                                 {aggregate_call("COUNT", s, -1, false), aggregate_call("MAX", s, 2, false),
                                  aggregate_call("COUNT", s, 2, false, -1, true)});
       }},
      {"session_aggregate_global",
       [](const Schema& s) {
         return window_aggregate(s, types::Window::session(10 * kSecond), {}, {aggregate_call("COUNT", s, -1, false)});
       }},
      {"session_window", [](const Schema& s) { return session_window(s, {0}); }},
      {"session_window_global", [](const Schema& s) { return session_window(s, {}); }},
      {"window_aggregate_retract",
       [](const Schema& s) {
         return window_aggregate(
             s, types::Window::hop(10 * kSecond, 5 * kSecond), {0},
             {aggregate_call("SUM", s, 2), aggregate_call("MAX", s, 2), aggregate_call("COUNT", s, 2, true, -1, true)});
       }},
      {"sort",
       [](const Schema& s) {
         return make_sort(
             {.keys = {{.column = 0}, {.column = 1, .descending = true, .nulls_first = false}}, .schema = s});
       }},
      {"sort_limit",
       [](const Schema& s) {
         return make_sort(
             {.keys = {{.column = 0, .descending = true, .nulls_first = false}}, .limit = 2, .offset = 1, .schema = s});
       }},
      {"sort_limit_huge",
       [](const Schema& s) {
         return make_sort({.keys = {{.column = 0}}, .limit = INT64_MAX, .offset = INT64_MAX, .schema = s});
       }},
      {"expand",
       [](const Schema& s) {
         return make_expand({.types = {s[0].type, s[1].type}, .null_columns = {{}, {0}}, .always = {1}});
       }},
      {"limit", [](const Schema&) { return make_limit(3, 2); }},
      {"join_append", [](const Schema& s) { return join(s, JoinKind::kInner, true); }},
      {"join_left_append", [](const Schema& s) { return join(s, JoinKind::kLeft, true); }},
      {"join_inner", [](const Schema& s) { return join(s, JoinKind::kInner, false); }},
      {"join_nulls", [](const Schema& s) { return join(s, JoinKind::kInner, false, nullptr, true); }},
      {"join_left", [](const Schema& s) { return join(s, JoinKind::kLeft, false); }},
      {"join_right", [](const Schema& s) { return join(s, JoinKind::kRight, false); }},
      {"join_full", [](const Schema& s) { return join(s, JoinKind::kFull, false); }},
      {"join_semi", [](const Schema& s) { return join(s, JoinKind::kSemi, false); }},
      {"join_anti", [](const Schema& s) { return join(s, JoinKind::kAnti, false); }},
      {"join_left_less", [](const Schema& s) { return join(s, JoinKind::kLeft, false, less(s)); }},
      {"join_full_less", [](const Schema& s) { return join(s, JoinKind::kFull, false, less(s)); }},
      {"join_semi_less", [](const Schema& s) { return join(s, JoinKind::kSemi, false, less(s)); }},
  };
  return all;
}

std::string_view after(std::string_view text, std::string_view prefix) {
  text.remove_prefix(prefix.size());
  const size_t begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

// One operator, fed line by line.
class Case {
 public:
  // "name: column type, column type", a second input behind "/"
  explicit Case(std::string_view title) {
    const size_t colon = title.find(':');
    name_ = title.substr(0, colon);
    const std::string_view columns = after(title.substr(colon), ":");
    const size_t slash = columns.find(" / ");
    schemas_.push_back(parse_schema(columns.substr(0, slash)));
    if (slash != std::string_view::npos) schemas_.push_back(parse_schema(columns.substr(slash + 3)));
    Schema all = schemas_.front();
    if (schemas_.size() > 1) all.insert(all.end(), schemas_[1].begin(), schemas_[1].end());
    const auto factory = factories().find(name_);
    EXPECT_NE(factory, factories().end()) << "no operator is called " << name_;
    if (factory != factories().end()) op_ = factory->second(all);
  }

  const std::string& name() const { return name_; }

  // What comes out after a line of input; rows one at a time when `single_rows`.
  std::string feed(std::string_view line, bool single_rows) {
    Status status = dispatch(line, single_rows);
    std::string text = out_.take();
    if (!status) text += (text.empty() ? "error " : " | error ") + status.error().to_string();
    return text;
  }

 private:
  static Schema parse_schema(std::string_view text) {
    Schema schema;
    while (!text.empty()) {
      const size_t comma = text.find(',');
      const std::string_view field = text.substr(0, comma);
      const size_t space = field.find(' ');
      schema.push_back({std::string(field.substr(0, space)), type_of(after(field.substr(space), " "))});
      text = comma == std::string_view::npos ? std::string_view() : after(text.substr(comma), ",");
    }
    return schema;
  }

  using Call = std::function<Result<Progress>()>;
  static Status run(const Call& call) {
    for (int calls = 0; calls < 1000; ++calls) {
      if (PENSTOCK_TRY(call()) == Progress::kDone) return {};
    }
    return make_error(ErrorCode::kInternal, "never done");
  }

  Status dispatch(std::string_view line, bool single_rows) {
    if (line.starts_with("barrier ")) {
      const Epoch epoch(std::stoll(std::string(after(line, "barrier"))));
      return run([&] { return op_->on_barrier(epoch, out_); });
    }
    if (line.starts_with("watermark ")) {
      std::string_view text = after(line, "watermark");
      EventTime time = kMaxEventTime;
      if (text != "max") {
        text = text.substr(1, text.size() - 2);  // quotes
        time = EventTime(PENSTOCK_TRY(types::timestamp_from_text(text, false)));
      }
      return run([&] { return op_->on_watermark(time, out_); });
    }
    if (line == "end") return run([&] { return op_->on_end(out_); });
    int port = 0;
    for (const std::string_view name : {"left ", "right "}) {
      if (!line.starts_with(name)) continue;
      port = name == "left " ? 0 : 1;
      line = after(line, name);
    }
    const ChangeBatch batch = PENSTOCK_TRY(columnar::batch_from_text(line, schemas_[static_cast<size_t>(port)]));
    for (size_t row = 0; single_rows && row < batch.rows(); ++row) {
      PENSTOCK_TRY(process(port, batch.slice(row, row + 1)));
    }
    if (!single_rows) PENSTOCK_TRY(process(port, batch));
    return {};
  }

  Status process(int port, const ChangeBatch& batch) {
    PENSTOCK_TRY(op_->process(port, batch, out_));
    while (op_->unfinished()) PENSTOCK_TRY(op_->resume(out_));
    return {};
  }

  std::string name_;
  std::vector<Schema> schemas_;  // by port
  std::unique_ptr<Operator> op_;
  TextOutput out_;
};

// Runs a file; gives it back with what came out in its `out` lines.
std::string run_file(const std::string& text, bool single_rows) {
  std::string result;
  std::optional<Case> current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("out")) continue;
    result += line + "\n";
    if (line.starts_with("# ")) {
      current.emplace(after(line, "#"));
    } else if (line.starts_with("in ")) {
      EXPECT_TRUE(current.has_value());
      const std::string out = current->feed(after(line, "in"), single_rows);
      if (!out.empty()) result += "out  " + out + "\n";
    } else {
      EXPECT_TRUE(line.empty() || line.starts_with("-- ")) << line;
    }
  }
  return result;
}

TEST(Golden, OperatorsGiveWhatTheFilesSay) {
  const std::filesystem::path directory = std::string(PENSTOCK_SOURCE_DIR) + "/src/exec/operators/testdata";
  const bool rewrite = std::getenv("PENSTOCK_REWRITE_GOLDENS") != nullptr;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    ++files;
    std::ifstream in(entry.path());
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::string whole = run_file(text, false);
    EXPECT_EQ(run_file(text, true), whole) << entry.path() << " differs when batches are cut into rows";
    if (rewrite) {
      std::ofstream(entry.path()) << whole;
    } else {
      EXPECT_EQ(whole, text) << entry.path();
    }
  }
  EXPECT_GT(files, 0U);
}

}  // namespace
}  // namespace penstock::exec
