// What small produce requests cost over a socket, on the disk of the folder for temporary files: of a client that sends
// on a schedule without waiting, and of clients that wait for each answer.
#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/logging.h"
#include "base/metrics.h"
#include "base/time.h"
#include "kafka/protocol/header.h"
#include "kafka/protocol/messages/produce.h"
#include "kafka/server.h"
#include "log/log.h"
#include "log/record_batch.h"

namespace penstock::kafka {
namespace {

constexpr size_t kValueBytes = 100;
constexpr int16_t kProduceVersion = 9;
constexpr size_t kCorrelationIdAt = 8;  // in a frame with its length

// A server over a log in a directory that goes with the object.
class Server {
 public:
  explicit Server(int64_t commit_interval_us) {
    logging::configure(logging::Level::kWarning, logging::Format::kLogfmt);
    std::string pattern = std::filesystem::temp_directory_path() / "penstock-bench-XXXXXX";
    PENSTOCK_CHECK(mkdtemp(pattern.data()) != nullptr, "no temporary directory");
    directory_ = pattern;
    log_ =
        *log::Log::open(io::posix_env(), directory_, {.commit_interval_us = commit_interval_us, .metrics = &metrics_});
    PENSTOCK_CHECK(log_->create_topic("t", 1, {}).has_value(), "no topic");
    server_ = *KafkaServer::start(*log_, {.listen = "127.0.0.1:0"});
  }
  ~Server() {
    server_.reset();
    log_.reset();
    std::filesystem::remove_all(directory_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const { return server_->port(); }
  uint64_t commits() { return metrics_.counter("penstock_log_commits_total", "").value(); }

 private:
  std::string directory_;
  MetricsRegistry metrics_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<KafkaServer> server_;
};

class Client {
 public:
  explicit Client(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    PENSTOCK_CHECK(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "no server");
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      PENSTOCK_CHECK(n > 0, "the server has gone");
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  // Waits for answers, and gives their correlation ids to `take`.
  template <class Take>
  void receive(Take take) {
    const size_t before = buffer_.size();
    buffer_.resize(before + (64 << 10));
    const ssize_t n = recv(socket_, buffer_.data() + before, buffer_.size() - before, 0);
    PENSTOCK_CHECK(n > 0, "the server has gone");
    buffer_.resize(before + static_cast<size_t>(n));
    size_t at = 0;
    while (buffer_.size() - at >= 8 && buffer_.size() - at >= 4 + big_endian(at)) {
      take(static_cast<int32_t>(big_endian(at + 4)));
      at += 4 + big_endian(at);
    }
    buffer_.erase(0, at);
  }

 private:
  uint32_t big_endian(size_t at) const {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(buffer_[at + i]);
    return value;
  }

  const int socket_;
  std::string buffer_;
};

// A request with one record.
std::string request() {
  log::RecordBatchBuilder builder;
  builder.add(1'700'000'000'000, std::nullopt, std::string(kValueBytes, 'v'));
  const std::string batch = builder.finish();
  protocol::ProduceRequest request;
  request.acks = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.partitions.push_back({.index = 0, .records = {.pieces = {{.bytes = batch, .owner = nullptr}}}});
  return protocol::encode_request(request, kProduceVersion, 0, "bench").joined();
}

void set_correlation_id(std::string& request, int32_t id) {
  for (size_t i = 0; i < 4; ++i) request[kCorrelationIdAt + i] = static_cast<char>(id >> (24 - 8 * i));
}

double cpu_seconds(clockid_t clock) {
  timespec at{};
  clock_gettime(clock, &at);
  return static_cast<double>(at.tv_sec) + static_cast<double>(at.tv_nsec) * 1e-9;
}

double percentile_ms(std::vector<int64_t>& us, double share) {
  const auto at = us.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(us.size() - 1));
  std::ranges::nth_element(us, at);
  return static_cast<double>(*at) / 1000;
}

// `rate` requests a second for two seconds, whatever the answers do. The CPU time is the server's.
void BM_OpenLoop(benchmark::State& state) {
  const int64_t rate = state.range(0);
  const auto count = static_cast<int32_t>(2 * rate);
  Server server(state.range(1));
  Client client(server.port());
  for (auto _ : state) {
    std::vector<int64_t> latencies_us;
    latencies_us.reserve(static_cast<size_t>(count));
    double sender_cpu = 0;
    const double cpu_before = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const uint64_t commits_before = server.commits();
    const int64_t start_us = monotonic_time_us();
    const auto time_of = [&](int32_t id) { return start_us + int64_t{id} * 1'000'000 / rate; };
    std::thread sender([&] {
      std::string one = request();
      std::string due;
      for (int32_t id = 0; id < count;) {
        due.clear();
        for (; id < count && time_of(id) <= monotonic_time_us(); ++id) {
          set_correlation_id(one, id);
          due += one;
        }
        client.send_all(due);
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
      sender_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    });
    const double reader_before = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    while (latencies_us.size() < static_cast<size_t>(count)) {
      client.receive([&](int32_t id) { latencies_us.push_back(monotonic_time_us() - time_of(id)); });
    }
    const double reader_cpu = cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - reader_before;
    sender.join();
    const double cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_before - sender_cpu - reader_cpu;
    state.counters["cpu_s_per_million"] = cpu * 1e6 / count;
    state.counters["requests_per_commit"] = count / static_cast<double>(server.commits() - commits_before);
    state.counters["p50_ms"] = percentile_ms(latencies_us, 0.5);
    state.counters["p99_ms"] = percentile_ms(latencies_us, 0.99);
  }
}
BENCHMARK(BM_OpenLoop)
    ->ArgNames({"rate", "commit_interval_us"})
    ->ArgsProduct({{2'000, 10'000}, {0, 1'000}})
    ->UseRealTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// Clients that have one request under way each: the time of a request.
void BM_ClosedLoop(benchmark::State& state) {
  constexpr int kRequestsEach = 200;
  Server server(1'000);
  std::vector<std::unique_ptr<Client>> clients;
  for (int64_t i = 0; i < state.range(0); ++i) clients.push_back(std::make_unique<Client>(server.port()));
  const std::string one = request();
  const uint64_t commits_before = server.commits();
  for (auto _ : state) {
    std::vector<std::jthread> threads;
    for (const auto& client : clients) {
      threads.emplace_back([&client, &one] {
        for (int i = 0; i < kRequestsEach; ++i) {
          client->send_all(one);
          for (bool answered = false; !answered;) client->receive([&](int32_t) { answered = true; });
        }
      });
    }
  }
  const auto requests = state.iterations() * static_cast<int64_t>(clients.size()) * kRequestsEach;
  state.SetItemsProcessed(requests);
  state.counters["requests_per_commit"] =
      static_cast<double>(requests) / static_cast<double>(server.commits() - commits_before);
}
BENCHMARK(BM_ClosedLoop)->ArgName("clients")->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace penstock::kafka
