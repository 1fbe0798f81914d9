#include "app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "app/config_settings.h"

namespace penstock::app {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Texts = std::vector<std::string>;

class ConfigTest : public ::testing::Test {
 protected:
  ~ConfigTest() override { std::filesystem::remove(path_); }

  std::string write_file(std::string_view text) {
    std::ofstream(path_, std::ios::binary) << text;
    return path_;
  }
  Result<LoadedConfig> load(const Texts& arguments, const Texts& environment = {}) {
    return load_config(command_, arguments, environment);
  }
  // The error's text, or "" when there was none.
  std::string error(const Texts& arguments, const Texts& environment = {}) {
    const auto loaded = load(arguments, environment);
    return loaded ? "" : loaded.error().to_string();
  }
  std::string file_error(std::string_view text) {
    std::string message = error({"--config", write_file(text)});
    if (message.starts_with(path_)) message.erase(0, path_.size());
    return message;
  }

  Command command_{.name = "serve", .summary = "Runs the server."};
  const std::string path_ = testing::TempDir() + "penstock_config_test." + std::to_string(getpid()) + ".toml";
};

TEST_F(ConfigTest, HasDefaults) {
  const auto loaded = load({});
  ASSERT_TRUE(loaded);
  const Config& config = loaded->config;
  EXPECT_EQ(to_string(config.kafka.listen), "127.0.0.1:9092");
  EXPECT_EQ(config.kafka.advertise, config.kafka.listen);
  EXPECT_EQ(to_string(config.pg.listen), "127.0.0.1:7432");
  EXPECT_EQ(to_string(config.http.listen), "127.0.0.1:7480");
  EXPECT_EQ(config.kafka.request_bytes_max, size_t{100} << 20);
  EXPECT_GE(config.workers, 1);
  EXPECT_GT(config.memory_limit, 0U);
  EXPECT_EQ(config.open_files_reserve, 256);
  EXPECT_GE(config.kafka.requests_bytes_max, config.kafka.request_bytes_max);
  EXPECT_TRUE(loaded->help.empty());
}

TEST_F(ConfigTest, ClientsAndJobsGetSharesOfTheMemory) {
  const auto small = load({"--memory-limit=800MiB"});
  ASSERT_TRUE(small);
  EXPECT_EQ(small->config.kafka.requests_bytes_max, size_t{200} << 20);
  EXPECT_EQ(small->config.kafka.responses_bytes_max, size_t{100} << 20);
  EXPECT_EQ(small->config.pg.messages_bytes_max, size_t{100} << 20);
  EXPECT_EQ(small->config.sql.state_bytes_max, size_t{600} << 20);
  EXPECT_EQ(small->config.sql.job_state_bytes_max, size_t{400} << 20);
  const auto large =
      load({"--memory-limit=100GiB", "--kafka-responses-bytes-max=1MiB", "--sql-job-state-bytes-max=2MiB"});
  ASSERT_TRUE(large);
  EXPECT_EQ(large->config.kafka.requests_bytes_max, size_t{512} << 20);
  EXPECT_EQ(large->config.kafka.responses_bytes_max, size_t{1} << 20);
  EXPECT_EQ(large->config.sql.job_state_bytes_max, size_t{2} << 20);
  const auto tiny = load({"--memory-limit=64MiB"});
  ASSERT_TRUE(tiny);
  EXPECT_EQ(tiny->config.kafka.requests_bytes_max, tiny->config.kafka.request_bytes_max) << "one request fits";
}

TEST_F(ConfigTest, AFlagGoesBeforeTheEnvironmentAndThatBeforeTheFile) {
  const std::string file = write_file("workers = 1\n[kafka]\ndefault_partitions = 1\nconnections_max = 1\n");
  const auto loaded =
      load({"--config", file, "--workers=3"}, {"PENSTOCK_WORKERS=2", "PENSTOCK_KAFKA_DEFAULT_PARTITIONS=2"});
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->config.workers, 3);
  EXPECT_EQ(loaded->config.kafka.default_partitions, 2);
  EXPECT_EQ(loaded->config.kafka.connections_max, 1);
  EXPECT_EQ(loaded->config.pg.connections_max, Config().pg.connections_max);
  EXPECT_THAT(describe_config(*loaded),
              AllOf(HasSubstr("workers = 3"), HasSubstr("# flag --workers\n"),
                    HasSubstr("# environment PENSTOCK_KAFKA_DEFAULT_PARTITIONS\n"), HasSubstr("# " + file + ":4\n")));
}

TEST_F(ConfigTest, TheEnvironmentMayNameTheFile) {
  const std::string file = write_file("data_dir = 'x'");
  EXPECT_EQ(load({}, {"PENSTOCK_CONFIG=" + file})->config.data_dir, "x");
  EXPECT_THAT(error({}, {"PENSTOCK_CONFIG=/no/such.toml"}), HasSubstr("/no/such.toml: cannot read"));
  EXPECT_EQ(load({"--config=" + file}, {"PENSTOCK_CONFIG=/no/such.toml"})->config.data_dir, "x");
  EXPECT_THAT(error({"--config", "/"}), HasSubstr("cannot read"));
}

// Whatever is written by describe_config() reads back as the same: it names every setting in every type.
TEST_F(ConfigTest, DescriptionsAreFiles) {
  const auto first =
      load({"--data-dir", "a \"b\"\\c\n\u20ac", "--log-level=error", "--log-format=json", "--memory-limit", "123456789",
            "--kafka-auto-create-topics=false", "--pg-listen=[::1]:0", "--http-allowed-hosts=a.example, b"});
  ASSERT_TRUE(first) << first.error().to_string();
  const auto second = load({"--config", write_file(describe_config(*first))});
  ASSERT_TRUE(second) << second.error().to_string();
  Config a = first->config;
  Config b = second->config;
  for (const Setting& setting : settings()) EXPECT_EQ(toml_text(setting.value(a)), toml_text(setting.value(b)));
  EXPECT_EQ(second->config.data_dir, "a \"b\"\\c\n\u20ac");
  EXPECT_EQ(second->config.log.level, logging::Level::kError);
  EXPECT_EQ(second->config.memory_limit, 123456789U);
  EXPECT_FALSE(second->config.kafka.auto_create_topics);
  EXPECT_THAT(second->config.http.allowed_hosts, ElementsAre("a.example", "b"));
}

TEST_F(ConfigTest, BytesTakeUnits) {
  const auto bytes = [&](const std::string& text) {
    const auto loaded = load({"--kafka-request-bytes-max=" + text});
    return loaded ? loaded->config.kafka.request_bytes_max : 0;
  };
  EXPECT_EQ(bytes("1024"), 1024U);
  EXPECT_EQ(bytes("1K"), 1024U);
  EXPECT_EQ(bytes("3MiB"), size_t{3} << 20);
  EXPECT_EQ(bytes("1 GiB"), size_t{1} << 30);
  EXPECT_EQ(bytes("2147483647B"), 2147483647U);
  for (const std::string bad : {"", "K", "-1K", "1KB", "1.5M", "1e6", "0x400", "9999999999999T", "1M M", "1023", "2G",
                                "99999999999999999999"}) {
    EXPECT_EQ(bytes(bad), 0U) << bad;
  }
  EXPECT_THAT(
      error({"--memory-limit=1KB"}),
      HasSubstr("flag --memory-limit: memory_limit must be a number of bytes such as 67108864, 64M or 64MiB, not "
                "\"1KB\""));
}

TEST_F(ConfigTest, RefusesWrongValuesAndSaysWhere) {
  EXPECT_EQ(error({"--workers=many"}), "flag --workers: workers must be an integer, not \"many\"");
  EXPECT_EQ(error({"--workers", "257"}), "flag --workers: workers must be between 0 and 256, not \"257\"");
  EXPECT_EQ(error({"--workers", "-1"}), "flag --workers: workers must be between 0 and 256, not \"-1\"");
  EXPECT_EQ(error({}, {"PENSTOCK_WORKERS="}), "environment PENSTOCK_WORKERS: workers must be an integer, not \"\"");
  EXPECT_EQ(error({"--workers=1 "}), "flag --workers: workers must be an integer, not \"1 \"");
  EXPECT_EQ(error({"--log-level=loud"}),
            "flag --log-level: log.level must be debug|info|warning|error|off, not \"loud\"");
  EXPECT_EQ(error({"--kafka-auto-create-topics=maybe"}),
            "flag --kafka-auto-create-topics: kafka.auto_create_topics must be true or false, not \"maybe\"");
  EXPECT_THAT(error({"--pg-listen=nowhere"}), HasSubstr("flag --pg-listen: pg.listen: "));
  EXPECT_THAT(error({"--data-dir="}), HasSubstr("--data-dir: 1 required TEXT missing"));
  EXPECT_EQ(error({}, {"PENSTOCK_DATA_DIR="}),
            "environment PENSTOCK_DATA_DIR: data_dir must be a text that is not empty, not \"\"");
}

TEST_F(ConfigTest, FilesHaveTypes) {
  EXPECT_EQ(file_error("\n\nworkers = '2'"), ":3: workers must be an integer, not \"2\"");
  EXPECT_EQ(file_error("workers = true"), ":1: workers must be an integer, not true");
  EXPECT_EQ(file_error("data_dir = 5"), ":1: data_dir must be a text, not 5");
  EXPECT_EQ(file_error("workers = 2.5"), ":1: workers must be a text, an integer, true, false or an array of texts");
  EXPECT_EQ(file_error("workers = [2]"), ":1: workers must be a text, an integer, true, false or an array of texts");
  EXPECT_EQ(file_error("memory_limit = ['1G']"), ":1: memory_limit must be one value, not 1G");
  EXPECT_EQ(file_error("[http]\nallowed_hosts = 'a,b'"),
            ":2: http.allowed_hosts must be an array of texts, not \"a,b\"");
  EXPECT_EQ(file_error("[kafka]\nauto_create_topics = 'true'"),
            ":2: kafka.auto_create_topics must be true or false, not \"true\"");
  EXPECT_EQ(file_error("[kafka]\nlisten = 9092"),
            ":2: kafka.listen must be an address such as \"127.0.0.1:9092\", not 9092");
  EXPECT_EQ(file_error("memory_limit = '1GiB'\nworkers=2\n[journal]\nsegment_bytes = 1048576"), "");
}

TEST_F(ConfigTest, AListIsWrittenWithCommasOrAsAnArray) {
  const auto hosts = [](const Result<LoadedConfig>& loaded) {
    return loaded ? loaded->config.http.allowed_hosts : Texts{loaded.error().to_string()};
  };
  EXPECT_THAT(hosts(load({})), ElementsAre());
  EXPECT_THAT(hosts(load({"--http-allowed-hosts=a.example,b-2.example"})), ElementsAre("a.example", "b-2.example"));
  EXPECT_THAT(hosts(load({}, {"PENSTOCK_HTTP_ALLOWED_HOSTS=a , ,b,"})), ElementsAre("a", "b"));
  const std::string file = write_file("[http]\nallowed_hosts = ['a', 'b']");
  EXPECT_THAT(hosts(load({"--config", file})), ElementsAre("a", "b"));
  EXPECT_THAT(hosts(load({"--config", file}, {"PENSTOCK_HTTP_ALLOWED_HOSTS="})), ElementsAre());
}

TEST_F(ConfigTest, AllowedHostsAreNames) {
  for (const std::string bad : {"*.example.com", "a.example:7480", "http://a.example", "[::1]", "a b"}) {
    EXPECT_THAT(error({"--http-allowed-hosts=good," + bad}),
                HasSubstr("http.allowed_hosts: \"" + bad + "\" is no host name"));
  }
}

TEST_F(ConfigTest, UnknownNamesGetASuggestion) {
  EXPECT_EQ(error({"--worker=2"}), "penstock serve has no flag --worker (hint: did you mean \"--workers\"?)");
  EXPECT_EQ(error({"--kafka.listen", "x"}),
            "penstock serve has no flag --kafka.listen (hint: did you mean \"--kafka-listen\"?)");
  EXPECT_EQ(error({"--zzzzzzzzzzzzzzzz"}), "penstock serve has no flag --zzzzzzzzzzzzzzzz");
  EXPECT_EQ(error({"extra"}), "penstock serve takes no argument \"extra\"");
  EXPECT_EQ(file_error("[kafka]\nlissten = 'x:1'"),
            ":2: there is no setting kafka.lissten (hint: did you mean \"kafka.listen\"?)");
  EXPECT_EQ(file_error("[nonsense.deep]\nx = 1"), ":2: there is no setting nonsense.deep.x");
  EXPECT_EQ(file_error("kafka = 1"), ":1: there is no setting kafka");
}

TEST_F(ConfigTest, VariablesThatAreAllButASettingAreRefused) {
  const auto error_of = [&](const std::string& variable) {
    const auto loaded = load({}, {variable});
    return loaded ? "" : loaded.error().to_string();
  };
  EXPECT_EQ(error_of("PENSTOCK_WORKER=2"),
            "environment: there is no setting PENSTOCK_WORKER (hint: did you mean PENSTOCK_WORKERS?)");
  EXPECT_EQ(error_of("PENSTOCK_KAFKA_LISTN=127.0.0.1:1"),
            "environment: there is no setting PENSTOCK_KAFKA_LISTN (hint: did you mean PENSTOCK_KAFKA_LISTEN?)");
  EXPECT_EQ(error_of("PENSTOCK_MEMORY_LIMITS=1GiB"),
            "environment: there is no setting PENSTOCK_MEMORY_LIMITS (hint: did you mean PENSTOCK_MEMORY_LIMIT?)");
}

TEST_F(ConfigTest, VariablesThatBeginLikeSettingsAreWarnings) {
  const auto loaded = load({}, {"PENSTOCK_KAFKA_NOTHING_LIKE_IT=1", "PENSTOCK_KAFKA_PORT=tcp://10.0.0.1:9092",
                                "PENSTOCK_HTTP_SERVICE_HOST=10.0.0.1", "PENSTOCK_LOG_PORT=tcp://10.0.0.1:1"});
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->warnings.size(), 4U);
  EXPECT_EQ(loaded->warnings.front(), "PENSTOCK_KAFKA_NOTHING_LIKE_IT is no setting");
}

TEST_F(ConfigTest, VariablesThatLookLikeNoSettingAreNotSpokenOf) {
  const auto loaded = load({}, {"PENSTOCK_PORT_9092_TCP=tcp://10.0.0.1", "PENSTOCK_SERVICE_HOST=10.0.0.1",
                                "PENSTOCK_BIN=build/asan/penstock", "PENSTOCK_SOAK=1", "PENSTOCKS=1", "HOME=/"});
  ASSERT_TRUE(loaded);
  EXPECT_THAT(loaded->warnings, ElementsAre());
}

TEST_F(ConfigTest, BrokenFilesAreRefused) {
  EXPECT_THAT(file_error("workers = 1\nworkers = 2"), HasSubstr(":2: this is no TOML"));
  EXPECT_THAT(file_error("[kafka\n"), HasSubstr(":1: this is no TOML"));
  EXPECT_THAT(file_error("[*kafka]"), HasSubstr(":1: this is no TOML"));
  EXPECT_THAT(file_error("x = \"\xff\""), HasSubstr("this is no TOML"));
  EXPECT_THAT(file_error("x = " + std::string(100'000, '[')), HasSubstr("this is no TOML"));
  EXPECT_THAT(file_error(std::string(2 << 20, '#')), HasSubstr("larger than"));
  EXPECT_EQ(file_error(""), "");
}

TEST_F(ConfigTest, DamagedFilesNeverDoMoreThanFail) {
  const std::string good = describe_config(*load({}));
  std::mt19937 random(5);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string text = good;
    for (int n = 0; n < 3; ++n) text[random() % text.size()] = static_cast<char>(random());
    refused += file_error(text).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 50);
}

TEST_F(ConfigTest, EveryInterfaceNeedsAnAdvertisedAddress) {
  for (const std::string listen : {":9092", "*:9092", "0.0.0.0:9092", "[::]:9092"}) {
    EXPECT_THAT(error({"--kafka-listen", listen}),
                HasSubstr("kafka.advertise must be an address that clients can reach"));
  }
  const auto loaded = load({"--kafka-listen=:1234", "--kafka-advertise=host:0"});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(to_string(loaded->config.kafka.advertise), "host:1234");
}

TEST_F(ConfigTest, CommandsHaveFlagsAndArgumentsOfTheirOwn) {
  bool quiet = false;
  int64_t rate = 100;
  double share = 0.5;
  std::string name = "x";
  Texts files;
  command_ = {.name = "demo",
              .summary = "Shows it.",
              .flags = {{"quiet", "say less", &quiet},
                        {"rate", "events a second", &rate},
                        {"share", "of it", &share},
                        {"name", "of it", &name}},
              .arguments = &files,
              .arguments_name = "FILE"};
  ASSERT_EQ(error({"a.sql", "--rate", "5", "--quiet", "--workers=2", "--", "-b.sql"}), "");
  EXPECT_TRUE(quiet);
  EXPECT_EQ(rate, 5);
  EXPECT_EQ(share, 0.5);
  EXPECT_THAT(files, ElementsAre("a.sql", "-b.sql"));
  EXPECT_THAT(error({"--rate=fast"}), HasSubstr("penstock demo: "));
  EXPECT_THAT(error({"--rate"}), HasSubstr("penstock demo: "));
  EXPECT_EQ(error({"--rat=5"}), "penstock demo has no flag --rat (hint: did you mean \"--rate\"?)");
  command_.takes_settings = false;
  EXPECT_EQ(error({"--workers=2"}), "penstock demo has no flag --workers");
}

TEST_F(ConfigTest, HelpNamesEverySetting) {
  const auto loaded = load({"--help"});
  ASSERT_TRUE(loaded);
  for (const Setting& setting : settings()) EXPECT_THAT(loaded->help, HasSubstr(setting.flag()));
  EXPECT_THAT(loaded->help, HasSubstr("penstock serve"));
  EXPECT_THAT(loaded->help, HasSubstr("(default: \"127.0.0.1:9092\")"));
  EXPECT_EQ(load({"-h"})->help, loaded->help);
}

TEST_F(ConfigTest, NamesAreUniqueAndDefaultsAreInRange) {
  std::set<std::string> flags;
  std::set<std::string> variables;
  std::set<SettingValue> places;
  Config config = load({})->config;
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(flags.insert(setting.flag()).second) << setting.name;
    EXPECT_TRUE(variables.insert(setting.environment()).second) << setting.name;
    EXPECT_TRUE(places.insert(setting.value(config)).second) << setting.name;
  }
}

}  // namespace
}  // namespace penstock::app
