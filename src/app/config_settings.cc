#include "app/config_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/json_text.h"
#include "base/memory.h"

namespace penstock::app {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kGiB = int64_t{1} << 30;
constexpr int64_t kHourMs = 3'600'000;

// PLACE(kafka.listen): where that member lives in a given Config.
#define PLACE(member) [](Config& config) -> SettingValue { return &config.member; }

constexpr auto kSettings = std::to_array<Setting>({
    {"data_dir", PLACE(data_dir), "where everything is kept"},
    {"files_dir", PLACE(files_dir), "the only place where tables read and write files (default: files in data_dir)"},
    {"workers", PLACE(workers), "threads that run jobs (default: the number of cores)", 0, 256},
    {"memory_limit", PLACE(memory_limit), "of caches, state and buffers (default: 60 % of the memory there is)", 0},
    {"shutdown_timeout_ms", PLACE(shutdown_timeout_ms), "how long a stop may wait for clients and jobs", 0, kHourMs},
    {"open_files_reserve", PLACE(open_files_reserve),
     "of the process's limit of open files, kept for the log and jobs; clients beyond are refused", 0, 1'000'000},

    {"kafka.listen", PLACE(kafka.listen), "where Kafka clients connect"},
    {"kafka.advertise", PLACE(kafka.advertise), "the address given to Kafka clients (default: kafka.listen)"},
    {"kafka.auto_create_topics", PLACE(kafka.auto_create_topics), "make a topic when a client first asks for it"},
    {"kafka.default_partitions", PLACE(kafka.default_partitions), "of a topic made without a number", 1, 10'000},
    {"kafka.connections_max", PLACE(kafka.connections_max), "more are refused", 1, 1'000'000},
    {"kafka.request_bytes_max", PLACE(kafka.request_bytes_max), "a larger request is refused", 1024, 2 * kGiB - 1},
    {"kafka.requests_bytes_max", PLACE(kafka.requests_bytes_max),
     "of requests that are read or worked on, of all clients together; above it clients are not read (default: a "
     "quarter "
     "of memory_limit, 512 MiB at most, one request at least)",
     0},
    {"kafka.responses_bytes_max", PLACE(kafka.responses_bytes_max),
     "of responses until clients have read them, of all clients together; above it fetches give one batch (default: an "
     "eighth of memory_limit, 256 MiB at most)",
     0},
    {"kafka.read_timeout_ms", PLACE(kafka.read_timeout_ms), "for the rest of a request once it has begun", 1, kHourMs},
    {"kafka.write_timeout_ms", PLACE(kafka.write_timeout_ms),
     "until a client that reads slowly takes something of its answers; then it is closed", 1, kHourMs},

    {"pg.listen", PLACE(pg.listen), "where PostgreSQL clients connect"},
    {"pg.connections_max", PLACE(pg.connections_max), "more are refused", 1, 1'000'000},
    {"pg.messages_bytes_max", PLACE(pg.messages_bytes_max),
     "of large messages, prepared statements and parameters, of all clients together; above it clients are not read "
     "(default: an eighth of memory_limit, 256 MiB at most)",
     0},
    {"pg.read_timeout_ms", PLACE(pg.read_timeout_ms), "for the rest of a message once it has begun", 1, kHourMs},
    {"pg.write_timeout_ms", PLACE(pg.write_timeout_ms),
     "until a client that reads slowly takes something of its result; then it is closed", 1, 24 * kHourMs},

    {"http.listen", PLACE(http.listen), "where browsers and HTTP clients connect"},
    {"http.allowed_hosts", PLACE(http.allowed_hosts),
     "names, with commas, that requests may be addressed to beside localhost and IP addresses"},
    {"http.connections_max", PLACE(http.connections_max), "more are refused", 1, 1'000'000},
    {"http.statements_max", PLACE(http.statements_max), "statements that run at once over HTTP; more are refused", 1,
     1'000},
    {"http.subscription_rows_max", PLACE(http.subscription_rows_max),
     "changes that wait for a slow subscriber; above it a new snapshot is sent", 1, 100'000'000},
    {"http.subscription_bytes_max", PLACE(http.subscription_bytes_max), "likewise, of all slow subscribers together",
     0},
    {"http.write_timeout_ms", PLACE(http.write_timeout_ms),
     "until a client that reads slowly takes something of its answer; then it is closed", 1, kHourMs},

    {"journal.commit_interval_us", PLACE(journal.commit_interval_us), "how long small appends of a stream gather", 0,
     1'000'000},
    {"journal.segment_bytes", PLACE(journal.segment_bytes), "of a journal file", kMiB, 2 * kGiB - 1},
    {"journal.tail_bytes_max", PLACE(journal.tail_bytes_max), "records in memory; above it producers wait", kMiB},
    {"journal.flush_interval_ms", PLACE(journal.flush_interval_ms), "how often records move to their partition's files",
     1, kHourMs},
    {"retention.check_interval_ms", PLACE(retention.check_interval_ms), "how often old records are removed", 1,
     24 * kHourMs},

    {"sql.rows_max", PLACE(sql.rows_max), "rows that one SELECT over HTTP may return", 1, 1'000'000'000},
    {"sql.state_bytes_max", PLACE(sql.state_bytes_max),
     "of the state of all jobs and queries together (default: three quarters of memory_limit)", 0},
    {"sql.job_state_bytes_max", PLACE(sql.job_state_bytes_max),
     "of the state of one job or query; above it that one fails (default: half of memory_limit)", 0},
    {"sql.row_dead_letters_per_s_max", PLACE(sql.row_dead_letters_per_s_max),
     "rows of one job that become dead letters because an expression fails; more are counted", 1, 1'000'000},

    {"log.level", PLACE(log.level), "the least that is logged"},
    {"log.format", PLACE(log.format), "of a log line"},
});

#undef PLACE

template <class T>
struct Choice {
  std::string_view name;
  T value;
};
constexpr std::array<Choice<logging::Level>, 5> kLevels{{{"debug", logging::Level::kDebug},
                                                         {"info", logging::Level::kInfo},
                                                         {"warning", logging::Level::kWarning},
                                                         {"error", logging::Level::kError},
                                                         {"off", logging::Level::kOff}}};
constexpr std::array<Choice<logging::Format>, 2> kFormats{
    {{"logfmt", logging::Format::kLogfmt}, {"json", logging::Format::kJson}}};

const auto& choices_of(const logging::Level* /*type*/) { return kLevels; }
const auto& choices_of(const logging::Format* /*type*/) { return kFormats; }

// Reads a whole decimal integer at the front of `text` and takes it off.
std::optional<int64_t> take_integer(std::string_view& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  return value;
}

Error wrong(const Setting& setting, const WrittenValue& written, std::string_view expected) {
  const std::string_view quote = written.kind == WrittenValue::Kind::kText ? "\"" : "";
  return invalid_argument("{}: {} must be {}, not {}{}{}", written.origin, setting.name, expected, quote, written.text,
                          quote);
}

Status check_range(const Setting& setting, const WrittenValue& written, int64_t value) {
  if (value >= setting.min && value <= setting.max) return {};
  if (setting.max == INT64_MAX) return wrong(setting, written, fmt::format("at least {}", setting.min));
  return wrong(setting, written, fmt::format("between {} and {}", setting.min, setting.max));
}

Status read(const Setting& setting, const WrittenValue& written, bool& value) {
  if ((written.typed && written.kind != WrittenValue::Kind::kBoolean) ||
      (written.text != "true" && written.text != "false")) {
    return wrong(setting, written, "true or false");
  }
  value = written.text == "true";
  return {};
}

Status read(const Setting& setting, const WrittenValue& written, int64_t& value) {
  std::string_view rest = written.text;
  const auto number = take_integer(rest);
  if ((written.typed && written.kind != WrittenValue::Kind::kInteger) || !number || !rest.empty()) {
    return wrong(setting, written, "an integer");
  }
  PENSTOCK_TRY(check_range(setting, written, *number));
  value = *number;
  return {};
}

Status read(const Setting& setting, const WrittenValue& written, size_t& value) {
  const std::optional<int64_t> bytes = parse_bytes(written.text);
  if (written.kind == WrittenValue::Kind::kBoolean || !bytes) {
    return wrong(setting, written, "a number of bytes such as 67108864, 64M or 64MiB");
  }
  PENSTOCK_TRY(check_range(setting, written, *bytes));
  value = static_cast<size_t>(*bytes);
  return {};
}

Status read(const Setting& setting, const WrittenValue& written, std::string& value) {
  if (written.kind != WrittenValue::Kind::kText) return wrong(setting, written, "a text");
  if (written.text.empty() || written.text.find('\0') != std::string::npos) {
    return wrong(setting, written, "a text that is not empty");
  }
  value = written.text;
  return {};
}

Status read(const Setting& /*setting*/, const WrittenValue& written, std::vector<std::string>& value) {
  value.clear();
  std::string_view rest = written.text;
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    std::string_view item = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) value.emplace_back(item);
  }
  return {};
}

Status read(const Setting& setting, const WrittenValue& written, net::Endpoint& value) {
  if (written.kind != WrittenValue::Kind::kText)
    return wrong(setting, written, "an address such as \"127.0.0.1:9092\"");
  auto endpoint = net::parse_endpoint(written.text);
  if (!endpoint) {
    const std::string where = fmt::format("{}: {}", written.origin, setting.name);
    return std::move(endpoint).error().context(where);
  }
  value = *std::move(endpoint);
  return {};
}

template <class T>
  requires requires(T* type) { choices_of(type); }
Status read(const Setting& setting, const WrittenValue& written, T& value) {
  for (const auto& choice : choices_of(&value)) {
    if (choice.name != written.text) continue;
    value = choice.value;
    return {};
  }
  return wrong(setting, written, value_name(&value));
}

std::string text_of(bool value) { return value ? "true" : "false"; }
std::string text_of(int64_t value) { return fmt::to_string(value); }
std::string text_of(const std::string& value) { return json_string(value); }
std::string text_of(const net::Endpoint& value) { return json_string(to_string(value)); }
std::string text_of(const std::vector<std::string>& value) {
  std::string out = "[";
  for (const std::string& item : value) out += (out.size() > 1 ? ", " : "") + json_string(item);
  return out + "]";
}
std::string text_of(size_t value) {
  for (const auto& [unit, bytes] : {std::pair{"GiB", kGiB}, {"MiB", kMiB}, {"KiB", int64_t{1024}}}) {
    const auto divisor = static_cast<size_t>(bytes);
    if (value >= divisor && value % divisor == 0) return fmt::format("\"{}{}\"", value / divisor, unit);
  }
  return fmt::to_string(value);
}
template <class T>
  requires requires(const T* type) { choices_of(type); }
std::string text_of(T value) {
  const auto* choice = std::ranges::find(choices_of(&value), value, &Choice<T>::value);
  return fmt::format("\"{}\"", choice->name);
}

std::string type_name(const bool* /*type*/) { return "true|false"; }
std::string type_name(const int64_t* /*type*/) { return "INTEGER"; }
std::string type_name(const size_t* /*type*/) { return "BYTES"; }
std::string type_name(const std::string* /*type*/) { return "TEXT"; }
std::string type_name(const std::vector<std::string>* /*type*/) { return "TEXT,..."; }
std::string type_name(const net::Endpoint* /*type*/) { return "HOST:PORT"; }
template <class T>
  requires requires(const T* type) { choices_of(type); }
std::string type_name(const T* type) {
  std::string names;
  for (const auto& choice : choices_of(type)) names += fmt::format("{}{}", names.empty() ? "" : "|", choice.name);
  return names;
}

}  // namespace

std::span<const Setting> settings() { return kSettings; }

std::string Setting::flag() const {
  std::string flag = "--" + std::string(name);
  std::ranges::replace_if(flag, [](char c) { return c == '.' || c == '_'; }, '-');
  return flag;
}

std::string Setting::environment() const {
  std::string variable = "PENSTOCK_";
  for (const char c : name) {
    variable += c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return variable;
}

Status assign(const Setting& setting, const WrittenValue& written, Config& config) {
  const bool takes_list = std::holds_alternative<std::vector<std::string>*>(setting.value(config));
  if (written.kind == WrittenValue::Kind::kList && !takes_list) return wrong(setting, written, "one value");
  if (written.kind != WrittenValue::Kind::kList && takes_list && written.typed) {
    return wrong(setting, written, "an array of texts");
  }
  return std::visit([&](auto* value) { return read(setting, written, *value); }, setting.value(config));
}

std::string value_name(const SettingValue& value) {
  return std::visit([](const auto* type) { return type_name(type); }, value);
}

std::string toml_text(const SettingValue& value) {
  return std::visit([](const auto* at) { return text_of(*at); }, value);
}

}  // namespace penstock::app
