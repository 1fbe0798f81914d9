// The program: `penstock COMMAND`.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/bench/bench.h"
#include "app/config.h"
#include "app/demo/demo.h"
#include "app/server.h"
#include "app/shell/shell.h"
#include "app/signals.h"
#include "app/version.h"
#include "base/logging.h"
#include "base/suggest.h"

namespace penstock::app {
namespace {

constexpr std::string_view kUsage =
    "penstock COMMAND [FLAGS]\n"
    "\n"
    "  serve     run the server: Kafka on 9092, PostgreSQL on 7432, HTTP and the dashboard on 7480\n"
    "  demo      run fraud detection on generated card transactions, with a live dashboard\n"
    "  sql       a SQL shell on a running server\n"
    "  bench     measure this program on this machine\n"
    "  config    show the configuration, and where each value comes from\n"
    "  version   show the version\n"
    "\n"
    "penstock COMMAND --help lists the flags of a command.\n";

using Arguments = std::span<const std::string>;

// Prints what load_config() has to say; an exit status when there is nothing more to do.
std::optional<int> settled(const Result<LoadedConfig>& loaded) {
  if (!loaded) {
    fmt::print(stderr, "penstock: {}\n", loaded.error().to_string());
    return 2;
  }
  if (!loaded->help.empty()) {
    fmt::print("{}", loaded->help);
    return 0;
  }
  logging::configure(loaded->config.log.level, loaded->config.log.format);
  for (const std::string& warning : loaded->warnings) logging::warning(warning);
  return std::nullopt;
}

// --kafka, --pg and --http are short for --kafka-listen and so on.
std::vector<std::string> with_long_flags(Arguments arguments) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) {
    const std::string flag = argument.substr(0, argument.find('='));
    const bool is_short = flag == "--kafka" || flag == "--pg" || flag == "--http";
    out.push_back(is_short ? flag + "-listen" + argument.substr(flag.size()) : argument);
  }
  return out;
}

int serve(Arguments arguments) {
  const auto loaded =
      load_config({.name = "serve", .summary = "Runs the server."}, with_long_flags(arguments), process_environment());
  if (const auto status = settled(loaded)) return *status;
  hold_stop_signals();
  const auto server = Server::start(loaded->config);
  if (!server) {
    fmt::print(stderr, "penstock serve: {}\n", server.error().to_string());
    return 1;
  }
  fmt::print("penstock ready kafka={} pg={} http={}\n", (*server)->kafka_address(), (*server)->pg_address(),
             (*server)->http_address());
  std::fflush(stdout);
  wait_for_stop_signal(0);
  const Status stopped = (*server)->stop();
  if (stopped) return 0;
  fmt::print(stderr, "penstock serve: {}\n", stopped.error().to_string());
  return 1;
}

int demo(Arguments arguments) {
  DemoOptions options;
  std::string duration;
  std::vector<CommandFlag> flags;
  flags.push_back({.name = "duration", .help = "stop after this many seconds: 30 or 30s", .value = &duration});
  flags.push_back({.name = "check", .help = "at the end, check every view against the log", .value = &options.check});
  flags.push_back({.name = "rate", .help = "transactions per second", .value = &options.rate});
  const auto loaded =
      load_config({.name = "demo", .summary = "Fraud detection on generated card transactions.", .flags = flags},
                  with_long_flags(arguments), process_environment());
  if (const auto status = settled(loaded)) return *status;
  if (!duration.empty()) {
    if (duration.ends_with('s')) duration.pop_back();
    char* end = nullptr;
    options.duration_s = std::strtoll(duration.c_str(), &end, 10);
    if (*end != '\0' || options.duration_s <= 0) {
      fmt::print(stderr, "penstock demo: --duration must be a number of seconds, not {}\n", duration);
      return 2;
    }
  }
  options.config = loaded->config;
  options.temporary_directory = options.config.data_dir == Config().data_dir;
  hold_stop_signals();
  return run_demo(std::move(options));
}

int bench(Arguments arguments) {
  BenchOptions options;
  if (!arguments.empty() && !arguments.front().starts_with('-')) {
    options.suite = arguments.front();
    arguments = arguments.subspan(1);
  }
  Command command{.name = "bench", .summary = "Measures this program on this machine.", .takes_settings = false};
  command.flags = {
      {.name = "case",
       .help = "start, idle, ingest, windows, latency or all; of `bench nexmark`, queries such as q5,cep-q0",
       .value = &options.case_name},
      {.name = "events", .help = "of the case; 0: as many as it likes", .value = &options.events},
      {.name = "workers", .help = "of the server; 0: as many as it likes", .value = &options.workers},
      {.name = "data-dir", .help = "where the servers keep their data for a while", .value = &options.data_dir},
      {.name = "rate", .help = "events per second of the latency case", .value = &options.rate},
      {.name = "json", .help = "print nothing but the results", .value = &options.json_only},
  };
  const auto loaded = load_config(command, arguments, {});
  if (const auto status = settled(loaded)) return *status;
  return run_bench(options);
}

// -c and -f are short for --command and --file, as in psql.
std::vector<std::string> with_long_sql_flags(Arguments arguments) {
  std::vector<std::string> out(arguments.begin(), arguments.end());
  for (std::string& argument : out) {
    if (argument == "-c") argument = "--command";
    if (argument == "-f") argument = "--file";
  }
  return out;
}

int sql(Arguments arguments) {
  ShellOptions options;
  std::string command;
  std::string format = "table";
  std::string host;
  int64_t port = 0;
  std::vector<std::string> urls;
  std::vector<CommandFlag> flags;
  flags.push_back({.name = "host", .help = "of the server (127.0.0.1)", .value = &host});
  flags.push_back({.name = "port", .help = "of the server, for PostgreSQL clients (7432)", .value = &port});
  flags.push_back({.name = "command", .help = "run these statements and end (-c)", .value = &command});
  flags.push_back({.name = "file", .help = "run the statements of a file and end (-f)", .value = &options.file});
  flags.push_back({.name = "format", .help = "table, expanded, csv or json", .value = &format});
  const auto loaded = load_config({.name = "sql",
                                   .summary = "An SQL shell on a running server.",
                                   .takes_settings = false,
                                   .flags = flags,
                                   .arguments = &urls,
                                   .arguments_name = "[postgres://HOST:PORT]"},
                                  with_long_sql_flags(arguments), {});
  if (const auto status = settled(loaded)) return *status;
  const auto prepare = [&]() -> Status {
    if (urls.size() > 1) return invalid_argument("one address is enough");
    if (!urls.empty()) options.address = PENSTOCK_TRY(parse_pg_url(urls[0]));
    if (!host.empty()) options.address.host = host;
    if (port < 0 || port > UINT16_MAX) return invalid_argument("--port {} is no port", port);
    if (port != 0) options.address.port = static_cast<uint16_t>(port);
    if (!command.empty()) options.commands.push_back(command);
    options.format = PENSTOCK_TRY(parse_output_format(format));
    return {};
  };
  if (const Status prepared = prepare(); !prepared) {
    fmt::print(stderr, "penstock sql: {}\n", prepared.error().to_string());
    return kShellNoConnection;
  }
  return run_shell(options);
}

int show_config(Arguments arguments) {
  const auto loaded = load_config({.name = "config", .summary = "Shows the configuration."}, with_long_flags(arguments),
                                  process_environment());
  if (const auto status = settled(loaded)) return *status;
  fmt::print("{}", describe_config(*loaded));
  return 0;
}

int run(Arguments arguments) {
  const std::string command = arguments.empty() ? "help" : arguments[0];
  const Arguments rest = arguments.empty() ? arguments : arguments.subspan(1);
  if (command == "serve") return serve(rest);
  if (command == "demo") return demo(rest);
  if (command == "bench") return bench(rest);
  if (command == "sql") return sql(rest);
  if (command == "config") return show_config(rest);
  if (command == "version" || command == "--version") {
    fmt::print("penstock {}\n", kVersion);
    return 0;
  }
  const bool asked = command == "help" || command == "--help" || command == "-h";
  if (!asked) {
    const std::string hint = did_you_mean(command, {"serve", "demo", "sql", "bench", "config", "version"});
    fmt::print(stderr, "penstock: unknown command \"{}\"{}{}\n\n", command, hint.empty() ? "" : "; ", hint);
  }
  fmt::print(asked ? stdout : stderr, "{}", kUsage);
  return asked ? 0 : 2;
}

}  // namespace
}  // namespace penstock::app

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return penstock::app::run(arguments);
}
